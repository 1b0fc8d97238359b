"""How many dynamic symbols an object has, without section headers.

The dynamic section gives the symbol table's address, never its length. DT_GNU_HASH, which the
loader prefers, covers defined symbols only, and these come last; DT_HASH covers all. Where the
former is empty and the latter absent, the relocations name the highest symbol that anything uses,
and section headers, if there are any, tell the rest.
"""

from collections.abc import Iterator
from itertools import chain

from commonwheel.elf.dynamic import (
    DT_GNU_HASH,
    DT_HASH,
    DT_JMPREL,
    DT_MIPS_SYMTABNO,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELAENT,
    DT_RELASZ,
    DT_RELENT,
    DT_RELSZ,
    DT_SYMTAB,
    Dynamic,
)
from commonwheel.elf.image import Image, malformed
from commonwheel.elf.sections import section_rows
from commonwheel.errors import ElfError

EM_MIPS = 8
EM_S390 = 22
EM_ALPHA = 0x9026
GNU_HASH_HEADER = 4
END_OF_CHAIN = 1
SHT_DYNSYM = 11
WORD = 4


def symbol_count(image: Image, dynamic: Dynamic) -> int:
    """Number of entries of DT_SYMTAB, the null symbol included.

    Raises:
        ElfError: a hash table or relocation table is not in the file.
    """
    if image.header.machine == EM_MIPS and (count := dynamic.get(DT_MIPS_SYMTABNO)) is not None:
        return count
    covered, below = 0, 0
    if (address := dynamic.get(DT_GNU_HASH)) is not None:
        covered, below = _from_gnu_hash(image, address)
    if covered:
        return covered
    if (address := dynamic.get(DT_HASH)) is not None:
        return _from_hash(image, address)
    return max(below, _from_relocations(image, dynamic), _from_sections(image, dynamic))


def _from_hash(image: Image, address: int) -> int:
    # Alpha and 64-bit S/390 alone use 64-bit words here.
    odd = image.header.machine in {EM_S390, EM_ALPHA}
    word = image.layout.native if odd else image.layout.word
    raw = image.table(address, 2 * word.size, "DT_HASH")
    return int(word.unpack_from(raw, word.size)[0])


def _from_gnu_hash(image: Image, address: int) -> tuple[int, int]:
    """(symbols up to the last hashed one or 0, symbols below the first hashed one)."""
    raw = image.table(address, GNU_HASH_HEADER * WORD, "DT_GNU_HASH")
    buckets, offset, bloom, _ = image.layout.words(GNU_HASH_HEADER).unpack(raw)
    start = address + GNU_HASH_HEADER * WORD + bloom * image.layout.native.size
    raw = image.table(start, buckets * WORD, "DT_GNU_HASH's buckets") if buckets else b""
    last = max(image.layout.words(buckets).unpack(raw), default=0)
    if last == 0:
        return 0, offset
    if last < offset:
        raise malformed(image.name, "DT_GNU_HASH has a bucket below its first symbol")
    tail = start + (buckets + last - offset) * WORD
    return last + _chain_length(image, tail), offset


def _chain_length(image: Image, address: int) -> int:
    where, available = image.locate(address, "DT_GNU_HASH's chain")
    # The last chain is short: read on only while its end has not been seen.
    size = 64 * WORD
    while True:
        raw = image.cut(where, min(size, available - available % WORD), "DT_GNU_HASH's chain")
        for number, (value,) in enumerate(image.layout.word.iter_unpack(raw), start=1):
            if value & END_OF_CHAIN:
                return number
        if size >= available:
            raise malformed(image.name, "DT_GNU_HASH's last chain has no end")
        size *= 8


def _from_relocations(image: Image, dynamic: Dynamic) -> int:
    for tag, shape in ((DT_RELAENT, image.layout.rela), (DT_RELENT, image.layout.rel)):
        dynamic.check_entry(tag, shape.size, "a relocation table")
    shift = image.layout.symbol_shift
    highest = 0
    for address, size, with_addend in relocation_tables(dynamic):
        shape = image.layout.rela if with_addend else image.layout.rel
        whole = size - size % shape.size
        if whole:
            raw = image.table(address, whole, "a relocation table")
            used = (row[1] >> shift for row in shape.iter_unpack(raw))
            highest = max(chain((highest,), used))
    return highest + 1


def _from_sections(image: Image, dynamic: Dynamic) -> int:
    try:
        rows = section_rows(image)
    except ElfError:
        # The loader reads no section headers, and other tools leave senseless ones behind.
        return 0
    wanted, entry = dynamic.get(DT_SYMTAB), image.layout.symbol.size
    sizes = (r.size for r in rows if (r.type, r.address, r.entry) == (SHT_DYNSYM, wanted, entry))
    return max(sizes, default=0) // entry


def relocation_tables(dynamic: Dynamic) -> Iterator[tuple[int, int, bool]]:
    if (address := dynamic.get(DT_RELA)) is not None:
        yield address, dynamic.number(DT_RELASZ), True
    if (address := dynamic.get(DT_REL)) is not None:
        yield address, dynamic.number(DT_RELSZ), False
    if (address := dynamic.get(DT_JMPREL)) is not None:
        yield address, dynamic.number(DT_PLTRELSZ), dynamic.get(DT_PLTREL) == DT_RELA
