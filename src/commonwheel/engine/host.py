"""The host engine: staged projects are built on this machine, without a container."""

import os
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

from commonwheel.backend.drivers import programs
from commonwheel.backend.staged import StagedProject
from commonwheel.backend.toolchain import kept, require_programs
from commonwheel.cache.keys import file_digest
from commonwheel.engine.environments import BuildEnvironments
from commonwheel.engine.interpreter import find_interpreter
from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild


@dataclass(frozen=True, kw_only=True)
class HostEngine:
    """Builds staged projects in kept virtual environments.

    Args:
        environments: folder of the kept virtual environments with build tools.
        environ: the caller's environment.
        jobs: compilations at once, over all builds; 0 means as many as there are CPUs.
    """

    environments: Path
    environ: Mapping[str, str]
    jobs: int = 0

    name = "host"

    @property
    def slots(self) -> int:
        """Compilations at once."""
        return self.jobs or len(os.sched_getaffinity(0))

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """What of this host can change any build: linker, assembler, C library, architecture.

        Programs are told apart by their bytes: asking them for a version would start them.
        """
        facts = {"engine": self.name, "machine": platform.machine(), "libc": libc_version()}
        return {**facts, **self.digests(["ld", "as"])}

    def digests(self, names: Iterable[str]) -> dict[str, str]:
        """sha256 of each program on PATH."""
        return {name: self._digest(name) for name in names}

    def _digest(self, program: str) -> str:
        place = shutil.which(program, path=self._path)
        return file_digest(Path(place).resolve()) if place else "absent"

    @property
    def _path(self) -> str:
        return self.environ.get("PATH", os.defpath)

    def require(self, builds: Iterable[LibraryBuild | ConsumerBuild]) -> None:
        """Look for every program of these builds before the first of them begins.

        Raises:
            MissingProgramError: naming all that are missing, with their packages.
        """
        wanted: dict[str, str] = {}
        for build in builds:
            wanted |= programs(build) | ({"git": "git"} if build.patches else {})
        require_programs(wanted, self._path)

    def interpreter(self, version: str) -> Path:
        """The Python of a version on this host."""
        return find_interpreter(version, self.environ)

    def build(
        self,
        project: StagedProject,
        interpreter: Path,
        destination: Path,
        *,
        constraints: str,
        jobserver: Path | None,
        log: IO[str],
        on_line: Callable[[str], None],
        until: Literal["installed", "wheel"] = "wheel",
    ) -> Path:
        """Build a staged project's raw wheel into ``destination``.

        Args:
            project: what is built.
            interpreter: runs its backend.
            destination: receives the wheel.
            constraints: pins of what its environment gets.
            jobserver: the named pipe that limits all builds together; without one, this build has
                all slots.
            log: receives what it prints.
            on_line: called with every line of it.
            until: ``installed`` stops before a wheel is made.

        Returns:
            The wheel; of a library built until it is ``installed`` the folder of what is.

        Raises:
            CommonwheelError: whatever the backend reported, or a BuildError.
        """
        # What builds a wheel is imported when one is built: a warm run does without.
        from commonwheel.engine.frontend import Frontend  # noqa: PLC0415

        frontend = Frontend(
            environments=BuildEnvironments(root=self.environments, environ=self.environ),
            environ={**kept(self.environ), "PATH": self._path},
            log=log,
            on_line=on_line,
        )
        settings = {"jobs": str(self.slots), "until": until}
        if jobserver is not None:
            settings["jobserver"] = str(jobserver)
        return frontend.build(project, interpreter, destination, constraints, settings)


def libc_version() -> str:
    """The C library of this host: ``glibc 2.36``; ``musl`` where there is no such word."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or "musl"
    except (OSError, ValueError):
        return "musl"
