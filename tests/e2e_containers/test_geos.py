"""GEOS → shapely in containers of both engines and on the host: the release path of the main job.

A quarter of an hour for each engine from empty caches, so CI leaves this file out.
"""

import json
import re
from pathlib import Path

import pytest

from tests.e2e_containers.conftest import ENGINES
from tests.e2e_containers.test_same_result import Made, build, manifest, members


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
