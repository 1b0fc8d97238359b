"""Which symbols of two ELF objects get in each other's way."""

import re
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class Strong:
    """The exported symbols of one object that can take another's place: (name, version node).

    Not weak and not unique: those are vague linkage of C++, made in every object that uses a
    template or an inline function, and meant to be one.
    """

    pairs: AbstractSet[tuple[str, str | None]]

    @cached_property
    def names(self) -> AbstractSet[str]:
        """Without versions."""
        return {name for name, _ in self.pairs}

    def nodes(self, wanted: Collection[str]) -> Mapping[str, AbstractSet[str | None]]:
        """The version nodes of some of the names."""
        found: dict[str, set[str | None]] = {name: set() for name in wanted}
        for name, version in self.pairs:
            if name in found:
                found[name].add(version)
        return found


def strong_symbols(elf: Elf) -> Strong:
    """Those of an object.

    Raises:
        ElfError: the symbol table is malformed.
    """
    return Strong(set() if elf.tables is None else elf.tables.pairs(_keep_taking))


def _keep_taking(section: int, info: int, other: int) -> bool:
    return (
        info >> 4 == GLOBAL
        and info & LOW_NIBBLE in CODE_AND_DATA
        and section != ABSOLUTE
        and keep_exported(section, info, other)
    )


def clashes(mine: Strong, theirs: Strong) -> list[str]:
    """Names that two objects define so that one can take the other's place, sorted.

    A reference with a version binds to a definition with the same version or with none, so the
    same name under two version nodes is no clash.
    """
    both = [name for name in mine.names & theirs.names if EVERYBODYS.match(name) is None]
    if not both:
        return []
    ours, its = mine.nodes(both), theirs.nodes(both)
    return sorted(name for name in both if None in ours[name] | its[name] or ours[name] & its[name])


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
