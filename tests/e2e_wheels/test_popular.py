"""Popular wheels of the package index against the gates: no crash, and no false alarm.

Each finding counted here was checked once with other tools: sections and search paths with readelf,
symbols with nm, equal and different content with sha256, build paths by a search for the very
bytes. The platform tags are those that auditwheel shows. A gate that finds more or less than this
in the same files has changed: look at what it says before the number is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.elf.readers import agree, download, members
from tests.integration.kit import commonwheel


class Wheel(NamedTuple):
    """A release, its true platform tag, and how many findings each gate has."""

    requirement: str
    tag: str
    findings: Mapping[str, int]


POPULAR = (
    Wheel("contourpy==1.3.3", "manylinux_2_27_x86_64", {"CW604": 1}),
    Wheel("cryptography==50.0.2", "manylinux_2_28_x86_64", {"CW604": 2}),
    Wheel("cvxopt==1.3.3", "manylinux_2_27_x86_64", {"CW603": 11, "CW604": 11}),
    Wheel("fiona==1.10.1", "manylinux_2_17_x86_64", {"CW604": 3, "CW609": 1}),
    Wheel("grpcio==1.85.1", "manylinux_2_17_x86_64", {}),
    Wheel("h5py==3.15.1", "manylinux_2_27_x86_64", {"CW603": 27, "CW604": 26}),
    Wheel("lxml==6.1.3", "manylinux_2_26_x86_64", {"CW604": 7}),
    Wheel("matplotlib==3.11.2", "manylinux_2_17_x86_64", {}),
    Wheel(
        "netcdf4==1.7.4",
        "manylinux_2_27_x86_64",
        {"CW104": 1, "CW106": 2, "CW204": 1, "CW603": 3, "CW604": 5, "CW702": 4},
    ),
    Wheel("numpy==2.3.5", "manylinux_2_27_x86_64", {"CW602": 2, "CW603": 1, "CW604": 4}),
    Wheel("pandas==3.1.1", "manylinux_2_24_x86_64", {}),
    Wheel("pillow==13.0.0", "manylinux_2_27_x86_64", {"CW603": 9, "CW604": 11}),
    Wheel("psycopg2-binary==2.9.13", "manylinux_2_17_x86_64", {"CW604": 3}),
    Wheel("pyarrow==26.0.1", "manylinux_2_28_x86_64", {"CW106": 6}),
    Wheel("pyogrio==0.13.0", "manylinux_2_28_x86_64", {"CW603": 5, "CW604": 5}),
    Wheel("pyproj==3.7.2", "manylinux_2_28_x86_64", {"CW603": 10, "CW604": 11}),
    Wheel("pyzmq==27.3.0", "manylinux_2_26_x86_64", {}),
    Wheel("rasterio==1.4.4", "manylinux_2_28_x86_64", {"CW603": 15, "CW604": 19}),
    Wheel("scikit-learn==1.9.1", "manylinux_2_27_x86_64", {"CW604": 16}),
    Wheel("scipy==1.17.1", "manylinux_2_27_x86_64", {"CW106": 2, "CW302": 1, "CW604": 62}),
    Wheel("scs==3.3.1", "manylinux_2_27_x86_64", {"CW104": 2, "CW106": 1}),
    Wheel("shapely==2.2.0", "manylinux_2_24_x86_64", {"CW302": 1}),
)
ERRORS = {
    # Different OpenBLAS of one SONAME.
    "scs": {"CW104"},
    # One libhdf5_hl of two, each bound to another libhdf5, as h5py has.
    "netcdf4": {"CW104", "CW204"},
    # Search paths of the machine that built them.
    "scipy": {"CW302"},
    "shapely": {"CW302"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    download([wheel.requirement for wheel in POPULAR], folder)
    return folder


@pytest.fixture(scope="module")
def reports(folder: Path) -> Mapping[str, Any]:
    """Reports by distribution, of all of them as one set."""
    target = folder / "reports.json"
    outcome = commonwheel("check", folder, "--format", "json", "-o", target)
    assert outcome.code == 14, outcome.text
    found = json.loads(target.read_text(encoding="utf-8"))["reports"]
    return {Path(each["wheel"]).name.partition("-")[0].replace("_", "-"): each for each in found}


@pytest.mark.parametrize("wheel", POPULAR, ids=lambda wheel: wheel.requirement)
def test_what_is_found_is_what_was_checked_by_hand(
    reports: Mapping[str, Any], wheel: Wheel
) -> None:
    name = wheel.requirement.partition("==")[0]
    report = reports[name]
    found = {gate: each["findings"] for gate, each in report["gates"].items() if "findings" in each}
    assert {gate: len(findings) for gate, findings in found.items()} == wheel.findings
    assert report["tag"] == wheel.tag
    errors = {gate for gate, each in report["gates"].items() if each["verdict"] == "failed"}
    assert errors == ERRORS.get(name, set())


@pytest.mark.parametrize("wheel", POPULAR, ids=lambda wheel: wheel.requirement)
def test_what_needs_more_than_the_wheel_is_not_called_passed(
    reports: Mapping[str, Any], wheel: Wheel
) -> None:
    gates = reports[wheel.requirement.partition("==")[0]]["gates"]
    for gate in ("CW305", "CW306", "CW404"):
        assert gates[gate]["verdict"] == "not checked"


def test_every_elf_object_is_what_other_readers_say(folder: Path) -> None:
    paths = sorted(folder.glob("*.whl"))
    read = [agree(content, name) for path in paths for name, content in members(path)]
    assert len(read) > 300
