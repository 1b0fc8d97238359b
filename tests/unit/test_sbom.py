import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from commonwheel.recipe.resolved import LibraryBuild, SourceFact
from commonwheel.sbom import library_sbom
from tests.unit.recipe.kit import SHA, library, make_plan, read

DEBIAN = SourceFact(origin="Debian source tiff 4.7.0 in trixie", sha256=SHA)
URL = SourceFact(origin="https://example.org/a%20b.tgz?x=[1]", sha256=SHA)


@pytest.fixture
def build(tmp_path: Path) -> LibraryBuild:
    more = "    - {soname: libtiffxx.so.6, role: private}\nbuild:"
    text = library("tiff", uses={"zlib": "", "xz": ""}).replace("build:", more)
    recipes = read(tmp_path, library("zlib"), library("xz"), text)
    job = make_plan(recipes, "tiff").by_id["tiff-1.0"]
    assert isinstance(job.build, LibraryBuild)
    return job.build


def document(build: LibraryBuild, source: SourceFact) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(library_sbom(build, source, epoch=1_700_000_000))
    return data


@pytest.mark.parametrize("source", [DEBIAN, URL])
def test_it_is_valid_cyclonedx(build: LibraryBuild, source: SourceFact) -> None:
    text = library_sbom(build, source, epoch=1_700_000_000)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_a_library_without_needs_is_valid_too(tmp_path: Path) -> None:
    job = make_plan(read(tmp_path, library("zlib")), "zlib").jobs[0]
    assert isinstance(job.build, LibraryBuild)
    text = library_sbom(job.build, URL, epoch=0)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_names_the_release_for_databases(build: LibraryBuild) -> None:
    named = replace(build, purl="pkg:generic/libtiff@1.0", cpe="cpe:2.3:a:x:y:1.0" + ":*" * 7)
    assert (
        JsonStrictValidator(SchemaVersion.V1_6).validate_str(library_sbom(named, URL, epoch=0))
        is None
    )
    root = document(named, URL)["metadata"]["component"]
    assert (root["purl"], root["cpe"]) == (named.purl, named.cpe)
    assert "purl" not in document(build, URL)["metadata"]["component"]


def test_two_writings_give_the_same_bytes(build: LibraryBuild) -> None:
    texts = {library_sbom(build, DEBIAN, epoch=1) for _ in range(5)}
    assert len(texts) == 1


def test_it_names_the_library_its_files_and_what_it_links_to(build: LibraryBuild) -> None:
    data = document(build, DEBIAN)
    root = data["metadata"]["component"]
    assert (root["name"], root["version"]) == ("tiff", "1.0")
    assert root["licenses"] == [{"expression": "MIT"}]
    assert data["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert {(each["type"], each["name"]) for each in data["components"]} == {
        ("file", "libtiff.so.1"),
        ("file", "libtiffxx.so.6"),
        ("library", "commonwheel-xz-so1"),
        ("library", "commonwheel-zlib-so1"),
    }
    edges = {each["ref"]: each.get("dependsOn", []) for each in data["dependencies"]}
    assert sorted(edges["tiff-so1"]) == ["xz-so1", "zlib-so1"]


def test_it_names_programs_and_data_sets(build: LibraryBuild) -> None:
    products = replace(build.products, tools=("tiffinfo",))
    more = replace(build, products=products, data=("share/tiff",))
    found = {(each["type"], each["name"]) for each in document(more, URL)["components"]}
    assert {("file", "bin/tiffinfo"), ("data", "share/tiff")} <= found
    text = library_sbom(more, URL, epoch=0)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.parametrize(
    ("source", "url"),
    [(DEBIAN, "https://example.org/"), (URL, "https://example.org/a%20b.tgz?x=%5B1%5D")],
)
def test_it_names_the_source_with_its_digest(
    build: LibraryBuild, source: SourceFact, url: str
) -> None:
    references = document(build, source)["metadata"]["component"]["externalReferences"]
    (found,) = (each for each in references if each["type"] == "source-distribution")
    assert found["url"] == url
    assert found["comment"] == source.origin
    assert found["hashes"] == [{"alg": "SHA-256", "content": SHA}]
