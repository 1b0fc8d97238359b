import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.errors import RecipeError
from commonwheel.recipe.yaml import MOST_LEVELS, parse, read


def test_plain_scalars_stay_text() -> None:
    text = "a: ON\nb: 3.10\nc: 0x10\nd: 1_000\ne: 2024-01-02\nf: yes\ng: 1e3\nh: .inf\n"
    expected = ["ON", "3.10", "0x10", "1_000", "2024-01-02", "yes", "1e3", ".inf"]
    assert list(parse(text, "f").value.values()) == expected


@pytest.mark.parametrize("nothing", ["", "~", "null", "Null", "NULL"])
def test_plain_nothing_is_none(nothing: str) -> None:
    assert parse(f"a: {nothing}\n", "f").value == {"a": None}
    assert parse(f"- {nothing}\n- x\n", "f").value == [None, "x"]


def test_quoted_nothing_is_text() -> None:
    assert parse("[null, 'null', \"~\", '']", "f").value == [None, "null", "~", ""]


def test_block_scalars_are_joined() -> None:
    assert parse("a: >-\n  one\n  two\n", "f").value == {"a": "one two"}


def test_an_empty_document_is_nothing() -> None:
    assert parse("", "f").value is None
    assert parse("# only a comment\n", "f").value is None


def test_positions_are_of_keys_and_of_items() -> None:
    document = parse("a:\n  b:\n    - one\n    - c: two\n", "f.yaml")
    assert document.where(["a"]) == "f.yaml:1:1"
    assert document.where(["a", "b"]) == "f.yaml:2:3"
    assert document.where(["a", "b", 1]) == "f.yaml:4:7"
    assert document.where(["a", "b", 1, "c"]) == "f.yaml:4:7"


def test_what_is_missing_has_the_position_of_its_nearest_parent() -> None:
    document = parse("a:\n  b: 1\n", "f")
    assert document.where(["a", "x", "y"]) == "f:1:1"
    assert document.where(["a", "b", "deeper"]) == "f:2:3"
    assert document.where(["x"]) == "f:1:1"


def test_every_key_that_stands_twice_is_told() -> None:
    with pytest.raises(RecipeError) as caught:
        parse("a: 1\nb: {c: 1, c: 2}\na:\n  d: 1\n  d: 2\n", "f")
    assert caught.value.problems == (
        "f:2:11: the key 'c' stands twice",
        "f:3:1: the key 'a' stands twice",
        "f:5:3: the key 'd' stands twice",
    )


def test_one_key_in_two_mappings_is_no_double() -> None:
    assert parse("a: {x: 1}\nb: {x: 2}", "f").value == {"a": {"x": "1"}, "b": {"x": "2"}}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\n b: 2\n", "f:2:3", "not YAML: mapping values are not allowed"),
        ("a:\n\tb: 1\n", "f:2:1", "cannot start any token"),
        ("a: [1, 2\n", "f:2:1", "not YAML"),
        ("é: \x00\n", "f:1:4", "not YAML: control characters"),
        ("x: 1\ny: a\udcff", "f:2:5", "not text: surrogates"),
        ("a: 1\n---\nb: 2\n", "f:2:1", "a recipe is one document"),
        ("a: !include x\n", "f:1:4", "the tag '!include'"),
        ("a: !!python/name:os.system ''\n", "f:1:4", "recipes have none"),
        ("? [a, b]\n: c\n", "f:1:3", "a key must be text"),
        ("{a: 1}: 2\n", "f:1:1", "a key must be text"),
        ("x: &b {a: 1}\ny: *b\n", "f:2:4", "the alias '*b': write the value out"),
        ("x: {a: 1}\ny:\n  <<: {b: 2}\n", "f:3:3", "the merge key '<<'"),
        ("a: &x [*x]\n", "f:1:8", "the alias '*x'"),
    ],
)
def test_what_recipes_cannot_hold_is_refused_where_it_stands(
    text: str, where: str, what: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text, "f")
    assert caught.value.where == where
    assert what in caught.value.what


def test_an_anchor_alone_and_a_quoted_merge_key_are_text() -> None:
    assert parse("a: &x 1\nb: '*x'\nc: {'<<': y}", "f").value == {
        "a": "1",
        "b": "*x",
        "c": {"<<": "y"},
    }


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")])
def test_nesting_has_a_bound(opening: str, closing: str) -> None:
    within = opening * MOST_LEVELS + "x" + closing * MOST_LEVELS
    assert parse(within, "f").value
    # The C parser of PyYAML 6.0.4 has a bound of its own, and looks far ahead.
    for count, said in ((MOST_LEVELS + 1, f"{MOST_LEVELS} levels"), (3_000, "nest")):
        with pytest.raises(RecipeError, match=said):
            parse(opening * count + "x" + closing * count, "f")


def test_aliases_that_multiply_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(RecipeError, match="alias"):
        parse("\n".join(lines), "f")


def test_bytes_that_are_not_utf8_are_told_where(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_bytes("a: é\nb: ".encode() + b"\xff\n")
    with pytest.raises(RecipeError, match="not UTF-8") as caught:
        read(file, "r.yaml")
    assert caught.value.where == "r.yaml:2:4"


def test_a_folder_is_not_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read(tmp_path)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(file).value == {"a": "1"}


@given(st.text())
def test_arbitrary_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(RecipeError):
        assert parse(text, "f").problems == []


YAMLISH = st.lists(
    st.sampled_from(
        [*"abc019-:?,[]{}#&*!|>'\"%@`~<= \n\t", "\n  ", ": ", "- ", "&a ", "*a", "<<: ", "---\n"]
    )
).map("".join)


@given(YAMLISH)
def test_nearly_yaml_is_read_or_refused(text: str) -> None:
    try:
        told = parse(text, "file").where([])
    except RecipeError as error:
        told = str(error)
    assert "file:" in told


@given(
    st.recursive(
        st.text(alphabet="abc: #-{}[]'\"\n\\", min_size=1),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(alphabet="abc", min_size=1), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_what_json_can_say_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value), "f").value == value
