"""Section headers: for debug information alone. All else reads program headers."""

from pathlib import Path
from typing import NamedTuple

from commonwheel.elf.image import Image, malformed, map_file, open_image
from commonwheel.elf.strings import Strings

SHN_XINDEX = 0xFFFF


class Section(NamedTuple):
    """A section header as it stands in the file; offset and sizes in bytes."""

    name: int
    """Offset of its name in the section name table."""
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


def section_names(data: bytes | Path, *, name: str | None = None) -> frozenset[str]:
    """The names of all sections; empty for an object without section headers.

    Args:
        data: the file's path, or its whole content.
        name: what errors call it; its path, or ``<bytes>``, when None.

    Raises:
        ElfError: it is not ELF, cannot be read, or its section headers are malformed.
    """
    if isinstance(data, bytes):
        return _names(open_image(data, name or "<bytes>"))
    where = name or str(data)
    with map_file(data, where) as content:
        return _names(open_image(content, where))


def _names(image: Image) -> frozenset[str]:
    rows = section_rows(image)
    strings = name_table(image, rows)
    return frozenset(strings.at(row.name) for row in rows)


def section_rows(image: Image) -> list[Section]:
    """All section headers; none for an object without them.

    Raises:
        ElfError: they are not in the file, or have another size than those of its class.
    """
    header, shape = image.header, image.layout.section_header
    if header.section_offset == 0 or header.section_count == header.section_entry == 0:
        return []
    if header.section_entry != shape.size:
        msg = f"section headers of {header.section_entry} bytes, not {shape.size}"
        raise malformed(image.name, msg)
    what = "the section header table"
    count = header.section_count
    if count == 0:
        # There are more than the ELF header can say (gABI, "ELF Header", e_shnum).
        first = image.cut(header.section_offset, shape.size, what)
        count = Section._make(shape.unpack(first)).size
    raw = image.cut(header.section_offset, count * shape.size, what)
    return [Section._make(fields) for fields in shape.iter_unpack(raw)]


def name_table(image: Image, rows: list[Section]) -> Strings:
    """The table that holds the sections' names.

    Raises:
        ElfError: there is none, or it is not in the file.
    """
    what = "the section name table"
    if not rows:
        return Strings(name=image.name, what=what)
    index = image.header.section_names
    if index == SHN_XINDEX:
        index = rows[0].link
    if index >= len(rows):
        raise malformed(image.name, f"{what} is section {index} of {len(rows)}")
    row = rows[index]
    return Strings(name=image.name, what=what, raw=image.cut(row.offset, row.size, what))
