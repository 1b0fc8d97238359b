from pathlib import Path

import pytest

from commonwheel.errors import RecipeError
from commonwheel.recipe.model import ConsumerRecipe
from tests.unit.recipe.kit import consumer, library, read

KNOWN = """\
  known-failures:
    - {test: 'a.py::test_old', reason: because, with: {zlib: '<1.3'}}
    - {test: 'a.py::test_new', reason: because, with: {zlib: '>=1.3'}}
    - {test: 'a.py::test_ever', reason: because}
"""


def recipe(known: str = KNOWN) -> str:
    text = consumer("user", uses={"zlib": ""})
    return text.replace("  imports: user\n", f"  imports: user\n{known}")


@pytest.mark.parametrize(("release", "name"), [("1.2.1", "test_old"), ("1.3", "test_new")])
def test_a_known_failure_holds_for_its_releases(tmp_path: Path, release: str, name: str) -> None:
    user = read(tmp_path, library("zlib"), recipe())["user"]
    assert isinstance(user, ConsumerRecipe)
    held = user.test.holding({"zlib": release, "other": "9"})
    assert [each.test for each in held.known_failures] == [f"a.py::{name}", "a.py::test_ever"]
    assert held.imports == user.test.imports


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{zlib: '<1.3'}", "{xz: '<1.3'}", "'xz' is not among the libraries in 'uses'"),
        ("'<1.3'", "'1.3'", "'1.3' is not a version range"),
    ],
)
def test_where_it_holds_must_mean_something(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, library("zlib"), recipe(KNOWN.replace(old, new)))
    assert message in str(caught.value)
    assert "user.yaml:13:" in str(caught.value)
