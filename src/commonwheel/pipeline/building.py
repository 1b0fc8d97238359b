"""From a job to its finished wheel: found in the cache, or fetched, staged, built and repaired."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from commonwheel.cache.keys import file_digest, key_of
from commonwheel.cache.store import Store, Stored
from commonwheel.console import Step
from commonwheel.errors import RepairError
from commonwheel.pipeline.context import Context
from commonwheel.plan import ConsumerJob, Job
from commonwheel.recipe.resolved import SourceFact, to_json
from commonwheel.repair.providers import ProviderWheel, load_providers
from commonwheel.repair.repair import repair
from commonwheel.source.fetch import FetchedSource


class Builder:
    """Makes the wheels of jobs whose providers are finished."""

    def __init__(self, context: Context) -> None:
        self.context = context
        cache = context.settings.cache
        self.raw, self.repaired = Store(root=cache / "raw"), Store(root=cache / "wheels")

    def build(self, job: Job) -> Stored:
        """The repaired wheel, made unless it is stored."""
        raw = self.find_raw(job)
        if raw is None:
            return self._build(job)
        if stored := self.repaired.find(self.repair_key(job, raw)):
            self.say_cached(job)
            return stored
        with self.context.working(job.id) as step:
            return self._repair(job, raw, step)

    def say_cached(self, job: Job) -> None:
        """A step that took no time."""
        with self.context.console.step(job.id) as step:
            step.verdict = "cached"

    def _build(self, job: Job) -> Stored:
        fetched = self.context.fetch(job)
        inputs = self.inputs(job, fetched.sha256)

        def busy() -> None:
            self.context.console.note(f"{job.id}: another process builds it; this one waits")

        with self.raw.lock(key_of(inputs), busy=busy), self.context.working(job.id) as step:
            # That of another process, where this one has waited.
            raw = self.raw.find(key_of(inputs))
            if raw is None:
                with self.context.log(job) as log:
                    raw = self._compile(job, fetched, inputs, log, step)
            return self._repair(job, raw, step)

    def find_raw(self, job: Job) -> Stored | None:
        """The stored raw wheel made from any of the recipe's sources."""
        sources = self.context.inputs.sources(job)
        keys = (key_of(self.inputs(job, source.sha256)) for source in sources)
        return next(filter(None, map(self.raw.find, keys)), None)

    def find(self, job: Job) -> tuple[Stored | None, Stored | None]:
        """The stored raw wheel and the stored repaired one."""
        raw = self.find_raw(job)
        return raw, self.repaired.find(self.repair_key(job, raw)) if raw else None

    # --- keys -----------------------------------------------------------------------------------

    def inputs(self, job: Job, source: str) -> dict[str, Any]:
        """What decides the raw wheel of a job made from the source with that sha256."""
        providers = {path.name: file_digest(path) for path in self.context.providers(job)}
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
        log: IO[str],
        step: Step,
    ) -> Stored:
        # Only a build needs what stages one: a warm run does not pay for importing it.
        from commonwheel.stage import Inputs, stage  # noqa: PLC0415

        context = self.context
        # The first place that the recipe gives for these bytes, wherever they came from this time:
        # it is written into the wheel, and the key knows the bytes alone.
        place = next(s for s in context.inputs.sources(job) if s.sha256 == fetched.sha256)
        fact = SourceFact(origin=place.describe(), sha256=fetched.sha256)
        with context.workplace(job.id) as work:
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
                ),
                work / "project",
            )
            context.engine.build(
                project,
                context.inputs.interpreter(job),
                work / "raw",
                constraints=context.inputs.pins(job).text,
                jobserver=context.jobserver,
                log=log,
                on_line=step.line,
            )
            facts = {"epoch": project.job().epoch, "source": to_json(fact)}
            return self.raw.put(work / "raw", inputs, facts, job=job.id)

    def _repair(self, job: Job, raw: Stored, step: Step) -> Stored:
        inputs = self.context.inputs
        providers = load_providers(self.context.providers(job), inputs.names)
        with self.context.workplace(job.id) as work:
            options = inputs.repair_options(job, raw)
            repaired = repair(raw.wheel, work / "wheel", providers, options, scratch=work)
            for note in (*repaired.notes, *check_use(job, repaired.providers)):
                step.note(note)
            facts = {"providers": [each.wheel for each in repaired.providers], **raw.facts}
            return self.repaired.put(work / "wheel", inputs.repair(job, raw), facts, job=job.id)


def check_use(job: Job, used: Iterable[ProviderWheel]) -> list[str]:
    """Notes on libraries that a consumer's recipe names and its wheel does without.

    Headers may be all that a build takes of a library; a wheel that needs no library at all holds a
    copy of its own, which nobody would see.

    Raises:
        RepairError: the wheel needs none of them.
    """
    lines = {each.line for each in used}
    unused = [each.name for each in job.build.provided if each.line not in lines]
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
