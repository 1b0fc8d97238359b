"""Section names: whether an object still has debug information. All else reads program headers."""

from mmap import ACCESS_READ, mmap
from pathlib import Path

from commonwheel.elf.dynamic import text
from commonwheel.elf.image import Image, malformed, open_image
from commonwheel.errors import ElfError

OFFSET = 4
SIZE = 5


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
    try:
        with data.open("rb") as file:
            if not file.peek(1):
                raise ElfError("is empty", where=where)
            with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                return _names(open_image(content, where))
    except OSError as error:
        raise ElfError(f"cannot be read: {error.strerror}", where=where) from error


def _names(image: Image) -> frozenset[str]:
    header, shape = image.header, image.layout.section_header
    if header.section_offset == 0 or header.section_count == 0:
        return frozenset()
    size = header.section_count * shape.size
    if header.section_entry != shape.size or header.section_names >= header.section_count:
        raise malformed(image.name, "the section headers have an impossible size or name table")
    raw = image.cut(header.section_offset, size, "the section header table")
    rows = list(shape.iter_unpack(raw))
    table = rows[header.section_names]
    strings = image.cut(table[OFFSET], table[SIZE], "the section name table")
    return frozenset(text(strings[row[0] :].partition(b"\0")[0]) for row in rows)
