"""``scripts/nox`` on machines that have little. Installs nox from the package index."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORWARDED = ("PIP_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a b") / "checkout"
    (folder / "recipes/libraries").mkdir(parents=True)
    (folder / "recipes/libraries/geos.yaml").write_text("summary: Geometry\n")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("noxfile.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def environment(programs: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key.startswith(FORWARDED)}
    return {**kept, "HOME": os.environ.get("HOME", "/root"), "PATH": str(programs)}


def start(checkout: Path, programs: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [checkout / "scripts/nox", *words],
        cwd=programs,
        env=environment(programs),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_two_at_once_make_one_environment(checkout: Path, programs: Path) -> None:
    running = [start(checkout, programs, "--list") for _ in range(2)]
    for code, out, err in (results := [finish(process) for process in running]):
        assert code == 0, err
        assert "build-geos" in out
    assert sum("installing nox" in err for _, _, err in results) == 1
    assert (checkout / ".nox/bootstrap/requirement").read_text().startswith("nox>=")


def test_a_warm_start_needs_no_program_at_all(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    code, _, err = finish(start(checkout, programs, "--list"))
    assert code == 0, err
    (tmp_path / "nothing").mkdir()
    words = ["--session", "build-geos", "--list", "--json"]
    _, out, err = finish(start(checkout, tmp_path / "nothing", *words))
    (session,) = json.loads(out)
    assert session["description"] == "Build geos: Geometry"
    assert session["tags"] == ["build", "libraries"]


def test_a_failing_uv_and_an_old_python_are_passed_over(checkout: Path, programs: Path) -> None:
    (programs / "python3.12").symlink_to(Path(sys.executable).resolve())
    script(programs, "python3", "exit 1")
    script(programs, "uv", "echo no index here >&2; exit 2")
    (checkout / ".nox/bootstrap/requirement").unlink(missing_ok=True)
    code, _, err = finish(start(checkout, programs, "--version"))
    assert code == 0, err
    assert "uv failed\nno index here" in err
    assert "with venv" in err


def test_without_a_python_it_says_what_to_install(
    checkout: Path, tmp_path: Path, programs: Path
) -> None:
    script(programs, "python3", "exit 1")
    shutil.copytree(checkout / "scripts", tmp_path / "scripts")
    shutil.copy(checkout / "noxfile.py", tmp_path)
    code, _, err = finish(start(tmp_path, programs, "--list"))
    assert code == 1
    assert "no Python 3.11 or newer" in err
    assert "apt install python3" in err


def test_an_index_out_of_reach_is_said(tmp_path: Path, checkout: Path, programs: Path) -> None:
    shutil.copytree(checkout / "scripts", tmp_path / "scripts")
    shutil.copy(checkout / "noxfile.py", tmp_path)
    process = subprocess.run(
        [tmp_path / "scripts/nox", "--list"],
        env={"PATH": str(programs), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "No matching distribution found for nox" in process.stderr
    assert "cannot install nox: venv failed" in process.stderr
    assert not (tmp_path / ".nox/bootstrap/requirement").exists()
