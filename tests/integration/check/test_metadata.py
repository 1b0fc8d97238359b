"""Each gate on what is said of a wheel: a wheel that trips it, and one that nearly does."""

import json
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commonwheel.wheel.metadata import make_wheel_file
from tests.integration.check.kit import TAG, checked, compiled, found, library, unchecked, write

SONAME = "libfoo-commonwheel.so.1"
FOO = "commonwheel_libs/foo_so1"
NAME = f"commonwheel_foo_so1-1.0-py3-none-{TAG}.whl"
INFO = "commonwheel_foo_so1-1.0.dist-info"
OTHER = f"other-1.0-py3-none-{TAG}.whl"
ROOT = {"type": "library", "name": "foo", "version": "1.0", "bom-ref": "foo"}
FILE = {"type": "file", "name": SONAME, "bom-ref": "foo/lib"}


@pytest.fixture(scope="module")
def foo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = "int foo(void) { return 1; }"
    return compiled(tmp_path_factory.mktemp("foo"), "libfoo", source, f"-Wl,-soname,{SONAME}")


def licensed(expression: str) -> dict[str, Any]:
    return {**ROOT, "licenses": [{"expression": expression}]}


def sbom(root: dict[str, Any], *components: dict[str, Any], **fields: object) -> bytes:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    document |= {"metadata": {"component": root}, "components": list(components), **fields}
    return json.dumps(document).encode()


def ours(folder: Path, content: bytes, document: bytes, **others: Any) -> Path:
    info = {"sboms/commonwheel.cdx.json": document}
    return library(folder, "foo-so1", "1.0", {SONAME: content}, info=info, **others)


def proj_db(version: str | None) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE metadata (key TEXT, value TEXT)")
        if version:
            database.execute("INSERT INTO metadata VALUES ('PROJ.VERSION', ?)", (version,))
        database.commit()
        return database.serialize()


def of_metadata(*lines: str) -> dict[str, bytes]:
    head = ("Metadata-Version: 2.4", "Name: other", "Version: 1.0")
    return {"METADATA": "\n".join([*head, *lines, ""]).encode()}


def test_cw607_trips_on_a_licence_that_the_expression_lacks(tmp_path: Path, foo: bytes) -> None:
    wheel = ours(tmp_path, foo, sbom(licensed("MIT AND Zlib"), FILE))
    assert found(checked(wheel))["CW607"] == [f"{NAME}: foo has MIT AND Zlib, which is not in MIT"]


def test_cw607_trips_on_what_is_no_expression(tmp_path: Path, foo: bytes) -> None:
    wheel = ours(tmp_path, foo, sbom(licensed("MIT"), FILE), license_expression="MIT-ish")
    assert found(checked(wheel))["CW607"] == [
        f"{NAME}: License-Expression 'MIT-ish' is no SPDX expression"
    ]


def test_cw607_near_miss_one_of_two_alternatives(tmp_path: Path, foo: bytes) -> None:
    wheel = ours(tmp_path, foo, sbom(licensed("(MIT OR Zlib) AND MIT"), FILE))
    assert "CW607" not in found(checked(wheel))
    # A parser that sees only ids would find GPL-2.0-only in here.
    exception = "GPL-2.0-only WITH Classpath-exception-2.0"
    document = sbom(licensed("GPL-2.0-only"), FILE)
    wheel = ours(tmp_path / "2", foo, document, license_expression=exception)
    assert len(found(checked(wheel))["CW607"]) == 1


def test_cw607_near_miss_a_consumer_without_an_expression_is_not_checked(tmp_path: Path) -> None:
    info = of_metadata()
    info["METADATA"] = info["METADATA"].replace(b"1.0", b"1.0+commonwheel.1")
    report = checked(write(tmp_path, "other", "1.0+commonwheel.1", {}, info=info))
    assert "CW607" not in found(report)
    assert unchecked(report)["CW607"] == ["upstream's METADATA has no License-Expression"]


def test_cw608_trips_on_a_program_that_no_sbom_names(tmp_path: Path, foo: bytes) -> None:
    wheel = ours(tmp_path, foo, sbom(licensed("MIT"), FILE), members={"bin/foo": foo})
    assert found(checked(wheel))["CW608"] == [f"{NAME}:{FOO}/bin/foo: no SBOM names this file"]


def test_cw608_trips_on_a_document_that_breaks_the_schema(tmp_path: Path) -> None:
    info = {"sboms/x.cdx.json": sbom({**ROOT, "type": "thing"}), "sboms/y.cdx.json": b"{"}
    messages = found(checked(write(tmp_path, "other", "1.0", {}, info=info)))["CW608"]
    place = f"{OTHER}:other-1.0.dist-info/sboms"
    assert messages[0].startswith(
        f"{place}/x.cdx.json: is not valid: metadata/component/type: 'thing' is not one of"
    )
    assert messages[1].startswith(f"{place}/y.cdx.json: is not valid: is not JSON")


def test_cw608_trips_on_a_grafted_library_without_an_sbom(tmp_path: Path, foo: bytes) -> None:
    member = "other.libs/libbar-12345678.so.1"
    path = write(tmp_path, "other", "1.0+commonwheel.1", {member: foo})
    assert found(checked(path))["CW608"] == [
        f"{path.name}:{member}: no SBOM names this grafted library"
    ]


def test_cw608_near_miss_names_by_path_and_by_upstreams_soname(tmp_path: Path, foo: bytes) -> None:
    # The kit of tests has libfoo.so.1 as upstream's SONAME; programs go by their paths.
    upstream = {**FILE, "name": "libfoo.so.1"}
    program = {"type": "file", "name": "bin/foo", "bom-ref": "foo/bin"}
    document = sbom(licensed("MIT"), upstream, program)
    report = checked(ours(tmp_path, foo, document, members={"bin/foo": foo}))
    assert "CW608" not in found(report)


def test_cw608_near_miss_a_wheel_of_others_without_an_sbom(tmp_path: Path, foo: bytes) -> None:
    info = {"sboms/spdx.json": b'{"spdxVersion": "SPDX-2.3"}'}
    report = checked(write(tmp_path, "other", "1.0", {"other/x.so": foo}, info=info))
    assert "CW608" not in found(report)


def test_cw609_trips_on_tags_that_are_not_the_file_names(tmp_path: Path) -> None:
    info = {"WHEEL": make_wheel_file(["py3-none-any"], purelib=False, generator="x")}
    assert found(checked(write(tmp_path, "other", "1.0", {}, info=info)))["CW609"] == [
        f"{OTHER}:other-1.0.dist-info/WHEEL: its tags are not the file name's: py3-none-any"
    ]


def test_cw609_trips_on_metadata_that_is_not_valid(tmp_path: Path) -> None:
    info = of_metadata("Requires-Dist: not a requirement!", "License-File: LICENSE")
    info["METADATA"] = info["METADATA"].replace(b"other", b"another")
    first, second = found(checked(write(tmp_path, "other", "1.0", {}, info=info)))["CW609"]
    assert "'not a requirement!' is invalid for 'requires-dist'" in first
    assert second == f"{OTHER}:other-1.0.dist-info/METADATA: Name is 'another'"


def test_cw609_trips_on_metadata_that_cannot_be_read(tmp_path: Path) -> None:
    report = checked(write(tmp_path, "other", "1.0", {}, info={"METADATA": b"Name: \xff"}))
    (message,) = found(report)["CW609"]
    assert message.startswith(f"{OTHER}:other-1.0.dist-info/METADATA: is not UTF-8")


def test_cw609_near_miss_a_compressed_tag_and_another_spelling_of_the_name(tmp_path: Path) -> None:
    tags = ["py3-none-manylinux2014_x86_64", f"py3-none-{TAG}"]
    tag = f"py3-none-{TAG}.manylinux2014_x86_64"
    info = of_metadata("License-File: LICENSE")
    info["METADATA"] = info["METADATA"].replace(b"other", b"An.Other")
    info["WHEEL"] = make_wheel_file(tags, purelib=False, generator="x")
    assert "CW609" not in found(checked(write(tmp_path, "an-other", "1.0", {}, tag=tag, info=info)))


def test_cw610_trips_on_a_file_that_was_changed(tmp_path: Path) -> None:
    path = write(tmp_path, "other", "1.0", {"other/x.py": b"A = 1\n"})
    report = checked(repacked(path, {"other/x.py": b"A = 2\n"}))
    assert found(report)["CW610"] == [
        f"{OTHER}:other/x.py: does not have the hash and size in RECORD"
    ]


def test_cw610_trips_on_a_name_that_leaves_site_packages(tmp_path: Path) -> None:
    path = write(tmp_path, "other", "1.0", {"other/x.py": b""})
    report = checked(repacked(path, {"other/../../x.pth": b""}))
    assert found(report)["CW610"] == [
        f"{OTHER}:other/../../x.pth: would be installed outside its place"
    ]


def test_cw610_near_miss_dots_in_names_and_folders_in_the_archive(tmp_path: Path) -> None:
    path = write(tmp_path, "other", "1.0", {"other/..x/a..b.py": b"", "other/, .py": b""})
    assert "CW610" not in found(checked(repacked(path, {"other/": b""})))


def test_cw611_trips_on_data_of_another_release(tmp_path: Path, foo: bytes) -> None:
    wheel = proj(tmp_path, foo, "9.1.1", proj_db("9.1.0"))
    assert found(checked(wheel))["CW611"] == [
        f"{wheel.name}:commonwheel_libs/proj_so25/share/proj/proj.db: is of 9.1.0, libproj of 9.1.1"
    ]


def test_cw611_trips_on_a_bundled_library_of_another_release(tmp_path: Path, foo: bytes) -> None:
    members = {"other.libs/libproj-1eb8c554.so.25.9.5.1": foo, "other/proj.db": proj_db("9.5.0")}
    assert found(checked(write(tmp_path, "other", "1.0", members)))["CW611"] == [
        f"{OTHER}:other/proj.db: is of 9.5.0, libproj of 9.5.1"
    ]


def test_cw611_trips_on_an_sbom_of_another_release(tmp_path: Path, foo: bytes) -> None:
    wheel = ours(tmp_path, foo, sbom({**licensed("MIT"), "version": "0.9"}, FILE))
    assert found(checked(wheel))["CW611"] == [
        f"{NAME}:{INFO}/sboms/commonwheel.cdx.json: is of 0.9, the library of 1.0"
    ]


def test_cw611_near_miss_data_of_the_same_release(tmp_path: Path, foo: bytes) -> None:
    report = checked(proj(tmp_path, foo, "9.1.1", proj_db("9.1.1")))
    assert "CW611" not in found(report)
    assert "CW611" not in unchecked(report)


@pytest.mark.parametrize(
    ("library_name", "data", "reason"),
    [
        ("libproj.so.25", proj_db("9.5.1"), "the release of libproj is not known"),
        ("libproj-1eb8c554.so.25.9.5.1", b"version https://git-lfs", "is not an SQLite database"),
        ("libproj-1eb8c554.so.25.9.5.1", proj_db(None), "does not name a release of PROJ"),
        (
            "libproj-1eb8c554.so.25.9.5.1",
            proj_db("9.5.1")[:600],
            "cannot be read: database disk image is malformed",
        ),
    ],
)
def test_cw611_near_miss_what_cannot_be_compared_is_not_checked(
    tmp_path: Path, foo: bytes, library_name: str, data: bytes, reason: str
) -> None:
    members = {f"other.libs/{library_name}": foo, "other/proj.db": data}
    report = checked(write(tmp_path, "other", "1.0", members))
    assert "CW611" not in found(report)
    assert unchecked(report)["CW611"] == [reason]


def test_cw612_trips_on_wheels_of_one_version_that_differ(tmp_path: Path) -> None:
    first = relative(tmp_path, "py3", ["a>=1"])
    second = relative(tmp_path, "cp311", ["a>=1", "b"])
    assert found(checked(second, first))["CW612"] == [
        f"{second.name}: {first.name} does not require b"
    ]
    assert found(checked(first, second))["CW612"] == [
        f"{first.name}: {second.name} requires b, too"
    ]


def test_cw612_near_miss_another_order_and_another_version(tmp_path: Path) -> None:
    first = relative(tmp_path, "py3", ["a >=1,<2", 'b; python_version < "3.11"'])
    second = relative(tmp_path, "cp311", ["b; python_version<'3.11'", "a<2,>=1"])
    older = write(tmp_path, "other", "0.9", {}, requires=["c"])
    assert "CW612" not in found(checked(second, first, older))


def test_cw613_trips_on_a_file_that_is_cut_short(tmp_path: Path, foo: bytes) -> None:
    report = checked(write(tmp_path, "other", "1.0", {"other/x.so": foo[:1000]}))
    (message,) = found(report)["CW613"]
    assert message.startswith(f"{OTHER}:other/x.so: cannot be checked: malformed ELF file: ")
    assert [each.level for each in report.findings if each.gate == "CW613"] == ["warning"]


def test_cw613_near_miss_a_file_of_another_machine(tmp_path: Path, foo: bytes) -> None:
    other = foo[:18] + (0xBEEF).to_bytes(2, "little") + foo[20:]
    assert "CW613" not in found(checked(write(tmp_path, "other", "1.0", {"other/x.so": other})))


def proj(folder: Path, content: bytes, version: str, database: bytes) -> Path:
    soname = "libproj-commonwheel.so.25"
    members = {"share/proj/proj.db": database}
    return library(folder, "proj-so25", version, {soname: content}, members=members)


def relative(folder: Path, python: str, requires: Sequence[str]) -> Path:
    return write(folder, "other", "1.0", {}, tag=f"{python}-none-{TAG}", requires=requires)


def repacked(path: Path, members: dict[str, bytes]) -> Path:
    """The same wheel with other content of these members, or more of them; RECORD stays."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    target = path.with_name("repacked") / path.name
    target.parent.mkdir()
    with zipfile.ZipFile(target, "w") as archive:
        for name, each in {**content, **members}.items():
            archive.writestr(name, each)
    return target
