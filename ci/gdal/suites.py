"""The packages' own suites, in our environment and in one with upstream's wheels."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.gdal.environments import ROOT, Environment, release
from commonwheel.cli.common import cache_folder
from commonwheel.recipe.load import load
from commonwheel.recipe.model import ConsumerRecipe
from commonwheel.source.fetch import fetch
from commonwheel.source.progress import NullProgress
from commonwheel.source.settings import settings_from_environment
from commonwheel.source.unpack import unpack

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a suite ended, by test."""

    tests: dict[str, str]

    def count(self, how: str) -> int:
        """How many tests ended so."""
        return Counter(self.tests.values())[how]

    @property
    def failures(self) -> set[str]:
        """The tests that failed."""
        return {name for name, how in self.tests.items() if how == FAILED}


def recipe(name: str) -> ConsumerRecipe:
    """The recipe of a package."""
    found = load([ROOT / "recipes"])[name]
    assert isinstance(found, ConsumerRecipe)
    return found


def requirements(names: Sequence[str]) -> list[str]:
    """What the suites of these packages need beside them."""
    return sorted({wanted for name in names for wanted in recipe(name).test.requires})


def run(name: str, environment: Environment, folder: Path) -> Outcome:
    """Run a package's suite in ``folder`` as its recipe says, whatever the recipe knows to fail.

    Raises:
        RuntimeError: it wrote no report.
    """
    test = recipe(name).test
    folder.mkdir(parents=True)
    source = _source(name, folder / "source")
    place = folder / "tests"
    place.mkdir()
    for file in test.files:
        copy = shutil.copytree if (source / file).is_dir() else shutil.copy2
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        copy(source / file, place / file)
    report = folder / "report.xml"
    said = subprocess.run(
        [environment.python, "-I", *test.command, f"--junit-xml={report}"],
        cwd=place,
        env={
            "PATH": f"{environment.folder}/bin{os.pathsep}{os.defpath}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        raise RuntimeError(f"{name}: no report\n{said.stdout[-3000:]}{said.stderr[-2000:]}")
    return Outcome(tests=dict(_read(report)))


def reason(name: str, test: str) -> str:
    """Why a test is known to fail by the package's recipe; empty if it is not.

    pytest's reports say ``tests.test_a.TestA::test_it[1]`` for ``tests/test_a.py::TestA::test_it``.
    """
    known = {_reported(each.test): each.reason for each in recipe(name).test.known_failures}
    return known.get(test.partition("[")[0], "")


def _reported(node: str) -> str:
    file, *classes, function = node.split("::")
    return ".".join([file.removesuffix(".py").replace("/", "."), *classes]) + f"::{function}"


def _source(name: str, folder: Path) -> Path:
    version = release(name)
    found = recipe(name).versions[version]
    settings = settings_from_environment(os.environ, cache_folder(os.environ), offline=False)
    archive = fetch(found.tests or found.sources, settings, NullProgress(), name=name)
    return unpack(archive.path, folder)


def _read(report: Path) -> Iterator[tuple[str, str]]:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  our own process wrote it
        kinds = {child.tag for child in case}
        how = FAILED if kinds & {"failure", "error"} else SKIPPED if "skipped" in kinds else PASSED
        yield f"{case.get('classname')}::{case.get('name')}", how
