"""The workflows and actions as data: pins, permissions, names that must agree."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from commonwheel.matrix import MAX_LEVELS, Cell, Check

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/caller/.github/workflows/wheels.yml"
BUILD = ROOT / ".github/workflows/build-wheels.yml"
WORKFLOWS = [*sorted((ROOT / ".github/workflows").glob("*.yml")), EXAMPLE]
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
FILES = [*WORKFLOWS, *ACTIONS]
PIN = re.compile(r"uses: (?P<what>\S+)@(?P<commit>\S+)(?P<rest>.*)")


def load(file: Path) -> dict[Any, Any]:
    data: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return data


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(file).get("jobs", {})
    return found


def steps(file: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(file).values():
        yield from job.get("steps", ())
    yield from load(file).get("runs", {}).get("steps", ())


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


every_file = pytest.mark.parametrize("file", FILES, ids=named)
every_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=named)


@every_file
def test_actions_are_pinned_with_their_version_beside(file: Path) -> None:
    for line in file.read_text().splitlines():
        if re.match(r"\s*(- )?uses: (?!\$/)", line):
            match = PIN.search(line)
            assert match, line
            assert re.fullmatch(r"[0-9a-f]{40}", match["commit"]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", match["rest"]), line


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for match in PIN.finditer(file.read_text()):
            pins.setdefault(match["what"], set()).add(match["commit"] + match["rest"])
    assert {what: len(found) for what, found in pins.items()} == dict.fromkeys(pins, 1)


@every_file
def test_what_is_ours_is_there(file: Path) -> None:
    for match in re.finditer(r"uses: \$/(\S+)", file.read_text()):
        place = ROOT / match[1]
        assert place.is_file() or (place / "action.yml").is_file(), match[0]


@every_workflow
def test_nothing_is_permitted_but_what_a_job_asks_for(file: Path) -> None:
    assert load(file)["permissions"] == {}
    for name, job in jobs(file).items():
        assert "permissions" in job, name


@every_workflow
def test_every_job_has_a_time_limit(file: Path) -> None:
    for name, job in jobs(file).items():
        assert "timeout-minutes" in job or "uses" in job, name


@every_file
def test_scripts_hold_no_expressions(file: Path) -> None:
    for step in steps(file):
        assert "${{" not in step.get("run", ""), step


@every_file
def test_no_cache_is_used(file: Path) -> None:
    for step in steps(file):
        assert "actions/cache" not in step.get("uses", "")
        assert "cache" not in step.get("with", {})


@every_file
def test_checkouts_leave_no_token_behind(file: Path) -> None:
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def inputs_of(file: Path) -> set[str]:
    data = load(file)
    # YAML 1.1 takes the key `on` for a truth value.
    triggers = data.get(True, {})
    of_workflow = triggers.get("workflow_call", {}).get("inputs", {}) if triggers else {}
    return {*of_workflow, *data.get("inputs", {})}


@pytest.mark.parametrize("file", [BUILD, *ACTIONS], ids=named)
def test_declared_inputs_are_those_that_are_used(file: Path) -> None:
    used = set(re.findall(r"\binputs\.([\w-]+)", file.read_text()))
    assert inputs_of(file) == used


@pytest.mark.parametrize("file", FILES, ids=named)
def test_what_is_given_is_declared(file: Path) -> None:
    calls = [*steps(file), *jobs(file).values()]
    for call in calls:
        used = call.get("uses", "")
        if used.startswith("$/") or "commonwheel/commonwheel" in used:
            place = ROOT / used.removeprefix("$/").partition("@")[0].removeprefix(
                "commonwheel/commonwheel/"
            )
            declared = inputs_of(place if place.is_file() else place / "action.yml")
            assert set(call.get("with", {})) <= declared, used


def keys(kind: type[Cell | Check]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_the_keys_of_cells_are_those_that_the_plan_prints() -> None:
    text = BUILD.read_text() + (ROOT / ".github/actions/build-cell/action.yml").read_text()
    used = set(re.findall(r"matrix\.cell\.(\w+)|fromJSON\(inputs\.cell\)\.(\w+)", text))
    used = {name for pair in used for name in pair if name}
    assert used <= keys(Cell)
    # For people, and for callers' own jobs.
    assert keys(Cell) - used == {"recipes", "job", "identifier", "image"}


def test_the_keys_of_checks_are_those_that_the_plan_prints() -> None:
    text = BUILD.read_text() + (ROOT / ".github/actions/check-set/action.yml").read_text()
    used = set(re.findall(r"matrix\.check\.(\w+)|fromJSON\(inputs\.check\)\.(\w+)", text))
    used = {name for pair in used for name in pair if name}
    assert used == keys(Check)


def test_levels_are_alike_but_for_their_number() -> None:
    levels = {name: job for name, job in jobs(BUILD).items() if name.startswith("level-")}
    assert list(levels) == [f"level-{number}" for number in range(MAX_LEVELS)]
    outputs = jobs(BUILD)["plan"]["outputs"]
    assert list(outputs) == [*levels, "checks", "count"]
    for number, (name, job) in enumerate(levels.items()):
        assert job["needs"] == (["plan", f"level-{number - 1}"] if number else "plan")
        text = yaml.safe_dump({key: value for key, value in job.items() if key != "needs"})
        first = yaml.safe_dump({k: v for k, v in levels["level-0"].items() if k != "needs"})
        assert text.replace(name, "level-0") == first
    assert jobs(BUILD)["check"]["needs"] == ["plan", *levels]


def test_the_example_is_a_handful_of_lines() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 12


def test_only_the_callers_publish() -> None:
    """A package index trusts the file in which the publishing job stands."""
    assert "id-token" not in BUILD.read_text()
    publish = jobs(ROOT / ".github/workflows/release.yml")["publish"]
    assert publish["permissions"] == {"id-token": "write", "attestations": "write"}
    assert publish["environment"] == "release"
