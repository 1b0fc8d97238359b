"""The reader against gcc's output, and against other readers on the objects of this machine."""

import io
import platform
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection
from hypothesis import given, settings
from hypothesis import strategies as st

from commonwheel.elf import Elf, exported, exported_names, is_elf, read_elf, undefined
from commonwheel.errors import ElfError
from tests.integration.elf.readers import (
    agree,
    by_lief,
    download,
    members,
    ours,
    pyelftools,
    tags_of,
)
from tests.unit.elf.kit import FORMS, Builder, Sym, rich_builder

Compile = Callable[..., Path]
SYSTEM = Path("/usr/lib") / (sysconfig.get_config_var("MULTIARCH") or "")


def objects(folders: Iterable[Path], pattern: str) -> list[Path]:
    found = chain.from_iterable(folder.rglob(pattern) for folder in folders)
    files = {p.resolve() for p in found if p.is_file()}
    return sorted(p for p in files if is_elf(head(p)))


def head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def test_versioned_library(versioned: Path) -> None:
    elf = read_elf(versioned)
    assert (elf.type, elf.soname, elf.rpath) == ("shared", "libx.so.1", ("/a",))
    assert elf.version_definitions == ("LIB_1", "LIB_2")
    found = {(s.name, s.version): s for s in exported(elf)}
    assert found["f", "LIB_2"].default
    assert not found["f", "LIB_1"].default
    assert found["guarded", "LIB_1"].visibility == "protected"
    assert found["maybe", "LIB_1"].binding == "weak"
    assert found["chosen", "LIB_1"].type == "ifunc"
    assert found["per_thread", "LIB_1"].type == "tls"
    assert found["table", "LIB_1"].size == 100
    assert {name for name, _ in found}.isdisjoint({"secret", "LIB_1", "LIB_2", "old_f"})
    assert {s.name for s in undefined(elf)} >= {"optional", "sqrt"}


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_hash_styles_give_the_same_symbols(compile_library: Compile, style: str) -> None:
    elf = read_elf(compile_library(f"-Wl,--hash-style={style}"))
    assert elf.soname is None
    names = {name for name, _ in exported_names(elf)}
    assert names == {"guarded", "maybe", "chosen", "per_thread", "table", "root"}


@pytest.mark.parametrize("linker", ["bfd", "gold"])
def test_gnu_hash_without_exports(compile_library: Compile, linker: str) -> None:
    if shutil.which(f"ld.{linker}") is None:
        pytest.skip(f"ld.{linker} is not installed")
    source = 'extern int a(void), b(void);\n__attribute__((visibility("hidden'
    source += '"))) int (*f[])(void) = {a, b};'
    flags = ["-Wl,--hash-style=gnu", f"-fuse-ld={linker}", "-nostdlib", "-O0"]
    elf = read_elf(compile_library(*flags, source=source))
    # gold exports its own markers.
    assert {s.name for s in exported(elf)} <= {"_edata", "_end", "__bss_start"}
    assert {s.name for s in undefined(elf)} >= {"a", "b"}


def test_section_headers_are_not_needed(versioned: Path, tmp_path: Path) -> None:
    raw = bytearray(versioned.read_bytes())
    raw[0x28:0x30] = bytes(8)
    raw[0x3A:0x40] = bytes(6)
    bare, whole = read_elf(bytes(raw), name=str(versioned)), read_elf(versioned)
    assert bare == whole
    assert bare.symbols == whole.symbols


@pytest.mark.skipif(platform.machine() != "x86_64", reason="-m32 is of x86; unit tests cover it")
def test_32_bit(compile_library: Compile) -> None:
    source = "int f(void) { return 1; } int t[3] = {1};"
    elf = read_elf(
        compile_library("-m32", "-nostdlib", "-Wl,-soname,l.so", source=source, libraries=())
    )
    assert (elf.bits, elf.machine, elf.soname) == (32, "i686", "l.so")
    assert {(s.name, s.size) for s in exported(elf) if s.type == "object"} == {("t", 12)}


@pytest.mark.parametrize(
    ("flags", "fact", "expected"),
    [
        (["-Wl,-z,execstack"], "exec_stack", True),
        (["-Wl,-z,noexecstack"], "exec_stack", False),
        (["-Wl,-z,now"], "bind_now", True),
        (["-Wl,-z,lazy"], "bind_now", False),
        (["-Wl,-z,norelro"], "relro", False),
        (["-Wl,--enable-new-dtags,-rpath,/a:/b"], "runpath", ("/a", "/b")),
        (["-Wl,--build-id=none"], "build_id", None),
        (["-Wl,--build-id=0x0123abcd"], "build_id", "0123abcd"),
    ],
)
def test_linker_flags(
    compile_library: Compile, flags: list[str], fact: str, expected: object
) -> None:
    assert getattr(read_elf(compile_library(*flags)), fact) == expected


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the properties of x86")
@pytest.mark.parametrize(
    ("flags", "protections", "level"),
    [
        (["-fcf-protection=full", "-Wl,-z,ibt,-z,shstk"], {"IBT", "SHSTK"}, None),
        (["-fcf-protection=none", "-Wl,-z,shstk"], {"SHSTK"}, None),
        (["-fcf-protection=none"], set(), None),
        (["-Wa,-mx86-used-note=yes", "-Wl,-z,x86-64-v3"], set(), "x86_64_v3"),
    ],
)
def test_properties_are_what_readelf_says(
    compile_library: Compile, flags: list[str], protections: set[str], level: str | None
) -> None:
    path = compile_library(*flags)
    elf = read_elf(path)
    said = subprocess.run(
        ["readelf", "--notes", "--wide", path], capture_output=True, text=True, check=True
    ).stdout
    features = re.search(r"x86 feature: (.+)", said)
    assert elf.branch_protection == protections
    assert elf.branch_protection == set(features[1].split(", ") if features else ())
    needed = re.search(r"x86 ISA needed: (.+)", said)
    assert elf.isa_level == level
    assert (level or "").replace("_v", "-v").replace("_", "-", 1) in (needed[1] if needed else "")


def test_values_are_addresses(versioned: Path) -> None:
    said = subprocess.run(
        ["nm", "--dynamic", "--defined-only", versioned], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in said.splitlines()]
    told = {(name.partition("@")[0], int(value, 16)) for value, _, name in rows}
    assert {(s.name, s.value) for s in exported(read_elf(versioned))} <= told


@pytest.mark.parametrize(("flags", "kind"), [(["-pie"], "executable"), (["-no-pie"], "executable")])
def test_programs(tmp_path: Path, flags: list[str], kind: str) -> None:
    (tmp_path / "a.c").write_text("int main(void) { return 0; }")
    subprocess.run(["gcc", "a.c", "-o", "a", *flags], cwd=tmp_path, check=True)
    elf = read_elf(tmp_path / "a")
    assert elf.type == kind
    assert elf.interpreter


def expected_build_id(file: Any) -> str | None:
    for section in file.iter_sections():
        if isinstance(section, NoteSection):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None


def check_facts(elf: Elf, content: bytes) -> None:
    """What pyelftools alone is asked: :func:`agree` has the rest."""
    file: Any = ELFFile(io.BytesIO(content))
    tags = tags_of(file)
    headers = {segment.header.p_type: segment.header for segment in file.iter_segments()}
    assert elf.relro == ("PT_GNU_RELRO" in headers)
    assert elf.has_gnu_stack == ("PT_GNU_STACK" in headers)
    if elf.has_gnu_stack:
        assert elf.exec_stack == bool(headers["PT_GNU_STACK"].p_flags & 1)
    flags, flags_1 = (tags.get(tag, [0])[0] for tag in ("DT_FLAGS", "DT_FLAGS_1"))
    assert elf.bind_now == ("DT_BIND_NOW" in tags or bool(flags & 8 or flags_1 & 1))
    assert elf.textrel == ("DT_TEXTREL" in tags or bool(flags & 4))
    assert elf.build_id == expected_build_id(file)


def sample() -> list[Path]:
    """Every object below 2 MB (pyelftools takes minutes for the large ones)."""
    extensions = [Path(sysconfig.get_path("platlib")), Path(sysconfig.get_path("platstdlib"))]
    found = objects([SYSTEM], "*.so*") + objects(extensions, "*.so")
    return [p for p in found if p.stat().st_size < 2_000_000]


def test_agrees_with_other_readers_on_every_object_here() -> None:
    paths = sample()
    assert len(paths) > 50
    for path in paths:
        content = path.read_bytes()
        elf = agree(content, str(path))
        try:
            check_facts(elf, content)
        except AssertionError as error:
            raise AssertionError(f"{path}: {error}") from error


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A few popular wheels: C++, symbol versions, Rust, Fortran."""
    folder = tmp_path_factory.mktemp("wheels")
    return download(("cryptography==50.0.2", "psycopg2-binary==2.9.13", "shapely==2.2.0"), folder)


def test_agrees_with_other_readers_on_every_object_of_wheels(wheels: list[Path]) -> None:
    read = [agree(content, name) for path in wheels for name, content in members(path)]
    assert len(read) > 20
    assert any(elf.version_definitions for elf in read)


# It takes the byte order from the machine, not from the identification; MIPS has 32 and 64 bits.
LIEF_MACHINES = {"little": 62, "big": 8}


@pytest.mark.parametrize(("bits", "endian"), FORMS)
@pytest.mark.parametrize("style", ["sysv", "gnu", "both"])
def test_agrees_with_lief_without_section_headers(bits: int, endian: str, style: str) -> None:
    """pyelftools finds nothing there."""
    machine = LIEF_MACHINES[endian]
    content = rich_builder(bits=bits, endian=endian, hash_style=style, machine=machine).build()
    assert ours(read_elf(content)) == by_lief(content)
    assert not pyelftools(content).symbols


@pytest.mark.parametrize(("bits", "endian"), FORMS)
@pytest.mark.parametrize("style", ["gnu", "none"])
def test_agrees_with_lief_on_undefined_symbols_alone(bits: int, endian: str, style: str) -> None:
    symbols = [Sym(name=f"u{number}", section=0) for number in range(5)]
    content = Builder(
        bits=bits,
        endian=endian,
        machine=LIEF_MACHINES[endian],
        hash_style=style,
        symbols=symbols,
        relocations=[2, 5],
    ).build()
    assert len(read_elf(content).symbols) == 5
    assert ours(read_elf(content)).symbols == by_lief(content).symbols


@settings(deadline=5000, max_examples=400)
@given(data=st.data())
def test_damage_never_raises_another_error(versioned: Path, data: st.DataObject) -> None:
    raw = bytearray(versioned.read_bytes())
    # What the reader looks at lies in the first 8 kB.
    flips = st.tuples(st.integers(0, 8191), st.integers(0, 255))
    for at, value in data.draw(st.lists(flips, min_size=1, max_size=8)):
        raw[at] = value
    size = data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
    with suppress(ElfError):
        elf = read_elf(bytes(raw[:size]))
        assert len(exported(elf)) + len(undefined(elf)) <= len(elf.symbols)
        exported_names(elf)
