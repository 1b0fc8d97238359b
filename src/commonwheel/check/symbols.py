"""Which symbols of two ELF objects get in each other's way."""

import re
from collections.abc import Iterable, Mapping

from commonwheel.elf import Elf
from commonwheel.elf.symbols import ABSOLUTE, LOW_NIBBLE, keep_exported

GLOBAL = 1
# Objects, functions, common blocks, thread-local objects, indirect functions (elf/symbols.py).
CODE_AND_DATA = frozenset({1, 2, 5, 6, 10})

# What linkers, compilers and their run-time libraries put into every object, and what a module must
# export. Of C++: type information, virtual tables, guards and operators new and delete, which are
# emitted wherever they are used, and whatever belongs to the standard library.
EVERYBODYS = re.compile(
    r"""
      _(?:init|fini|edata|end)$ | __bss_start | main$
    | PyInit_ | PyModExport_
    | __(?:cxa|gxx|gcc|gcov|register_frame|deregister_frame) | _Unwind_
    | _ZT | _ZG | _Z(?:nw|na|dl|da)
    | _ZZ?N?[rVK]*[RO]?(?:S[tabsiod]|9__gnu_cxx|10__cxxabiv1)
    """,
    re.VERBOSE,
)


def strong_symbols(elf: Elf) -> Mapping[str, frozenset[str | None]]:
    """Version nodes, by name, of the exported symbols that are this object's own.

    Not weak and not unique: those are vague linkage of C++, made in every object that uses a
    template or an inline function, and meant to be one.

    Raises:
        ElfError: the symbol table is malformed.
    """
    if elf.tables is None:
        return {}
    found: dict[str, frozenset[str | None]] = {}
    for name, version in elf.tables.pairs(_keep_strong):
        if EVERYBODYS.match(name) is None:
            found[name] = found.get(name, frozenset()) | {version}
    return found


def _keep_strong(section: int, info: int, other: int) -> bool:
    return (
        info >> 4 == GLOBAL
        and info & LOW_NIBBLE in CODE_AND_DATA
        and section != ABSOLUTE
        and keep_exported(section, info, other)
    )


def clashes(
    mine: Mapping[str, frozenset[str | None]], theirs: Mapping[str, frozenset[str | None]]
) -> list[str]:
    """Names that two objects define so that one can take the other's place, sorted.

    A reference with a version binds to a definition with the same version or with none, so the
    same name under two version nodes is no clash.
    """
    return sorted(
        name
        for name in mine.keys() & theirs.keys()
        if None in mine[name] or None in theirs[name] or mine[name] & theirs[name]
    )


def reached(start: Elf, needed: Mapping[str, Elf]) -> set[str]:
    """SONAMEs of all that is loaded with an object, itself left out.

    Args:
        start: the object.
        needed: the objects that are known, by what DT_NEEDED says to mean them.
    """
    found: set[str] = set()
    waiting = list(start.needed)
    while waiting:
        soname = waiting.pop()
        if soname in found:
            continue
        found.add(soname)
        if soname in needed:
            waiting += needed[soname].needed
    return found


def some(names: Iterable[str], shown: int = 3) -> str:
    """The first few of many: ``a, b, c, …``."""
    every = list(names)
    return ", ".join([*every[:shown], *(["…"] if len(every) > shown else [])])


def counted(number: int, what: str) -> str:
    """``1 symbol``, ``2 symbols``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
