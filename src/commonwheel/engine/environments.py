"""Virtual environments: kept ones for build tools, fresh ones for tests."""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from filelock import FileLock

from commonwheel.cache import inventory
from commonwheel.cache.contents import COMPLETE
from commonwheel.cache.usage import touch
from commonwheel.errors import BuildError
from commonwheel.process import ProcessError, last_lines, run
from commonwheel.source.settings import pip_settings

# virtualenv promises nothing to threads.
_ONE_AT_A_TIME = Lock()


def python_of(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / "bin" / "python"


def create(folder: Path, interpreter: Path, environ: Mapping[str, str]) -> None:
    """Make a virtual environment with pip in it; the caller's options of virtualenv do not count.

    Raises:
        BuildError: virtualenv failed; with the interpreter and the last that it said.
    """
    from virtualenv import cli_run  # noqa: PLC0415 -- slow to import, and seldom needed

    # An empty file of options takes the place of the user's own.
    plain = {key: value for key, value in environ.items() if not key.startswith("VIRTUALENV_")}
    env = {**plain, "VIRTUALENV_CONFIG_FILE": os.devnull}
    words = ["--python", str(interpreter), "--no-periodic-update", "--quiet", str(folder)]
    try:
        with _ONE_AT_A_TIME:
            cli_run(words, setup_logging=False, env=env)
    except (RuntimeError, OSError, SystemExit) as error:
        # Of a process that failed, the error holds what it printed, as ``err``.
        said = getattr(error, "err", "") or str(error)
        msg = f"virtualenv cannot make an environment for {interpreter} in {folder}"
        raise BuildError(msg, hint=last_lines(said, 1)) from error


def install(
    folder: Path, arguments: Sequence[str | Path], environ: Mapping[str, str], what: str
) -> None:
    """Run pip in a virtual environment, as the caller's pip is configured.

    Raises:
        BuildError: pip failed; the message holds its last lines.
    """
    # -I: PYTHONPATH and the user's site must not leak into what is installed.
    command = [python_of(folder), "-I", "-m", "pip", "install", "--quiet", *arguments]
    environment = {**environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    try:
        run(command, env=environment)
    except ProcessError as error:
        raise BuildError(f"pip cannot install {what}", hint=error.hint) from None


@dataclass(frozen=True, kw_only=True)
class BuildEnvironments:
    """Environments with build tools, one for each interpreter, pinned requirements, and indexes.

    Making one costs seconds; a build only reads it, so all builds with the same tools share it. One
    that lost a file is made anew.
    """

    root: Path
    environ: Mapping[str, str]

    def get(self, interpreter: Path, requirements: Sequence[str], constraints: str) -> Path:
        """The environment's folder, made when missing."""
        # Its scripts begin with its path: one in a cache that was moved is of no use.
        root = self.root.resolve()
        wanted = "\n".join(
            [
                str(root),
                str(interpreter.resolve()),
                *sorted(requirements),
                "--",
                constraints,
                *pip_settings(self.environ).places,
            ]
        )
        folder = root / hashlib.sha256(wanted.encode()).hexdigest()[:24]
        if inventory.is_whole(folder, COMPLETE) and touch(root, folder):
            return folder
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not inventory.is_whole(folder, COMPLETE):
                self._make(folder, interpreter, requirements, constraints)
        return folder

    def _make(
        self, folder: Path, interpreter: Path, requirements: Sequence[str], constraints: str
    ) -> None:
        # For its scripts' sake it is filled in place, and marked when complete.
        shutil.rmtree(folder, ignore_errors=True)
        create(folder, interpreter, self.environ)
        if requirements:
            file = folder / "constraints.txt"
            file.write_text(constraints, encoding="utf-8")
            install(folder, ["-c", file, *requirements], self.environ, "the build's requirements")
        inventory.take(folder, COMPLETE)
