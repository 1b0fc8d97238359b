"""A place to try commonwheel in: recipes, sources and a wheelhouse in a temporary folder."""

import contextlib
import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from commonwheel.cli import main
from commonwheel.elf import Elf, is_elf, read_elf
from commonwheel.engine.environments import create, python_of
from commonwheel.process import run
from commonwheel.wheel import Wheel, read_wheel

# Of a source's files; older than any toolchain, and after 1980, where zip begins.
RELEASED = 1_500_000_000
PLAIN = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Exit code, and all that the command said."""

    code: int
    text: str


def commonwheel(*words: str | Path, environ: Mapping[str, str] | None = None) -> Outcome:
    """Run the command line in this process."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for key, value in (environ or {}).items():
            patch.setenv(key, value)
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = main([str(word) for word in words])
    return Outcome(code=code, text=said.getvalue())


def pack(target: Path, files: Mapping[str, str]) -> str:
    """A tar.gz of files below one folder, with fixed times; returns its sha256."""
    with tarfile.open(target, "w:gz") as archive:
        for name, content in files.items():
            data = content.encode()
            info = tarfile.TarInfo(f"{target.name.removesuffix('.tar.gz')}/{name}")
            info.size, info.mtime = len(data), RELEASED
            info.mode = 0o755 if name == "configure" else 0o644
            archive.addfile(info, io.BytesIO(data))
    return hashlib.sha256(target.read_bytes()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Recipes, sources and a wheelhouse.

    Args:
        root: holds all of them.
        cache: COMMONWHEEL_CACHE.
        environ: variables beside it.
    """

    root: Path
    cache: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def recipes(self) -> Path:
        return self.root / "recipes"

    @property
    def wheelhouse(self) -> Path:
        return self.root / "wheelhouse"

    def release(self, name: str, version: str, files: Mapping[str, str]) -> dict[str, Any]:
        """Pack a source; returns its entry for a recipe's ``versions``."""
        folder = self.root / "sources"
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{name}-{version}.tar.gz"
        return {"sources": [{"url": archive.as_uri(), "sha256": pack(archive, files)}]}

    def library(
        self,
        name: str,
        releases: Mapping[str, Mapping[str, str]],
        libraries: Sequence[Mapping[str, Any]],
        *,
        driver: str = "autotools",
        **sections: Any,
    ) -> None:
        """Write a library recipe; ``sections`` are merged over what every recipe needs."""
        recipe: dict[str, Any] = {
            "license-files": "LICENSE",
            "abi": {"libraries": list(libraries)},
            "build": {"driver": driver},
        }
        self._write("libraries", name, releases, recipe, sections)

    def consumer(
        self, name: str, releases: Mapping[str, Mapping[str, str]], **sections: Any
    ) -> None:
        """Write a consumer recipe."""
        recipe = {"python": ">=3.11", "test": {"imports": [name]}}
        self._write("consumers", name, releases, recipe, sections)

    def _write(
        self,
        kind: str,
        name: str,
        releases: Mapping[str, Mapping[str, str]],
        recipe: Mapping[str, Any],
        sections: Mapping[str, Any],
    ) -> None:
        data: dict[str, Any] = {
            "schema": 1,
            "name": name,
            "summary": f"The {name} of a test",
            "homepage": "https://example.org",
            "license": "MIT",
            "versions": {v: self.release(name, v, files) for v, files in releases.items()},
            **recipe,
        }
        for key, value in sections.items():
            data[key] = data.get(key, {}) | value if isinstance(value, dict) else value
        file = self.recipes / kind / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        # JSON is YAML.
        file.write_text(json.dumps(data, indent=2), encoding="utf-8")

    def build(self, *words: str, environ: Mapping[str, str] | None = None) -> Outcome:
        """``commonwheel build``, with the caches of this session."""
        variables = {"COMMONWHEEL_CACHE": str(self.cache), **self.environ, **(environ or {})}
        places = ("--recipes", self.recipes, "--wheelhouse", self.wheelhouse)
        return commonwheel("build", *words, *places, environ=variables)

    def built(self, *words: str, environ: Mapping[str, str] | None = None) -> None:
        """A build that must succeed."""
        outcome = self.build(*words, environ=environ)
        assert outcome.code == 0, outcome.text + self.logs()

    def logs(self) -> str:
        """Every log, for a message."""
        return "".join(log.read_text() for log in sorted(self.wheelhouse.glob("logs/*.log")))

    def wheel(self, start: str) -> Wheel:
        """The one finished wheel whose name begins so."""
        (path,) = self.wheelhouse.glob(f"{start}*.whl")
        return read_wheel(path)


def elf_members(wheel: Wheel) -> dict[str, Elf]:
    """Every ELF file of a wheel."""
    contents = {member: wheel.read(member) for member in wheel.members}
    return {m: read_elf(c, name=m) for m, c in contents.items() if is_elf(c[:16])}


def extract(wheel: Wheel, folder: Path) -> Path:
    """Unpack a wheel as pip would, scripts apart."""
    for member in wheel.members:
        target = folder / wheel.install_path(member)[1]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(wheel.read(member))
        target.chmod(wheel.by_name[member].mode & 0o777)
    return folder


def environment(folder: Path) -> Path:
    """A new virtual environment; returns its Python."""
    create(folder, Path(getattr(sys, "_base_executable", sys.executable)), os.environ)
    return python_of(folder)


def pip_install(python: Path, *arguments: str | Path, environ: Mapping[str, str]) -> str:
    """Install into an environment; returns what pip said."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    command = [python, "-I", "-m", "pip", "install", "--no-cache-dir", *arguments]
    return run(command, env={**PLAIN, **environ, **quiet}).output


def says(python: Path, code: str, *, environ: Mapping[str, str] | None = None) -> str:
    """What a fresh process with an empty environment prints."""
    return run([python, "-I", "-c", code], env=dict(environ or {})).output.strip()


def caller_environment() -> dict[str, str]:
    """This process's environment without what a virtual environment or a test run set in it."""
    dropped = ("PYTHON", "PYTEST", "VIRTUAL_ENV", "COMMONWHEEL")
    return {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
