"""Runs a plan: what is stored is taken, what is not runs side by side."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from commonwheel.cache.store import Stored
from commonwheel.console import Console
from commonwheel.constraints import Constraints
from commonwheel.inputs import JobInputs
from commonwheel.jobserver import JobServer
from commonwheel.pipeline.building import Builder
from commonwheel.pipeline.checking import Checker
from commonwheel.pipeline.context import Context, Settings, Slots
from commonwheel.pipeline.keeping import keep
from commonwheel.pipeline.results import Failure, Report, Result
from commonwheel.pipeline.testing import Tester
from commonwheel.plan import ConsumerJob, Job, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.schedule import Outcome, Task, run_tasks
from commonwheel.timings import Forecast, Timings
from commonwheel.wheelhouse import Wheelhouse

if TYPE_CHECKING:
    from commonwheel.engine.protocol import Engine


class Pipeline:
    """Runs a plan, and fills the wheelhouse."""

    def __init__(
        self,
        *,
        plan: Plan,
        recipes: RecipeSet,
        constraints: Constraints,
        engine: "Engine",
        wheelhouse: Wheelhouse,
        settings: Settings,
        console: Console,
    ) -> None:
        self.context = Context(
            inputs=JobInputs(
                plan=plan,
                recipes=recipes,
                constraints=constraints,
                engine=engine,
                names=settings.names,
            ),
            wheelhouse=wheelhouse,
            settings=settings,
            console=console,
        )
        self.plan = plan
        self.checker = Checker(self.context)
        self.builder = Builder(self.context, self.checker)
        self.tester = Tester(self.context)
        self.results: dict[str, Result] = {}

    def run(self) -> Report:
        """Build, test and keep every job of the plan; one that fails stops those that need it.

        Raises:
            MissingProgramError: nothing was begun.
            WheelhouseError: the wheelhouse cannot be written; nothing was begun.
        """
        self.context.wheelhouse.prepare()
        if to_compile := self.find_done():
            self.context.engine.require(to_compile)
        parts = {job.id: list(self._tasks(job)) for job in self.plan.jobs}
        # All builds first: a trial may need a library that is built later than its consumer.
        tasks = [part[0] for part in parts.values()]
        tasks += [task for part in parts.values() for task in part[1:]]
        is_warm = all(task.inline for task in tasks)
        outcome = run_tasks(tasks) if is_warm else self._run_at_once(tasks)
        failures = (self._failure(job, parts[job.id], outcome) for job in self.plan.jobs)
        return Report(
            results=tuple(self.results[j.id] for j in self.plan.jobs if j.id in self.results),
            failures=tuple(failure for failure in failures if failure),
        )

    def find_done(self) -> list[Job]:
        """Note what is stored; returns the jobs that are sure to be compiled, in order.

        What uses a provider that is only repaired anew may be stored: its turn will show.
        """
        done: dict[str, Stored] = self.context.done
        given = self.context.settings.given
        compiled: dict[str, Job] = {}
        for job in self.plan.jobs:
            providers = {each.id for each in self.plan.providers(job)}
            if providers & compiled.keys() and job.id not in given:
                compiled[job.id] = job
            elif providers <= done.keys():
                raw, stored = self.builder.find(job)
                if raw is None:
                    compiled[job.id] = job
                elif stored is not None and self.checker.find(job, stored.wheel):
                    done[job.id] = stored
        return list(compiled.values())

    # --- tasks ----------------------------------------------------------------------------------

    def _tasks(self, job: Job) -> Iterator[Task]:
        """A job's tasks; the last one is over when the job is."""
        is_done = job.id in self.context.done
        if not isinstance(job, ConsumerJob):
            yield Task(id=job.id, needs=job.needs, run=partial(self._library, job), inline=is_done)
            return
        yield Task(id=job.id, needs=job.needs, run=partial(self._build, job), inline=is_done)
        siblings = self.siblings(job)
        if job is siblings[0] and len(siblings) > 1:
            yield Task(
                id=_settling(siblings),
                needs=(),
                after=tuple(each.id for each in siblings),
                run=partial(self.builder.settle, siblings),
                inline=all(each.id in self.context.done for each in siblings),
            )
        trials = list(self._trials(job)) if self.context.settings.test else []
        yield from trials
        needs = tuple(trial.id for trial in trials) or self._ready(job)
        yield Task(id=_last(job), needs=needs, run=partial(self._keep, job), inline=True)

    def _trials(self, job: ConsumerJob) -> Iterator[Task]:
        for trial in self.tester.trials(job):
            summary = self.tester.find(trial)
            if summary is None:
                work = partial(self.tester.run, trial)
            else:
                work = partial(self.tester.say_passed, trial, summary)
            needs = (*self._ready(job), *trial.providers)
            yield Task(id=trial.title, needs=needs, run=work, inline=summary is not None)

    def siblings(self, job: ConsumerJob) -> list[ConsumerJob]:
        """The jobs of one release of a consumer, one for each Python."""
        release = job.build.name, job.build.version
        return [
            each
            for each in self.plan.jobs
            if isinstance(each, ConsumerJob) and (each.build.name, each.build.version) == release
        ]

    def _ready(self, job: ConsumerJob) -> tuple[str, ...]:
        """The tasks that make a wheel which is as it stays."""
        siblings = self.siblings(job)
        return (job.id, *([_settling(siblings)] if len(siblings) > 1 else []))

    def _library(self, job: Job) -> None:
        self._build(job)
        self._keep(job)

    def _build(self, job: Job) -> None:
        if job.id in self.context.done:
            self.builder.say_cached(job)
        else:
            made = self.builder.build(job)
            self.checker.check(job, made)
            # Those that need it may begin.
            self.context.done[job.id] = made

    def _keep(self, job: Job) -> None:
        tests = self.tester.records(job) if isinstance(job, ConsumerJob) else ()
        stored = self.context.done[job.id]
        report = self.checker.report(job, stored.wheel)
        with self.checker.admitting(job, stored) as rules:
            self.results[job.id] = keep(
                self.context, self.builder, job, report=report, rules=rules, tests=tests
            )

    # --- running --------------------------------------------------------------------------------

    def _run_at_once(self, tasks: Sequence[Task]) -> Outcome:
        context = self.context
        timings = Timings(file=context.settings.cache / "timings.json")
        slow = {task.id: task.needs for task in tasks if not task.inline}
        forecast = Forecast(slow, timings.read(), {task: self._kind(task) for task in slow})
        urgency = forecast.paths()
        server = JobServer(context.work(), context.engine.slots)
        context.slots = Slots(server=server, forecast=forecast, urgency=urgency)
        last = [_last(job) for job in self.plan.jobs]
        with (
            contextlib.closing(server),
            # Warnings of a build backend stand in its log; newer frontends raise them here a second
            # time. Filters are the process's, so no thread can set its own.
            warnings.catch_warnings(action="ignore", category=UserWarning),
            context.console.overall(len(last)) as overall,
        ):

            def tick(outcome: Outcome) -> None:
                over = outcome.over
                overall.show(sum(task in over for task in last), forecast.left(over))

            def stop() -> None:
                overall.stop()
                server.stop()

            try:
                # What takes no time first, then what most depends on.
                order = sorted(tasks, key=lambda task: -urgency.get(task.id, float("inf")))
                return run_tasks(order, tick=tick, stop=stop)
            finally:
                # It is a help for the next run, and no reason for this one to fail.
                with contextlib.suppress(OSError):
                    timings.note(context.seconds)

    def _kind(self, task: str) -> str:
        job = self.plan.by_id.get(task)
        return type(job).__name__ if job else "test"

    # --- results --------------------------------------------------------------------------------

    def _failure(self, job: Job, tasks: Sequence[Task], outcome: Outcome) -> Failure | None:
        if job.id in self.results:
            return None
        causes = (cause for task in tasks for cause in outcome.skipped.get(task.id, ()))
        return Failure(
            job=job,
            built=job.id in outcome.done,
            errors=tuple(outcome.failed[t.id] for t in tasks if t.id in outcome.failed),
            # Not its own tasks: what became of them stands beside it.
            needs=tuple(dict.fromkeys(c for c in causes if c in self.plan.by_id and c != job.id)),
        )


def _settling(jobs: Sequence[ConsumerJob]) -> str:
    """The task that gives the wheels of one release the same ranges."""
    return f"settle {jobs[0].build.name}-{jobs[0].build.version}"


def _last(job: Job) -> str:
    """The task with whose end a job is over."""
    return f"keep {job.id}" if isinstance(job, ConsumerJob) else job.id
