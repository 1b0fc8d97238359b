import json

import pytest

from commonwheel.abi.compare import Comparison, compare
from commonwheel.abi.html import page
from commonwheel.abi.kinds import FAMILIES, KINDS
from commonwheel.abi.render import LEVELS, as_json, github, headline, markdown, rows, sarif, table
from commonwheel.console import plain
from tests.unit.abi.conftest import library, snapshot, symbol

MANY = [symbol(f"new{n:02}") for n in range(12)]
OLD = snapshot(
    library(symbol("gone"), symbol("hidden", public=False), symbol("d", kind="object", size=4))
)
NEW = snapshot(library(symbol("d", kind="object", size=8), *MANY), release="2.0", name="y")
BROKEN = compare(OLD, NEW)
EQUAL = compare(OLD, OLD)


def test_the_headline_counts_what_was_found() -> None:
    assert headline(BROKEN) == "x → y: breaking (2 breaks, 12 additions, 1 note, 1 not checked)"
    assert headline(EQUAL) == "x → x: equal (1 not checked)"


def test_rows_are_the_gravest_first_and_the_first_few_of_a_kind() -> None:
    found = list(rows(BROKEN))
    assert [row[0] for row in found] == [
        *("breaking", "breaking"),
        *["addition"] * 11,
        *("note", "not checked"),
    ]
    assert found[12] == ("addition", "CWA401", "libx.so.1", "… and 2 more of the kind")


@pytest.mark.parametrize("comparison", [BROKEN, EQUAL])
def test_json_has_everything(comparison: Comparison) -> None:
    data = json.loads(as_json(comparison))
    assert data["verdict"] == comparison.verdict
    assert len(data["changes"]) == len(comparison.changes)
    assert data["not checked"] == list(comparison.unchecked)
    if comparison is BROKEN:
        (resized,) = (each for each in data["changes"] if each["id"] == "CWA108")
        assert resized["fields"] == {"was": "4", "now": "8"}


@pytest.mark.parametrize("text", [plain(table(BROKEN)), markdown(BROKEN), page(BROKEN)])
def test_what_people_read_has_breaks_and_what_was_not_checked(text: str) -> None:
    assert "gone is not exported any more" in text
    assert "types: a snapshot has none" in text
    assert "CWA104" in text


def test_markdown_folds_what_nobody_has_to_act_on() -> None:
    shown, _, folded = markdown(BROKEN).partition("<details>")
    assert "CWA104" in shown
    assert "CWA401" not in shown
    assert "CWA401" in folded


def test_names_are_escaped_in_a_page() -> None:
    odd = snapshot(library(symbol("<script>alert(1)</script>")))
    assert "<script" not in page(compare(odd, NEW))


def test_github_annotates_what_has_to_be_acted_on() -> None:
    lines = github(BROKEN).splitlines()
    assert "::error title=CWA104::libx.so.1: gone is not exported any more" in lines
    assert not any("CWA401" in line for line in lines)
    assert lines[-1].startswith("::notice title=ABI::x → y: breaking")


def test_sarif_knows_each_rule_and_leaves_open_what_was_not_checked() -> None:
    (run,) = json.loads(sarif(BROKEN))["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    used = {result["ruleId"] for result in run["results"] if "ruleId" in result}
    assert used <= rules
    assert [result["level"] for result in run["results"]].count("error") == 2
    assert run["results"][-1]["kind"] == "open"


def test_every_kind_has_an_id_of_its_own_a_family_and_says_why() -> None:
    assert len({kind.id for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.id.startswith("CWA")
        assert kind.id[3] in FAMILIES
        assert kind.level in LEVELS
        text = kind.__doc__ or ""
        assert "\n    Why: " in text
        assert "\n    Fix: " in text
