"""What building, testing and keeping share: the plan, places, and what is finished so far."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO, TYPE_CHECKING

from commonwheel.cache.keys import file_digest
from commonwheel.cache.store import Stored
from commonwheel.cache.usage import running_since
from commonwheel.console import Console, Step
from commonwheel.errors import BuildError, CommonwheelError, GateError
from commonwheel.inputs import JobInputs
from commonwheel.jobserver import JobServer
from commonwheel.names import Names
from commonwheel.plan import ConsumerJob, Job, Plan
from commonwheel.process import ProcessError, significant_lines
from commonwheel.recipe.sources import Source
from commonwheel.source.fetch import FetchedSource, fetch, find_cached
from commonwheel.source.settings import SourceSettings
from commonwheel.timings import Forecast
from commonwheel.wheelhouse import Wheelhouse

if TYPE_CHECKING:
    from commonwheel.engine.protocol import Engine

# Seconds after which a folder that no running process can have made is nobody's.
STALE = 2 * 24 * 3600
DOWNLOADS = 4


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are, and what this run may do."""

    cache: Path
    sources: SourceSettings
    environ: Mapping[str, str]
    names: Names = field(default_factory=Names)
    test: bool = True
    keep: bool = False
    anew: frozenset[str] = frozenset()
    """Ids of jobs that are built and tested although results of theirs are stored."""
    given: Mapping[str, Path] = field(default_factory=dict)
    """By id of a library's job, the wheel that takes the place of its build."""
    reproduction: Callable[[Job, str], str] | None = None
    """(job, its image) → a line for its log, from which ``scripts/reproduce`` runs it again."""


@dataclass(frozen=True, kw_only=True)
class Slots:
    """Of a run that has something to do: the limit on what runs at once, and what comes first."""

    server: JobServer
    forecast: Forecast
    urgency: Mapping[str, float]


@dataclass(kw_only=True)
class Context:
    """What every part of a run needs; threads share it.

    ``done`` holds the finished wheels by job, ``seconds`` what those took that were not cached.
    """

    inputs: JobInputs
    wheelhouse: Wheelhouse
    settings: Settings
    console: Console
    slots: Slots | None = None
    done: dict[str, Stored] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    downloads: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(DOWNLOADS))

    @property
    def plan(self) -> Plan:
        """What is run."""
        return self.inputs.plan

    @property
    def engine(self) -> "Engine":
        """Where it is built."""
        return self.inputs.engine

    def fetch(self, job: Job) -> FetchedSource:
        """The job's source, in a step of its own where it is not in the cache."""
        return self._fetch(f"fetch {job.id}", self.inputs.sources(job), job)

    def fetch_tests(self, job: ConsumerJob) -> FetchedSource | None:
        """The source of its tests, as :meth:`fetch` does it; None: they are in its sdist."""
        sources = self.inputs.test_sources(job)
        return self._fetch(f"fetch tests of {job.id}", sources, job) if sources else None

    def _fetch(self, title: str, sources: Sequence[Source], job: Job) -> FetchedSource:
        settings = self.settings.sources
        if found := find_cached(sources, settings):
            return found
        with self.downloads, self.console.step(title) as step:
            found = fetch(sources, settings, step, name=job.build.name)
            step.verdict = found.source.describe()
            return found

    def providers(self, job: Job) -> list[Path]:
        """The finished library wheels that a job's build sees."""
        return [self.done[each.id].wheel for each in self.plan.providers(job)]

    def digests(self, jobs: Sequence[str]) -> dict[str, str]:
        """File name → sha256 of finished wheels."""
        wheels = [self.done[job_id].wheel for job_id in jobs]
        return {wheel.name: file_digest(wheel) for wheel in wheels}

    @property
    def jobserver(self) -> Path | None:
        """The pipe that the builds of this run share."""
        return self.slots.server.path if self.slots else None

    @contextmanager
    def working(self, task: str) -> Iterator[Step]:
        """A step that holds one of the run's slots."""
        assert self.slots is not None
        slots = self.slots
        with slots.server.token(slots.urgency[task]), self.console.step(task) as step:
            slots.forecast.begin(task)
            try:
                yield step
            finally:
                seconds = slots.forecast.end(task)
            # Of one that failed early, the time says nothing.
            self.seconds[task] = seconds

    @contextmanager
    def workplace(self, name: str) -> Iterator[Path]:
        """An empty folder, removed at the end unless the run keeps it.

        Of the same name each time, where it is free: a compiler cache takes paths into account.
        """
        root = self.work()
        folder = root / name
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
        try:
            yield folder
        finally:
            if not self.settings.keep:
                shutil.rmtree(folder, ignore_errors=True)

    def work(self) -> Path:
        """The folder of what only a running build needs, rid of what nobody needs any more."""
        root = self.settings.cache / "work"
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root, min(running_since(self.settings.cache), default=time.time()))
        return root

    @contextmanager
    def log(self, job: Job, part: str = "") -> Iterator[IO[str]]:
        """The log of a job's build, or of another part of it, unless nothing is written to it.

        An error gets its significant lines and its place.
        """
        path = self.wheelhouse.log("-".join(filter(None, [job.id, part])))
        with path.open("w", encoding="utf-8") as log:
            try:
                yield log
            except CommonwheelError as error:
                raise (with_log(error, path) if log.tell() else error) from None
            finally:
                if not log.tell():
                    path.unlink(missing_ok=True)


def _sweep(root: Path, running: float) -> None:
    """Remove what killed runs, and those with --keep, left behind long ago."""
    stale = min(running, time.time() - STALE)
    for folder in root.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process sweeps, too
            if folder.stat().st_mtime < stale:
                shutil.rmtree(folder, ignore_errors=True)


def with_log(error: CommonwheelError, path: Path) -> CommonwheelError:
    """The error with the lines of the log that matter, and the log's place.

    What a gate says needs neither: its report says more.
    """
    if isinstance(error, GateError):
        return error
    lines = error.lines
    if lines is None:
        lines = significant_lines(path.read_text(encoding="utf-8", errors="replace"))
    hint = "\n  ".join(filter(None, [error.hint, *lines, f"log: {path}"]))
    kind = BuildError if isinstance(error, ProcessError) else type(error)
    return kind(error.what, where=error.where, hint=hint)
