"""The two ABIs of C++ strings and lists, as mangled names show them.

Source: Itanium C++ ABI, "Mangling"; libstdc++ manual, "Dual ABI": since GCC 5, `std::string` and
`std::list` live in `std::__cxx11`, and functions that return them carry the tag `cxx11`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from commonwheel.check.inspect import Binary
from commonwheel.elf.tools import find_program
from commonwheel.process import run

# What the standard library owns, whoever holds an instance of it; and operators new and delete.
STANDARD = re.compile(r"_Z(T[VTISC]|G[VR])?(N[rVK]*[RO]?)?(S[tabsiod]|n[wa]|d[la])")
NEW = re.compile(r"B5cxx11|NSt7__cxx11")
TAG = "B5cxx11"
OLD = re.compile(r"S[sb]|St4list")
IDENTIFIER = re.compile(r"\d+")
STRING = "basic_string<char, std::char_traits<char>, std::allocator<char> >"


def spelling(symbol: str) -> str | None:
    """``old`` or ``new``, where a symbol has a string or a list in its name; else None."""
    if NEW.search(symbol):
        return "new"
    if OLD.search(symbol) and OLD.search(_without_identifiers(symbol)):
        return "old"
    return None


def _without_identifiers(symbol: str) -> str:
    """A mangled name without the names that people chose, which may hold anything."""
    kept, at = [], 0
    while match := IDENTIFIER.search(symbol, at):
        # The number of a substitution (S0_) or of a template's parameter (T1_) is no length.
        end = match.end()
        if symbol[match.start() - 1] in "ST" and symbol[end : end + 1] == "_":
            kept.append(symbol[at:end])
            at = end
            continue
        kept.append(symbol[at : match.start()])
        # St4list is how the old ABI spells a name of the standard library: that one stays.
        if symbol[match.start() - 2 : match.start()] == "St":
            kept.append(symbol[match.start() : end + int(match[0])])
        at = end + int(match[0])
    return "".join([*kept, symbol[at:]])


def mismatches(binary: Binary, libraries: Iterable[Binary]) -> Iterator[tuple[str, str, str]]:
    """Symbols that a file takes and that its libraries have in the other ABI's spelling only.

    Returns:
        (symbol, the other spelling, the member that has it) of each.

    Raises:
        ElfError: a symbol table is malformed.
        MissingProgramError: binutils is absent; it is needed only where a symbol is suspicious.
    """
    wanted = {name for name in binary.imports if name.startswith("_Z")}
    wanted = {name for name in wanted if not STANDARD.match(name)}
    if not wanted:
        return
    beside = list(libraries)
    for name in sorted(wanted.difference(*(library.exports for library in beside))):
        for library in beside:
            if other := _other_spelling(name, library):
                yield name, other, library.member
                break


def _other_spelling(name: str, library: Binary) -> str | None:
    kind = spelling(name)
    known = _spelled(library)
    if kind is None:
        # One that only returns a string has no type in its name, and in the new ABI the tag.
        return known.tagged.get(name)
    # Both begin alike, up to the first type that they spell differently.
    marks = (match.start() for pattern in (NEW, OLD) for match in pattern.finditer(name))
    starts = tuple(name[:mark] for mark in marks)
    near = [
        other for other in (known.old if kind == "new" else known.new) if other.startswith(starts)
    ]
    if kind == "new" and (bare := name.replace(TAG, "")) in library.exports:
        near.append(bare)
    if not near:
        return None
    wanted, *plain = _demangled([name, *near])
    return next((o for o, text in zip(near, plain, strict=True) if text == wanted), None)


@dataclass(frozen=True, kw_only=True)
class _Spelled:
    """The exports of a library that have a string or a list in their names.

    ``tagged`` holds, by its name in the old ABI, what differs in the tag alone.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    tagged: Mapping[str, str]


@lru_cache(maxsize=64)
def _spelled(library: Binary) -> _Spelled:
    own = [name for name in library.exports if name.startswith("_Z") and not STANDARD.match(name)]
    kinds = {name: spelling(name) for name in sorted(own)}
    return _Spelled(
        old=tuple(name for name, kind in kinds.items() if kind == "old"),
        new=tuple(name for name, kind in kinds.items() if kind == "new"),
        tagged={name.replace(TAG, ""): name for name in kinds if TAG in name},
    )


def _demangled(symbols: list[str]) -> list[str]:
    program = find_program("c++filt", hint="install it: the system package 'binutils'")
    lines = run([program, "--", *symbols]).output.splitlines()
    return [_neutral(line) for line in lines]


def _neutral(text: str) -> str:
    plain = text.replace("[abi:cxx11]", "").replace("std::__cxx11::", "std::")
    return plain.replace(f"std::{STRING}", "std::string")


def mixture(binary: Binary) -> tuple[str, str] | None:
    """A symbol of the old ABI and one of the new, where a library exports both.

    Raises:
        ElfError: its symbol table is malformed.
    """
    spelled = _spelled(binary)
    return (spelled.old[0], spelled.new[0]) if spelled.old and spelled.new else None
