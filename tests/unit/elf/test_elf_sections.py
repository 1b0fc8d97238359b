"""Section headers and debug information that were made to break their readers."""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from commonwheel.abi.debug import has_types
from commonwheel.elf.sections import section_names
from commonwheel.errors import ElfError
from tests.unit.elf.asking import BASE_TYPE, LAYOUTS, everything, limits
from tests.unit.elf.kit import Builder


def debug(content: bytes, flags: int = 0, **options: Any) -> bytes:
    return Builder(sections=[(".debug_abbrev", flags, content)], **options).build()


def compressed(content: bytes, size: int | None = None, kind: int = 1) -> bytes:
    size = len(content) if size is None else size
    return struct.pack("<IIQQ", kind, 0, size, 1) + zlib.compress(content)


def test_debug_information_with_and_without_types() -> None:
    assert has_types(debug(BASE_TYPE), "x")
    assert not has_types(debug(BASE_TYPE.replace(b"\x24", b"\x11")), "x")
    assert has_types(debug(compressed(BASE_TYPE), 0x800), "x")
    assert not has_types(Builder().build(), "x")


@LAYOUTS
def test_section_names_in_every_form(bits: int, endian: str) -> None:
    built = debug(BASE_TYPE, bits=bits, endian=endian)
    assert section_names(built) == {"", ".dynsym", ".debug_abbrev", ".shstrtab"}
    assert has_types(built, "x")


@pytest.mark.parametrize("size", [0, 1, 3, 4, 11, 23])
def test_compressed_section_shorter_than_its_header(size: int) -> None:
    content = compressed(b"")[:size]
    with pytest.raises(ElfError, match="compressed debug information"):
        has_types(debug(content, 0x800), "x")


@pytest.mark.parametrize("size", [0, 4, 6, 2**32, 2**64 - 1])
def test_compressed_section_of_another_size_than_promised(size: int) -> None:
    with pytest.raises(ElfError, match="compressed debug information"):
        has_types(debug(compressed(BASE_TYPE, size), 0x800), "x")


def test_compressed_section_that_is_a_bomb() -> None:
    bomb = compressed(b"\0" * 400_000_000)
    assert len(bomb) < 1_000_000
    with limits(64_000_000):
        assert not has_types(debug(bomb, 0x800), "x")


def test_compressed_in_another_way() -> None:
    with pytest.raises(ElfError, match="zstd"):
        has_types(debug(compressed(BASE_TYPE, kind=2), 0x800), "x")
    with pytest.raises(ElfError, match="unknown way 3"):
        has_types(debug(compressed(BASE_TYPE, kind=3), 0x800), "x")


def test_numbers_without_an_end() -> None:
    """Each byte made the number longer: quadratic."""
    with limits(100_000_000):
        assert not has_types(debug(b"\xff" * 4_000_000), "x")


def many_sections(names: int) -> bytes:
    """60,000 sections whose names are the ends of one long name."""
    raw = bytearray(Builder(sections=[("a" * names, 0, b"")]).build())
    old, size = struct.unpack_from("<Q", raw, 0x28)[0], 64
    row = raw[old + 2 * size : old + 3 * size]
    table = raw[old + 3 * size : old + 4 * size]
    start = len(raw)
    for number in range(60_000):
        struct.pack_into("<I", row, 0, 9 + number % names)
        raw += row
    raw += table
    struct.pack_into("<Q", raw, 0x28, start)
    struct.pack_into("<HH", raw, 0x3C, 60_001, 60_000)
    return bytes(raw)


@pytest.mark.parametrize("ask", [section_names, lambda content: has_types(content, "x")])
def test_section_names_that_share_one_long_string(ask: Callable[[bytes], object]) -> None:
    built = many_sections(2_000_000)
    with limits(300_000_000), suppress(ElfError):
        ask(built)


@pytest.mark.parametrize("ask", [section_names, lambda content: has_types(content, "x")])
def test_section_name_outside_its_table(ask: Callable[[bytes], object]) -> None:
    raw = bytearray(debug(BASE_TYPE))
    start = struct.unpack_from("<Q", raw, 0x28)[0]
    struct.pack_into("<I", raw, start + 64, 0x7FFFFFFF)
    with pytest.raises(ElfError, match="section name table"):
        ask(bytes(raw))


def test_more_sections_than_the_header_can_count() -> None:
    """The gABI then has their number and the index of their names in the first one."""
    raw = bytearray(debug(BASE_TYPE))
    start = struct.unpack_from("<Q", raw, 0x28)[0]
    count, names = struct.unpack_from("<HH", raw, 0x3C)
    struct.pack_into("<HH", raw, 0x3C, 0, 0xFFFF)
    struct.pack_into("<QI", raw, start + 32, count, names)
    assert section_names(bytes(raw)) == section_names(debug(BASE_TYPE))
    assert has_types(bytes(raw), "x")
    struct.pack_into("<QI", raw, start + 32, 2**63, names)
    with pytest.raises(ElfError, match="section header table"):
        everything(bytes(raw))
