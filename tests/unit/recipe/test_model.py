"""The model and the JSON Schema that editors are given say the same of a recipe."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from commonwheel.recipe.load import recipe_files
from commonwheel.recipe.model import KINDS, Recipe
from commonwheel.recipe.schema import MODELS, Kind, recipe_schema
from commonwheel.recipe.yaml import parse
from tests.unit.recipe.kit import SHA, consumer, library

RECIPES = Path(__file__).parents[3] / "recipes"
ADMITTED = [
    ("library", library("zlib")),
    ("library", library("zlib", {"3.10": "1"}, uses={"a": "", "b": '">=1"', "c": "{range: x}"})),
    ("library", library("zlib", more="  options: -DX=ON\n  languages: [c, c++]\n")),
    ("library", library("zlib", more="singleton: true\nwaivers: [{gate: CW601, reason: r}]\n")),
    ("library", library("zlib", more="  when: [{version: '>=1', environment: {A: b}}]\n")),
    ("library", library("zlib").replace("libzlib.so.1", "libzlib.so.1\n  label: c{version}")),
    ("consumer", consumer("user", uses={"a": ""})),
    ("consumer", consumer("user", uses={"a": "{build-against: '1.0'}"}, more="build: 3\n")),
    ("consumer", consumer("user", uses={"a": ""}, more="data: {a: patch}\ndlopen: [a]\n")),
]
SOURCES = [
    f"{{url: 'https://e.org/a', mirrors: [file:///b, 'http://c'], sha256: {SHA}}}",
    f"{{debian: a, version: '1', suite: sid, component: c, sha256: {SHA}}}",
    f"{{pypi: a, version: '1', sha256: {SHA}}}",
    f"{{git: 'https://e.org/a', commit: {SHA[:40]}, sha256: {SHA}}}",
]
REFUSED = [
    ("library", library("zlib").replace("schema: 1", "schema: 2")),
    ("library", library("zlib").replace("name: zlib", "name: Zlib")),
    ("library", library("zlib").replace("name: zlib\n", "")),
    ("library", library("zlib").replace("https://example.org/\n", "example.org\n")),
    ("library", library("zlib").replace("license-files: COPYING", "license-files: []")),
    ("library", library("zlib").replace("license-files", "license_files")),
    ("library", library("zlib").replace("driver: cmake", "driver: scons")),
    ("library", library("zlib").replace("libzlib.so.1", "zlib.dll")),
    ("library", library("zlib").replace(SHA, "abc")),
    ("library", library("zlib").replace("url: 'https", "url: 'ftp")),
    ("library", library("zlib").replace("url: 'https", f"commit: {SHA[:40]}, git: '--x")),
    ("library", library("zlib").replace("url: ", "mirrors: x, url: ")),
    ("library", library("zlib").replace("url: ", "pypi: x, url: ")),
    ("library", library("zlib").replace("url: ", "link: ")),
    ("library", library("zlib", more="python: '>=3'\n")),
    ("library", library("zlib", more="waivers: [{gate: X, reason: r}]\n")),
    ("library", library("zlib", more="waivers: [{gate: CW101, reason: r}]\n")),
    ("library", library("zlib", more="waivers: [{gate: CW205, reason: r}]\n")),
    ("library", library("zlib", more="  languages: [rust]\n")),
    (
        "library",
        library("zlib").replace(
            "abi:", f"    tests: [{{pypi: a, version: '1', sha256: {SHA}}}]\nabi:"
        ),
    ),
    ("library", library("zlib").replace("libzlib.so.1", "libzlib.so.1\n  label: C3")),
    ("library", library("zlib").replace("libzlib.so.1", "libzlib.so.1\n  stability: never")),
    ("consumer", consumer("user", uses={"a": ""}).replace("uses:\n  a: \n", "uses: {}\n")),
    ("consumer", consumer("user", uses={"A": ""})),
    ("consumer", consumer("user", uses={"a": "{rnage: x}"})),
    ("consumer", consumer("user", uses={"a": "[x]"})),
    ("consumer", consumer("user", uses={"a": ""}, more="build: 0\n")),
    ("consumer", consumer("user", uses={"a": ""}, more="data: {a: nowhere}\n")),
    ("consumer", consumer("user", uses={"a": ""}, more="singleton: true\n")),
    ("consumer", consumer("user", uses={"a": ""}).replace("imports: user", "command: x")),
]


def as_an_editor(text: str) -> Any:
    """The recipe as an editor's YAML reads it: with numbers, booleans and nothing."""
    return yaml.safe_load(text)


def model_admits(kind: Kind, text: str) -> bool:
    try:
        MODELS[kind].model_validate(parse(text, "f").value)
    except ValidationError:
        return False
    return True


def schema_admits(kind: Kind, text: str) -> bool:
    validator = jsonschema.Draft202012Validator(recipe_schema(kind))
    return bool(validator.is_valid(as_an_editor(text)))


@pytest.mark.parametrize("kind", ["library", "consumer"])
def test_the_schema_is_one(kind: Kind) -> None:
    jsonschema.Draft202012Validator.check_schema(recipe_schema(kind))


@pytest.mark.parametrize("file", recipe_files(RECIPES), ids=lambda file: file.stem)
def test_the_schema_admits_every_recipe_of_this_repository(file: Path) -> None:
    kind: Kind = "library" if file.parent.name == "libraries" else "consumer"
    validator = jsonschema.Draft202012Validator(recipe_schema(kind))
    text = file.read_text(encoding="utf-8")
    assert [error.message for error in validator.iter_errors(as_an_editor(text))] == []
    assert model_admits(kind, text)


@pytest.mark.parametrize("source", SOURCES)
def test_model_and_schema_admit_every_kind_of_source(source: str) -> None:
    start = f"{{url: 'https://example.org/1.0.tgz', sha256: {SHA}}}"
    text = library("zlib").replace(start, source)
    assert source in text
    assert model_admits("library", text)
    assert schema_admits("library", text)


@pytest.mark.parametrize(("kind", "text"), ADMITTED)
def test_model_and_schema_admit_the_same(kind: Kind, text: str) -> None:
    assert model_admits(kind, text)
    assert schema_admits(kind, text)


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_model_and_schema_refuse_the_same(kind: Kind, text: str) -> None:
    assert not model_admits(kind, text)
    assert not schema_admits(kind, text)


def test_every_field_says_what_it_is() -> None:
    found = [
        f"{kind.__name__}.{name}"
        for kind in KINDS.values()
        for name, field in kind.model_fields.items()
        if not field.description
    ]
    assert found == []


def test_a_recipe_cannot_be_changed() -> None:
    recipe: Recipe = MODELS["library"].model_validate(parse(library("zlib"), "f").value)
    with pytest.raises(ValidationError, match="frozen"):
        recipe.name = "other"


def test_credentials_are_not_shown() -> None:
    text = library("zlib").replace("https://example.org/1.0.tgz", "https://me:secret@e.org/z.tgz")
    recipe = MODELS["library"].model_validate(parse(text, "f").value)
    (source,) = recipe.versions["1.0"].sources
    assert source.describe() == "https://e.org/z.tgz"
