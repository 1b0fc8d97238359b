"""The reader, on objects built in memory."""

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonwheel.elf import Elf, exported, exported_names, is_elf, read_elf, undefined
from commonwheel.errors import ElfError
from tests.unit.elf.kit import PROPERTIES

FORMS = [(bits, endian) for bits in (32, 64) for endian in ("little", "big")]
LAYOUTS = pytest.mark.parametrize(("bits", "endian"), FORMS)
STYLES = pytest.mark.parametrize("style", ["sysv", "gnu", "both"])
FUZZ = settings(
    deadline=2000, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def exercise(data: bytes) -> None:
    """All that can be asked of an object."""
    elf = read_elf(data)
    assert len(exported(elf)) + len(undefined(elf)) <= len(elf.symbols)
    exported_names(elf)


@LAYOUTS
@STYLES
def test_all_facts_in_every_class_and_byte_order(
    rich: Callable[..., Any], bits: int, endian: str, style: str
) -> None:
    elf = read_elf(rich(bits=bits, endian=endian, hash_style=style).build(), name="x.so")
    assert (elf.name, elf.bits, elf.endian, elf.machine) == ("x.so", bits, endian, "x86_64")
    assert (elf.type, elf.interpreter, elf.soname) == ("shared", None, "librich.so.1")
    assert elf.needed == ("libc.so.6", "libm.so.6")
    assert (elf.rpath, elf.runpath) == (("$ORIGIN/a", "$ORIGIN/b"), ())
    assert elf.version_definitions == ("LIB_1", "LIB_2")
    assert elf.version_needs == (("libc.so.6", ("GLIBC_2.2.5", "GLIBC_2.34")),)
    assert (elf.has_gnu_stack, elf.exec_stack, elf.relro) == (True, False, True)
    assert (elf.bind_now, elf.textrel) == (False, False)
    assert elf.build_id == bytes(range(20)).hex()
    assert len(elf.symbols) == 13


@LAYOUTS
def test_symbols(rich: Callable[..., Any], bits: int, endian: str) -> None:
    elf = read_elf(rich(bits=bits, endian=endian).build())
    found = {(s.name, s.version): s for s in elf.symbols}
    assert found["new_fn", "LIB_2"].default
    assert not found["new_fn", "LIB_1"].default
    data = found["data", "LIB_2"]
    assert (data.type, data.size, data.binding, data.visibility) == (
        "object",
        24,
        "global",
        "default",
    )
    assert found["needed_fn", "GLIBC_2.2.5"] in undefined(elf)
    assert found["maybe", None].binding == "weak"
    assert found["chosen", "LIB_2"].type == "ifunc"
    assert found["thread", "LIB_2"].type == "tls"
    assert found["guarded", "LIB_2"].visibility == "protected"
    assert found["LIB_1", "LIB_1"].absolute


def test_exported_leaves_out_hidden_undefined_and_version_nodes(rich: Callable[..., Any]) -> None:
    elf = read_elf(rich().build())
    names = [symbol.name for symbol in exported(elf)]
    assert names == [
        "new_fn",
        "new_fn",
        "data",
        "weak_fn",
        "one",
        "guarded",
        "thread",
        "chosen",
    ]
    assert exported_names(elf) == {(s.name, s.version) for s in exported(elf)}
    assert [s.name for s in undefined(elf)] == ["needed_fn", "maybe"]


def test_names_beyond_ascii(builder: Any, sym: Any) -> None:
    elf = read_elf(builder(symbols=[sym(name="größe"), sym(name="plain")]).build())
    assert [s.name for s in elf.symbols] == ["größe", "plain"]
    assert exported_names(elf) == {("größe", None), ("plain", None)}


def test_gnu_hash_without_symbols_counts_by_relocations(builder: Any, sym: Any) -> None:
    undefs = [sym(name=f"u{i}", section=0) for i in range(5)]
    built = builder(symbols=undefs, hash_style="gnu", relocations=[2, 5, 1])
    assert [s.name for s in read_elf(built.build()).symbols] == ["u0", "u1", "u2", "u3", "u4"]


@LAYOUTS
def test_no_hash_table_counts_by_relocations(
    builder: Any, sym: Any, bits: int, endian: str
) -> None:
    built = builder(
        bits=bits,
        endian=endian,
        symbols=[sym(name="a", section=0), sym(name="b", section=0)],
        hash_style="none",
        relocations=[2],
    )
    assert [s.name for s in read_elf(built.build()).symbols] == ["a", "b"]


def test_s390x_has_wide_hash_words(builder: Any, sym: Any) -> None:
    elf = read_elf(builder(machine=22, endian="big", symbols=[sym(name="f")]).build())
    assert (elf.machine, [s.name for s in elf.symbols]) == ("s390x", ["f"])


def test_mips_counts_in_the_dynamic_section(builder: Any, sym: Any) -> None:
    built = builder(
        machine=8, hash_style="none", symbols=[sym(name="f")], dynamic=[(0x70000011, 2)]
    )
    assert [s.name for s in read_elf(built.build()).symbols] == ["f"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "shared"),
        ({"soname": "libx.so"}, "shared"),
        ({"interpreter": "/lib/ld.so"}, "executable"),
        ({"interpreter": "/lib/ld.so", "soname": "libc.so.6"}, "shared"),
        ({"dynamic": [(0x6FFFFFFB, 0x08000000)]}, "executable"),
        ({"kind": 2}, "executable"),
        ({"kind": 1}, "other"),
    ],
)
def test_type(builder: Any, options: dict[str, Any], expected: str) -> None:
    assert read_elf(builder(**options).build()).type == expected


@pytest.mark.parametrize(
    ("machine", "endian", "expected"),
    [
        (183, "little", "aarch64"),
        (21, "little", "ppc64le"),
        (21, "big", "ppc64"),
        (999, "little", "machine-999"),
    ],
)
def test_machine(builder: Any, machine: int, endian: str, expected: str) -> None:
    assert read_elf(builder(machine=machine, endian=endian).build()).machine == expected


@pytest.mark.parametrize(
    ("options", "fact", "expected"),
    [
        ({"stack": None}, "has_gnu_stack", False),
        ({"stack": None}, "exec_stack", True),
        ({"stack": 7}, "exec_stack", True),
        ({"relro": False}, "relro", False),
        ({"dynamic": [(24, 0)]}, "bind_now", True),
        ({"dynamic": [(30, 8)]}, "bind_now", True),
        ({"dynamic": [(0x6FFFFFFB, 1)]}, "bind_now", True),
        ({"dynamic": [(22, 0)]}, "textrel", True),
        ({"dynamic": [(30, 4)]}, "textrel", True),
        ({"interpreter": "/lib/ld.so"}, "interpreter", "/lib/ld.so"),
        ({"runpath": "/a"}, "runpath", ("/a",)),
        ({"rpath": "/a::/b"}, "rpath", ("/a", "", "/b")),
        ({}, "soname", None),
        ({}, "build_id", None),
    ],
)
def test_fact(builder: Any, options: dict[str, Any], fact: str, expected: object) -> None:
    assert getattr(read_elf(builder(**options).build()), fact) == expected


@LAYOUTS
def test_properties(builder: Any, bits: int, endian: str) -> None:
    elf = read_elf(builder(bits=bits, endian=endian, properties=PROPERTIES).build())
    assert elf.branch_protection == {"IBT", "SHSTK"}
    assert elf.isa_level == "x86_64_v3"


def test_path_bytes_and_memoryview_agree(rich_bytes: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.so"
    file.write_bytes(rich_bytes)
    given: list[Elf] = [read_elf(file), *(read_elf(d, name=str(file)) for d in (rich_bytes,))]
    given.append(read_elf(memoryview(rich_bytes), name=str(file)))
    assert given[0] == given[1] == given[2]
    assert given[0].symbols == given[1].symbols == given[2].symbols


def test_symbols_outlive_the_file(rich_bytes: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.so"
    file.write_bytes(rich_bytes)
    elf = read_elf(file)
    file.write_bytes(b"")
    assert len(elf.symbols) == 13


def test_is_elf() -> None:
    assert is_elf(b"\x7fELF\2")
    assert is_elf(memoryview(b"\x7fELF"))
    assert not is_elf(b"\x7fEL")
    assert not is_elf(b"!<arch>")


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ElfError, match=r"gone\.so: cannot be read: No such file"):
        read_elf(tmp_path / "gone.so")
    with pytest.raises(ElfError, match="cannot be read"):
        read_elf(tmp_path)
    (tmp_path / "empty.so").touch()
    with pytest.raises(ElfError, match=r"empty\.so: is empty"):
        read_elf(tmp_path / "empty.so")
    with pytest.raises(ElfError, match="x: is not an ELF file"):
        read_elf(b"INPUT(libx.so)", name="x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"definitions": [(1, 0, "A")], "dynamic": [(0x6FFFFFFC, 0x999999)]}, "definition"),
        ({"dynamic": [(1, 0x999999)]}, "string table"),
        ({"dynamic": [(4, 0x999999)]}, "DT_HASH"),
        ({"dynamic": [(6, 0x999999)]}, "dynamic symbol table"),
        ({"hash_style": "none", "dynamic": [(0x6FFFFEF5, 0x999999)]}, "DT_GNU_HASH"),
    ],
)
def test_tables_outside_the_file(builder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ElfError, match=message):
        read_elf(builder(**options).build(), name="x")


def test_unknown_version_index(builder: Any, sym: Any) -> None:
    elf = read_elf(builder(symbols=[sym(name="f", version=9)], versions=True).build())
    with pytest.raises(ElfError, match="version index"):
        _ = elf.symbols
    with pytest.raises(ElfError, match="version index"):
        exported_names(elf)


def test_overlapping_version_records(builder: Any) -> None:
    raw = struct.pack("<HHIII", 1, 0, 0, 16, 1)
    with pytest.raises(ElfError, match="overlapping version needs"):
        read_elf(builder(verneed_raw=raw * 9).build())


def test_version_records_that_share_a_chain_do_not_hang(builder: Any) -> None:
    # 3,000 records, each with the same 1,000 names.
    heads = b"".join(
        struct.pack("<HHIII", 1, 1000, 0, 16 * (3000 - i), 16 if i < 2999 else 0)
        for i in range(3000)
    )
    names = b"".join(struct.pack("<IHHII", 0, 0, 2, 0, 16) for _ in range(1000))
    with pytest.raises(ElfError, match="more than 32768"):
        read_elf(builder(verneed_raw=heads + names).build())


def test_every_truncation_is_an_elf_error(rich_bytes: bytes) -> None:
    for size in range(len(rich_bytes)):
        with pytest.raises(ElfError):
            exercise(rich_bytes[:size])


@FUZZ
@given(data=st.data())
def test_changed_bytes_never_raise_another_error(rich_bytes: bytes, data: st.DataObject) -> None:
    broken = bytearray(rich_bytes)
    where = st.integers(0, len(broken) - 1)
    for at, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=6)):
        broken[at] = value
    with suppress(ElfError):
        exercise(bytes(broken))


@FUZZ
@given(noise=st.binary(max_size=400))
def test_noise_never_raises_another_error(noise: bytes) -> None:
    with pytest.raises(ElfError):
        exercise(b"\x7fELF" + noise)
