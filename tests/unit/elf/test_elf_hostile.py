"""The reader on objects that were made to break it: time and memory stay within the file's size."""

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from commonwheel.elf import exported_names, read_elf
from commonwheel.elf.sections import section_names
from commonwheel.errors import ElfError
from tests.unit.elf.asking import BASE_TYPE, EDGES, LAYOUTS, everything, limits
from tests.unit.elf.kit import BASE, Builder, Sym, rich_builder

DT_HASH = 4
DT_STRTAB = 5
DT_SYMTAB = 6
DT_GNU_HASH = 0x6FFFFEF5


def with_words(built: bytes, at: int, *values: int) -> bytes:
    raw = bytearray(built)
    struct.pack_into(f"<{len(values)}I", raw, at, *values)
    return bytes(raw)


def entry_of(built: bytes, tag: int, bits: int = 64, endian: str = "little") -> int:
    """The offset of the value of a dynamic entry."""
    order = "<" if endian == "little" else ">"
    wide = bits == 64
    shape = struct.Struct(order + ("QQ" if wide else "II"))
    start, entry = (64, 56) if wide else (52, 32)
    # The dynamic segment is the second program header.
    where = struct.unpack_from(
        order + ("Q" if wide else "I"), built, start + entry + (8 if wide else 4)
    )
    at = int(where[0])
    while (found := shape.unpack_from(built, at))[0] != tag:
        assert found[0], f"no tag {tag:#x}"
        at += shape.size
    return at + shape.size // 2


def value_of(built: bytes, tag: int) -> int:
    return int(struct.unpack_from("<Q", built, entry_of(built, tag))[0])


SPARE: dict[str, Any] = {"segments": [(0, 4, 0, 0, 1)]}
"""A program header of the type PT_NULL."""


def with_load(built: bytes, content: bytes, tag: int) -> bytes:
    """Append content in a segment of its own, in place of a SPARE one; ``tag`` points at it."""
    raw = bytearray(built)
    count = struct.unpack_from("<H", raw, 0x38)[0]
    address, size = 0x900000, len(content)
    fields = (1, 4, len(raw), address, address, size, size, 1)
    struct.pack_into("<IIQQQQQQ", raw, 64 + 56 * (count - 1), *fields)
    struct.pack_into("<Q", raw, entry_of(built, tag), address)
    return bytes(raw + content)


# --- hash tables


def gnu(**options: Any) -> tuple[bytes, int]:
    """An object with DT_GNU_HASH alone, and where that table is in the file."""
    symbols = [Sym(name="u", section=0), Sym(name="f"), Sym(name="g")]
    built = Builder(symbols=symbols, hash_style="gnu", **options).build()
    return built, value_of(built, DT_GNU_HASH) - BASE


def test_gnu_hash_chain_without_an_end() -> None:
    built, at = gnu(**SPARE)
    # Header 16, Bloom filter 8, one bucket 4; the chain runs over what is behind it.
    built = with_load(built, built[at : at + 28] + bytes(400_000), DT_GNU_HASH)
    with limits(50_000_000), pytest.raises(ElfError, match="last chain has no end"):
        everything(built)


@pytest.mark.parametrize("field", range(4))
@pytest.mark.parametrize("value", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_gnu_hash_header(field: int, value: int) -> None:
    built, at = gnu()
    with limits(50_000_000), suppress(ElfError):
        everything(with_words(built, at + 4 * field, value))


@pytest.mark.parametrize("value", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_gnu_hash_bucket(value: int) -> None:
    built, at = gnu()
    with limits(50_000_000), suppress(ElfError):
        everything(with_words(built, at + 24, value))


@pytest.mark.parametrize("value", [0x1000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_hash_table_with_more_symbols_than_the_file(value: int) -> None:
    built = Builder(symbols=[Sym(name="f")]).build()
    at = value_of(built, DT_HASH) - BASE
    with pytest.raises(ElfError, match="dynamic symbol table"):
        everything(with_words(built, at + 4, value))


def test_both_hash_tables_that_disagree() -> None:
    """The loader takes DT_GNU_HASH where both are: so does the reader."""
    built = Builder(symbols=[Sym(name="f"), Sym(name="g")], hash_style="both").build()
    at = value_of(built, DT_HASH) - BASE
    for count in (0, 1, 2):
        names = {name for name, _ in exported_names(read_elf(with_words(built, at + 4, count)))}
        assert names == {"f", "g"}


@LAYOUTS
def test_undefined_symbols_alone_counted_by_sections(bits: int, endian: str) -> None:
    """Without relocations and with an empty DT_GNU_HASH, only the section headers tell."""
    built = Builder(
        bits=bits,
        endian=endian,
        symbols=[Sym(name="a", section=0), Sym(name="b", section=0)],
        hash_style="gnu",
        section_headers=True,
    ).build()
    assert [s.name for s in read_elf(built).symbols] == ["a", "b"]


@LAYOUTS
def test_undefined_symbols_alone_counted_by_relocations(bits: int, endian: str) -> None:
    symbols = [Sym(name="a", section=0), Sym(name="b", section=0), Sym(name="c", section=0)]
    for style in ("gnu", "none"):
        built = Builder(
            bits=bits, endian=endian, symbols=symbols, hash_style=style, relocations=[1, 3]
        ).build()
        assert [s.name for s in read_elf(built).symbols] == ["a", "b", "c"]


@LAYOUTS
def test_gnu_hash_alone(bits: int, endian: str) -> None:
    symbols = [Sym(name="a", section=0), Sym(name="b"), Sym(name="c")]
    built = Builder(bits=bits, endian=endian, symbols=symbols, hash_style="gnu").build()
    assert [s.name for s in read_elf(built).symbols] == ["a", "b", "c"]


@LAYOUTS
@pytest.mark.parametrize("style", ["sysv", "gnu", "both"])
def test_section_headers_change_nothing(bits: int, endian: str, style: str) -> None:
    options = {"bits": bits, "endian": endian, "hash_style": style}
    bare = read_elf(rich_builder(**options).build())
    whole = read_elf(rich_builder(**options, section_headers=True).build())
    assert bare == whole
    assert bare.symbols == whole.symbols


def test_senseless_section_headers_do_not_matter() -> None:
    symbols = [Sym(name="a", section=0), Sym(name="f")]
    built = Builder(symbols=symbols, hash_style="gnu", section_headers=True).build()
    for at, size in ((0x28, 8), (0x3A, 2), (0x3C, 2), (0x3E, 2)):
        raw = bytearray(built)
        raw[at : at + size] = b"\xf7" * size
        assert [s.name for s in read_elf(bytes(raw)).symbols] == ["a", "f"]


# --- dynamic section and segments


@LAYOUTS
@pytest.mark.parametrize("value", EDGES)
def test_every_dynamic_value(bits: int, endian: str, value: int) -> None:
    built = rich_builder(bits=bits, endian=endian, hash_style="both", relocations=[1]).build()
    wide = bits == 64
    order, size = "<" if endian == "little" else ">", 8 if wide else 4
    tags = (1, 4, 5, 6, 7, 8, 10, 14, 15, DT_GNU_HASH, *range(0x6FFFFFFC, 0x70000000), 0x6FFFFFF0)
    for tag in tags:
        raw = bytearray(built)
        at = entry_of(built, tag, bits, endian)
        struct.pack_into(order + ("Q" if wide else "I"), raw, at, value % (1 << 8 * size))
        with suppress(ElfError):
            everything(bytes(raw))


def test_dynamic_section_without_an_end() -> None:
    built = bytearray(Builder(soname="libx.so.1").build())
    where, size = struct.unpack_from("<Q", built, 64 + 56 + 8)[0], 64 + 56 + 32
    struct.pack_into("<Q", built, size, struct.unpack_from("<Q", built, size)[0] - 16)
    assert where
    with pytest.raises(ElfError, match="dynamic section has no end"):
        everything(bytes(built))


@pytest.mark.parametrize("tag", [11, 9])
@pytest.mark.parametrize("value", [0, 1, 23, 2**64 - 1])
def test_entry_sizes(tag: int, value: int) -> None:
    """DT_SYMENT and DT_RELAENT."""
    symbols = [Sym(name="u", section=0)]
    options: dict[str, Any] = {"hash_style": "none", "relocations": [1]}
    for good in (True, False):
        built = Builder(symbols=symbols, dynamic=[(tag, 24 if good else value)], **options).build()
        if good:
            everything(built)
        else:
            with pytest.raises(ElfError, match=f"entries of {value} bytes, not 24"):
                everything(built)


def two_loads(address: int, offset: int, size: int) -> bytes:
    built = bytearray(Builder(segments=[(1, 5, offset, size, 0x1000)]).build())
    count = struct.unpack_from("<H", built, 0x38)[0]
    struct.pack_into("<Q", built, 64 + 56 * (count - 1) + 16, address)
    return bytes(built)


def test_overlapping_segments() -> None:
    everything(two_loads(BASE + 0x100000, 0, 64))
    everything(two_loads(BASE - 64, 0, 64))
    for address in (BASE, BASE + 1, BASE - 63):
        with pytest.raises(ElfError, match="overlap"):
            everything(two_loads(address, 0, 64))


def test_segment_beyond_the_address_space() -> None:
    everything(two_loads(2**64 - 64, 0, 64))
    with pytest.raises(ElfError, match="address space"):
        everything(two_loads(2**64 - 63, 0, 64))
    with pytest.raises(ElfError, match="ends at offset"):
        everything(two_loads(BASE + 0x100000, 2**63, 64))


def test_many_segments_and_many_version_records() -> None:
    """Each record was looked up in each of the segments: 2,000,000,000 steps."""
    records = 32_000
    raw = struct.pack("<HHIII", 1, 0, 0, 16, 16) * records
    segments = [(1, 4, 0, 0, 1)] * 65_000
    raw = raw[:-4] + bytes(4)
    built = bytearray(Builder(verneed_raw=raw, segments=segments).build())
    # The segment with the records goes behind all others.
    first, last = slice(64, 64 + 56), slice(64 + 56 * 65_003, 64 + 56 * 65_004)
    built[first], built[last] = built[last], built[first]
    with limits(200_000_000):
        assert len(read_elf(bytes(built)).version_needs) == records


def test_many_notes_of_one_content() -> None:
    """20,000 note segments, each of them half of the file: 24 GB to copy, three times."""
    size = 1_200_000
    sections = [("zeros", 0, bytes(size))]
    place = Builder(segments=[(4, 4, 0, size, 4)] * 20_000, sections=sections).build()
    segments = [(4, 4, place.rindex(bytes(size)), size, 4)] * 20_000
    built = Builder(segments=segments, sections=sections).build()
    with limits(200_000_000), pytest.raises(ElfError, match="note segments"):
        everything(built)


# --- names


def test_names_that_share_one_long_string() -> None:
    """A million bytes of name for each of 30,000 symbols would be 30 GB."""
    symbols = [Sym(name="") for _ in range(30_000)]
    builder = Builder(symbols=symbols)
    builder.strings += b"a" * 1_000_000 + b"\0"
    built = bytearray(builder.build())
    at = value_of(bytes(built), DT_SYMTAB) - BASE
    for number in range(1, len(symbols) + 1):
        struct.pack_into("<I", built, at + 24 * number, 1 + number)
    with limits(300_000_000), pytest.raises(ElfError, match="names"):
        everything(bytes(built))


def test_one_long_name_is_no_error() -> None:
    builder = Builder(symbols=[Sym(name="x" * 3_000_000), Sym(name="f")])
    with limits(200_000_000):
        everything(builder.build())


def test_needed_names_that_share_one_long_string() -> None:
    builder = Builder(dynamic=[(1, 1 + number) for number in range(50_000)])
    builder.strings += b"a" * 1_000_000 + b"\0"
    with limits(300_000_000), pytest.raises(ElfError, match="names"):
        everything(builder.build())


def test_versions_that_share_one_long_string() -> None:
    count = 30_000
    records = b"".join(
        struct.pack("<IHHII", 0, 0, 2 + number, 1 + number, 16) for number in range(count)
    )
    builder = Builder(verneed_raw=struct.pack("<HHIII", 1, count, 0, 16, 0) + records)
    builder.strings += b"a" * 1_000_000 + b"\0"
    with limits(300_000_000), pytest.raises(ElfError, match="names"):
        everything(builder.build())


@pytest.mark.parametrize("offset", [0x7FFFFFFF, 0xFFFFFFFF])
def test_names_outside_the_string_table(offset: int) -> None:
    for options in (
        {"dynamic": [(1, offset)]},
        {"dynamic": [(14, offset)]},
        {"dynamic": [(15, offset)]},
        {"verneed_raw": struct.pack("<HHIII", 1, 0, offset, 16, 0)},
    ):
        with pytest.raises(ElfError, match="string table"):
            everything(Builder(**options).build())


def test_string_table_without_an_end() -> None:
    builder = Builder(soname="libx.so.1")
    builder.strings += b"never"
    built = builder.build()
    size = entry_of(built, 10)
    raw = bytearray(built)
    struct.pack_into("<Q", raw, size, len(builder.strings) - 1)
    with pytest.raises(ElfError, match="string table"):
        everything(bytes(raw))


def test_names_that_are_not_utf8() -> None:
    built = Builder(soname="libAB.so", needed=["libCD.so"], symbols=[Sym(name="fEF")]).build()
    raw = built.replace(b"AB", b"\xff\xfe").replace(b"CD", b"\xc0\xaf").replace(b"EF", b"\x80\x81")
    elf = read_elf(raw)
    assert elf.soname == "lib\udcff\udcfe.so"
    assert elf.needed == ("lib\udcc0\udcaf.so",)
    assert [s.name for s in elf.symbols] == ["f\udc80\udc81"]
    assert exported_names(elf) == {("f\udc80\udc81", None)}


# --- versions


@pytest.mark.parametrize("step", [1, 8, 15, 0x7FFFFFFF, 0xFFFFFFFF])
def test_version_need_chain_steps(step: int) -> None:
    raw = struct.pack("<HHIII", 1, 0, 0, 16, step) * 4
    with limits(50_000_000), pytest.raises(ElfError):
        everything(Builder(verneed_raw=raw).build())


@pytest.mark.parametrize("step", [1, 8, 19, 0x7FFFFFFF, 0xFFFFFFFF])
def test_version_definition_chain_steps(step: int) -> None:
    built = Builder(definitions=[(2, 0, "A"), (3, 0, "B")]).build()
    at = value_of(built, 0x6FFFFFFC) - BASE
    with pytest.raises(ElfError):
        everything(with_words(built, at + 16, step))


def test_version_need_whose_names_are_itself() -> None:
    raw = struct.pack("<HHIII", 1, 0xFFFF, 0, 0, 0)
    with limits(50_000_000), suppress(ElfError):
        everything(Builder(verneed_raw=raw * 10).build())


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"verneed_raw": struct.pack("<HHIII", 2, 0, 0, 16, 0)}, "version need"),
        ({"definitions": [(2, 0, "A")]}, "version definition"),
    ],
)
def test_records_of_an_unknown_revision(options: dict[str, Any], what: str) -> None:
    built = Builder(**options).build()
    if "definitions" in options:
        raw = bytearray(built)
        raw[value_of(built, 0x6FFFFFFC) - BASE] = 7
        built = bytes(raw)
    with pytest.raises(ElfError, match=f"{what} of the unknown revision"):
        everything(built)


# --- all of it


@LAYOUTS
@pytest.mark.parametrize("value", EDGES)
def test_every_word_of_the_headers(bits: int, endian: str, value: int) -> None:
    """ELF header, program headers and section headers, two bytes by two bytes."""
    built = rich_builder(
        bits=bits, endian=endian, sections=[(".debug_abbrev", 0, BASE_TYPE)]
    ).build()
    order = "<" if endian == "little" else ">"
    shape = struct.Struct(order + ("Q" if bits == 64 else "I"))
    sections = struct.unpack_from(shape.format, built, 0x28 if bits == 64 else 0x20)[0]
    places = [*range(16, 64 + 56 * 5, 2), *range(sections, len(built) - shape.size, 4)]
    for at in places:
        raw = bytearray(built)
        shape.pack_into(raw, at, value % (1 << 8 * shape.size))
        with suppress(ElfError):
            everything(bytes(raw))


# --- files


def test_files_that_cannot_be_mapped(tmp_path: Path) -> None:
    for path in (Path("/proc/self/status"), Path("/dev/null"), Path("a\0b")):
        for ask in (read_elf, section_names):
            with pytest.raises(ElfError):
                ask(path)
