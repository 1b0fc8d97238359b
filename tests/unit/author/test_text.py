from typing import Any

import pytest

from commonwheel.author.text import Remarked, render, todo
from commonwheel.recipe.yaml import parse


def test_the_spelling_of_recipes() -> None:
    text = render(
        [
            {"schema": 1, "name": "x", "empty": "", "none": [], "purl": todo("", "which?", "ask")},
            {"versions": {'"1.0"': {"sources": [{"url": "https://x", "sha256": "a"}]}}},
            {},
            {
                "build": {"options": ["-DX=ON", "a, b"], "one": ["-DX=ON"], "directory": ""},
                "requires": {"libraries": {"zlib": None}},
            },
        ],
        schema="../schema/library.schema.json",
    )
    assert (
        text
        == """\
# yaml-language-server: $schema=../schema/library.schema.json
schema: 1
name: x
# TODO: which?
# ask

versions:
  "1.0":
    sources:
      - url: https://x
        sha256: a

build:
  options: [-DX=ON, "a, b"]
  one: -DX=ON
requires:
  libraries:
    zlib:
"""
    )


def test_remarks_stand_above_what_they_speak_of() -> None:
    item = Remarked(value={"soname": "libx.so.1", "exports": ["x_*"]}, remarks=("odd",))
    inner = {"first": todo("a", "b"), "second": "c"}
    assert (
        render([{"libraries": [item, inner, "plain"]}])
        == """\
libraries:
  # odd
  - soname: libx.so.1
    exports: x_*
  # TODO: b
  - first: a
    second: c
  - plain
"""
    )


def test_a_mapping_of_remarks_alone_has_no_key() -> None:
    assert render([{"products": {"tools": todo("", "tools?")}}]) == "# TODO: tools?\n"


def test_long_remarks_are_wrapped_and_long_lists_go_below() -> None:
    text = render(
        [{"data": todo([f"lib/pkgconfig/module-{n}.pc" for n in range(9)], "word " * 60)}]
    )
    assert max(map(len, text.splitlines())) <= 110
    assert "\n  - lib/pkgconfig/module-8.pc\n" in text


@pytest.mark.parametrize("value", ["1.0", "yes", "a: b", "#x", "", "x # y", "[a", "é", "*", "{so}"])
def test_what_is_written_is_what_is_read(value: str) -> None:
    data: dict[str, Any] = {"a": [value or "x", "b"], "c": {"d": value or "x"}}
    read = parse(render([data]), "x").value
    assert read == {"a": [value or "x", "b"], "c": {"d": value or "x"}}
