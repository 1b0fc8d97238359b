"""A library wheel in full, from a CMake project; and the same bytes from the same source."""

import json
import shutil
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from commonwheel.elf import Elf, read_elf, undefined
from commonwheel.elf.sections import section_names
from commonwheel.process import run
from commonwheel.wheel import Wheel, read_wheel
from tests.integration import kit, projects
from tests.integration.kit import Workshop, elf_members, environment, pip_install, says

PACKAGE = "commonwheel_libs/foo_so1"
INFO = "commonwheel_foo_so1-1.0.dist-info"
LIBRARY = f"{PACKAGE}/lib/libfoo-commonwheel.so.1"
PRIVATE = f"{PACKAGE}/lib/libfoo_core-commonwheel.so.1"
TOOL = f"{PACKAGE}/bin/footool"
ENDBR64 = b"\xf3\x0f\x1e\xfa"
START_FILES = ("crti.o", "crtn.o", "crtbeginS.o", "crtendS.o")


@pytest.fixture(scope="module")
def wheel(foo: Workshop) -> Wheel:
    return foo.wheel("commonwheel_foo_so1-1.0-py3-none-manylinux")


@pytest.fixture(scope="module")
def objects(wheel: Wheel) -> dict[str, Elf]:
    return elf_members(wheel)


def test_the_wheel_is_sound_and_names_what_it_is(wheel: Wheel) -> None:
    wheel.verify()
    assert wheel.name.python == ("py3",)
    assert wheel.name.abi == ("none",)
    assert not wheel.root_is_purelib


def test_its_files(wheel: Wheel) -> None:
    assert sorted(wheel.members) == sorted(
        [
            f"{PACKAGE}/__init__.py",
            f"{PACKAGE}/_pyinstaller/hook-commonwheel_libs.foo_so1.py",
            f"{PACKAGE}/bin/foo-config",
            TOOL,
            f"{PACKAGE}/include/foo.h",
            f"{PACKAGE}/lib/cmake/foo/fooConfig.cmake",
            f"{PACKAGE}/lib/cmake/foo/fooConfigVersion.cmake",
            f"{PACKAGE}/lib/cmake/foo/fooTargets.cmake",
            f"{PACKAGE}/lib/cmake/foo/fooTargets-release.cmake",
            LIBRARY,
            f"{PACKAGE}/lib/libfoo.so",
            PRIVATE,
            f"{PACKAGE}/lib/pkgconfig/foo.pc",
            f"{PACKAGE}/share/foo/data.txt",
            f"{INFO}/METADATA",
            f"{INFO}/RECORD",
            f"{INFO}/WHEEL",
            f"{INFO}/commonwheel.abi.json",
            f"{INFO}/commonwheel.json",
            f"{INFO}/entry_points.txt",
            f"{INFO}/licenses/LICENSE",
            f"{INFO}/sboms/commonwheel.cdx.json",
        ]
    )
    assert not any(stat.S_ISLNK(entry.mode) for entry in wheel.entries)


def test_sonames_are_tagged_wherever_they_stand(objects: dict[str, Elf]) -> None:
    assert set(objects) == {LIBRARY, PRIVATE, TOOL}
    assert objects[LIBRARY].soname == "libfoo-commonwheel.so.1"
    assert objects[PRIVATE].soname == "libfoo_core-commonwheel.so.1"
    assert "libfoo_core-commonwheel.so.1" in objects[LIBRARY].needed
    assert "libfoo-commonwheel.so.1" in objects[TOOL].needed
    for elf in objects.values():
        assert not [n for n in elf.needed if n.startswith("libfoo") and "commonwheel" not in n]


def test_each_object_finds_the_others(objects: dict[str, Elf]) -> None:
    assert objects[LIBRARY].rpath == ("$ORIGIN",)
    assert objects[PRIVATE].rpath == ()
    assert objects[TOOL].rpath == ("$ORIGIN/../lib",)
    assert not any(elf.runpath for elf in objects.values())


def test_the_linker_script(wheel: Wheel) -> None:
    text = wheel.read(f"{PACKAGE}/lib/libfoo.so").decode()
    assert "INPUT(libfoo-commonwheel.so.1)" in text


def test_hardening(objects: dict[str, Elf], tmp_path: Path, wheel: Wheel) -> None:
    for elf in objects.values():
        assert elf.relro
        assert elf.bind_now
        assert not elf.exec_stack
        assert not elf.textrel
        assert elf.build_id
    names = {symbol.name for symbol in undefined(objects[LIBRARY])}
    assert "__strcpy_chk" in names
    assert "__stack_chk_fail" in names
    file = tmp_path / "lib.so"
    file.write_bytes(wheel.read(LIBRARY))
    if objects[LIBRARY].machine == "x86_64":
        lines = run(["nm", "-D", file]).output.splitlines()
        # Of any type: patchelf leaves the symbols' section numbers as they were.
        (start,) = (line.split()[0] for line in lines if line.endswith(" foo_value"))
        assert file.read_bytes()[int(start, 16) :].startswith(ENDBR64)
        # The linker drops the note where one of its inputs lacks it: Debian's C library does.
        files = [run(["gcc", f"-print-file-name={name}"]).output.strip() for name in START_FILES]
        known = all("IBT" in run(["readelf", "-nW", name]).output for name in files)
        assert ("IBT" in run(["readelf", "-nW", file]).output) == known


def test_debug_files_lie_in_the_wheelhouse_by_build_id(
    foo: Workshop, objects: dict[str, Elf], wheel: Wheel, tmp_path: Path
) -> None:
    for member, elf in objects.items():
        assert elf.build_id
        debug = foo.wheelhouse / "debug/.build-id" / elf.build_id[:2] / f"{elf.build_id[2:]}.debug"
        assert read_elf(debug).build_id == elf.build_id
        assert ".debug_info" in section_names(debug)
        file = tmp_path / "object"
        file.write_bytes(wheel.read(member))
        sections = section_names(file)
        assert not {".debug_info", ".symtab"} & sections
        assert ".gnu_debuglink" in sections


def test_no_file_names_a_folder_of_the_build(foo: Workshop, wheel: Wheel, tmp_path: Path) -> None:
    folders = [str(foo.root), str(foo.cache), "/build/objects", "/build/installed"]
    for member in wheel.members:
        if not member.endswith("commonwheel.json") and "sboms/" not in member:
            content = wheel.read(member)
            assert not [each for each in folders if each.encode() in content], member
    kit.extract(wheel, tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import ctypes\nfrom commonwheel_libs import foo_so1\n"
        "file = foo_so1.load()[-1].foo_file\nfile.restype = ctypes.c_char_p\n"
        "print(file().decode())"
    )
    # __FILE__ is kept, and says where in the source.
    assert says(Path(sys.executable), code) == "./source/foo.c"


def test_metadata(wheel: Wheel) -> None:
    fields = wheel.metadata_fields
    assert fields["Metadata-Version"] == "2.4"
    assert fields["Name"] == "commonwheel-foo-so1"
    assert fields["Version"] == "1.0"
    assert fields["License-Expression"] == "MIT"
    assert fields.get_all("License-File") == ["LICENSE"]
    assert fields["Requires-Python"] == ">=3.9"
    assert fields.get_all("Requires-Dist") is None
    assert wheel.read(f"{INFO}/licenses/LICENSE").decode() == projects.LICENSE


def test_entry_points(wheel: Wheel) -> None:
    assert wheel.read(f"{INFO}/entry_points.txt").decode() == (
        "[cmake.prefix]\nfoo_so1 = commonwheel_libs.foo_so1\n\n"
        "[pyinstaller40]\nhook-dirs = commonwheel_libs.foo_so1:_hook_dirs\n\n"
        "[console_scripts]\nfootool = commonwheel_libs.foo_so1:_tool_footool\n\n"
        "[pkg_config]\nfoo_so1_lib = commonwheel_libs.foo_so1.lib.pkgconfig\n"
    )


def test_manifest_and_sbom(foo: Workshop, wheel: Wheel) -> None:
    manifest = json.loads(wheel.read(f"{INFO}/commonwheel.json"))
    (archive,) = foo.root.glob("sources/foo-1.0.tar.gz")
    digest = projects_digest(archive)
    assert manifest["line"] == "foo-so1"
    assert manifest["module"] == "commonwheel_libs.foo_so1"
    assert manifest["stability"] == "line"
    assert manifest["engine"] == "host"
    assert manifest["source"]["sha256"] == digest
    assert manifest["data"] == ["share/foo"]
    assert manifest["tools"] == ["footool"]
    # Each library after those that it needs.
    assert [library["soname"] for library in manifest["libraries"]] == [
        "libfoo_core-commonwheel.so.1",
        "libfoo-commonwheel.so.1",
    ]
    sbom = json.loads(wheel.read(f"{INFO}/sboms/commonwheel.cdx.json"))
    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == "foo"
    assert digest in json.dumps(sbom)


def projects_digest(archive: Path) -> str:
    return run(["sha256sum", archive]).output.split()[0]


LOAD = (
    "import ctypes, sys; from commonwheel_libs import foo_so1; foo_so1.load();"
    "handle = ctypes.CDLL(foo_so1.library_path('foo'));"
    "maps = open('/proc/self/maps').read();"
    "assert maps.count('libfoo_core-commonwheel') and foo_so1.prefix in maps;"
    "print(handle.foo_value(), foo_so1.data_dir())"
)


def test_it_loads_wherever_it_is_installed(wheel: Wheel, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    pip_install(python, "--no-index", "--no-deps", wheel.path, environ={})
    site = Path(says(python, "import sysconfig; print(sysconfig.get_path('platlib'))"))
    data = "commonwheel_libs/foo_so1/share/foo"
    assert says(python, LOAD) == f"42 {site / data}"
    assert (site / data / "data.txt").is_file()
    assert run([python.parent / "footool"], env={}).output == "42\n"
    moved = tmp_path / "else where"
    shutil.move(site, moved)
    script = f"import sys; sys.path.insert(0, {str(moved)!r}); {LOAD}"
    assert says(python, script) == f"42 {moved / data}"
    tool = moved / "commonwheel_libs/foo_so1/bin/footool"
    assert run([tool], env={}).output == "42\n"


# --- reproducible


def digests(wheel: Wheel) -> dict[str, str]:
    """RECORD: a difference names the member."""
    return {row.member: row.hash for row in wheel.record}


def test_the_same_bytes_from_other_folders_and_empty_caches(
    foo: Workshop, build_cache: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "another-cache-folder"
    cache.mkdir()
    # Only the installed build tools are shared: there is no raw wheel, source or result in it.
    (cache / "envs").symlink_to(build_cache / "envs")
    other = Workshop(root=tmp_path / "other", cache=cache)
    shutil.copytree(foo.recipes, other.recipes)
    other.built("over", "--jobs", "1")
    assert other.logs().count("Building C object") > 4
    for name in ("commonwheel_foo", "commonwheel_over"):
        ours, theirs = foo.wheel(name), other.wheel(name)
        assert digests(theirs) == digests(ours)
        assert theirs.path.read_bytes() == ours.path.read_bytes()
    ours_debug, theirs_debug = (
        {
            file.relative_to(shop.wheelhouse): file.read_bytes()
            for file in shop.wheelhouse.glob("debug/**/*.debug")
        }
        for shop in (foo, other)
    )
    assert theirs_debug == ours_debug
    assert len(ours_debug) == 4


def test_a_build_can_run_what_it_made(foo: Workshop) -> None:
    wheel = foo.wheel("commonwheel_over")
    assert wheel.read("commonwheel_libs/over_so1/share/over/made.txt") == b"43\n"
    (elf,) = elf_members(wheel).values()
    assert elf.rpath == ("$ORIGIN/../../foo_so1/lib",)


def test_python_m_build_gives_the_same_wheel(workshop: Workshop, tmp_path: Path) -> None:
    target = projects.Target(soname="libtiny.so.1", sources={"tiny.c": "int tiny(void){return 1;}"})
    workshop.library("tiny", {"1.0": projects.autotools(target)}, [{"soname": "libtiny.so.1"}])
    workshop.built("tiny", "--keep")
    (staged,) = workshop.cache.glob("work/tiny-1.0*/project")
    (kept,) = staged.parent.glob("raw/*.whl")
    program = Path(sys.executable).parent / "pyproject-build"
    # The archive of the staged project, and the wheel from it, in an environment of build's own.
    run([program, staged, "--outdir", tmp_path / "dist"], env=kit.caller_environment())
    (made,) = (tmp_path / "dist").glob("*.whl")
    assert made.name == kept.name
    assert digests(read_wheel(made)) == digests(read_wheel(kept))
    assert made.read_bytes() == kept.read_bytes()
    (archive,) = (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        assert not [name for name in opened.getnames() if "/build/" in name]
    read_wheel(made).verify()
    shutil.rmtree(staged.parent)
