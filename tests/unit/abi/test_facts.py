from pathlib import Path

import pytest

from commonwheel.abi.compare import compare
from commonwheel.abi.facts import Fact, read_facts
from commonwheel.errors import RecipeError
from tests.unit.abi.conftest import library, snapshot, symbol

FACT = Fact(symbol="f", version="1.10", reason="counts from one")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("1.9", "1.10", True), ("1.9", "2", True), ("1.10", "2", False), ("1.8", "1.9", False)],
)
def test_a_fact_is_told_between_the_releases_that_it_lies_between(
    old: str, new: str, told: bool
) -> None:
    one, other = (snapshot(library(symbol("f")), release=release) for release in (old, new))
    result = compare(one, other, facts=[FACT])
    assert [c.id for c in result.changes] == (["CWA303"] if told else [])
    assert result.verdict == "equal"


def test_a_fact_on_a_symbol_that_was_not_there_concerns_nobody() -> None:
    one, other = (snapshot(library(symbol("g")), release=release) for release in ("1", "2"))
    assert compare(one, other, facts=[FACT]).changes == ()


def test_without_releases_a_fact_is_open() -> None:
    one = snapshot(library(symbol("f")), release="")
    result = compare(one, one, facts=[FACT])
    assert result.changes == ()
    assert any("behaviour of f" in reason for reason in result.unchecked)


def test_facts_are_read(tmp_path: Path) -> None:
    file = tmp_path / "facts.yaml"
    file.write_text("- symbol: f\n  version: 1.10\n  reason: counts from one\n")
    assert read_facts(file) == (FACT,)
    file.write_text("# nothing yet\n")
    assert read_facts(file) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("symbol: f\n", "facts.yaml:1:1: is not a list"),
        ("- f\n", ":1:3: a fact has reason, symbol, version"),
        ("- symbol: f\n  version: 1\n", ":1:3: a fact has"),
        ("- {symbol: f, version: soon, reason: r}\n", "'soon' is not a version"),
        ("- {symbol: f, version: 1, reason: [r]}\n", "every value of a fact is text"),
        ("- {symbol: f, version: 1, reason: r, more: m}\n", "and nothing else"),
    ],
)
def test_what_is_no_fact_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "facts.yaml").write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_facts(tmp_path / "facts.yaml")
    assert told in str(caught.value)
