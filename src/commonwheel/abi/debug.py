"""Where a library's debug information is, and whether it tells of types.

Source: DWARF 5, sections 7.5.3 (abbreviations) and 7.6 (LEB128); System V gABI, "Section
Compression". Debug information of its own: GDB manual, "Debugging Information in Separate Files".
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

from commonwheel.elf.image import Image, malformed, open_image
from commonwheel.elf.sections import name_table, section_rows
from commonwheel.errors import ElfError

DW_TAG_BASE_TYPE = 0x24
DW_FORM_IMPLICIT_CONST = 0x21
ABBREVIATIONS = b".debug_abbrev"
SHF_COMPRESSED = 0x800
ELFCOMPRESS_ZLIB = 1
ELFCOMPRESS_ZSTD = 2
# ch_type, (ch_reserved), ch_size and ch_addralign.
COMPRESSION = {64: "{}I4xQ8x", 32: "{}II4x"}
# The types of the first compilation unit are among the first bytes: what is behind these, of which
# a small file may promise a thousand times its size, is not looked at.
MOST_BYTES = 16_000_000
MOST_BITS = 64
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
        ElfError: it is no ELF file, or its section headers or their content are malformed.
    """
    image = open_image(data, name)
    raw = _section(image, ABBREVIATIONS)
    return raw is not None and DW_TAG_BASE_TYPE in _tags(raw)


def _section(image: Image, wanted: bytes) -> bytes | None:
    rows = section_rows(image)
    names = name_table(image, rows).raw
    for row in rows:
        if row.name >= len(names):
            raise malformed(image.name, f"a name at {row.name:#x} of the section name table")
        if names.startswith(wanted + b"\0", row.name):
            content = image.cut(row.offset, row.size, wanted.decode())
            return _inflated(image, content) if row.flags & SHF_COMPRESSED else content[:MOST_BYTES]
    return None


def _inflated(image: Image, content: bytes) -> bytes:
    what = "compressed debug information"
    shape = Struct(COMPRESSION[image.layout.bits].format(image.layout.order))
    if len(content) < shape.size:
        raise malformed(image.name, f"{what} is shorter than its header")
    kind, size = shape.unpack_from(content)
    if kind == ELFCOMPRESS_ZSTD:
        hint = "compile with -gz=zlib, or without -gz"
        raise ElfError(f"{what} is of zstd, which is not read", where=image.name, hint=hint)
    if kind != ELFCOMPRESS_ZLIB:
        raise malformed(image.name, f"{what} is made in the unknown way {kind}")
    try:
        found = zlib.decompressobj().decompress(content[shape.size :], MOST_BYTES)
    except zlib.error as error:
        raise malformed(image.name, f"{what} is damaged: {error}") from None
    if len(found) != min(size, MOST_BYTES):
        raise malformed(image.name, f"{what} does not have the {size} bytes that it promises")
    return found


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
        # Bits beyond 64 would be a number that only grows.
        if shift < MOST_BITS:
            value |= (byte & SEVEN_BITS) << shift
        shift += 7
        if not byte & CONTINUES:
            yield value
            value = shift = 0
