"""Published wheels whose range admits a release that they do not work with."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.elf.readers import download
from tests.integration.kit import commonwheel

# pin needs Boost 1.81's libraries, by version in their SONAME, and gets them through hpp-fcl and
# eigenpy, whose range is the one that counts.
WHEELS = ("pin==2.6.17", "hpp-fcl==2.4.4", "eigenpy==3.1.4")
BOOST = ("cmeel-boost==1.83.0", "cmeel-boost==1.87.0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheels")
    # Of one distribution, a download has one release.
    for wanted in (WHEELS, *((each,) for each in BOOST)):
        download(wanted, place)
    return place


def checked(folder: Path, name: str) -> Any:
    (path,) = folder.glob(f"{name}-*.whl")
    target = folder / f"{name}.json"
    commonwheel("check", path, "--with", folder, "--format", "json", "-o", target)
    (report,) = json.loads(target.read_text(encoding="utf-8"))["reports"]
    return report["gates"]["CW207"]


def test_pin_admits_a_boost_whose_libraries_it_does_not_know(folder: Path) -> None:
    (finding,) = checked(folder, "pin")["findings"]
    assert finding["level"] == "error"
    assert finding["fields"]["range"] == "cmeel-boost~=1.83.0"
    assert finding["fields"]["release"] == "1.83.0"
    assert (
        "libboost_filesystem.so.1.81.0 (it has libboost_filesystem.so.1.83.0)"
        in (finding["message"])
    )


def test_eigenpy_fits_the_boost_that_it_names(folder: Path) -> None:
    gate = checked(folder, "eigenpy")
    assert "findings" not in gate
    # 1.87.0.1 is at hand, and outside of the range.
    assert gate["not checked"][0]["reason"] == "no other release of cmeel-boost is known"
