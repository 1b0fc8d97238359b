"""Each gate on a wheel's files: a wheel that trips it, and one that nearly does."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from commonwheel.check.expected import Expected
from commonwheel.check.finding import Report
from commonwheel.process import run
from commonwheel.wheel.read import read_wheel
from tests.integration.check.kit import (
    TAG,
    checked,
    compiled,
    found,
    library,
    unchecked,
    write,
)
from tests.integration.kit import PLAIN

SONAME = "libfoo-commonwheel.so.1"
FOO = "commonwheel_libs/foo_so1"
NAME = f"commonwheel_foo_so1-1.0-py3-none-{TAG}.whl"
OTHER = f"other-1.0-py3-none-{TAG}.whl"


@pytest.fixture(scope="module")
def foo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = "int foo(void) { return 1; }"
    return compiled(tmp_path_factory.mktemp("foo"), "libfoo", source, f"-Wl,-soname,{SONAME}")


@pytest.fixture
def ours(tmp_path: Path, foo: bytes) -> Callable[..., Report]:
    """The report on a library wheel with these members below its prefix."""

    def make(members: dict[str, bytes] | None = None, content: bytes = foo) -> Report:
        return checked(library(tmp_path, "foo-so1", "1.0", {SONAME: content}, members=members))

    return make


@pytest.fixture
def foreign(tmp_path: Path) -> Callable[..., Report]:
    """The report on somebody else's wheel with these members."""

    def make(members: dict[str, bytes], **others: Any) -> Report:
        return checked(write(tmp_path, "other", "1.0", members, **others))

    return make


def expected(*products: str, data: tuple[str, ...] = ()) -> Expected:
    return Expected(recipe="foo", version="1.0", license="MIT", products=products, data=data)


def test_cw601_trips_on_a_header_and_a_data_folder_that_are_missing(
    tmp_path: Path, foo: bytes
) -> None:
    wheel = library(tmp_path, "foo-so1", "1.0", {SONAME: foo}, members={"include/foo.h": b"\n"})
    report = checked(wheel, expected=expected("include/bar.h", data=("share/foo",)))
    assert found(report)["CW601"] == [
        f"{NAME}: {FOO}/include/bar.h is missing",
        f"{NAME}: {FOO}/share/foo is missing",
    ]


def test_cw601_trips_without_a_recipe_on_what_the_manifest_names(
    tmp_path: Path, foo: bytes
) -> None:
    wheel = library(tmp_path, "foo-so1", "1.0", {SONAME: foo})
    manifest = json.loads(_member(wheel, "commonwheel.json"))
    manifest |= {"tools": ["foo"]}
    info = {"commonwheel.json": json.dumps(manifest).encode()}
    report = checked(library(tmp_path / "2", "foo-so1", "1.0", {SONAME: foo}, info=info))
    assert found(report)["CW601"] == [f"{NAME}: {FOO}/bin/foo is missing"]
    assert unchecked(report)["CW601"] == [
        "no recipe is known for this wheel: headers are not looked for"
    ]


def test_cw601_near_miss_a_folder_is_there_when_a_file_in_it_is(tmp_path: Path, foo: bytes) -> None:
    members = {"share/foo/deep/data.txt": b"1\n", "include/foo.h": b"\n"}
    wheel = library(tmp_path, "foo-so1", "1.0", {SONAME: foo}, members=members)
    report = checked(wheel, expected=expected("include/foo.h", data=("share/foo",)))
    assert "CW601" not in found(report)
    assert "CW601" not in unchecked(report)


def test_cw602_trips_on_static_libraries_objects_and_libtool_files(
    tmp_path: Path, ours: Callable[..., Report]
) -> None:
    (tmp_path / "a.c").write_text("int a;\n")
    run(["gcc", "-c", "-o", tmp_path / "a.o", tmp_path / "a.c"], env=PLAIN)
    run(["ar", "rc", tmp_path / "liba.a", tmp_path / "a.o"], env=PLAIN)
    members = {
        "lib/liba.a": (tmp_path / "liba.a").read_bytes(),
        "lib/liba.la": b"# liba.la - a libtool library file\n",
        "share/object": (tmp_path / "a.o").read_bytes(),
    }
    assert found(ours(members))["CW602"] == [
        f"{NAME}:{FOO}/lib/liba.a: is a static library",
        f"{NAME}:{FOO}/lib/liba.la: is a libtool archive",
        f"{NAME}:{FOO}/share/object: is an object file",
    ]


def test_cw602_near_miss_a_text_a_debian_package_and_a_shared_library(
    ours: Callable[..., Report],
) -> None:
    members = {
        "share/vitamin.a": b"a text\n",
        "share/translation.la": b"linguam latinam\n",
        "share/x.deb": b"!<arch>\ndebian-binary   1\n",
    }
    assert "CW602" not in found(ours(members))


def test_cw602_trips_others_with_a_warning(foreign: Callable[..., Report]) -> None:
    report = foreign({"other/libx.a": b"!<arch>\n"})
    assert [each.level for each in report.findings if each.gate == "CW602"] == ["warning"]


def test_cw603_trips_on_debug_sections_and_a_symbol_table(
    tmp_path: Path, ours: Callable[..., Report]
) -> None:
    code = compiled(
        tmp_path, "x", "int foo;", "-g", "-gno-column-info", f"-Wl,-soname,{SONAME}", hardened=False
    )
    (message,) = found(ours({}, code))["CW603"]
    assert message.startswith(f"{NAME}:{FOO}/lib/{SONAME}: has the sections .debug_abbrev, ")
    plain = compiled(tmp_path, "x", "int foo;", f"-Wl,-soname,{SONAME}", hardened=False)
    assert found(ours({}, plain))["CW603"] == [
        f"{NAME}:{FOO}/lib/{SONAME}: has the sections .symtab"
    ]


def test_cw603_trips_on_files_that_builds_and_runs_leave(ours: Callable[..., Report]) -> None:
    members = {"x/__pycache__/a.cpython-311.pyc": b"\xa7\r\r\n", "x/foo.gcno": b"oncg"}
    assert found(ours(members))["CW603"] == [
        f"{NAME}:{FOO}/x/__pycache__/a.cpython-311.pyc: is bytecode",
        f"{NAME}:{FOO}/x/foo.gcno: is coverage data",
    ]


def test_cw603_near_miss_a_link_to_debug_information_elsewhere(
    tmp_path: Path, ours: Callable[..., Report], foo: bytes
) -> None:
    (tmp_path / "foo.debug").write_bytes(b"debug information")
    (tmp_path / "foo").write_bytes(foo)
    link = f"--add-gnu-debuglink={tmp_path / 'foo.debug'}"
    run(["objcopy", link, tmp_path / "foo"], env=PLAIN)
    members = {"share/core": b"a file of that name\n", "share/log.debug": b"texts, too\n"}
    assert "CW603" not in found(ours(members, (tmp_path / "foo").read_bytes()))


def test_cw603_near_miss_a_symbol_table_of_others(
    tmp_path: Path, foreign: Callable[..., Report]
) -> None:
    plain = compiled(tmp_path, "x", "int foo;", hardened=False)
    assert "CW603" not in found(foreign({"other/x.so": plain}))


def test_cw604_trips_on_an_assertion_with_a_path(
    tmp_path: Path, ours: Callable[..., Report]
) -> None:
    source = 'const char *where(void) { return "/tmp/build-env-1x2y3z4a/include/a.h"; }'
    code = compiled(tmp_path, "x", source, f"-Wl,-soname,{SONAME}")
    members = {"share/build.json": b'{"python": "/opt/_internal/cpython-3.11.1/bin/python"}\n'}
    assert found(ours(members, code))["CW604"] == [
        (
            f"{NAME}:{FOO}/lib/{SONAME}: names a folder of its build: "
            "/tmp/build-env-1x2y3z4a/include/a.h"
        ),
        (
            f"{NAME}:{FOO}/share/build.json: names a folder of its build: "
            "/opt/_internal/cpython-3.11.1/bin/python"
        ),
    ]


def test_cw604_near_miss_addresses_temporary_files_and_documentation(
    tmp_path: Path, ours: Callable[..., Report]
) -> None:
    source = """
    const char *a(void) { return "see https://example.org/project/foo/bar"; }
    const char *b(void) { return "/tmp/foo_XXXXXX"; }
    """
    code = compiled(tmp_path, "x", source, f"-Wl,-soname,{SONAME}")
    members = {
        "share/README.md": b"built in /tmp/pip-build-env-1x2y3z4a/overlay\n",
        "include/foo.h": b"/* open(file:///home/fred/data.db) */\n",
        "x/test_path.py": b"PATH = '/home/user/data.gpkg'\n",
    }
    assert "CW604" not in found(ours(members, code))


def test_cw605_trips_on_absolute_paths(ours: Callable[..., Report]) -> None:
    members = {
        "lib/pkgconfig/foo.pc": b"prefix=/opt/foo\nLibs: -L${prefix}/lib -lfoo\n",
        "lib/cmake/foo/fooTargets.cmake": b"set_target_properties(foo PROPERTIES\n  "
        b'INTERFACE_LINK_LIBRARIES "bar;/usr/lib/libz.so"\n)\n',
    }
    assert found(ours(members))["CW605"] == [
        f"{NAME}:{FOO}/lib/cmake/foo/fooTargets.cmake: names the absolute path /usr/lib/libz.so",
        f"{NAME}:{FOO}/lib/pkgconfig/foo.pc: names the absolute path /opt/foo",
    ]


def test_cw605_near_miss_paths_relative_to_the_file(ours: Callable[..., Report]) -> None:
    members = {
        "lib/pkgconfig/foo.pc": b"prefix=${pcfiledir}/../..\nsysconfdir=/etc\n"
        b"Libs: -L${prefix}/lib -lfoo\n",
        "lib/cmake/foo/fooTargets.cmake": b'# was /usr/lib/libz.so\nset(_IMPORT_PREFIX "")\n'
        b'if(_IMPORT_PREFIX STREQUAL "/")\nendif()\n'
        b'set(FOO_LIBRARY "${_IMPORT_PREFIX}/lib/libfoo.so")\n',
    }
    assert "CW605" not in found(ours(members))


def test_cw606_trips_on_a_licence_file_that_is_only_named(foreign: Callable[..., Report]) -> None:
    metadata = b"Metadata-Version: 2.4\nName: other\nVersion: 1.0\nLicense-File: COPYING\n"
    report = foreign({"other/x.py": b""}, info={"METADATA": metadata})
    assert found(report)["CW606"] == [f"{OTHER}: METADATA names COPYING, which is not in the wheel"]


def test_cw606_trips_on_a_bundled_library_without_a_licence(tmp_path: Path, foo: bytes) -> None:
    bundled = {"type": "library", "name": "libbar", "version": "1"}
    wheel = write(
        tmp_path,
        "other",
        "1.0+commonwheel.1",
        {"other.libs/libbar-12345678.so.1": foo},
        info={"sboms/auditwheel.cdx.json": _sbom(bundled)},
    )
    assert [each.rpartition(": ")[2] for each in found(checked(wheel))["CW606"]] == [
        "libbar is bundled and has no licence"
    ]


def test_cw606_near_miss_a_licence_beside_metadata(tmp_path: Path) -> None:
    metadata = b"Metadata-Version: 2.1\nName: other\nVersion: 1.0\nLicense-File: deps/COPYING\n"
    info = {"METADATA": metadata, "deps/COPYING": b"MIT\n"}
    assert "CW606" not in found(checked(write(tmp_path, "other", "1.0", {}, info=info)))


def _sbom(*components: Mapping[str, object]) -> bytes:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1}
    return json.dumps({**document, "components": list(components)}).encode()


def _member(wheel: Path, name: str) -> bytes:

    opened = read_wheel(wheel)
    return opened.read(opened.info(name))
