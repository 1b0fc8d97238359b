"""Symbol versions: DT_VERDEF and DT_VERNEED.

Source: Linux Standard Base Core, "Symbol Versioning"; U. Drepper, "ELF Symbol Versioning".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

from commonwheel.elf.dynamic import (
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    Dynamic,
)
from commonwheel.elf.image import Image, malformed

VER_FLG_BASE = 0x1
REVISION = 1
VERSION_MASK = 0x7FFF
HIDDEN = 0x8000
# A version index has 15 bits, so no sound file has more records than this in all.
MOST_RECORDS = 0x8000


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The version nodes that an object defines and needs."""

    definitions: tuple[str, ...] = ()
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    names: dict[int, str] = field(default_factory=dict)
    """Version index (from 2 on) → name, over both tables."""


def read_versions(image: Image, dynamic: Dynamic) -> Versions:
    """Both version tables.

    Raises:
        ElfError: a record lies outside its segment, or records overlap.
    """
    names: dict[int, str] = {}
    definitions: list[str] = []
    for index, name in _definitions(image, dynamic):
        names[index] = name
        definitions.append(name)
    needs: list[tuple[str, tuple[str, ...]]] = []
    for file, wanted in _needs(image, dynamic):
        names.update(wanted)
        needs.append((file, tuple(name for _, name in wanted)))
    return Versions(definitions=tuple(definitions), needs=tuple(needs), names=names)


@dataclass(kw_only=True)
class _Chain:
    """A chain of records, each with the byte distance to the next; ``left`` bounds their number."""

    image: Image
    left: int = MOST_RECORDS

    def walk(
        self, shape: Struct, address: int, count: int, what: str
    ) -> Iterator[tuple[int, tuple[int, ...]]]:
        """(address, fields) of up to ``count`` records; the last field is the distance."""
        for _ in range(count):
            self.left -= 1
            if self.left < 0:
                raise malformed(self.image.name, f"more than {MOST_RECORDS} {what}s")
            fields = shape.unpack(self.image.table(address, shape.size, f"a {what}"))
            yield address, fields
            step = fields[-1]
            if step == 0:
                return
            if step < shape.size:
                raise malformed(self.image.name, f"overlapping {what}s")
            address += step


def _shape(image: Image, fields: str) -> Struct:
    return Struct(image.layout.order + fields)


def _check_revision(image: Image, revision: int, what: str) -> None:
    # The loader refuses it, too: the fields of another one are not known.
    if revision != REVISION:
        raise malformed(image.name, f"a {what} of the unknown revision {revision}")


def _definitions(image: Image, dynamic: Dynamic) -> Iterator[tuple[int, str]]:
    start = dynamic.get(DT_VERDEF)
    if start is None:
        return
    chain = _Chain(image=image)
    record, auxiliary = _shape(image, "HHHHIII"), _shape(image, "II")
    count = dynamic.number(DT_VERDEFNUM)
    for address, fields in chain.walk(record, start, count, "version definition"):
        revision, flags, index, names, _, first, _ = fields
        _check_revision(image, revision, "version definition")
        if flags & VER_FLG_BASE:
            continue
        if names == 0:
            raise malformed(image.name, "a version definition without a name")
        # The first auxiliary record is the node's own name, the others are its parents.
        raw = image.table(address + first, auxiliary.size, "a version definition's name")
        yield index & VERSION_MASK, dynamic.string(auxiliary.unpack(raw)[0])


def _needs(image: Image, dynamic: Dynamic) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    start = dynamic.get(DT_VERNEED)
    if start is None:
        return
    chain = _Chain(image=image)
    record, auxiliary = _shape(image, "HHIII"), _shape(image, "IHHII")
    count = dynamic.number(DT_VERNEEDNUM)
    for address, fields in chain.walk(record, start, count, "version need"):
        revision, wanted, file, first, _ = fields
        _check_revision(image, revision, "version need")
        rows = chain.walk(auxiliary, address + first, wanted, "needed version")
        pairs = [(row[2] & VERSION_MASK, dynamic.string(row[3])) for _, row in rows]
        yield dynamic.string(file), pairs
