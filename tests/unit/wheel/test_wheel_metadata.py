"""METADATA and WHEEL as text."""

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.errors import WheelError
from commonwheel.wheel.metadata import (
    make_metadata,
    make_wheel_file,
    with_requirements,
    with_tags,
    with_version,
)

RAW = (
    b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: numpy>=1.2\n"
    b"requires-dist: scipy ;\n  extra == 'all'\nProvides-Extra: all\nX: \xff\n\n"
    b"Version: not this\nRequires-Dist: nor this\n"
)
NEW = ["commonwheel-proj-so25>=9.1", 'commonwheel-geos-so1>=3.11; sys_platform == "linux"']


def test_version() -> None:
    assert with_version(RAW, "1.0+cw.1") == RAW.replace(b"Version: 1.0", b"Version: 1.0+cw.1", 1)
    assert with_version(b"Version: 1\r\nName: a\r\n", "2") == b"Version: 2\r\nName: a\r\n"


@pytest.mark.parametrize("raw", [b"Name: a\n", b"Version: 1\nVersion: 2\n", b"\nVersion: 1\n"])
def test_version_must_be_there_once(raw: bytes) -> None:
    with pytest.raises(WheelError, match="Version headers"):
        with_version(raw, "1")


def test_requirements_come_after_the_last_one() -> None:
    added = "".join(f"Requires-Dist: {line}\n" for line in NEW).encode()
    expected = RAW.replace(b"'all'\n", b"'all'\n" + added, 1)
    once = with_requirements(RAW, NEW)
    assert once == expected
    assert with_requirements(once, NEW) == expected


def test_requirements_where_there_are_none() -> None:
    raw = b"Name: a\nVersion: 1\n\nBody\n"
    expected = b"Name: a\nVersion: 1\nRequires-Dist: b\n\nBody\n"
    assert with_requirements(raw, ["b"]) == expected
    bare = b"Name: a\nVersion: 1"
    assert with_requirements(bare, ["b"]) == bare + b"\nRequires-Dist: b\n"


def test_a_requirement_of_the_same_distribution_is_replaced_however_it_is_spelt() -> None:
    raw = b"Name: a\nRequires-Dist:  Commonwheel.Proj_so25 (>=1)\nRequires-Dist: b\n"
    expected = f"Name: a\nRequires-Dist: b\nRequires-Dist: {NEW[0]}\n".encode()
    assert with_requirements(raw, NEW[:1]) == expected


def test_requirements_that_only_share_the_prefix_stay() -> None:
    raw = b"Name: a\nRequires-Dist: commonwheel-tools\nRequires-Dist: commonwheel-proj-so2\n"
    assert with_requirements(raw, NEW).startswith(raw)


@given(st.text(alphabet="ab:- \r\n\té", max_size=80))
def test_nothing_asked_nothing_changed(text: str) -> None:
    raw = text.encode()
    assert with_requirements(raw, []) == raw
    once = with_requirements(raw, NEW)
    assert with_requirements(once, NEW) == once


def test_new_metadata() -> None:
    raw = make_metadata(
        name="commonwheel-proj-so25",
        version="9.1.1",
        summary="PROJ",
        license_expression="MIT",
        license_files=["COPYING"],
        requires_dist=NEW,
        requires_python=">=3.9",
        project_urls={"Source": "https://example.org"},
        description="# PROJ\n\nGrüße\n",
    )
    fields = message_from_bytes(raw)
    assert fields["Metadata-Version"] == "2.4"
    assert fields.get_all("Requires-Dist") == NEW
    assert fields["Project-URL"] == "Source, https://example.org"
    assert fields["License-File"] == "COPYING"
    assert fields["Description-Content-Type"] == "text/markdown"
    assert raw.decode().endswith("\n\n# PROJ\n\nGrüße\n")


def test_minimal_metadata() -> None:
    raw = make_metadata(name="a", version="1", summary="s", license_expression="MIT")
    assert raw.decode() == (
        "Metadata-Version: 2.4\nName: a\nVersion: 1\nSummary: s\nLicense-Expression: MIT\n"
    )


@pytest.mark.parametrize("value", ["a\nRequires-Dist: evil", "a\rb", "", "a\n"])
def test_no_header_can_be_smuggled_in(value: str) -> None:
    with pytest.raises(WheelError, match="must be one line"):
        make_metadata(name="a", version="1", summary=value, license_expression="MIT")
    with pytest.raises(WheelError, match="must be one line"):
        with_requirements(RAW, [value])


def test_wheel_file() -> None:
    raw = make_wheel_file(["py3-none-any"], purelib=True, generator="commonwheel 1", build="2")
    assert raw.decode() == (
        "Wheel-Version: 1.0\nGenerator: commonwheel 1\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\nBuild: 2\n"
    )
    assert with_tags(raw, ["a-b-c", "d-e-f"]) == raw.replace(
        b"Tag: py3-none-any\n", b"Tag: a-b-c\nTag: d-e-f\n"
    )
    assert with_tags(b"Wheel-Version: 1.0", ["a-b-c"]) == b"Wheel-Version: 1.0\nTag: a-b-c\n"
