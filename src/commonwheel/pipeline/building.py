"""From a job to its finished wheel: found in the cache, or fetched, staged, built and repaired."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from commonwheel.cache.keys import file_digest, key_of, seen_digest
from commonwheel.cache.store import Store, Stored
from commonwheel.console import Step
from commonwheel.errors import RepairError
from commonwheel.pipeline.checking import Checker
from commonwheel.pipeline.context import Context
from commonwheel.plan import ConsumerJob, Job
from commonwheel.recipe.resolved import SourceFact, to_json
from commonwheel.repair.providers import read_manifest
from commonwheel.repair.ranges import floors, highest
from commonwheel.source.fetch import FetchedSource
from commonwheel.wheel.read import read_wheel

if TYPE_CHECKING:
    from commonwheel.engine.protocol import Built, Finished


class Builder:
    """Makes the wheels of jobs whose providers are finished."""

    def __init__(self, context: Context, checker: Checker) -> None:
        self.context, self.checker = context, checker
        cache = context.settings.cache
        self.raw, self.repaired = Store(root=cache / "raw"), Store(root=cache / "wheels")

    def build(self, job: Job) -> Stored:
        """The repaired wheel, made unless it is given or stored."""
        if job.id in self.context.settings.given:
            self.say_cached(job)
            return self.take(job)
        raw = self.find_raw(job)
        if raw is None:
            return self._build(job)
        if stored := self.repaired.find(self.repair_key(job, raw)):
            self.say_cached(job)
            return stored
        with self.context.working(job.id) as step, self.context.workplace(job.id) as work:
            return self._finish(job, raw, work, step)

    def settle(self, jobs: Sequence[Job]) -> None:
        """Give the wheels of one version the same ranges: of each line, the highest floor of all.

        Args:
            jobs: of one consumer's release, for several Pythons; what was not built is left out.
        """
        done, names = self.context.done, self.context.inputs.names
        every = [
            (job, floors(read_wheel(done[job.id].wheel), names)) for job in jobs if job.id in done
        ]
        wanted = highest(mine for _, mine in every)
        for job, mine in every:
            if mine != {line: wanted[line] for line in mine}:
                self._raise(job, {line: wanted[line] for line in mine})

    def _raise(self, job: Job, at_least: Mapping[str, str]) -> None:
        raw = self.find_raw(job)
        assert raw is not None
        key = key_of(self.context.inputs.repair(job, raw, at_least))
        stored = self.repaired.find(key)
        if stored is None:
            with self.context.console.step(f"raise {job.id}") as step:
                step.note("another Python's wheel needs newer releases: all get the same range")
                with self.context.workplace(job.id) as work:
                    stored = self._finish(job, raw, work, step, at_least)
        self.checker.check(job, stored)
        self.context.done[job.id] = stored

    def take(self, job: Job) -> Stored:
        """The wheel that is given in place of a build's, as it is."""
        wheel = self.context.settings.given[job.id]
        inputs = {"given": wheel.name, "sha256": file_digest(wheel)}
        if stored := self.repaired.find(key_of(inputs)):
            return stored
        manifest = read_manifest(wheel, self.context.inputs.names)
        assert manifest is not None
        facts = {"source": manifest["source"], "build-key": manifest["key"]}
        with self.context.workplace(f"given-{job.id}") as folder:
            shutil.copyfile(wheel, folder / wheel.name)
            return self.repaired.put(folder, inputs, facts)

    def say_cached(self, job: Job) -> None:
        """A step that took no time."""
        with self.context.console.step(job.id) as step:
            step.verdict = "given" if job.id in self.context.settings.given else "cached"

    def _build(self, job: Job) -> Stored:
        fetched = self.context.fetch(job)
        inputs = self.inputs(job, fetched.sha256)

        def busy() -> None:
            self.context.console.note(f"{job.id}: another process builds it; this one waits")

        with (
            self.raw.lock(key_of(inputs), busy=busy),
            self.context.working(job.id) as step,
            self.context.workplace(job.id) as work,
        ):
            # That of another process, where this one has waited.
            if raw := self._stored(job, key_of(inputs)):
                return self._finish(job, raw, work, step)
            with self.checker.reporting(job), self.context.log(job) as log:
                raw, built = self._compile(job, fetched, inputs, work, log=log, step=step)
            if built.finished is not None:
                return self._store(job, raw, built.finished, step)
            return self._finish(job, raw, work, step)

    def find_raw(self, job: Job) -> Stored | None:
        """The stored raw wheel made from any of the recipe's sources."""
        sources = self.context.inputs.sources(job)
        keys = (key_of(self.inputs(job, source.sha256)) for source in sources)
        return next(filter(None, (self._stored(job, key) for key in keys)), None)

    def _stored(self, job: Job, key: str) -> Stored | None:
        return None if job.id in self.context.settings.anew else self.raw.find(key)

    def find(self, job: Job) -> tuple[Stored | None, Stored | None]:
        """The stored raw wheel and the stored repaired one; of a given wheel, that one."""
        if job.id in self.context.settings.given:
            given = self.take(job)
            return given, given
        raw = self.find_raw(job)
        return raw, self.repaired.find(self.repair_key(job, raw)) if raw else None

    # --- keys -----------------------------------------------------------------------------------

    def inputs(self, job: Job, source: str) -> dict[str, Any]:
        """What decides the raw wheel of a job made from the source with that sha256."""
        providers = {path.name: seen_digest(path) for path in self.context.providers(job)}
        return self.context.inputs.build(job, source, providers)

    def repair_key(self, job: Job, raw: Stored) -> str:
        """The key of the repaired wheel."""
        return key_of(self.context.inputs.repair(job, raw))

    # --- work -----------------------------------------------------------------------------------

    def _compile(
        self,
        job: Job,
        fetched: FetchedSource,
        inputs: Mapping[str, Any],
        work: Path,
        *,
        log: IO[str],
        step: Step,
    ) -> tuple[Stored, "Built"]:
        # Only a build needs what stages one: a warm run does not pay for importing it.
        from commonwheel.engine.protocol import Watch  # noqa: PLC0415
        from commonwheel.stage import Inputs, stage  # noqa: PLC0415

        context = self.context
        # The first place that the recipe gives for these bytes, wherever they came from this time:
        # it is written into the wheel, and the key knows the bytes alone.
        place = next(s for s in context.inputs.sources(job) if s.sha256 == fetched.sha256)
        fact = SourceFact(origin=place.describe(), sha256=fetched.sha256)
        project = stage(
            job,
            Inputs(
                source=fetched.path,
                fact=fact,
                patches=context.inputs.patches(job),
                providers=context.providers(job),
                constraints=context.inputs.pins(job),
                key=key_of(inputs),
                engine=context.engine.name,
                image=context.engine.image(job),
            ),
            work / "project",
        )
        if context.settings.reproduction is not None:
            line = context.settings.reproduction(job, context.engine.image(job))
            log.write(f"{line}\n")
            # For the log of CI, which shows a job's lines folded.
            step.line(line)
        epoch = project.job().epoch
        built = context.engine.build(
            job,
            project,
            work,
            finishing=context.inputs.finishing(job, epoch),
            pins=context.inputs.pins(job),
            jobserver=context.jobserver,
            watch=Watch(log=log, on_line=step.line),
        )
        facts = {"epoch": epoch, "source": to_json(fact)}
        return self.raw.put(built.raw, inputs, facts, job=job.id), built

    def _finish(
        self,
        job: Job,
        raw: Stored,
        work: Path,
        step: Step,
        at_least: Mapping[str, str] | None = None,
    ) -> Stored:
        from commonwheel.engine.protocol import Watch  # noqa: PLC0415

        context = self.context
        with self.checker.reporting(job), context.log(job, "finish") as log:
            finished = context.engine.finish(
                job,
                raw.wheel,
                context.providers(job),
                work,
                finishing=context.inputs.finishing(job, raw.facts["epoch"], at_least=at_least),
                watch=Watch(log=log, on_line=step.line),
            )
        return self._store(job, raw, finished, step, at_least)

    def _store(
        self,
        job: Job,
        raw: Stored,
        finished: "Finished",
        step: Step,
        at_least: Mapping[str, str] | None = None,
    ) -> Stored:
        for note in (*finished.notes, *check_use(job, finished.lines)):
            step.note(note)
        inputs = self.context.inputs.repair(job, raw, at_least)
        facts = {"providers": list(finished.providers), **raw.facts}
        stored = self.repaired.put(finished.folder, inputs, facts, job=job.id)
        if finished.report is not None:
            self.checker.passed(job, stored.wheel, finished.report)
        return stored


def check_use(job: Job, used: Collection[str]) -> list[str]:
    """Notes on libraries that a consumer's recipe names and its wheel, using lines, does without.

    Headers may be all that a build takes of a library; a wheel that needs no library at all holds a
    copy of its own, which nobody would see.

    Raises:
        RepairError: the wheel needs none of them.
    """
    unused = [each.name for each in job.build.provided if each.line not in used]
    if not isinstance(job, ConsumerJob) or not unused:
        return []
    if len(unused) == len(job.build.provided):
        raise RepairError(
            f"the wheel uses none of the libraries that its recipe names: {', '.join(unused)}",
            where=job.id,
            hint="its build went without, or compiled a copy that the sdist brings: find the "
            "switch for the system's library (recipe: environment, config-settings)",
        )
    return [f"the wheel does not need {name}, which its recipe names" for name in unused]
