"""What every engine can do: build, finish and test what it is given, in its own place."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from commonwheel.backend.staged import StagedProject
from commonwheel.constraints import Constraints
from commonwheel.engine.finishing import Finishing
from commonwheel.engine.suite import Suite
from commonwheel.plan import ConsumerJob, Job


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Where the output of a subprocess goes.

    Args:
        log: receives it whole.
        on_line: called with each line.
    """

    log: IO[str]
    on_line: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A repaired wheel.

    Args:
        folder: holds it, and nothing else.
        providers: file names of the library wheels that it requires.
        lines: their ABI lines.
        notes: what a reader should know.
        report: what the gates said, as JSON; None where they have not been asked yet.
    """

    folder: Path
    providers: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    report: str | None = None


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a build gave: a folder with the raw wheel and its debug files; it may be finished."""

    raw: Path
    finished: Finished | None = None


class Engine(Protocol):
    """A place where staged projects are built.

    Every method raises a CommonwheelError whose text is fit to be shown.
    """

    @property
    def name(self) -> str:
        """``host``, ``docker`` or ``podman``."""

    @property
    def slots(self) -> int:
        """Compilations at once, over all builds."""

    def image(self, job: Job) -> str:
        """What the container of a job is made of, with its digest; empty where there is none."""

    def facts(self, job: Job) -> dict[str, str]:
        """What of this engine can change the wheel of a job: part of its key."""

    def python(self, job: ConsumerJob) -> str:
        """What tells the Python that tests a consumer from any other."""

    def require(self, jobs: Iterable[Job]) -> None:
        """Look for what the builds of these jobs need, before the first of them begins."""

    def build(
        self,
        job: Job,
        project: StagedProject,
        work: Path,
        *,
        finishing: Finishing,
        pins: Constraints,
        jobserver: Path | None,
        watch: Watch,
    ) -> Built:
        """Build a staged project.

        Args:
            job: what it is of.
            project: what is built.
            work: existing folder for what comes out.
            finishing: what there is to know of the job, where the engine finishes what it builds.
            pins: of what the build environment gets.
            jobserver: the named pipe that limits all builds together; without one, this build has
                all slots.
            watch: where the output goes.
        """

    def finish(
        self,
        job: Job,
        wheel: Path,
        providers: Sequence[Path],
        work: Path,
        *,
        finishing: Finishing,
        watch: Watch,
    ) -> Finished:
        """Repair the raw wheel of a job; one that is repaired already comes out as it is."""

    def gates(
        self,
        job: Job,
        wheel: Path,
        providers: Sequence[Path],
        work: Path,
        *,
        finishing: Finishing,
        watch: Watch,
    ) -> str:
        """What the gates say of a repaired wheel that passes them all, as JSON."""

    def test(self, job: ConsumerJob, suite: Suite, work: Path, *, watch: Watch) -> str:
        """Run a consumer's own tests in the empty folder ``work``; returns a line that sums up."""
