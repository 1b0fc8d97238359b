"""The one place that joins fetch, stage, engine, repair, test and the wheelhouse."""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from commonwheel.cache.keys import file_digest, key_of
from commonwheel.cache.store import Store, Stored
from commonwheel.console import Console, Step
from commonwheel.constraints import Constraints
from commonwheel.engine.host import HostEngine
from commonwheel.engine.suite import Suite
from commonwheel.errors import BuildError, CommonwheelError, ConsumerTestError
from commonwheel.inputs import JobInputs
from commonwheel.names import Names
from commonwheel.plan import ConsumerJob, Job, LibraryJob, Plan
from commonwheel.process import ProcessError, significant_lines
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRecipe, Test
from commonwheel.recipe.resolved import SourceFact, to_json
from commonwheel.repair.providers import load_providers
from commonwheel.repair.repair import repair
from commonwheel.source.fetch import FetchedSource, fetch
from commonwheel.source.settings import SourceSettings
from commonwheel.wheelhouse import Wheelhouse

# Seconds after which a folder of a build that is still there is nobody's.
STALE = 2 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are, and what this run may do."""

    cache: Path
    sources: SourceSettings
    environ: Mapping[str, str]
    names: Names = field(default_factory=Names)
    test: bool = True
    keep: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finished wheel, for the final table."""

    job: Job
    wheel: Path
    sha256: str
    seconds: float
    cached: bool
    tested: tuple[str, ...] = ()


class Pipeline:
    """Runs a plan, job after job, and fills the wheelhouse."""

    def __init__(
        self,
        *,
        plan: Plan,
        recipes: RecipeSet,
        constraints: Constraints,
        engine: HostEngine,
        wheelhouse: Wheelhouse,
        settings: Settings,
        console: Console,
    ) -> None:
        self.plan, self.recipes = plan, recipes
        self.engine, self.wheelhouse = engine, wheelhouse
        self.settings, self.console = settings, console
        self.raw = Store(root=settings.cache / "raw")
        self.repaired = Store(root=settings.cache / "wheels")
        self.tests = Store(root=settings.cache / "tests")
        self.done: dict[str, Stored] = {}
        self.results: list[Result] = []
        self.inputs = JobInputs(
            plan=plan,
            recipes=recipes,
            constraints=constraints,
            engine=engine,
            names=settings.names,
        )

    def run(self) -> list[Result]:
        """Build, test and keep every job of the plan; the results in the plan's order."""
        self.wheelhouse.prepare()
        if to_compile := self._find_done():
            self.engine.require([job.build for job in to_compile])
        consumers = []
        for job in self.plan.jobs:
            began = time.monotonic()
            stored, was_cached = self._build(job)
            self.done[job.id] = stored
            seconds = time.monotonic() - began
            if isinstance(job, ConsumerJob):
                consumers.append((job, seconds, was_cached))
            else:
                self._keep(job, seconds, was_cached=was_cached)
        # A consumer is tested with releases that it was not built against, too: all must be there.
        for consumer, seconds, was_cached in consumers:
            tested = tuple(self._test(consumer)) if self.settings.test else ()
            self._keep(consumer, seconds, was_cached=was_cached, tested=tested)
        return self.results

    # --- building -------------------------------------------------------------------------------

    def _find_done(self) -> list[Job]:
        """Note what is stored; returns the jobs that are sure to be compiled, in order.

        What uses a provider that is only repaired anew may be stored: its turn will show.
        """
        compiled: dict[str, Job] = {}
        for job in self.plan.jobs:
            providers = {each.id for each in self.plan.providers(job)}
            if providers & compiled.keys():
                compiled[job.id] = job
            elif providers <= self.done.keys():
                raw = self._find_raw(job)
                if raw is None:
                    compiled[job.id] = job
                elif stored := self.repaired.find(self._repair_key(job, raw)):
                    self.done[job.id] = stored
        return list(compiled.values())

    def _build(self, job: Job) -> tuple[Stored, bool]:
        raw = self._find_raw(job)
        if raw is not None and (stored := self.repaired.find(self._repair_key(job, raw))):
            with self.console.step(job.id) as step:
                step.verdict = "cached"
            return stored, True
        with self.console.step(job.id) as step:
            return self._repair(job, raw or self._make_raw(job, step), step), False

    def _find_raw(self, job: Job) -> Stored | None:
        """The stored raw wheel made from any of the recipe's sources."""
        keys = (key_of(self._inputs(job, source.sha256)) for source in self.inputs.sources(job))
        return next(filter(None, map(self.raw.find, keys)), None)

    def _make_raw(self, job: Job, step: Step) -> Stored:
        fetched = self._fetch(job, step)
        inputs = self._inputs(job, fetched.sha256)
        with self.raw.lock(key_of(inputs)):
            # Another process may have built it while this one waited.
            if stored := self.raw.find(key_of(inputs)):
                return stored
            with self._log(job) as log:
                return self._compile(job, fetched, inputs, log, step)

    def _fetch(self, job: Job, step: Step) -> FetchedSource:
        return fetch(self.inputs.sources(job), self.settings.sources, step, name=job.build.name)

    def _providers(self, job: Job) -> list[Path]:
        return [self.done[each.id].wheel for each in self.plan.providers(job)]

    def _inputs(self, job: Job, source: str) -> dict[str, Any]:
        providers = {path.name: file_digest(path) for path in self._providers(job)}
        return self.inputs.build(job, source, providers)

    def _compile(
        self,
        job: Job,
        fetched: FetchedSource,
        inputs: Mapping[str, Any],
        log: IO[str],
        step: Step,
    ) -> Stored:
        # Only a build needs what stages one: a warm run does not pay for importing it.
        from commonwheel.stage import Inputs, stage  # noqa: PLC0415

        # The first place that the recipe gives for these bytes, wherever they came from this time:
        # it is written into the wheel, and the key knows the bytes alone.
        place = next(s for s in self.inputs.sources(job) if s.sha256 == fetched.sha256)
        fact = SourceFact(origin=place.describe(), sha256=fetched.sha256)
        with self._workplace(job.id) as work:
            project = stage(
                job,
                Inputs(
                    source=fetched.path,
                    fact=fact,
                    patches=self.inputs.patches(job),
                    providers=self._providers(job),
                    constraints=self.inputs.pins(job),
                    key=key_of(inputs),
                    engine=self.engine.name,
                ),
                work / "project",
            )
            self.engine.build(
                project,
                self.inputs.interpreter(job),
                work / "raw",
                constraints=self.inputs.pins(job).text,
                log=log,
                on_line=step.line,
            )
            facts = {"epoch": project.job().epoch, "source": to_json(fact)}
            return self.raw.put(work / "raw", inputs, facts, job=job.id)

    @contextmanager
    def _workplace(self, name: str) -> Iterator[Path]:
        root = self.settings.cache / "work"
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
        try:
            yield folder
        finally:
            if not self.settings.keep:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _log(self, job: Job) -> Iterator[IO[str]]:
        path = self.wheelhouse.log(job.id)
        with path.open("w", encoding="utf-8") as log:
            try:
                yield log
            except CommonwheelError as error:
                log.flush()
                raise _with_log(error, path) from None

    # --- repair ---------------------------------------------------------------------------------

    def _repair_key(self, job: Job, raw: Stored) -> str:
        return key_of(self.inputs.repair(job, raw))

    def _repair(self, job: Job, raw: Stored, step: Step) -> Stored:
        providers = load_providers(self._providers(job), self.settings.names)
        with self._workplace(job.id) as work:
            options = self.inputs.repair_options(job, raw)
            repaired = repair(raw.wheel, work / "wheel", providers, options, scratch=work)
            for note in repaired.notes:
                step.note(note)
            facts = {"providers": [each.wheel for each in repaired.providers], **raw.facts}
            return self.repaired.put(
                work / "wheel", self.inputs.repair(job, raw), facts, job=job.id
            )

    # --- testing --------------------------------------------------------------------------------

    def _test(self, job: ConsumerJob) -> Iterator[str]:
        for providers in job.tested_with:
            yield self._test_with(job, providers)

    def _test_with(self, job: ConsumerJob, providers: Sequence[str]) -> str:
        recipe = self.recipes[job.build.name]
        assert isinstance(recipe, ConsumerRecipe)
        wheels = [self.done[job.id].wheel, *(self.done[each].wheel for each in providers)]
        builds = [self.plan.library(each).build for each in providers]
        test = recipe.test.holding({build.name: build.wheel_version for build in builds})
        inputs = {
            "wheels": {path.name: file_digest(path) for path in wheels},
            "python": file_digest(self.inputs.interpreter(job).resolve()),
            "test": test.model_dump(mode="json"),
        }
        direct = [each.name for each in job.build.provided]
        with_whom = ", ".join(p for p in providers if self.plan.library(p).build.name in direct)
        title = f"test {job.id} with {with_whom}"
        if found := self.tests.find(key_of(inputs)):
            with self.console.step(title) as step:
                step.verdict = f"{found.facts['summary']} (before)"
            return str(found.facts["summary"])
        path = self.wheelhouse.log(f"{job.id}-test-{with_whom.replace(', ', '-')}")
        with self.console.step(title) as step, self._workplace(job.id) as work:
            suite = self._suite(job, test, wheels, work)
            with path.open("w", encoding="utf-8") as log:
                try:
                    summary = suite.run(work, self.settings.environ, log, step.line)
                except ConsumerTestError as error:
                    hint = f"{error.hint}\n  log: {path}"
                    raise ConsumerTestError(error.what, hint=hint) from None
            step.verdict = summary
            (work / "empty").mkdir()
            facts = {"summary": summary, "with": list(providers)}
            self.tests.put(work / "empty", inputs, facts, job=job.id)
        return summary

    def _suite(self, job: ConsumerJob, test: Test, wheels: Sequence[Path], work: Path) -> Suite:
        from commonwheel.source.patch import apply_patches  # noqa: PLC0415
        from commonwheel.source.unpack import unpack  # noqa: PLC0415

        fetched = fetch(self.inputs.sources(job), self.settings.sources, name=job.build.name)
        source = unpack(fetched.path, work / "source")
        apply_patches(source, self.inputs.patches(job))
        return Suite(
            name=job.id,
            test=test,
            wheels=wheels,
            source=source,
            interpreter=self.inputs.interpreter(job),
        )

    # --- keeping --------------------------------------------------------------------------------

    def _keep(
        self, job: Job, seconds: float, *, was_cached: bool, tested: Sequence[str] = ()
    ) -> None:
        stored = self.done[job.id]
        facts = self._provenance(job, stored, tested)
        wheel = self.wheelhouse.put(stored.wheel, facts, remedy=_remedy(job))
        raw = self.raw.find(stored_build_key(stored))
        if raw is not None and raw.debug is not None:
            self.wheelhouse.add_debug(raw.debug)
        self.results.append(
            Result(
                job=job,
                wheel=wheel,
                sha256=file_digest(wheel),
                seconds=seconds,
                cached=was_cached,
                tested=tuple(tested),
            )
        )

    def _provenance(self, job: Job, stored: Stored, tested: Sequence[str]) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "job": job.id,
            "key": stored.key,
            "engine": self.inputs.engine_identity(job),
            "source": stored.facts["source"],
            "built-against": {path.name: file_digest(path) for path in self._providers(job)},
        }
        if isinstance(job, ConsumerJob):
            sets = zip(job.tested_with, tested, strict=False)
            facts["python"] = job.python
            facts["tests"] = [
                {"result": summary, "with": self._digests(providers)} for providers, summary in sets
            ]
        return facts

    def _digests(self, jobs: Sequence[str]) -> dict[str, str]:
        wheels = [self.done[job_id].wheel for job_id in jobs]
        return {wheel.name: file_digest(wheel) for wheel in wheels}


def _sweep(root: Path) -> None:
    """Remove what killed runs, and those with --keep, left behind long ago."""
    for folder in root.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process sweeps, too
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)


def stored_build_key(stored: Stored) -> str:
    """The build key of the raw wheel that a repaired one was made of."""
    text = (stored.folder / "inputs.json").read_text(encoding="utf-8")
    return str(json.loads(text)["build"])


def _remedy(job: Job) -> str:
    if isinstance(job, LibraryJob):
        return f"give release {job.build.version} of {job.build.name} a 'wheel-version' with .postN"
    return f"raise 'build' in the recipe of {job.build.name}"


def _with_log(error: CommonwheelError, path: Path) -> CommonwheelError:
    """The error with the lines of the log that matter, and the log's place."""
    lines = significant_lines(path.read_text(encoding="utf-8", errors="replace"))
    hint = "\n  ".join(filter(None, [error.hint, *lines, f"log: {path}"]))
    kind = BuildError if isinstance(error, ProcessError) else type(error)
    return kind(error.what, where=error.where, hint=hint)
