"""Upstream's own tests, against finished wheels, in a fresh environment."""

import importlib.resources
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from commonwheel.engine.environments import create, install, python_of
from commonwheel.errors import ConsumerTestError
from commonwheel.process import ProcessError, run
from commonwheel.recipe.model import Test

SUMMARY = re.compile(
    r"^=* ?((?:\d+ (?:passed|failed|skipped|errors?|xfailed|xpassed|deselected|warnings?)"
    r"(?:, )?)+).*"
)

# unittest's, below which stands OK or FAILED.
UNITTEST = re.compile(r"^Ran (\d+) tests? in ")

PLUGIN = "known_failures"
# What a script starts in the background ignores SIGINT, and hands that on: tests of signals fail.
HEEDFUL = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One run of a consumer's tests.

    Args:
        name: the consumer, for messages.
        test: what its recipe says.
        wheel: the consumer's wheel.
        libraries: the library wheels that it is tested with.
        source: the unpacked source that holds the files which the tests need beside them.
    """

    name: str
    test: Test
    wheel: Path
    libraries: Sequence[Path]
    source: Path

    def run(
        self,
        scratch: Path,
        interpreter: Path,
        environ: Mapping[str, str],
        log: IO[str],
        on_line: Callable[[str], None],
    ) -> str:
        """Run it in the folder ``scratch``, in a new environment; returns a line that sums it up.

        Raises:
            ConsumerTestError: a module does not import, or the suite fails.
        """
        environment = scratch / "venv"
        create(environment, interpreter, environ)
        wheels = [self.wheel, *self.libraries]
        install(environment, [*wheels, *self.test.requires], environ, f"{self.name} to test it")
        return self.run_in(environment, scratch, log, on_line)

    def run_in(
        self,
        environment: Path,
        scratch: Path,
        log: IO[str],
        on_line: Callable[[str], None],
    ) -> str:
        """Run it in an environment that has all that it needs; returns a line that sums it up.

        Raises:
            ConsumerTestError: a module does not import, or the suite fails.
        """
        folder = scratch / "tests"
        folder.mkdir()
        bare = _bare(environment, scratch)
        for module in self.test.imports:
            self._import(module, environment, folder, log)
        self._copy_files(folder)
        if not self.test.command:
            return f"{len(self.test.imports)} modules import"
        return self._command(environment, folder, bare, log, on_line)

    def _import(self, module: str, environment: Path, folder: Path, log: IO[str]) -> None:
        try:
            # Nothing in the environment: no path, no data folder, may be needed to import.
            run(
                [python_of(environment), "-I", "-c", f"import {module}"],
                cwd=folder,
                env={},
                log=log,
            )
        except ProcessError as error:
            raise ConsumerTestError(
                f"{self.name}: 'import {module}' fails in an empty environment", hint=error.hint
            ) from None

    def _copy_files(self, folder: Path) -> None:
        for name in self.test.files:
            source, target = self.source / name, folder / name
            if not source.exists():
                raise ConsumerTestError(f"{self.name}: its source has no '{name}' (test.files)")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    # A name may lie below another one.
                    shutil.copytree(source, target, dirs_exist_ok=True)
                else:
                    shutil.copy2(source, target)
            except OSError as error:
                # Of a folder it lists what was not copied: from where, to where, why.
                reason = error.args[0][0][2] if isinstance(error, shutil.Error) else error
                msg = f"{self.name}: '{name}' (test.files) cannot be copied: {reason}"
                raise ConsumerTestError(msg) from None

    def _write_plugin(self, folder: Path) -> str:
        """Put the plugin for known failures beside the tests; returns its name."""
        # Not imported: it needs the pytest of the tests.
        source = importlib.resources.files(__package__).joinpath(f"{PLUGIN}.py")
        known = {each.test: each.reason for each in self.test.known_failures}
        (folder / f"{PLUGIN}.py").write_bytes(source.read_bytes())
        (folder / f"{PLUGIN}.json").write_text(json.dumps(known), encoding="utf-8")
        return PLUGIN

    def _command(
        self,
        environment: Path,
        folder: Path,
        bare: Mapping[str, str],
        log: IO[str],
        on_line: Callable[[str], None],
    ) -> str:
        said: list[str] = []

        def follow(line: str) -> None:
            said.append(line)
            on_line(line)

        python = python_of(environment)
        command: list[str | Path] = [python, "-I", "-c", HEEDFUL, *self.test.command]
        if self.test.known_failures:
            command += ["-p", self._write_plugin(folder)]
        try:
            run(command, cwd=folder, env=bare, log=log, on_line=follow)
        except ProcessError as error:
            failed = [line for line in said if line.startswith(("FAIL", "ERROR"))]
            raise ConsumerTestError(
                f"{self.name}: its own tests fail: {_summary(said)}",
                hint="\n  ".join(failed[:20]) or error.hint,
            ) from None
        return _summary(said)


def _bare(environment: Path, scratch: Path) -> dict[str, str]:
    """An emptied environment: programs and a home, nothing else."""
    home = scratch / "home"
    home.mkdir()
    path = os.pathsep.join([str(environment / "bin"), os.defpath])
    return {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8"}


def _summary(lines: Sequence[str]) -> str:
    for line in reversed(lines):
        if match := SUMMARY.match(line.strip()):
            return match[1].strip().rstrip(",")
        if match := UNITTEST.match(line):
            return f"{match[1]} run"
    return "passed"
