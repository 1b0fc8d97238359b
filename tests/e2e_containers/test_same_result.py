"""The same plan gives the same wheels on the host, with docker and with podman.

But for what says where they were made: platform tags, engine, image, key.
"""

import json
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commonwheel.abi.compare import compare
from commonwheel.names import Names
from commonwheel.process import run
from commonwheel.repair.snapshot import carried
from commonwheel.wheel import Wheel, read_wheel
from tests.e2e_containers.conftest import ENGINES, left_behind
from tests.integration.kit import environment, pip_install, says

ROOT = Path(__file__).resolve().parents[2]
# A C library alone, and a library with a consumer whose own suite runs.
RECIPES = ("zlib", "pyyaml")
# What the engine, and so the key, decides; the key stands in the snapshot.
OF_THE_PLACE = ("engine", "image", "key", "snapshot")


@dataclass(frozen=True)
class Made:
    """A wheelhouse, what the build said, and its logs."""

    wheelhouse: Path
    said: str

    @property
    def wheels(self) -> Mapping[str, Wheel]:
        """By distribution and version."""
        found = [read_wheel(path) for path in sorted(self.wheelhouse.glob("*.whl"))]
        return {f"{each.name.distribution}-{each.name.version}": each for each in found}


def build(folder: Path, engine: str, *recipes: str) -> Made:
    words = [sys.executable, "-m", "commonwheel", "build", *recipes, "--engine", engine]
    words += ["--wheelhouse", str(folder)] + (["--image", "stand-in"] if engine != "host" else [])
    return Made(wheelhouse=folder, said=run(words, cwd=ROOT).output)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("host"), "host", *RECIPES)


@pytest.fixture(scope="module", params=ENGINES)
def contained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp(request.param), request.param, *RECIPES)


def members(wheel: Wheel) -> Iterator[str]:
    """The members, with an extension module's name as it is everywhere."""
    return (re.sub(r"\.cpython-\d+-[\w-]+\.so$", ".so", member) for member in wheel.members)


def manifest(wheel: Wheel) -> Mapping[str, Any]:
    (member,) = [m for m in wheel.members if m.endswith(".dist-info/commonwheel.json")]
    data: dict[str, Any] = json.loads(wheel.read(member))
    return {key: value for key, value in data.items() if key not in OF_THE_PLACE}


def test_files_and_metadata_are_the_same(host: Made, contained: Made) -> None:
    assert host.wheels.keys() == contained.wheels.keys()
    for name, here in host.wheels.items():
        there = contained.wheels[name]
        assert sorted(members(here)) == sorted(members(there))
        assert here.metadata == there.metadata
        if any(member.endswith("/commonwheel.json") for member in here.members):
            assert manifest(here) == manifest(there)
            own, other = (carried(wheel, Names()) for wheel in (here, there))
            assert own is not None
            assert other is not None
            assert compare(own, other).verdict == "equal"
        # Bits of the wheel's own tag are all that differs here.
        fields = [wheel.wheel_fields for wheel in (here, there)]
        assert fields[0]["Root-Is-Purelib"] == fields[1]["Root-Is-Purelib"]


def test_the_tag_is_that_of_the_image(contained: Made) -> None:
    # Debian 11 has glibc 2.31: Lambda and Ubuntu 22.04 take what it builds.
    for wheel in contained.wheels.values():
        for tag in wheel.name.platform:
            match = re.fullmatch(r"manylinux(?:_2_(\d+)|\d+)_(\w+)", tag)
            assert match is not None
            assert match[2] == platform.machine()
            assert int(match[1] or 17) <= 31


def test_the_image_stands_in_the_manifest_with_its_digest(contained: Made) -> None:
    for wheel in contained.wheels.values():
        for member in wheel.members:
            if member.endswith("/commonwheel.json"):
                data = json.loads(wheel.read(member))
                assert data["engine"] in ENGINES
                assert re.fullmatch(r"sha256:[0-9a-f]{64}", data["image"])


def test_the_suite_has_passed_in_the_container(contained: Made) -> None:
    entries = json.loads((contained.wheelhouse / "provenance.json").read_text())["wheels"]
    (entry,) = [value for key, value in entries.items() if key.lower().startswith("pyyaml")]
    assert [re.search(r"(\d+) passed", each["result"]) for each in entry["tests"]] != []
    assert "passed" in entry["tests"][0]["result"]


def test_the_wheels_work_outside(contained: Made, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    wheels = sorted(contained.wheelhouse.glob("*.whl"))
    pip_install(python, "--no-index", *wheels, environ={})
    code = "import yaml; print(yaml.load('[1, 2]', Loader=yaml.CSafeLoader), yaml.__with_libyaml__)"
    assert says(python, code) == "[1, 2] True"


def test_nothing_is_left(contained: Made) -> None:
    assert contained.wheels
    for engine in ENGINES:
        assert left_behind(engine) == []
