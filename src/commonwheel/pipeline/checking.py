"""Finished wheels against the gates; what has passed is not checked again."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from commonwheel.cache.keys import CHECK_CODE, code_digests, file_digest, key_of, versions
from commonwheel.cache.store import Store, Stored
from commonwheel.errors import GateError
from commonwheel.files import write_atomically
from commonwheel.pipeline.context import Context
from commonwheel.plan import Job
from commonwheel.recipe.resolved import to_json
from commonwheel.render import counted

if TYPE_CHECKING:
    from commonwheel.check.finding import Report

Ask: TypeAlias = Callable[..., str]
"""(wheel, those beside it, together=whether only gates that compare) → the report as JSON."""

CHECK_TOOLS = ("cyclonedx-python-lib", "jsonschema", "license-expression", "packaging")
REPORT = "report.json"
# More stands in the report.
SHOWN = 12


class Checker:
    """Checks the wheels of jobs: each beside what it needs, then beside what is in the wheelhouse.

    Reports are kept in the cache, below ``checks``.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = Store(root=context.settings.cache / "checks")
        self._kept: list[Path] = []
        self._turn = Lock()

    def find(self, job: Job, wheel: Path) -> Stored | None:
        """The stored report of a wheel that has passed in the same company."""
        return self.store.find(key_of(self.inputs(job, wheel)))

    def check(self, job: Job, wheel: Path) -> None:
        """Hold a job's wheel against the gates, unless it has passed before.

        Raises:
            GateError: it does not pass; its report lies beside the job's log.
        """
        if self.find(job, wheel) is None:
            title = f"check {job.id}"
            with self._asking(title) as ask:
                text = ask(wheel, self.context.providers(job), together=False)
                self._put(text, self.inputs(job, wheel), job)

    @contextlib.contextmanager
    def admitting(self, job: Job, wheel: Path) -> Iterator[None]:
        """Let a wheel in that goes together with those that this run has let in before.

        One at a time: of two that clash, the second is kept out.

        Raises:
            GateError: it clashes with one of them.
        """
        with self._turn:
            if self._kept and not self._known_together:
                with self._asking(f"check {job.id} beside others") as ask:
                    ask(wheel, self._kept, together=True)
            yield
            self._kept.append(wheel)
            if len(self._kept) == len(self.context.plan.jobs) and not self._known_together:
                self._put("", self._inputs_together(), None)

    @cached_property
    def _known_together(self) -> bool:
        """Whether all wheels of the plan are made, and were let in together before."""
        jobs = self.context.plan.jobs
        is_made = self.context.done.keys() >= {job.id for job in jobs}
        return is_made and self.store.find(key_of(self._inputs_together())) is not None

    def report(self, job: Job, wheel: Path) -> Path:
        """The report of a wheel that has passed."""
        stored = self.find(job, wheel)
        assert stored is not None
        return stored.folder / REPORT

    # --- keys -----------------------------------------------------------------------------------

    def inputs(self, job: Job, wheel: Path) -> dict[str, Any]:
        """What decides how a check ends."""
        return {
            **self._common(),
            "wheel": file_digest(wheel),
            "beside": self.context.digests([each.id for each in self.context.plan.providers(job)]),
            "recipe": to_json(job.build),
            "waivers": self._waivers(job),
        }

    def _inputs_together(self) -> dict[str, Any]:
        """What decides whether all wheels of the plan go together."""
        jobs = [job.id for job in self.context.plan.jobs]
        return {**self._common(), "together": self.context.digests(jobs)}

    def _common(self) -> dict[str, Any]:
        return {
            "code": code_digests(CHECK_CODE),
            "tools": versions(CHECK_TOOLS),
            "claimed": sorted(self.context.inputs.known),
        }

    def _waivers(self, job: Job) -> list[Any]:
        recipe = self.context.inputs.recipes[job.build.name]
        return [waiver.model_dump(mode="json") for waiver in recipe.waivers]

    # --- work -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _asking(self, title: str) -> Iterator["Ask"]:
        """A step that asks gates about one wheel, and says in the end how they ended."""
        # A warm run does not pay for importing the gates.
        from commonwheel.check import case, expected, inspect, render, run  # noqa: PLC0415

        context, inputs, name = self.context, self.context.inputs, title.replace(" ", "-")
        # It takes no slot: seconds, for which what needs the wheel would wait behind long builds.
        with context.console.step(title) as step, context.workplace(name) as work:
            tools = case.Tools(
                load=True,
                scan=True,
                cache=context.settings.cache / "scans",
                scratch=work,
                environ=context.settings.environ,
            )
            options = run.CheckOptions(
                names=inputs.names,
                claimed=inputs.known,
                tools=tools,
                expect=expected.expectations(inputs.recipes, inputs.names),
            )

            def ask(wheel: Path, beside: Sequence[Path], *, together: bool) -> str:
                others = [inspect.inspect(path, inputs.names)[0] for path in beside]
                gates = run.gates_for(together=together)
                (report,) = run.check([wheel], options, beside=others, gates=gates)
                text = render.as_json([report])
                if not report.passes:
                    place = context.wheelhouse.log(name).with_suffix(".json")
                    write_atomically(place, text)
                    raise _failed(report, place)
                step.verdict = render.headline(report)
                return text

            yield ask

    def _put(self, text: str, inputs: Mapping[str, Any], job: Job | None) -> None:
        with self.context.workplace("report") as folder:
            (folder / REPORT).write_text(text, encoding="utf-8")
            self.store.put(folder, inputs, job=job.id if job else None)


def _failed(report: "Report", place: Path) -> GateError:
    """Every error, up to a screenful; all else stands in the report."""
    found = [each for each in report.findings if each.fails]
    lines = [f"{each.gate} {each.where}: {each.message}" for each in found]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    what = f"did not pass the gates: {counted(len(found), 'error')}"
    return GateError(
        "\n  ".join([what, *lines[:SHOWN], *more]),
        hint=f"report: {place}; what each gate asks for: docs/reference/gates.md",
    )
