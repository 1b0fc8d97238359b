"""A release of one library, in an environment that exists: what is built, and what changes."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import ROOT, Venv, build

# What a process says of the libtiff that it has mapped.
LIBTIFF = """
import ctypes
with open("/proc/self/maps") as maps:
    (path,) = {line.split()[-1] for line in maps if "libtiff" in line}
tiff = ctypes.CDLL(path)
tiff.TIFFGetVersion.restype = ctypes.c_char_p
print(tiff.TIFFGetVersion().decode().splitlines()[0], "commonwheel_libs" in path)
"""


def said_by(module: str, version: str) -> tuple[str, str]:
    """The code that asks a process which has imported ``module``, and the right answer."""
    return f"import {module}{LIBTIFF}", f"LIBTIFF, Version {version} True\n"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A caller's recipes, with a recipe of tiff in the place of the toolkit's."""

    folder: Path

    @property
    def tiff(self) -> Path:
        """The recipe's file."""
        return self.folder / "libraries/tiff.yaml"

    def build(self, wheelhouse: Path, *words: str) -> str:
        """Build in it; returns what was said."""
        done = build(wheelhouse, "--no-test", "--recipes", str(self.folder), *words)
        return done.stderr + done.stdout

    def bump(self, version: str, suite: str) -> None:
        """What the maintainer does when upstream has released."""
        command = [sys.executable, "-m", "commonwheel", "recipe", "bump", "tiff", version]
        options = ["--recipes", str(self.folder), "--debian-suite", suite]
        done = subprocess.run(
            [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def repository(folder: Path) -> Repository:
    """A new one, whose tiff is the toolkit's."""
    made = Repository(folder=folder)
    made.tiff.parent.mkdir(parents=True)
    shutil.copy(ROOT / "recipes/libraries/tiff.yaml", made.tiff)
    return made


def digests(wheelhouse: Path) -> dict[str, str]:
    """The wheels by name."""
    return {
        wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest()
        for wheel in wheelhouse.glob("*.whl")
    }


def installed(venv: Venv) -> dict[str, str]:
    """Distributions and their versions."""
    pip = ["-I", "-m", "pip", "list", "--format", "json"]
    done = subprocess.run([venv.python, *pip], check=True, capture_output=True, text=True)
    return {each["name"]: each["version"] for each in json.loads(done.stdout)}


def upgrade(venv: Venv, wheelhouse: Path, distribution: str) -> Mapping[str, Sequence[str]]:
    """Upgrade one distribution from the wheelhouse; returns what changed: name → before, after."""
    before = installed(venv)
    venv.pip("--no-index", "--find-links", wheelhouse, "--upgrade", distribution)
    after = installed(venv)
    return {
        name: (before.get(name, ""), after.get(name, ""))
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }


def built(said: str, jobs: Sequence[str]) -> list[str]:
    """Those of ``jobs`` that a build did not find in the cache."""
    return [job for job in jobs if f"✓ {job}  cached" not in said]
