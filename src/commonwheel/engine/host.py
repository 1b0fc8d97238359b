"""The host engine: staged projects are built on this machine, without a container."""

import os
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from commonwheel.backend.drivers import programs
from commonwheel.backend.staged import StagedProject
from commonwheel.backend.toolchain import kept, require_programs
from commonwheel.cache.keys import file_digest
from commonwheel.constraints import Constraints
from commonwheel.engine.environments import BuildEnvironments
from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.plan import ConsumerJob, Job

if TYPE_CHECKING:
    from commonwheel.engine.finishing import Finishing
    from commonwheel.engine.protocol import Built, Finished, Watch
    from commonwheel.engine.suite import Suite


@dataclass(frozen=True, kw_only=True)
class HostEngine:
    """Builds staged projects in kept virtual environments.

    Args:
        cache: folder of what is kept: virtual environments with build tools, scans of libraries.
        environ: the caller's environment.
        jobs: compilations at once, over all builds; 0 means as many as there are CPUs.
    """

    cache: Path
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

    def image(self, _job: Job) -> str:
        """Nothing: there is no container."""
        return ""

    def facts(self, job: Job) -> dict[str, str]:
        """What of this host can change the wheel of a job."""
        facts = {**self.identity, **self.digests(programs(job.build))}
        return facts | ({"python": self.python(job)} if isinstance(job, ConsumerJob) else {})

    def python(self, job: ConsumerJob) -> str:
        """sha256 of the interpreter.

        Raises:
            UsageError: this host has none of that version.
        """
        return file_digest(self.interpreter(job.python).resolve())

    def require(self, jobs: Iterable[Job]) -> None:
        """Look for every program of these builds before the first of them begins.

        Raises:
            MissingProgramError: naming all that are missing, with their packages.
        """
        wanted: dict[str, str] = {}
        for build in (job.build for job in jobs):
            wanted |= programs(build) | ({"git": "git"} if build.patches else {})
        require_programs(wanted, self._path)

    def interpreter(self, version: str) -> Path:
        """The Python of a version on this host."""
        return find_interpreter(version, self.environ)

    def build(
        self,
        job: Job,
        project: StagedProject,
        work: Path,
        *,
        finishing: "Finishing",  # noqa: ARG002 -- repair and gates have steps of their own
        pins: Constraints,
        jobserver: Path | None,
        watch: "Watch",
    ) -> "Built":
        """Build a staged project's raw wheel into ``work/raw``.

        Raises:
            CommonwheelError: whatever the backend reported, or a BuildError.
        """
        from commonwheel.engine.protocol import Built  # noqa: PLC0415 -- as below

        # A library wheel fits every Python; any interpreter can run its backend.
        version = job.python if isinstance(job, ConsumerJob) else running_version()
        self.compile(
            project,
            self.interpreter(version),
            work / "raw",
            constraints=pins.text,
            jobserver=jobserver,
            log=watch.log,
            on_line=watch.on_line,
        )
        return Built(raw=work / "raw")

    def finish(
        self,
        job: Job,  # noqa: ARG002
        wheel: Path,
        providers: Sequence[Path],
        work: Path,
        *,
        finishing: "Finishing",
        watch: "Watch",  # noqa: ARG002
    ) -> "Finished":
        """Repair a raw wheel in this process.

        Raises:
            RepairError: it cannot be made to share its libraries.
        """
        from commonwheel.engine.protocol import Finished  # noqa: PLC0415

        made = finishing.repaired(wheel, work / "wheel", providers, work)
        return Finished(
            folder=work / "wheel",
            providers=tuple(each.wheel for each in made.providers),
            lines=tuple(each.line for each in made.providers),
            notes=made.notes,
        )

    def gates(
        self,
        job: Job,  # noqa: ARG002
        wheel: Path,
        providers: Sequence[Path],
        work: Path,
        *,
        finishing: "Finishing",
        watch: "Watch",
    ) -> str:
        """Ask the gates in this process; the headline is a line of the output.

        Raises:
            GateError: the wheel does not pass.
        """
        from commonwheel.check.case import Tools  # noqa: PLC0415
        from commonwheel.check.inspect import inspect  # noqa: PLC0415
        from commonwheel.check.report import as_json, headline  # noqa: PLC0415

        tools = Tools(
            load=True, scan=True, cache=self.cache / "scans", scratch=work, environ=self.environ
        )
        names = finishing.repair.names
        report = finishing.check(wheel, [inspect(each, names)[0] for each in providers], tools)
        watch.on_line(headline(report))
        return as_json([report])

    def test(self, job: ConsumerJob, suite: "Suite", work: Path, *, watch: "Watch") -> str:
        """Run a consumer's tests in a new virtual environment.

        Raises:
            ConsumerTestError: a module does not import, or the suite fails.
        """
        return suite.run(work, self.interpreter(job.python), self.environ, watch.log, watch.on_line)

    def compile(
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
            environments=BuildEnvironments(root=self.cache / "envs", environ=self.environ),
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
