"""Everything that ``commonwheel abi dump`` takes, and what the command says."""

import json
import shutil
from pathlib import Path

import pytest

from commonwheel.abi.debug import has_types
from commonwheel.abi.encoding import from_json, read_snapshot
from commonwheel.abi.snapshot import Snapshot
from commonwheel.process import run
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name
from commonwheel.wheel.write import write_wheel
from tests.integration.kit import Workshop, commonwheel

HEADER = "int one(void);\nextern int table[4];\n"
SOURCE = """\
#include <stdio.h>
int one(void) { return 1; }
int table[4];
int inside(void) { return puts("inside"); }
"""


def library(folder: Path, soname: str | None = "libone.so.1", *, name: str = "libone.so.1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.c").write_text(SOURCE)
    words = ["gcc", "-shared", "-fPIC", "one.c", "-o", name]
    run([*words, *([f"-Wl,-soname,{soname}"] if soname else [])], cwd=folder)
    (folder / "one.c").unlink()
    return folder / name


def dumped(*words: str | Path) -> Snapshot:
    done = commonwheel("abi", "dump", *words)
    assert done.code == 0, done.text
    return from_json(done.text, "the output")


def public(snapshot: Snapshot) -> list[str]:
    return [s.name for each in snapshot.libraries for s in each.symbols if s.public]


def test_an_unpacked_debian_package(tmp_path: Path) -> None:
    lib = tmp_path / "usr/lib/x86_64-linux-gnu"
    library(lib)
    (lib / "libone.so").symlink_to("libone.so.1")
    (tmp_path / "usr/include").mkdir()
    (tmp_path / "usr/include/one.h").write_text(HEADER)
    found = dumped(tmp_path, "--release", "1.2")
    assert [each.soname for each in found.libraries] == ["libone.so.1"]
    assert public(found) == ["one", "table"]
    assert found.libraries[0].by_name["table"][0].size == 16
    assert found.libraries[0].by_name["one"][0].size is None
    assert (found.release, found.libc) == ("1.2", "glibc")
    assert len(found.headers) == 64


def test_a_conda_package_says_its_version(tmp_path: Path) -> None:
    library(tmp_path / "lib")
    (tmp_path / "info").mkdir()
    (tmp_path / "info/index.json").write_text('{"name": "one", "version": "1.3"}')
    assert dumped(tmp_path).release == "1.3"


def test_a_library_alone_has_headers_from_where_they_are(tmp_path: Path) -> None:
    path = library(tmp_path / "lib", soname=None)
    bare = dumped(path)
    assert bare.libraries[0].evidence == ("nothing",)
    assert public(bare) == ["inside", "one", "table"]
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers/one.h").write_text(HEADER)
    assert public(dumped(path, "--headers", tmp_path / "headers")) == ["one", "table"]


def test_anybodys_wheel(tmp_path: Path) -> None:
    """What auditwheel has renamed has its name back, and modules are no libraries."""
    hashed = "libone-0123abcd.so.1.0.2"
    content = library(tmp_path, hashed, name=hashed).read_bytes()
    module = library(tmp_path, None, name="module.so").read_bytes()
    tag = "cp311-cp311-manylinux_2_17_x86_64"
    name = make_wheel_name("acme", "3.0", tag)
    metadata = make_metadata(
        name="acme",
        version="3.0",
        summary="of a test",
        license_expression="MIT",
        license_files=[],
        project_urls={},
        description="",
    )
    members = {
        f"acme.libs/{hashed}": content,
        "acme/module.so": module,
        f"{name.dist_info}/METADATA": metadata,
        f"{name.dist_info}/WHEEL": make_wheel_file([tag], purelib=False, generator="a test"),
    }
    write_wheel(tmp_path / str(name), members, epoch=0)
    found = dumped(tmp_path / str(name))
    (one,) = found.libraries
    assert (one.soname, one.tagged, one.hashed) == ("libone.so.1.0.2", hashed, True)
    assert found.release == "3.0"


def test_a_library_wheel_tells_what_it_is(foo: Workshop) -> None:
    wheel = foo.wheel("commonwheel_foo")
    found = dumped(wheel.path, "--recipes", foo.recipes)
    assert (found.line, found.release, len(found.key)) == ("foo-so1", "1.0", 64)
    assert found.libraries[0].soname == "libfoo.so.1"
    assert found.libraries[0].tagged == "libfoo-commonwheel.so.1"
    assert "headers" in found.libraries[0].evidence
    (over,) = dumped(foo.wheel("commonwheel_over").path).libraries
    assert "libfoo.so.1" in [need.soname for need in over.needs]


def test_a_snapshot_stands_for_what_it_was_taken_from(tmp_path: Path) -> None:
    path = library(tmp_path)
    done = commonwheel("abi", "dump", path, "-o", tmp_path / "one.json.gz")
    assert (done.code, done.text) == (0, "")
    assert public(read_snapshot(tmp_path / "one.json.gz")) == ["inside", "one", "table"]
    done = commonwheel("abi", "diff", tmp_path / "one.json.gz", path)
    assert done.code == 0
    assert "equal" in done.text
    assert "not checked" in done.text


def test_a_break_ends_with_an_exit_code_of_its_own(tmp_path: Path) -> None:
    old = library(tmp_path / "old")
    new = tmp_path / "libone.so.1"
    (tmp_path / "one.c").write_text("int one(void) { return 1; }\n")
    run(["gcc", "-shared", "-fPIC", "one.c", "-o", new, "-Wl,-soname,libone.so.1"], cwd=tmp_path)
    report = tmp_path / "report.json"
    done = commonwheel("abi", "diff", old, new, "--format", "json", "-o", report)
    assert done.code == 18
    assert "docs/reference/abi-changes.md" in done.text
    data = json.loads(report.read_text())
    assert {each["subject"] for each in data["changes"]} == {"inside", "table"}
    back = commonwheel("abi", "diff", new, old)
    assert back.code == 0
    assert "additive" in back.text


def test_one_of_many_libraries(tmp_path: Path) -> None:
    library(tmp_path)
    library(tmp_path, "libtwo.so.1", name="libtwo.so.1")
    assert [each.stem for each in dumped(tmp_path, "--library", "libtwo").libraries] == ["libtwo"]
    done = commonwheel("abi", "dump", tmp_path, "--library", "libthree")
    assert done.code == 19
    assert "holds no shared library of libthree" in done.text


@pytest.mark.parametrize(
    ("make", "code", "told"),
    [
        (lambda _: None, 2, "no such file or folder"),
        (lambda path: path.mkdir(), 19, "holds no shared library"),
        (lambda path: path.write_text("no library"), 19, "holds no shared library"),
        (lambda path: path.write_bytes(b"\x7fELF"), 8, "malformed ELF file"),
    ],
)
def test_what_has_no_abi_is_refused(tmp_path: Path, make: object, code: int, told: str) -> None:
    assert callable(make)
    make(tmp_path / "given")
    done = commonwheel("abi", "dump", tmp_path / "given")
    assert done.code == code
    assert told in done.text


@pytest.mark.parametrize(
    ("flags", "types"),
    [(["-g0"], False), (["-g1"], False), (["-g"], True), (["-g", "-gz"], True)],
)
def test_debug_information_has_types_or_not(tmp_path: Path, flags: list[str], types: bool) -> None:
    (tmp_path / "one.c").write_text(SOURCE)
    run(["gcc", *flags, "-shared", "-fPIC", "one.c", "-o", "libone.so"], cwd=tmp_path)
    assert has_types((tmp_path / "libone.so").read_bytes(), "libone.so") is types


def test_without_abidiff_types_are_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include/one.h").write_text(HEADER)
    (tmp_path / "one.c").write_text(SOURCE)
    words = ("gcc", "-g", "-shared", "-fPIC", "one.c", "-o", "libone.so.1")
    run([*words, "-Wl,-soname,libone.so.1"], cwd=tmp_path)
    assert shutil.which("abidiff"), "install it: the system package 'abigail-tools'"
    done = commonwheel("abi", "diff", tmp_path, tmp_path)
    assert "not checked" not in done.text
    monkeypatch.setenv("PATH", str(tmp_path))
    done = commonwheel("abi", "diff", tmp_path, tmp_path)
    assert done.code == 0
    assert "types of libone.so.1: abidiff is not installed" in " ".join(done.text.split())


def test_a_timeline_is_drawn_of_releases_in_their_order(tmp_path: Path) -> None:
    for release in ("1.0", "1.1"):
        path = library(tmp_path / release)
        target = tmp_path / f"{release}.json"
        commonwheel("abi", "dump", path, "--release", release, "-o", target)
    done = commonwheel("abi", "timeline", tmp_path / "1.0.json", tmp_path / "1.1.json")
    assert done.code == 0, done.text
    assert done.text.startswith("<svg")
    assert "1.1: 3 public symbols, 0 added, 0 removed" in done.text
