"""GEOS → shapely in containers of both engines and on the host: the release path of the main job.

A quarter of an hour for each engine from empty caches, so CI leaves this file out.
"""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from commonwheel.engine.suite import Suite
from commonwheel.recipe.load import load
from commonwheel.recipe.model import ConsumerRecipe
from tests.e2e_containers.conftest import ENGINES
from tests.e2e_containers.test_same_result import ROOT, Made, build, manifest, members
from tests.integration.kit import caller_environment


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("host"), "host", "shapely")


@pytest.mark.parametrize("engine", ENGINES)
def test_shapely_is_the_same_and_passes_its_suite(engine: str, host: Made, tmp_path: Path) -> None:
    made = build(tmp_path / "wheelhouse", engine, "shapely")
    assert made.wheels.keys() == host.wheels.keys()
    for name, wheel in made.wheels.items():
        assert sorted(members(wheel)) == sorted(members(host.wheels[name]))
        assert wheel.metadata == host.wheels[name].metadata
        if name.startswith("commonwheel"):
            assert manifest(wheel) == manifest(host.wheels[name])
    entries = json.loads((made.wheelhouse / "provenance.json").read_text())["wheels"]
    (shapely,) = [value for key, value in entries.items() if key.startswith("shapely")]
    for each in shapely["tests"]:
        assert re.match(r"\d{4} passed, \d+ skipped", each["result"])
    assert len(shapely["tests"]) == 2
    assert "passed" in suite_outside(made, tmp_path)


def suite_outside(made: Made, folder: Path) -> str:
    """What shapely's own suite says on this host, of the wheels that a container has built."""
    recipe = load([ROOT / "recipes"])["shapely"]
    assert isinstance(recipe, ConsumerRecipe)
    # Built against the oldest: with the newest, some tests are known to fail.
    wheels = {name: wheel.path for name, wheel in made.wheels.items() if "3.13.1" not in name}
    (shapely,) = [path for name, path in wheels.items() if name.startswith("shapely")]
    suite = Suite(
        name="shapely",
        test=recipe.test.holding({"geos": "3.11.1"}),
        wheel=shapely,
        libraries=[path for path in wheels.values() if path != shapely],
        source=folder,
    )
    (folder / "scratch").mkdir()
    python = Path(getattr(sys, "_base_executable", sys.executable))
    log = io.StringIO()
    return suite.run(folder / "scratch", python, caller_environment(), log, lambda _: None)
