"""Dynamic symbols, parsed only when they are asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import NamedTuple, TypeAlias

from commonwheel.elf.count import symbol_count
from commonwheel.elf.dynamic import DT_SYMENT, DT_SYMTAB, DT_VERSYM, Dynamic
from commonwheel.elf.image import Image, Layout, malformed
from commonwheel.elf.strings import SHARED, text
from commonwheel.elf.versions import HIDDEN, Versions
from commonwheel.errors import ElfError

UNDEFINED = 0
ABSOLUTE = 0xFFF1
UNVERSIONED = 1
LOW_NIBBLE = 0xF
VISIBILITY_MASK = 0x3
MOST_TEXT = 64_000_000
"""Bytes of names that any symbol table may have, beyond SHARED times its own size."""

TYPES = {
    0: "notype",
    1: "object",
    2: "func",
    3: "section",
    4: "file",
    5: "common",
    6: "tls",
    10: "ifunc",
}
BINDINGS = {0: "local", 1: "global", 2: "weak", 10: "unique"}
VISIBILITIES = ("default", "internal", "hidden", "protected")
KINDS = tuple(
    (BINDINGS.get(info >> 4, "other"), TYPES.get(info & LOW_NIBBLE, "other")) for info in range(256)
)

GLOBAL = 1
EXPORTED_BINDINGS = frozenset({1, 2, 10})
EXPORTED_VISIBILITIES = frozenset({0, 3})

Keep: TypeAlias = Callable[[int, int, int], bool]
"""(section index, info, other) of a symbol → whether it is wanted."""


def keep_all(_section: int, _info: int, _other: int) -> bool:
    """Every symbol."""
    return True


def keep_exported(section: int, info: int, other: int) -> bool:
    """Defined, and open to other objects."""
    return (
        section != UNDEFINED
        and info >> 4 in EXPORTED_BINDINGS
        and other & VISIBILITY_MASK in EXPORTED_VISIBILITIES
    )


def keep_undefined(section: int, info: int, _other: int) -> bool:
    """Taken from other objects."""
    return section == UNDEFINED and info >> 4 != 0


def keep_strong(section: int, info: int, _other: int) -> bool:
    """Taken from other objects, which must have it."""
    return section == UNDEFINED and info >> 4 == GLOBAL


class Symbol(NamedTuple):
    """One dynamic symbol.

    A tuple and not a dataclass: 213,000 of them are made in a third of the time.
    """

    name: str
    version: str | None
    """Version node, of its own object when defined, of the provider when not."""
    default: bool
    """Not hidden: ``name@@version``, what a linker binds to by the bare name."""
    binding: str
    """local, global, weak, unique or other."""
    type: str
    """notype, object, func, section, file, common, tls, ifunc or other."""
    defined: bool
    size: int
    """Bytes."""
    absolute: bool
    """In no section (SHN_ABS)."""
    visibility: str
    """default, internal, hidden or protected."""
    value: int
    """Address of what is defined, in the file's own reckoning."""


@dataclass(frozen=True, kw_only=True)
class SymbolTables:
    """Copies of the tables that hold the symbols; the file itself is closed."""

    name: str
    layout: Layout
    symbols: bytes
    strings: bytes
    versions: bytes
    """DT_VERSYM: one 16-bit word per symbol; empty for an unversioned object."""
    version_names: dict[int, str] = field(default_factory=dict)

    def parse(self, keep: Keep = keep_all) -> tuple[Symbol, ...]:
        """The symbols that ``keep`` wants, without the null one, in table order.

        Raises:
            ElfError: a name lies outside the string table, or a version index is defined nowhere.
        """
        self._check_names()
        try:
            found = self._parse(keep)
        except (ValueError, KeyError) as error:
            raise self._out_of_range(error) from None
        if self.strings.isascii():
            return tuple(found)
        return tuple(symbol._replace(name=text(symbol.name.encode("latin-1"))) for symbol in found)

    def _parse(self, keep: Keep) -> list[Symbol]:
        # Latin-1 maps bytes to characters one to one: one decoding in place of one per symbol.
        # tuple.__new__ spares the call into NamedTuple's own __new__. Both measured: -25 %.
        strings = self.strings.decode("latin-1")
        end, new, nodes = strings.index, tuple.__new__, self._nodes()
        return [
            new(
                Symbol,
                (
                    strings[offset : end("\0", offset)],
                    *nodes[index],
                    *KINDS[info],
                    section != UNDEFINED,
                    size,
                    section == ABSOLUTE,
                    VISIBILITIES[other & VISIBILITY_MASK],
                    value,
                ),
            )
            for (offset, info, other, section, value, size), (index,) in islice(
                zip(self._rows(), self._versions(), strict=False), 1, None
            )
            if keep(section, info, other)
        ]

    def pairs(self, keep: Keep) -> set[tuple[str, str | None]]:
        """(name, version) of the symbols that ``keep`` wants: for look-ups, twice as fast.

        Raises:
            ElfError: as :meth:`parse`.
        """
        if not self.strings.isascii():
            return {(symbol.name, symbol.version) for symbol in self.parse(keep)}
        self._check_names()
        strings = self.strings.decode("ascii")
        end, nodes = strings.index, self._nodes()
        rows = islice(zip(self._rows(), self._versions(), strict=False), 1, None)
        try:
            return {
                (strings[row[0] : end("\0", row[0])], nodes[index][0])
                for row, (index,) in rows
                if keep(row[3], row[1], row[2])
            }
        except (ValueError, KeyError) as error:
            raise self._out_of_range(error) from None

    def _check_names(self) -> None:
        """Refuse names that overlap so much that they need more memory than a file warrants."""
        count = len(self.symbols) // self.layout.symbol.size
        left = MOST_TEXT + SHARED * (len(self.symbols) + len(self.strings))
        if not _has_name_of(left // count, self.strings):
            return
        # So long a name is rare: only then is each one measured.
        for offset, *_ in self._rows():
            left -= max(self.strings.find(b"\0", offset), offset) - offset
            if left < 0:
                raise malformed(self.name, "the names of symbols overlap beyond all measure")

    def _out_of_range(self, error: Exception) -> ElfError:
        msg = f"a symbol's name or version index is out of range ({error})"
        return malformed(self.name, msg)

    def _rows(self) -> Iterator[tuple[int, ...]]:
        """(name offset, info, other, section, value, size) of each symbol."""
        rows = self.layout.symbol.iter_unpack(self.symbols)
        if self.layout.bits == 64:  # noqa: PLR2004
            return rows
        return ((row[0], *row[3:], *row[1:3]) for row in rows)

    def _versions(self) -> Iterator[tuple[int]]:
        if not self.versions:
            return repeat((UNVERSIONED,))
        return self.layout.half.iter_unpack(self.versions)

    def _nodes(self) -> dict[int, tuple[str | None, bool]]:
        """DT_VERSYM's word → (version, default)."""
        names: dict[int, str | None] = {**self.version_names, 0: None, UNVERSIONED: None}
        shown: dict[int, tuple[str | None, bool]] = {i: (name, True) for i, name in names.items()}
        return shown | {index | HIDDEN: (name, False) for index, name in names.items()}


def _has_name_of(size: int, strings: bytes) -> bool:
    """Whether ``size`` bytes or more are without a NUL; looks at a few bytes in ``size``."""
    at = 0
    while at + size <= len(strings):
        found = strings.rfind(b"\0", at, at + size)
        if found < 0:
            return True
        at = found + 1
    return False


def symbol_tables(image: Image, dynamic: Dynamic, versions: Versions) -> SymbolTables | None:
    """The tables of one object; None where it has no dynamic symbols.

    Raises:
        ElfError: a table is not wholly in the file.
    """
    address = dynamic.get(DT_SYMTAB)
    if address is None or (count := symbol_count(image, dynamic)) == 0:
        return None
    what = "the dynamic symbol table"
    dynamic.check_entry(DT_SYMENT, image.layout.symbol.size, what)
    size = count * image.layout.symbol.size
    start = dynamic.get(DT_VERSYM)
    per_version = image.layout.half.size * count
    return SymbolTables(
        name=image.name,
        layout=image.layout,
        symbols=image.table(address, size, what),
        strings=dynamic.strings.raw,
        versions=b"" if start is None else image.table(start, per_version, "DT_VERSYM"),
        version_names=versions.names,
    )
