"""``commonwheel check`` as a person or a workflow runs it."""

import json
from pathlib import Path

import pytest

from tests.integration.check.kit import compiled, library
from tests.integration.kit import commonwheel

SONAME = "libfoo-commonwheel.so.1"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    code = compiled(tmp_path, "foo", "int foo(void) { return 1; }", f"-Wl,-soname,{SONAME}")
    return library(tmp_path / "sound", "foo-so1", "1.0", {SONAME: code})


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """Its stack is executable."""
    flags = (f"-Wl,-soname,{SONAME}", "-Wl,-z,execstack")
    code = compiled(tmp_path, "bar", "int foo(void) { return 1; }", *flags)
    return library(tmp_path / "spoilt", "foo-so1", "1.0", {SONAME: code})


def test_a_sound_wheel_passes(sound: Path) -> None:
    outcome = commonwheel("check", sound)
    assert outcome.code == 0, outcome.text
    assert "library" in outcome.text
    assert "not checked" in outcome.text


def test_a_wheel_that_does_not_pass_is_an_error(spoilt: Path) -> None:
    outcome = commonwheel("check", spoilt)
    assert outcome.code == 14
    assert "CW401" in outcome.text
    assert "1 of 1 wheel did not pass" in outcome.text


def test_a_folder_stands_for_its_wheels(sound: Path, spoilt: Path) -> None:
    outcome = commonwheel("check", sound.parent, "--with", spoilt.parent, "--format", "json")
    assert outcome.code == 0, outcome.text
    assert [report["wheel"] for report in json.loads(outcome.text)["reports"]] == [sound.name]


def test_json_holds_every_gate_with_its_verdict(spoilt: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    commonwheel("check", spoilt, "--format", "json", "-o", target)
    (report,) = json.loads(target.read_text())["reports"]
    assert report["passes"] is False
    assert report["gates"]["CW401"]["verdict"] == "failed"
    (finding,) = report["gates"]["CW401"]["findings"]
    assert finding["member"] == f"commonwheel_libs/foo_so1/lib/{SONAME}"
    assert report["gates"]["CW402"]["verdict"] == "passed"
    assert report["gates"]["CW305"]["not checked"][0]["reason"]


def test_sarif_has_a_rule_for_each_result(spoilt: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.sarif"
    commonwheel("check", spoilt, "--format", "sarif", "-o", target)
    (run,) = json.loads(target.read_text())["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    results = {(each["ruleId"], each["level"]) for each in run["results"]}
    assert ("CW401", "error") in results
    assert {rule for rule, _ in results} <= rules
    assert all(each["kind"] == "open" for each in run["results"] if each["level"] == "none")


def test_github_gets_an_annotation(spoilt: Path, tmp_path: Path) -> None:
    target = tmp_path / "annotations"
    commonwheel("check", spoilt, "--format", "github", "-o", target)
    lines = target.read_text().splitlines()
    assert any(line.startswith(f"::error title=CW401::{spoilt.name}:") for line in lines)
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)


def test_a_summary_says_what_did_not_pass(spoilt: Path, tmp_path: Path) -> None:
    target = tmp_path / "summary.md"
    commonwheel("check", spoilt, "--format", "markdown", "-o", target)
    lines = target.read_text().splitlines()
    assert lines[0] == "## 1 wheel: 1 did not pass"
    assert any(line.startswith(f"| ✗ | `{spoilt.name}` |") for line in lines)
    assert any(line.startswith("| error | CW401 |") for line in lines)


def test_what_is_no_wheel_is_an_error_that_names_it(tmp_path: Path) -> None:
    other = tmp_path / "foo-1.0-py3-none-any.whl"
    other.write_bytes(b"no zip")
    for words in ((other,), (tmp_path / "gone.whl",), (tmp_path / "empty",)):
        (tmp_path / "empty").mkdir(exist_ok=True)
        outcome = commonwheel("check", *words)
        assert outcome.code != 0
        assert str(words[0].name) in outcome.text
        assert "Traceback" not in outcome.text
