"""Consumers' own tests, each with one set of library wheels; what has passed is not run again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonwheel.cache.keys import TEST_CODE, code_digests, file_digest, key_of
from commonwheel.cache.store import Store
from commonwheel.errors import ConsumerTestError
from commonwheel.pipeline.context import Context
from commonwheel.plan import ConsumerJob
from commonwheel.recipe.model import ConsumerRecipe, Test

if TYPE_CHECKING:
    from commonwheel.engine.suite import Suite


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a consumer's tests.

    Args:
        title: names it, among all of a plan.
        job: the consumer.
        providers: library jobs whose wheels are installed with it.
    """

    title: str
    job: ConsumerJob
    providers: tuple[str, ...]


class Tester:
    """Runs trials of finished wheels; ``summaries`` holds what came out, by title."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = Store(root=context.settings.cache / "tests")
        self.summaries: dict[str, str] = {}

    def trials(self, job: ConsumerJob) -> list[Trial]:
        """Those that a consumer must pass."""
        sets = job.tested_with
        named = [self._direct(job, providers) for providers in sets]
        if len(set(named)) < len(sets):
            # The releases of its own providers are the same, those below them are not.
            common = set(sets[0]).intersection(*sets)
            named = [
                (*names, *(each for each in providers if each not in {*common, *names}))
                for names, providers in zip(named, sets, strict=True)
            ]
        return [
            Trial(title=f"test {job.id} with {', '.join(names)}", job=job, providers=providers)
            for names, providers in zip(named, sets, strict=True)
        ]

    def _direct(self, job: ConsumerJob, providers: Sequence[str]) -> tuple[str, ...]:
        direct = {each.name for each in job.build.provided}
        library = self.context.plan.library
        return tuple(each for each in providers if library(each).build.name in direct)

    def find(self, trial: Trial) -> str | None:
        """The summary of a trial with the same wheels that has passed before."""
        if trial.job.id in self.context.settings.anew:
            return None
        if not self.context.done.keys() >= {trial.job.id, *trial.providers}:
            return None
        found = self.store.find(key_of(self.inputs(trial)))
        return str(found.facts["summary"]) if found else None

    def say_passed(self, trial: Trial, summary: str) -> None:
        """A step that took no time."""
        with self.context.console.step(trial.title) as step:
            step.verdict = f"{summary} (before)"
        self.summaries[trial.title] = summary

    def run(self, trial: Trial) -> None:
        """Run a trial, unless it has passed before.

        Raises:
            ConsumerTestError: it fails; with the place of its log.
        """
        if summary := self.find(trial):
            self.say_passed(trial, summary)
            return
        from commonwheel.engine.protocol import Watch  # noqa: PLC0415

        context, job = self.context, trial.job
        fetched = context.fetch_tests(job) or context.fetch(job)
        with context.working(trial.title) as step, context.workplace(job.id) as work:
            suite = self._suite(trial, fetched.path, work)
            scratch = work / "trial"
            scratch.mkdir()
            path = context.wheelhouse.log(_log_name(trial))
            with path.open("w", encoding="utf-8") as log:
                try:
                    watch = Watch(log=log, on_line=step.line)
                    summary = context.engine.test(job, suite, scratch, watch=watch)
                except ConsumerTestError as error:
                    hint = f"{error.hint}\n  log: {path}"
                    raise ConsumerTestError(error.what, hint=hint) from None
            step.verdict = self.summaries[trial.title] = summary
            (work / "empty").mkdir()
            facts = {"summary": summary, "with": list(trial.providers)}
            self.store.put(work / "empty", self.inputs(trial), facts, job=trial.job.id)

    def inputs(self, trial: Trial) -> dict[str, Any]:
        """What decides how a trial ends."""
        inputs = self.context.inputs
        return {
            "wheels": self.context.digests([trial.job.id, *trial.providers]),
            "python": self.context.engine.python(trial.job),
            "test": self._test(trial).model_dump(mode="json"),
            # They may change the tests, and nothing that is in the wheel.
            "patches": {path.name: file_digest(path) for path in inputs.patches(trial.job)},
            "tests": [source.sha256 for source in inputs.test_sources(trial.job)],
            "code": code_digests(TEST_CODE),
        }

    def _test(self, trial: Trial) -> Test:
        recipe = self.context.inputs.recipes[trial.job.build.name]
        assert isinstance(recipe, ConsumerRecipe)
        builds = [self.context.plan.library(each).build for each in trial.providers]
        return recipe.test.holding({build.name: build.wheel_version for build in builds})

    def _suite(self, trial: Trial, archive: Path, work: Path) -> "Suite":
        from commonwheel.engine.suite import Suite  # noqa: PLC0415
        from commonwheel.source.patch import apply_patches  # noqa: PLC0415
        from commonwheel.source.unpack import unpack  # noqa: PLC0415

        done = self.context.done
        source = unpack(archive, work / "source")
        if not self.context.inputs.test_sources(trial.job):
            apply_patches(source, self.context.inputs.patches(trial.job))
        return Suite(
            name=trial.job.id,
            test=self._test(trial),
            wheel=done[trial.job.id].wheel,
            libraries=[done[each].wheel for each in trial.providers],
            source=source,
        )

    def records(self, job: ConsumerJob) -> list[Mapping[str, Any]]:
        """For ``provenance.json``: what came out, and the files that it came out with."""
        return [
            {
                "result": self.summaries[trial.title],
                "with": self.context.digests(trial.providers),
            }
            for trial in self.trials(job)
            if trial.title in self.summaries
        ]


def _log_name(trial: Trial) -> str:
    _, _, with_whom = trial.title.partition(" with ")
    return f"{trial.job.id}-test-{with_whom.replace(', ', '-')}"
