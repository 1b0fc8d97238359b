"""The main job's wheelhouse, built once for the whole session: seconds with a warm cache."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Venv:
    """A virtual environment, and how its Python is run: isolated, with an empty environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site(self) -> Path:
        return next((self.folder / "lib").glob("python3*/site-packages"))

    def pip(self, *arguments: str | Path) -> None:
        # pip alone sees the caller's environment: it says where the package index is.
        command = [self.python, "-I", "-m", "pip", "install", "--quiet", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def run(self, code: str, env: Mapping[str, str] | None = None, *options: str) -> str:
        done = subprocess.run(
            [self.python, *(options or ("-I",)), "-c", code],
            env=dict(env or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def build(wheelhouse: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``commonwheel build`` in the repository."""
    command = [sys.executable, "-m", "commonwheel", "build", "--wheelhouse", str(wheelhouse)]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's first command makes."""
    folder = tmp_path_factory.mktemp("main-job") / "wheelhouse"
    build(folder, "shapely", "pyproj")
    return folder


@pytest.fixture(scope="session")
def provenance(wheelhouse: Path) -> dict[str, Any]:
    """``provenance.json``, by wheel."""
    data: dict[str, Any] = json.loads((wheelhouse / "provenance.json").read_text(encoding="utf-8"))
    wheels: dict[str, Any] = data["wheels"]
    return wheels


@pytest.fixture(scope="session")
def make_venv(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Venv]:
    """Makes virtual environments with things in them."""

    def make(*arguments: str | Path) -> Venv:
        folder = tmp_path_factory.mktemp("venv") / "v"
        subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(folder)], check=True)
        venv = Venv(folder=folder)
        if arguments:
            venv.pip(*arguments)
        return venv

    return make


@pytest.fixture(scope="session")
def installed(wheelhouse: Path, make_venv: Callable[..., Venv]) -> Venv:
    """A new environment with both consumers from the wheelhouse, and from nowhere else."""
    venv = make_venv("numpy", "certifi")
    venv.pip("--no-index", "--find-links", wheelhouse, "shapely", "pyproj")
    return venv


def wheels(folder: Path, *names: str) -> Sequence[Path]:
    """The wheels of the named distributions, in any version."""
    return [path for name in names for path in sorted(folder.glob(f"{name}-*.whl"))]
