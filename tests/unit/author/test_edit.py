"""Releases put into recipes as text: nothing else may change."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.author.edit import NewRelease, RecipeText, SourceEntry, plain
from commonwheel.errors import RecipeError
from commonwheel.recipe.load import recipe_files
from commonwheel.recipe.yaml import parse
from tests.unit.recipe.kit import SHA

RECIPES = Path(__file__).parents[3] / "recipes"
NEW = SourceEntry(values={"url": "https://x/2.0", "sha256": SHA})

USUAL = f"""\
# a comment
name: thing
versions:
  "1.0":
    sources:
      # of 1.0
      - url: https://x/1.0
        sha256: {SHA}  # as in spack
    set: {{so: 1}}

  # between
  "1.1":
    sources:
      - url: https://x/1.1
        sha256: {SHA}
build: "3"  # of 1.1
"""


def release(beside: str, patches: Sequence[str] = (), **more: object) -> NewRelease:
    fields: dict[str, object] = {"sources": (NEW,), "added": {}, "patches": tuple(patches), **more}
    return NewRelease(version="2.0", beside=beside, **fields)  # type: ignore[arg-type]


def added(old: str, new: str) -> list[str]:
    """The lines that were added; all others must have stayed."""
    lines = list(difflib.ndiff(old.splitlines(keepends=True), new.splitlines(keepends=True)))
    assert not [line for line in lines if line.startswith("-")]
    return [line[2:].rstrip("\r\n") for line in lines if line.startswith("+")]


@pytest.mark.parametrize("file", recipe_files(RECIPES), ids=lambda file: file.stem)
@pytest.mark.parametrize("before", [True, False])
def test_our_recipes_keep_every_byte(file: Path, before: bool) -> None:
    text = file.read_text()
    editor = RecipeText(text, file.name)
    listed = parse(text, file.name).value["versions"]
    for version, entry in listed.items():
        patches = entry.get("patches", [])
        patches = [patches] if isinstance(patches, str) else patches
        edited = editor.with_release(release(version, patches), before=before)
        lines = edited.splitlines(keepends=True)
        start = next(i for i, line in enumerate(lines) if line.strip() == '"2.0":')
        count = len(added(text, edited))
        rest = "".join(lines[:start] + lines[start + count :])
        assert rest == text
        assert list(parse(edited, "x").value["versions"]["2.0"]) == list(entry)


def test_a_release_in_the_middle() -> None:
    edited = RecipeText(USUAL, "x").with_release(release("1.0"), before=False)
    expected = f"""\
    set: {{so: 1}}

  "2.0":
    sources:
      - url: https://x/2.0
        sha256: {SHA}
    set: {{so: 1}}

  # between
"""
    assert expected in edited
    assert len(added(USUAL, edited)) == 6
    assert edited.index('"1.0"') < edited.index('"2.0"') < edited.index("# between")


def test_a_release_before_another_stands_above_its_comments() -> None:
    edited = RecipeText(USUAL, "x").with_release(release("1.1"), before=True)
    assert edited.index('"2.0"') < edited.index("# between") < edited.index('"1.1"')


def test_the_build_number_is_set_back_where_it_stands() -> None:
    edited = RecipeText(USUAL, "x").with_release(release("1.1"), before=False, build=True)
    assert edited.endswith("build: 1  # of 1.1\n")


def test_comments_that_speak_of_the_old_release_are_told() -> None:
    editor = RecipeText(USUAL, "x")
    assert editor.remarks("1.0") == ["line 6: # of 1.0", "line 8: # as in spack"]
    assert editor.remarks("1.1") == ["line 11: # between"]


BLOCK = f"\n      - url: https://x/1.1\n        sha256: {SHA}"
BRACES = f"[{{url: 'https://x/1.1', sha256: {SHA}}}]"
SCALARS = "    set:\n      so: |-\n        # no comment\n      to: >-\n        a\n        b\n"
END = "    # an end\n  # another\n# and\nbuild: '3'"


def usual(*changes: tuple[str, str]) -> str:
    text = USUAL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


UNUSUAL = {
    "no line end": USUAL.rpartition("build")[0].rstrip(),
    "Windows": usual(("\n", "\r\n")),
    "byte order mark": "\ufeff" + USUAL,
    "dashes at the key": usual(
        ("      - u", "    - u"), ("        s", "      s"), ("      #", "    #")
    ),
    "wide dashes": usual(("- url:", "-   url:"), ("        sha", "          sha")),
    "four spaces": re.sub("(?m)^( +)", r"\1\1", USUAL).replace("- url", "-   url"),
    "single quotes": usual(('"1.0"', "'1.0'"), ('"1.1"', "'1.1'")),
    "unquoted": usual(('"1.0"', "1.0"), ('"1.1"', "1.1")),
    "quoted keys": usual(("sources:", '"sources":')),
    "braces": usual((BLOCK, f" {BRACES}")),
    "all braces": usual((f"\n    sources:{BLOCK}", f" {{sources: {BRACES}, set: {{so: 1}}}}")),
    "block scalar": usual(("    set: {so: 1}\n", SCALARS)),
    "comment at the end": usual(('build: "3"', END)),
    "umlauts": usual(("a comment", "Ümläut €𝄞"), ("of 1.0", "für 1.0")),
    "tabs behind": usual(("set: {so: 1}", "set: {so: 1}\t ")),
}


@pytest.mark.parametrize("name", UNUSUAL)
@pytest.mark.parametrize("beside", ["1.0", "1.1"])
@pytest.mark.parametrize("before", [True, False])
def test_unusual_spellings(name: str, beside: str, before: bool) -> None:
    old = UNUSUAL[name]
    edited = RecipeText(old, "x").with_release(release(beside), before=before)
    added(old, edited)
    before_value, value = parse(old, "x").value, parse(edited, "x").value
    entry = value["versions"].pop("2.0")
    assert value == before_value
    expected = dict(before_value["versions"][beside], sources=[dict(NEW.values)])
    assert entry == expected
    if name == "Windows":
        assert "\n" not in edited.replace("\r\n", "")


def test_a_patch_less() -> None:
    text = USUAL.replace("    set:", "    patches: [a.patch, b.patch]  # two\n    set:")
    editor = RecipeText(text, "x")
    both = editor.with_release(release("1.0", ["a.patch", "b.patch"]), before=False)
    assert "    patches: [a.patch, b.patch]" in added(text, both)
    one = editor.with_release(release("1.0", ["b.patch"]), before=False)
    assert "    patches: b.patch" in added(text, one)
    none = editor.with_release(release("1.0"), before=False)
    assert not [line for line in added(text, none) if "patch" in line]


def test_remarks_mirrors_and_keys() -> None:
    sources = (
        SourceEntry(
            values={"url": "https://x", "mirrors": ["https://y", "https://z"], "sha256": SHA},
            remarks=("TODO: one", "and more"),
        ),
        SourceEntry(values={}, remarks=("TODO: two",)),
    )
    new = release("1.0", sources=sources, dropped=("set",), added={"wheel-version": "2.0"})
    edited = RecipeText(USUAL, "x").with_release(new, before=False)
    expected = f"""\
  "2.0":
    sources:
      # TODO: one
      # and more
      - url: https://x
        mirrors:
          - https://y
          - https://z
        sha256: {SHA}
      # TODO: two
    wheel-version: "2.0"

"""
    assert expected in edited


def test_versions_in_braces_are_refused() -> None:
    text = f"versions: {{'1.0': {{sources: [{{url: 'https://x', sha256: {SHA}}}]}}}}\n"
    with pytest.raises(RecipeError, match=r"^x:1:1: 'versions' is written in braces"):
        RecipeText(text, "x")


def test_what_cannot_be_edited_is_an_error() -> None:
    # Several keys on one line: what is put in behind the line comes behind them all.
    text = f"versions:\n  ? '1.0'\n  : sources: [{{url: 'https://x', sha256: {SHA}}}]\n"
    with pytest.raises(RecipeError, match=r"^x:2:5: .*no other can be made from"):
        RecipeText(text, "x").with_release(release("1.0", dropped=("sources",)), before=False)


@pytest.mark.parametrize("text", ["1.2.3", "so-25", "lib/pkgconfig/x.pc", "https://x/y"])
def test_plain_scalars(text: str) -> None:
    assert plain(text) == text


def test_a_comma_is_quoted_in_brackets() -> None:
    assert plain("a, b") == "a, b"
    assert plain("a, b", flow=True) == '"a, b"'


@pytest.mark.parametrize(
    "text", ["1.23", "1e5", "5", "yes", "ON", "", "a: b", "a #b", "- a", "{a}", "~", " a"]
)
def test_what_yaml_would_misread_is_quoted(text: str) -> None:
    assert plain(text).startswith('"')
    assert parse(f"a: {plain(text)}", "x").value == {"a": text}
