"""The names in a C++ symbol that its headers must have, too.

Source: Itanium C++ ABI, "External Names (a.k.a. Mangling)".
"""

import re
from collections.abc import Iterator

LENGTH = re.compile(r"[1-9][0-9]*")
# Virtual tables, type information, guards; thunks, which carry offsets.
SPECIAL = re.compile(r"T[VTIS]|G[VR]|T[hv]n?[0-9]+_(?:n?[0-9]+_)?|Tc")
QUALIFIERS = re.compile(r"[rVKRO]+")
# Of what stands between the names of a path: substitutions, constructors, destructors, operators.
SUBSTITUTION = re.compile(r"S(?:[0-9A-Z]*_|[absiod])")
STRUCTOR = re.compile(r"C[1-5]|D[0-5]")
LITERAL = re.compile(r"L[a-z]n?[0-9]*E")
OPENING = "NIXLJF"


def path(symbol: str) -> tuple[str, ...]:
    """The names on the way to what a symbol stands for.

    ``_ZN3geo5Point4areaEv`` is geo, Point, area; a C symbol is itself; what belongs to the standard
    library is nothing. Parameters and template arguments are left out.
    """
    if not symbol.startswith("_Z"):
        return (symbol,)
    at = 2
    if match := SPECIAL.match(symbol, at):
        at = match.end()
    return tuple(_nested(symbol, at + 1) if symbol[at : at + 1] == "N" else _plain(symbol, at))


def _plain(symbol: str, at: int) -> Iterator[str]:
    if symbol[at : at + 1] == "L":  # internal linkage
        at += 1
    if name := _name(symbol, at):
        yield name


def _nested(symbol: str, at: int) -> Iterator[str]:
    if match := QUALIFIERS.match(symbol, at):
        at = match.end()
    if symbol.startswith(("St", "Sa", "Ss", "Sb", "Si", "So", "Sd"), at):
        return
    while at < len(symbol) and symbol[at] != "E":
        if name := _name(symbol, at):
            yield name
            at = _after_name(symbol, at)
        elif symbol[at] == "I":
            at = _skip(symbol, at)
        elif match := SUBSTITUTION.match(symbol, at) or STRUCTOR.match(symbol, at):
            at = match.end()
        elif symbol[at] == "B":  # an ABI tag: a name follows, which is the compiler's
            at = _after_name(symbol, at + 1)
        else:  # an operator, of two letters; what it converts to follows ``cv``
            return


def _name(symbol: str, at: int) -> str:
    match = LENGTH.match(symbol, at)
    return symbol[match.end() : match.end() + int(match[0])] if match else ""


def _after_name(symbol: str, at: int) -> int:
    match = LENGTH.match(symbol, at)
    return match.end() + int(match[0]) if match else at + 1


def _skip(symbol: str, at: int) -> int:
    """The place after the template arguments that begin here."""
    depth = 0
    while at < len(symbol):
        if match := SUBSTITUTION.match(symbol, at) or LITERAL.match(symbol, at):
            at = match.end()
            continue
        if LENGTH.match(symbol, at):
            at = _after_name(symbol, at)
            continue
        depth += symbol[at] in OPENING
        depth -= symbol[at] == "E"
        at += 1
        if depth == 0:
            break
    return at
