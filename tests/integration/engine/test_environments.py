"""Environments for build tools, made without a network."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.cache.contents import COMPLETE
from commonwheel.engine.environments import (
    BuildEnvironments,
    create,
    install,
    python_of,
)
from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.errors import BuildError, UsageError

BASE = Path(getattr(sys, "_base_executable", sys.executable))


def make_wheel(folder: Path, version: str) -> None:
    """A wheel of the project ``tool``."""
    info = f"tool-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tool-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("tool.py", f"version = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def environments(tmp_path: Path) -> BuildEnvironments:
    index = tmp_path / "index"
    index.mkdir()
    for version in ("1.0", "2.0"):
        make_wheel(index, version)
    environ = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": "/dev/null"}
    return BuildEnvironments(root=tmp_path / "envs", environ=environ)


def version_of_tool(folder: Path) -> str:
    done = subprocess.run(
        [python_of(folder), "-I", "-c", "import tool; print(tool.version)"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def test_constraints_decide_and_equal_wishes_share(environments: BuildEnvironments) -> None:
    newest = environments.get(BASE, ["tool"], "")
    pinned = environments.get(BASE, ["tool"], "tool==1.0\n")
    assert (version_of_tool(newest), version_of_tool(pinned)) == ("2.0", "1.0")
    marker = newest / "marker"
    marker.touch()
    assert environments.get(BASE, ["tool"], "") == newest
    assert marker.exists()


def test_another_index_gives_another_environment(
    environments: BuildEnvironments, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    make_wheel(tmp_path / "other", "3.0")
    links = {**environments.environ, "PIP_FIND_LINKS": str(tmp_path / "other")}
    other = replace(environments, environ=links)
    found = [each.get(BASE, ["tool"], "") for each in (environments, other)]
    assert [version_of_tool(folder) for folder in found] == ["2.0", "3.0"]


def test_a_cache_that_was_moved_has_none(environments: BuildEnvironments, tmp_path: Path) -> None:
    folder = environments.get(BASE, [], "")
    moved = replace(environments, root=tmp_path / "moved")
    shutil.copytree(environments.root, moved.root, symlinks=True)
    found = moved.get(BASE, [], "")
    assert found.name != folder.name
    assert (found / "bin/pip").read_text().startswith(f"#!{found}/bin/python")


def test_one_that_was_not_finished_is_made_anew(environments: BuildEnvironments) -> None:
    folder = environments.get(BASE, ["tool"], "")
    (folder / COMPLETE).unlink()
    (folder / "half").touch()
    assert environments.get(BASE, ["tool"], "") == folder
    assert not (folder / "half").exists()
    assert (folder / COMPLETE).is_file()


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_text("short")])
def test_one_that_lost_a_file_is_made_anew(
    environments: BuildEnvironments, damage: Callable[[Path], object]
) -> None:
    # As a cache comes back from an archive that left something out.
    folder = environments.get(BASE, ["tool"], "")
    (metadata,) = folder.glob("lib/python*/site-packages/tool-*.dist-info/METADATA")
    damage(metadata)
    assert environments.get(BASE, ["tool"], "") == folder
    assert version_of_tool(folder) == "2.0"


def test_bytecode_that_comes_and_goes_is_no_damage(environments: BuildEnvironments) -> None:
    folder = environments.get(BASE, ["tool"], "")
    for file in folder.rglob("*.pyc"):
        file.unlink()
    (folder / "marker").touch()
    assert environments.get(BASE, ["tool"], "") == folder
    assert (folder / "marker").exists()


def test_builds_that_begin_together_make_it_once(environments: BuildEnvironments) -> None:
    with ThreadPoolExecutor(3) as pool:
        wishes = [pool.submit(environments.get, BASE, [], "") for _ in range(3)]
        folders = {wish.result() for wish in wishes}
    (folder,) = folders
    assert (folder / COMPLETE).is_file()


def test_what_pip_cannot_find_is_told(environments: BuildEnvironments) -> None:
    with pytest.raises(BuildError, match="pip cannot install the build's requirements") as caught:
        environments.get(BASE, ["tool==3.0"], "")
    assert "tool==3.0" in caught.value.hint
    assert not list(environments.root.glob(f"*/{COMPLETE}"))


def test_the_callers_python_settings_do_not_leak_in(
    tmp_path: Path, environments: BuildEnvironments
) -> None:
    (tmp_path / "leak").mkdir()
    (tmp_path / "leak" / "pip.py").write_text("raise SystemExit('leaked')")
    create(tmp_path / "venv", BASE, os.environ)
    environ = {**environments.environ, "PYTHONPATH": str(tmp_path / "leak")}
    install(tmp_path / "venv", ["tool"], environ, "tool")
    assert version_of_tool(tmp_path / "venv") == "2.0"


def test_a_program_that_is_no_python_is_named(tmp_path: Path) -> None:
    liar = tmp_path / "python3"
    liar.write_text("#!/bin/sh\nexit 3\n")
    liar.chmod(0o755)
    with pytest.raises(BuildError, match=f"environment for {liar}") as caught:
        create(tmp_path / "venv", liar, os.environ)
    assert caught.value.hint == f"failed to query {liar} with code 3"


def test_an_interpreter_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(BuildError, match=f"environment for {gone}") as caught:
        create(tmp_path / "venv", gone, os.environ)
    assert "failed to find interpreter" in caught.value.hint


def test_a_folder_that_virtualenv_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "venv").touch()  # its argument parser ends the process: SystemExit
    with pytest.raises(BuildError, match="virtualenv cannot make"):
        create(tmp_path / "venv", BASE, os.environ)


def test_an_environment_of_its_own(tmp_path: Path) -> None:
    create(tmp_path / "venv", BASE, os.environ)
    code = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix]))"
    done = subprocess.run(
        [python_of(tmp_path / "venv"), "-I", "-c", code], check=True, stdout=subprocess.PIPE
    )
    prefix, base = json.loads(done.stdout)
    assert Path(prefix) == tmp_path / "venv"
    assert base != prefix


def test_the_callers_virtualenv_options_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "virtualenv.ini"
    file.write_text("[virtualenv]\nsystem-site-packages = true\n")
    variables = {"VIRTUALENV_CONFIG_FILE": str(file), "VIRTUALENV_NO_PIP": "1"}
    create(tmp_path / "venv", BASE, {**os.environ, **variables})
    configuration = (tmp_path / "venv/pyvenv.cfg").read_text()
    assert "include-system-site-packages = false" in configuration
    assert (tmp_path / "venv/bin/pip").is_file()


def test_interpreters_are_asked_for_their_version(tmp_path: Path) -> None:
    real, liar = tmp_path / "real", tmp_path / "liar"
    # A shim, such as pyenv's, says where the interpreter itself is.
    for folder, said in ((real, "3.99 /opt/x/python3"), (liar, "3.8 /opt/x/python3")):
        folder.mkdir()
        program = folder / "python3.99"
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
    nowhere = {"PYENV_ROOT": str(tmp_path / "pyenv")}
    assert find_interpreter("3.99", {**nowhere, "PATH": str(real)}) == Path("/opt/x/python3")
    with pytest.raises(UsageError):
        find_interpreter("3.99", {**nowhere, "PATH": str(liar)})
    assert running_version() != "3.99"
