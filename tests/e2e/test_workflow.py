"""The reusable workflow, run from its own YAML for the example caller: geos → shapely.

Its steps are run as they stand there; only GitHub's own actions are played (tests/workflows).
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from commonwheel.engine.interpreter import running_version
from tests.integration.index.kit import served
from tests.integration.kit import commonwheel
from tests.workflows.runner import Runner

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/build-wheels.yml"
CALLER = ROOT / "docs/examples/caller"
# Of the caller, all else stands; GitHub's runners have images and every Python.
HERE = {"engine": "host", "pythons": running_version()}
TAG = f"cp{running_version().replace('.', '')}"


def given() -> dict[str, Any]:
    """What the example says in its ``with:``."""
    data = yaml.safe_load((CALLER / ".github/workflows/wheels.yml").read_text())
    (job,) = data["jobs"].values()
    return {**job["with"], **HERE}


@pytest.fixture(scope="module")
def environ() -> Mapping[str, str]:
    # What stands in the cache is not compiled again: a step's shell is what is tried here.
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, environ: Mapping[str, str]
) -> tuple[Runner, dict[str, str]]:
    runner = Runner(
        root=tmp_path_factory.mktemp("run"), project=ROOT, caller=CALLER, environ=environ
    )
    outputs = runner.call(WORKFLOW, given())
    failures = [error for job in runner.jobs.values() for error in job.errors]
    assert not failures, "\n".join(failures)
    return runner, outputs


def test_levels_are_built_and_the_rest_is_skipped(finished: tuple[Runner, dict[str, str]]) -> None:
    results = {name: job.result for name, job in finished[0].jobs.items()}
    built = ["plan", "level-0", "level-1", "check", "result"]
    assert results == {name: "success" if name in built else "skipped" for name in results}


def test_the_second_level_takes_the_wheels_of_the_first(
    finished: tuple[Runner, dict[str, str]],
) -> None:
    log = "\n".join(finished[0].log)
    cell = log.partition(f"=== build-shapely-2.1.2-{TAG}")[2].partition("===")[0]
    assert "geos-3.11.1  given" in cell
    assert "geos-3.13.1  given" in cell


def test_the_outputs_name_the_wheels(finished: tuple[Runner, dict[str, str]]) -> None:
    runner, outputs = finished
    wheels = sorted(runner.artifacts.glob("commonwheel-wheels-*/*.whl"))
    assert [wheel.name.partition("-py3")[0].partition(f"-{TAG}")[0] for wheel in wheels] == [
        "commonwheel_geos_so1-3.11.1",
        "commonwheel_geos_so1-3.13.1",
        "shapely-2.1.2+commonwheel.1",
    ]
    assert outputs["artifact-pattern"] == "commonwheel-wheels-*"
    assert outputs["wheel-count"] == "3"
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in wheels]
    assert (runner.artifacts / "commonwheel-sums/SHA256SUMS").read_text() == "".join(lines)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert outputs["digest"] == f"sha256:{digest}"


def test_what_a_reader_of_the_run_gets(finished: tuple[Runner, dict[str, str]]) -> None:
    runner, _ = finished
    assert "flowchart LR" in runner.summary
    assert "3 wheels: all pass" in runner.summary
    label = f"shapely-2.1.2-{TAG}-manylinux_x86_64"
    report = runner.artifacts / f"commonwheel-report-{label}"
    (file,) = report.glob("*.report.json")
    assert json.loads(file.read_text())["reports"][0]["passes"]
    assert (report / "provenance.json").is_file()
    (geos,) = runner.artifacts.glob("commonwheel-report-geos-3.13.1-*")
    assert list(geos.glob("debug/.build-id/*/*.debug"))
    log = "\n".join(runner.log)
    for module in ("commonwheel_libs.geos_so1", "shapely", "shapely.lib"):
        assert f"imported {module}\n" in log


def test_published_libraries_are_taken_as_they_are(
    tmp_path: Path, environ: Mapping[str, str], finished: tuple[Runner, dict[str, str]]
) -> None:
    first, _ = finished
    wheels = sorted(first.artifacts.glob("commonwheel-wheels-geos-*/*.whl"))
    outcome = commonwheel("index", "-o", tmp_path / "site", *wheels)
    assert outcome.code == 0, outcome.text
    runner = Runner(root=tmp_path / "run", project=ROOT, caller=CALLER, environ=environ)
    runner.prepared = first.prepared
    with served(tmp_path / "site") as server:
        outputs = runner.call(WORKFLOW, {**given(), "published": server.simple})
    assert not [error for job in runner.jobs.values() for error in job.errors]
    # What is there needs no job, no level and no upload; what uses it is built and checked with it.
    assert runner.jobs["level-0"].result == "success"
    assert runner.jobs["level-1"].result == "skipped"
    assert outputs["wheel-count"] == "1"
    (wheel,) = runner.artifacts.glob("commonwheel-wheels-*/*.whl")
    assert wheel.name.startswith("shapely-")
    assert "3 wheels: all pass" in runner.summary


def test_a_mistake_of_the_caller_is_said_by_the_plan(
    tmp_path: Path, environ: Mapping[str, str], finished: tuple[Runner, dict[str, str]]
) -> None:
    first, _ = finished
    runner = Runner(root=tmp_path, project=ROOT, caller=CALLER, environ=environ)
    runner.prepared = first.prepared
    assert runner.call(WORKFLOW, {**given(), "recipes": "shaply"}) == {}
    (error,) = runner.jobs.pop("plan").errors
    assert "there is no recipe 'shaply'" in error
    assert "Traceback" not in error
    assert {job.result for job in runner.jobs.values()} == {"skipped"}


def test_a_build_that_fails_leaves_its_logs_and_nothing_is_built_on_it(
    tmp_path: Path, environ: Mapping[str, str], finished: tuple[Runner, dict[str, str]]
) -> None:
    first, _ = finished
    runner = Runner(root=tmp_path, project=ROOT, caller=CALLER, environ=environ)
    runner.prepared = first.prepared
    broken = {"recipes": "libyaml pyyaml", "overrides": "libyaml.build.options=--no-such-option"}
    assert runner.call(WORKFLOW, {**given(), **broken}) == {}
    assert runner.jobs["level-0"].result == "failure"
    results = {name: job.result for name, job in runner.jobs.items()}
    assert results["level-1"] == results["check"] == results["result"] == "skipped"
    (logs,) = runner.artifacts.glob("commonwheel-logs-libyaml-*")
    assert any(logs.glob("libyaml-*.log"))
