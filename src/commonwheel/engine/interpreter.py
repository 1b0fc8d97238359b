"""Interpreters of this host by version."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from commonwheel.elf import is_elf
from commonwheel.errors import UsageError
from commonwheel.process import ProcessError, run

PROBE = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"


def running_version() -> str:
    """Version of the running Python: ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def _probe(program: Path, version: str) -> Path | None:
    """The interpreter behind a program, which may be a shim; None when it is of another version."""
    try:
        said = run([program, "-I", "-c", PROBE], timeout=30).output.strip()
    except ProcessError:
        return None
    answer, _, executable = said.partition(" ")
    return Path(executable) if answer == version else None


def _is_itself(program: Path, version: str) -> bool:
    """Whether a program is that Python and no shim, without starting it: no script, by its name."""
    try:
        with program.open("rb") as file:
            return program.resolve().name == f"python{version}" and is_elf(file.read(4))
    except OSError:
        return False


def find_interpreter(version: str, environ: Mapping[str, str]) -> Path:
    """The Python of a version (``3.13``): the running one, one on PATH, or one of pyenv's.

    Raises:
        UsageError: there is none.
    """
    if version == running_version():
        return Path(getattr(sys, "_base_executable", sys.executable))
    for candidate in _candidates(version, environ):
        if _is_itself(candidate, version):
            return candidate
        if interpreter := _probe(candidate, version):
            return interpreter
    raise UsageError(
        f"there is no Python {version} on this host",
        hint=f"install it so that python{version} is on PATH, or leave it out of --python",
    )


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    found = shutil.which(f"python{version}", path=environ.get("PATH", os.defpath))
    if found:
        yield Path(found)
    pyenv = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = pyenv.glob(f"versions/{version}.*/bin/python{version}")
    yield from sorted(installed, key=_patch_number, reverse=True)


def _patch_number(program: Path) -> int:
    digits = program.parents[1].name.rpartition(".")[2]
    return int(digits) if digits.isdecimal() else -1
