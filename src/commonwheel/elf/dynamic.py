"""The dynamic section, found by PT_DYNAMIC (gABI, chapter 5, "Dynamic Section")."""

from dataclasses import dataclass

from commonwheel.elf.image import PT_DYNAMIC, Image, malformed
from commonwheel.elf.strings import Strings

DT_NULL = 0
DT_NEEDED = 1
DT_HASH = 4
DT_STRTAB = 5
DT_SYMTAB = 6
DT_RELA = 7
DT_RELASZ = 8
DT_RELAENT = 9
DT_STRSZ = 10
DT_SYMENT = 11
DT_SONAME = 14
DT_RPATH = 15
DT_REL = 17
DT_RELSZ = 18
DT_RELENT = 19
DT_PLTRELSZ = 2
DT_PLTREL = 20
DT_TEXTREL = 22
DT_JMPREL = 23
DT_BIND_NOW = 24
DT_RUNPATH = 29
DT_FLAGS = 30
DT_GNU_HASH = 0x6FFFFEF5
DT_VERSYM = 0x6FFFFFF0
DT_FLAGS_1 = 0x6FFFFFFB
DT_VERDEF = 0x6FFFFFFC
DT_VERDEFNUM = 0x6FFFFFFD
DT_VERNEED = 0x6FFFFFFE
DT_VERNEEDNUM = 0x6FFFFFFF
DT_MIPS_SYMTABNO = 0x70000011

DF_TEXTREL = 0x4
DF_BIND_NOW = 0x8
DF_1_NOW = 0x1
DF_1_PIE = 0x08000000


@dataclass(frozen=True, kw_only=True)
class Dynamic:
    """The dynamic section: values by tag in file order, and the dynamic string table."""

    name: str
    entries: dict[int, list[int]]
    strings: Strings

    def get(self, tag: int) -> int | None:
        """The last value of ``tag``, which is the one that counts for the loader."""
        values = self.entries.get(tag)
        return values[-1] if values else None

    def number(self, tag: int) -> int:
        """The last value of ``tag``, 0 where it is absent."""
        return self.get(tag) or 0

    def string(self, offset: int) -> str:
        """The string at ``offset`` bytes into DT_STRTAB.

        Raises:
            ElfError: as :meth:`Strings.at`.
        """
        return self.strings.at(offset)

    def all_strings(self, tag: int) -> tuple[str, ...]:
        """Every value of ``tag`` as a string, in file order."""
        return tuple(self.string(offset) for offset in self.entries.get(tag, ()))

    def paths(self, tag: int) -> tuple[str, ...]:
        """DT_RPATH or DT_RUNPATH split at colons; an empty element means the working folder."""
        offset = self.get(tag)
        joined = "" if offset is None else self.string(offset)
        return tuple(joined.split(":")) if joined else ()

    def check_entry(self, tag: int, size: int, what: str) -> None:
        """Check the size of a table's entries where ``tag`` gives it.

        Raises:
            ElfError: it is not ``size`` bytes.
        """
        found = self.get(tag)
        if found not in {None, size}:
            raise malformed(self.name, f"{what} has entries of {found} bytes, not {size}")


NO_STRINGS = "a string table that is not there"


def no_dynamic(name: str) -> Dynamic:
    """The dynamic section of an object that has none."""
    return Dynamic(name=name, entries={}, strings=Strings(name=name, what=NO_STRINGS))


def read_dynamic(image: Image) -> Dynamic | None:
    """The dynamic section; None for objects without one (static programs, relocatable files).

    Raises:
        ElfError: it, or the string table, is not where the file says.
    """
    segment = image.find(PT_DYNAMIC)
    if segment is None or segment.size == 0:
        return None
    shape = image.layout.dynamic
    whole = segment.size - segment.size % shape.size
    raw = image.cut(segment.offset, whole, "the dynamic section")
    entries: dict[int, list[int]] = {}
    for tag, value in shape.iter_unpack(raw):
        if tag == DT_NULL:
            break
        entries.setdefault(tag, []).append(value)
    else:
        raise malformed(image.name, "the dynamic section has no end")
    return Dynamic(name=image.name, entries=entries, strings=_strings(image, entries))


def _strings(image: Image, entries: dict[int, list[int]]) -> Strings:
    size = entries.get(DT_STRSZ, [0])[-1]
    if DT_STRTAB not in entries or size == 0:
        return no_dynamic(image.name).strings
    what = "the dynamic string table"
    raw = image.table(entries[DT_STRTAB][-1], size, what)
    return Strings(name=image.name, what=what, raw=raw)
