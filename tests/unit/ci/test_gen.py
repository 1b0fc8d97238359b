import argparse
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ci import gen_cli, gen_errors, gen_policy, gen_recipes
from commonwheel.recipe.load import recipe_files
from commonwheel.recipe.schema import Kind, recipe_schema
from commonwheel.text import markdown_table

ROOT = Path(gen_cli.__file__).parent.parent
KINDS: dict[str, Kind] = {"libraries": "library", "consumers": "consumer"}
RELEASE = {"sources": [{"pypi": "x", "version": "1.0", "sha256": "0" * 64}]}


@pytest.mark.parametrize("file", recipe_files(ROOT / "recipes"), ids=lambda file: file.stem)
def test_the_schema_admits_each_recipe_as_an_editor_reads_it(file: Path) -> None:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, recipe_schema(KINDS[file.parent.name]))


@pytest.fixture
def library() -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "x",
        "summary": "X",
        "homepage": "https://x.example",
        "license": "MIT",
        "license-files": "COPYING",
        "versions": {"1.0": RELEASE},
        "abi": {"libraries": [{"soname": "libx.so.1"}]},
        "requires": {"libraries": {"zlib": None, "xz": ">=5", "tiff": {"range": ">=4"}}},
        "build": {"driver": "cmake"},
    }


def test_the_schema_admits_shorthand(library: dict[str, Any]) -> None:
    library["versions"]["1.0"] = {**RELEASE, "set": {"so": 25, "tools": True}}
    jsonschema.validate(library, recipe_schema("library"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("bulid", {}), ("build", {"driver": "waf"}), ("license-files", {}), ("schema", 2)],
)
def test_the_schema_refuses(library: dict[str, Any], key: str, value: object) -> None:
    library[key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(library, recipe_schema("library"))


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_key_has_a_description(kind: Kind) -> None:
    schema = recipe_schema(kind)
    models = {"": schema, **schema["$defs"]}
    missing = [
        f"{name}.{key}"
        for name, model in models.items()
        for key, value in model["properties"].items()
        if not value.get("description")
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/$defs/Release"}, "[Release](#release)"),
        ({"enum": ["a", "b"], "type": "string"}, "`a` or `b`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        (
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "text, or a list",
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "mapping to integer"),
        ({"type": "array", "items": {"type": ["string", "number"]}}, "list of text"),
        ({"type": "boolean"}, "boolean"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert gen_recipes.kind_of(schema) == words


def test_a_command_line_in_sections() -> None:
    parser = argparse.ArgumentParser(prog="tool", description="does things")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    make = commands.add_parser("make", description="make it")
    make.add_argument("names", metavar="NAME", nargs="+", help="what")
    make.add_argument(
        "-n", "--number", metavar="N", type=int, default=3, help="(default %(default)s)"
    )
    make.add_argument("--format", choices=("a", "b"), default="a")
    make.add_argument("--secret", help=argparse.SUPPRESS)
    text = "".join(gen_cli.sections(parser))
    assert "## tool\n\nDoes things.\n\n```text\ntool COMMAND ...\n```\n" in text
    assert "### tool make" in text
    assert "tool make [OPTION]... NAME...\n" in text
    assert "| `-n N, --number N` | (default 3) |" in text
    assert "| `--format {a,b}` | Default: a. |" in text
    assert "secret" not in text
    assert "--help" not in text


def test_tables_escape_bars_and_line_ends() -> None:
    assert markdown_table(["a"], [["x|y\n  z"]]) == "| a |\n| --- |\n| x\\|y z |\n"


def test_exit_codes_differ() -> None:
    codes = [kind.exit_code for kind in gen_errors.classes()]
    assert len(codes) == len(set(codes))
    assert "| 12 | `WheelhouseError` |" in gen_errors.page()


def test_policies_of_another_auditwheel_are_not_compared() -> None:
    assert gen_policy.reason_not_to_check(json.dumps({"auditwheel": "1.0"}))
    assert not gen_policy.reason_not_to_check(gen_policy.text())
    assert not gen_policy.reason_not_to_check("")
