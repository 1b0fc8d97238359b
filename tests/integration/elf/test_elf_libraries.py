"""The reader against gcc's output, and against pyelftools on every object of this machine."""

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
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import NoteSection, SymbolTableSection
from hypothesis import given, settings
from hypothesis import strategies as st

from commonwheel.elf import Elf, exported, exported_names, is_elf, read_elf, undefined
from commonwheel.errors import ElfError

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


def expected_symbols(file: Any) -> list[tuple[Any, ...]]:
    table = file.get_section_by_name(".dynsym")
    if not isinstance(table, SymbolTableSection):
        return []
    versions = expected_versions(file)
    rows = []
    for index, symbol in enumerate(table.iter_symbols()):
        entry = symbol.entry
        rows.append(
            (
                symbol.name,
                entry.st_info.bind,
                entry.st_info.type,
                entry.st_shndx == "SHN_UNDEF",
                entry.st_size,
                entry.st_shndx == "SHN_ABS",
                entry.st_other.visibility,
                versions[index] if versions else (None, True),
            )
        )
    return rows[1:]


def expected_versions(file: Any) -> list[tuple[str | None, bool]]:
    names: dict[int, str | None] = {0: None, 1: None}
    words: list[int] = []
    for section in file.iter_sections():
        if isinstance(section, GNUVerDefSection):
            for definition, parts in section.iter_versions():
                names.setdefault(definition.entry.vd_ndx, next(parts).name)
        if isinstance(section, GNUVerNeedSection):
            for _, parts in section.iter_versions():
                names.update({part.entry.vna_other: part.name for part in parts})
        if isinstance(section, GNUVerSymSection):
            raw = section.data()
            words = [int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)]
    return [(names[word & 0x7FFF], not word & 0x8000) for word in words]


WORDS = {
    "STB_LOOS": "unique",
    "STB_GNU_UNIQUE": "unique",
    "STT_LOOS": "ifunc",
    "STT_GNU_IFUNC": "ifunc",
}


def word(value: str) -> str:
    return WORDS.get(value, value.partition("_")[2].lower())


def expected_tags(file: Any) -> dict[str, list[Any]]:
    tags: dict[str, list[Any]] = {}
    for segment in file.iter_segments():
        if isinstance(segment, DynamicSegment):
            for tag in segment.iter_tags():
                names = ("needed", "soname", "rpath", "runpath")
                value = next((getattr(tag, n) for n in names if hasattr(tag, n)), tag.entry.d_val)
                tags.setdefault(tag.entry.d_tag, []).append(value)
    return tags


def expected_build_id(file: Any) -> str | None:
    for section in file.iter_sections():
        if isinstance(section, NoteSection):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None


def check(path: Path) -> None:
    elf = read_elf(path)
    with path.open("rb") as stream:
        file: Any = ELFFile(stream)
        check_facts(elf, file)
        got = [
            (s.name, s.binding, s.type, not s.defined, s.size, s.absolute, s.visibility)
            for s in elf.symbols
        ]
        expected = expected_symbols(file)
        assert got == [
            (row[0], word(row[1]), word(row[2]), *row[3:6], word(row[6])) for row in expected
        ]
        assert [(s.version, s.default) for s in elf.symbols] == [row[7] for row in expected]


def check_facts(elf: Elf, file: Any) -> None:
    tags = expected_tags(file)
    headers = {segment.header.p_type: segment.header for segment in file.iter_segments()}
    assert elf.bits == file.elfclass
    assert (elf.endian == "little") == file.little_endian
    assert elf.needed == tuple(tags.get("DT_NEEDED", ()))
    assert elf.soname == next(iter(tags.get("DT_SONAME", ())), None)
    assert ":".join(elf.rpath) == next(iter(tags.get("DT_RPATH", ())), "")
    assert ":".join(elf.runpath) == next(iter(tags.get("DT_RUNPATH", ())), "")
    assert elf.relro == ("PT_GNU_RELRO" in headers)
    assert elf.has_gnu_stack == ("PT_GNU_STACK" in headers)
    if elf.has_gnu_stack:
        assert elf.exec_stack == bool(headers["PT_GNU_STACK"].p_flags & 1)
    flags, flags_1 = (tags.get(tag, [0])[0] for tag in ("DT_FLAGS", "DT_FLAGS_1"))
    assert elf.bind_now == ("DT_BIND_NOW" in tags or bool(flags & 8 or flags_1 & 1))
    assert elf.textrel == ("DT_TEXTREL" in tags or bool(flags & 4))
    assert elf.build_id == expected_build_id(file)
    check_versions(elf, file)


def check_versions(elf: Elf, file: Any) -> None:
    definitions: list[str] = []
    needs: list[tuple[str, tuple[str, ...]]] = []
    for section in file.iter_sections():
        if isinstance(section, GNUVerDefSection):
            for version, parts in section.iter_versions():
                if not version.entry.vd_flags & 1:
                    definitions.append(next(parts).name)
        if isinstance(section, GNUVerNeedSection):
            for version, parts in section.iter_versions():
                needs.append((str(version.name), tuple(part.name for part in parts)))
    assert elf.version_definitions == tuple(definitions)
    assert elf.version_needs == tuple(needs)


def sample() -> list[Path]:
    """Every object below 2 MB (pyelftools takes minutes for the large ones)."""
    extensions = [Path(sysconfig.get_path("platlib")), Path(sysconfig.get_path("platstdlib"))]
    found = objects([SYSTEM], "*.so*") + objects(extensions, "*.so")
    return [p for p in found if p.stat().st_size < 2_000_000]


def test_agrees_with_pyelftools_on_every_object_here() -> None:
    paths = sample()
    assert len(paths) > 50
    for path in paths:
        try:
            check(path)
        except AssertionError as error:
            raise AssertionError(f"{path}: {error}") from error


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
