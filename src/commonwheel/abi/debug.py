"""Where a library's debug information is, and whether it tells of types.

Source: DWARF 5, sections 7.5.3 (abbreviations) and 7.6 (LEB128); System V gABI, "Section
Compression". Debug information of its own: GDB manual, "Debugging Information in Separate Files".
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

from commonwheel.elf.image import Image, malformed, open_image

DW_TAG_BASE_TYPE = 0x24
DW_FORM_IMPLICIT_CONST = 0x21
ABBREVIATIONS = b".debug_abbrev"
SHF_COMPRESSED = 0x800
ELFCOMPRESS_ZLIB = 1
# sh_flags, sh_offset and sh_size, of the fields of a section header.
FLAGS, OFFSET, SIZE = 2, 4, 5
SEVEN_BITS = 0x7F
CONTINUES = 0x80


def separate_file(folder: Path | None, build_id: str | None) -> Path | None:
    """The debug information of a build-id below a folder, as gdb looks it up."""
    if folder is None or not build_id:
        return None
    path = folder / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    return path if path.is_file() else None


def has_types(data: bytes, name: str) -> bool:
    """Whether an ELF file has debug information, and types in it.

    A library that was compiled with ``-g1`` has functions and line numbers, but no type: a
    comparison of it finds nothing, and proves nothing.

    Raises:
        ElfError: it is no ELF file, or its section headers are malformed.
    """
    image = open_image(data, name)
    raw = _section(image, ABBREVIATIONS)
    return raw is not None and DW_TAG_BASE_TYPE in _tags(raw)


def _section(image: Image, wanted: bytes) -> bytes | None:
    header, shape = image.header, image.layout.section_header
    if header.section_count == 0:
        return None
    if header.section_entry != shape.size or header.section_names >= header.section_count:
        raise malformed(image.name, "the section headers have an impossible size or name table")
    size = header.section_count * shape.size
    rows = list(shape.iter_unpack(image.cut(header.section_offset, size, "the section headers")))
    table = rows[header.section_names]
    names = image.cut(table[OFFSET], table[SIZE], "the section name table")
    for row in rows:
        if names[row[0] :].partition(b"\0")[0] == wanted:
            content = image.cut(row[OFFSET], row[SIZE], wanted.decode())
            return _inflated(image, content) if row[FLAGS] & SHF_COMPRESSED else content
    return None


def _inflated(image: Image, content: bytes) -> bytes:
    word = image.layout.word
    kind, start = word.unpack_from(content)[0], 24 if image.layout.bits == 64 else 12  # noqa: PLR2004
    if kind != ELFCOMPRESS_ZLIB:
        raise malformed(image.name, f"debug information is compressed in the unknown way {kind}")
    try:
        return zlib.decompress(content[start:])
    except zlib.error as error:
        raise malformed(image.name, f"compressed debug information is damaged: {error}") from None


def _tags(raw: bytes) -> Iterator[int]:
    """The tag of each abbreviation of all compilation units."""
    numbers = _numbers(raw)
    for code in numbers:
        if code == 0:  # the end of a unit's table, or padding
            continue
        yield next(numbers, 0)
        # DW_CHILDREN is one byte below 128, hence a number like the others.
        next(numbers, 0)
        while (attribute := next(numbers, 0)) | (form := next(numbers, 0)):
            if attribute and form == DW_FORM_IMPLICIT_CONST:
                next(numbers, 0)


def _numbers(raw: bytes) -> Iterator[int]:
    """Unsigned LEB128 numbers; a signed one is as long, and its value is not asked for."""
    value = shift = 0
    for byte in raw:
        value |= (byte & SEVEN_BITS) << shift
        shift += 7
        if not byte & CONTINUES:
            yield value
            value = shift = 0
