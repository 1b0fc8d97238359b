"""Environments to compare: ours, out of a wheelhouse, and upstream's, out of the package index."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonwheel.recipe.load import load
from commonwheel.recipe.sources import PypiSource

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# Import name → recipe of each package that the stack is for.
PACKAGES = {
    "rasterio": "rasterio",
    "fiona": "fiona",
    "pyogrio": "pyogrio",
    "osgeo": "gdal-python",
    "shapely": "shapely",
    "pyproj": "pyproj",
}
# The index has no wheels of GDAL's bindings.
PUBLISHED = tuple(name for name in PACKAGES if name != "osgeo")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"

    @property
    def site(self) -> Path:
        """Its packages."""
        return next((self.folder / "lib").glob("python3*/site-packages"))

    def pip(self, *words: str | Path) -> None:
        """Install into it, with the caller's configuration of pip."""
        pip = ["-I", "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        subprocess.run([self.python, *pip, *words], check=True)

    def json(self, program: Path, *words: str, env: Mapping[str, str] | None = None) -> Any:
        """What a program of this folder prints, run by its Python in an emptied environment.

        Raises:
            RuntimeError: the program fails; with what it wrote.
        """
        done = subprocess.run(
            [self.python, "-I", program, *words],
            env={"LC_ALL": "C.UTF-8", **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr[-3000:]}"
            )
        return json.loads(done.stdout.splitlines()[-1])


def create(folder: Path) -> Environment:
    """An empty one, with this interpreter."""
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(folder)], check=True)
    return Environment(folder=folder)


def build(wheelhouse: Path, *words: str) -> None:
    """``commonwheel build gdal``, into ``wheelhouse``: an hour, or seconds with a warm cache."""
    command = [sys.executable, "-m", "commonwheel", "build", "gdal"]
    place = ["--wheelhouse", str(wheelhouse)]
    subprocess.run([*command, *place, *words], cwd=ROOT, check=True)


def release(name: str) -> str:
    """The newest release that a recipe lists, as its wheel has it on the index."""
    recipes = load([ROOT / "recipes"])
    return list(recipes[PACKAGES[name]].versions)[-1]


def project(name: str) -> str:
    """The project of the package index that an import name belongs to."""
    source = load([ROOT / "recipes"])[PACKAGES[name]].versions[release(name)].sources[0]
    assert isinstance(source, PypiSource)
    return source.pypi


def ours(
    folder: Path, wheelhouse: Path, *more: str, names: Sequence[str] = tuple(PACKAGES)
) -> Environment:
    """One with packages of the stack from the wheelhouse; all else comes from the index."""
    made = create(folder)
    constraints = wheelhouse / "constraints.txt"
    made.pip("--find-links", wheelhouse, "-c", constraints, *map(project, names), "numpy", *more)
    return made


def upstreams(folder: Path, *more: str, names: Sequence[str] = PUBLISHED) -> Environment:
    """One with the same releases of the packages as upstream publishes them."""
    made = create(folder)
    made.pip(*(f"{name}=={release(name)}" for name in names), "numpy", *more)
    return made
