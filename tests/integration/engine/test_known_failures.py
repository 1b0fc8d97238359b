"""The plugin that a suite with known failures runs with, in a pytest of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commonwheel.engine import known_failures

TESTS = """
import pytest

def test_right():
    pass

@pytest.mark.parametrize("n", [1, 2])
def test_wrong(n):
    assert n == 1

def test_wrong_too():
    assert False
"""


def outcome(folder: Path, known: dict[str, str]) -> str:
    (folder / "test_it.py").write_text(TESTS)
    plugin = Path(known_failures.__file__)
    shutil.copy(plugin, folder)
    (folder / f"{plugin.stem}.json").write_text(json.dumps(known))
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin.stem, "-c", "/dev/null"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "test_it.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("name", ["test_it.py::test_wrong", "test_it.py::test_wrong[2]"])
def test_what_is_known_to_fail_runs_and_is_counted(tmp_path: Path, name: str) -> None:
    known = {name: "because", "test_it.py::test_wrong_too": "because"}
    said = outcome(tmp_path, known).splitlines()[-1]
    assert " failed" not in said
    assert "2 xfailed" in said


def test_the_prefix_of_a_name_is_another_test(tmp_path: Path) -> None:
    assert "1 failed" in outcome(tmp_path, {"test_it.py::test_wrong": "because"})


def test_a_known_failure_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    said = outcome(tmp_path, {"test_it.py::test_gone": "because"})
    assert "test.known-failures matches no test: test_it.py::test_gone" in said
