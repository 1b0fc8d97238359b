import re
from pathlib import Path

import pytest

from commonwheel import errors
from commonwheel.errors import CommonwheelError, RecipeError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CommonwheelError)
]
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len(codes) == len(set(codes))
    # 0 is success; 126 and more are the shell's.
    assert all(0 < code < 126 for code in codes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_page_lists_every_exit_code(kind: type[CommonwheelError]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    row = re.compile(rf"^\|\s*`?{kind.exit_code}`?\s*\|.*\b{kind.__name__}\b", re.MULTILINE)
    assert row.search(text), f"run `scripts/nox -s gen`: {PAGE.name} lacks {kind.__name__}"


def test_an_error_is_what_where_and_what_next() -> None:
    error = CommonwheelError("it broke", where="a.yaml:1:2", hint="mend it")
    assert str(error) == "a.yaml:1:2: it broke\n  mend it"
    assert str(CommonwheelError("it broke")) == "it broke"


@pytest.mark.parametrize(("count", "head"), [(1, "1 problem in"), (2, "2 problems in")])
def test_problems_are_collected(count: int, head: str) -> None:
    problems = [f"f:{n}:1: wrong" for n in range(count)]
    error = RecipeError.collect(problems)
    assert str(error).splitlines() == [f"{head} recipes:", *(f"  {each}" for each in problems)]
    assert error.problems == tuple(problems)
