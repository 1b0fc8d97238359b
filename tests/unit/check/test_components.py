import json

import pytest

from commonwheel.check.components import (
    covers,
    documents,
    expressions,
    normal_expression,
    schema_fault,
)


@pytest.mark.parametrize(
    ("whole", "part", "covered"),
    [
        ("MIT AND Zlib", "MIT", True),
        ("MIT", "MIT AND Zlib", False),
        ("MIT", "MIT OR Zlib", True),
        ("MIT OR Zlib", "Zlib", True),
        ("MIT", "(Zlib OR 0BSD) AND MIT", False),
        ("MIT AND 0BSD", "(Zlib OR 0BSD) AND MIT", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", False),
        (*["GPL-2.0-only WITH Classpath-exception-2.0"] * 2, True),
        ("GPL-2.0-or-later", "GPL-2.0-only", False),
    ],
)
def test_an_expression_covers_another(whole: str, part: str, covered: bool) -> None:
    assert covers(whole, part) is covered


def test_an_expression_is_normalised() -> None:
    assert normal_expression("mit or zlib") == "MIT OR Zlib"
    assert normal_expression("BSD") is None


@pytest.mark.parametrize(
    ("licenses", "found"),
    [
        ([{"expression": "MIT"}], ["MIT"]),
        ([{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}], ["MIT", "Own"]),
        ([], []),
        ("MIT", []),
        ([None, {"license": {"url": "x"}}], []),
    ],
)
def test_licences_of_a_component(licenses: object, found: list[str]) -> None:
    assert expressions({"licenses": licenses}) == found


def test_components_inside_others_are_found_and_the_root_is_not() -> None:
    root = {"name": "x", "version": "1"}
    inner = {"name": "b", "components": [{"name": "c"}, "no object"]}
    data = {"metadata": {"component": root}, "components": [root, {"name": "a"}, inner]}
    contents = {
        "x-1.dist-info/sboms/a.cdx.json": json.dumps(data).encode(),
        "x-1.dist-info/sboms/spdx.json": b'{"spdxVersion": "SPDX-2.3"}',
        "x-1.dist-info/other.json": b"{}",
    }
    (document,) = documents(contents, "x-1.dist-info")
    assert [each["name"] for each in document.components] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\xff", "is not JSON: "),
        (b"[]", "is not a JSON object"),
        (b"{}", "specVersion None is none with a JSON schema"),
        (b'{"specVersion": "1.1"}', "specVersion '1.1' is none with a JSON schema"),
        (b'{"specVersion": "1.6"}', "the document: 'bomFormat' is a required property"),
        (b'{"specVersion": "1.4", "bomFormat": "CycloneDX", "version": "one"}', "version: "),
    ],
)
def test_faults_of_documents(content: bytes, fault: str) -> None:
    (document,) = documents({"x-1.dist-info/sboms/a.cdx.json": content}, "x-1.dist-info")
    found = schema_fault(document)
    assert found is not None
    assert found.startswith(fault)
    assert document.components == []


def test_a_minimal_document_is_valid() -> None:
    content = b'{"specVersion": "1.6", "bomFormat": "CycloneDX"}'
    (document,) = documents({"x-1.dist-info/sboms/a.json": content}, "x-1.dist-info")
    assert schema_fault(document) is None
