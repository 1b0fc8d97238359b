"""Finished wheels against the gates; what has passed is not checked again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from commonwheel.check.run import CheckOptions

CHECK_TOOLS = ("cyclonedx-python-lib", "packaging")
REPORT = "report.json"
# More stands in the report.
SHOWN = 12


class Checker:
    """Checks the wheels of jobs, each beside the library wheels that it needs, then all together.

    Reports are kept in the cache, below ``checks``.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = Store(root=context.settings.cache / "checks")

    def find(self, job: Job, wheel: Path) -> Stored | None:
        """The stored report of a wheel that has passed in the same company."""
        return self.store.find(key_of(self.inputs(job, wheel)))

    def check(self, job: Job, wheel: Path) -> None:
        """Hold a job's wheel against the gates, unless it has passed before.

        Raises:
            GateError: it does not pass; its report lies beside the job's log.
        """
        if self.find(job, wheel) is None:
            beside = self.context.providers(job)
            self._check(f"check {job.id}", [wheel], beside, self.inputs(job, wheel), job)

    def check_together(self, jobs: Sequence[Job]) -> None:
        """Hold all wheels of a plan against one another, unless they have passed before.

        Raises:
            GateError: two of them do not go together.
        """
        inputs = self.inputs_together(jobs)
        if len(jobs) > 1 and self.store.find(key_of(inputs)) is None:
            wheels = [self.context.done[job.id].wheel for job in jobs]
            self._check("check together", wheels, (), inputs, None)

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

    def inputs_together(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """What decides how a check of all wheels of a plan ends."""
        return {**self._common(), "together": self.context.digests([job.id for job in jobs])}

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

    def _check(
        self,
        title: str,
        wheels: Sequence[Path],
        beside: Sequence[Path],
        inputs: Mapping[str, Any],
        job: Job | None,
    ) -> None:
        # A warm run does not pay for importing the gates.
        from commonwheel.check.inspect import inspect  # noqa: PLC0415
        from commonwheel.check.render import as_json, headline  # noqa: PLC0415
        from commonwheel.check.run import check, gates_for  # noqa: PLC0415

        context, name = self.context, title.replace(" ", "-")
        # It takes no slot: seconds, for which what needs the wheel would wait behind long builds.
        with context.console.step(title) as step, context.workplace(name) as work:
            others = [inspect(path, context.inputs.names)[0] for path in beside]
            gates = gates_for(together=job is None)
            reports = list(check(wheels, self._options(work), beside=others, gates=gates))
            text = as_json(reports)
            if not all(report.passes for report in reports):
                place = context.wheelhouse.log(name).with_suffix(".json")
                write_atomically(place, text)
                raise _failed(reports, place)
            step.verdict = headline(reports[0]) if job else f"{len(wheels)} wheels"
            result = work / "result"
            result.mkdir()
            (result / REPORT).write_text(text, encoding="utf-8")
            self.store.put(result, inputs, job=job.id if job else None)

    def _options(self, work: Path) -> "CheckOptions":
        from commonwheel.check.case import Tools  # noqa: PLC0415
        from commonwheel.check.expected import expectations  # noqa: PLC0415
        from commonwheel.check.run import CheckOptions  # noqa: PLC0415

        inputs = self.context.inputs
        scans = self.context.settings.cache / "scans"
        return CheckOptions(
            names=inputs.names,
            claimed=inputs.known,
            tools=Tools(
                load=True,
                scan=True,
                cache=scans,
                scratch=work,
                environ=self.context.settings.environ,
            ),
            expect=expectations(inputs.recipes, inputs.names),
        )


def _failed(reports: Sequence["Report"], place: Path) -> GateError:
    """Every error, up to a screenful; all else stands in the report."""
    found = [each for report in reports for each in report.findings if each.fails]
    lines = [f"{each.gate} {each.where}: {each.message}" for each in found]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    what = f"did not pass the gates: {counted(len(found), 'error')}"
    return GateError(
        "\n  ".join([what, *lines[:SHOWN], *more]),
        hint=f"report: {place}; what each gate asks for: docs/reference/gates.md",
    )
