"""Finished wheels against the gates; what has passed is not checked again."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    from commonwheel.check.inspect import Inspected

Ask: TypeAlias = Callable[..., str]
"""(wheel, those beside it, together=whether only gates that compare) → the report as JSON."""

CHECK_TOOLS = ("cyclonedx-python-lib", "jsonschema", "license-expression", "packaging")
REPORT = "report.json"
# The field of provenance.json that holds the rules under which a wheel was let in.
RULES = "gates"
# More stands in the report.
SHOWN = 12


class Checker:
    """Checks the wheels of jobs: each beside what it needs, then beside what is in the wheelhouse.

    Reports are kept in the cache, below ``checks``.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = Store(root=context.settings.cache / "checks")
        self._turn = Lock()
        self._is_growing = False
        self._inspected: dict[Path, Inspected] = {}

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
    def admitting(self, job: Job, wheel: Path) -> Iterator[str]:
        """Let a wheel in that goes together with what is in the wheelhouse already.

        One at a time: of two that clash, the second is kept out. Each wheel is let in once under
        the same rules, so any two that are in have been held against one another.

        Yields:
            A digest of the rules, to be noted with the wheel.

        Raises:
            GateError: it clashes with one of them.
        """
        rules = key_of(self._rules(job))
        with self._turn:
            entries = self.context.wheelhouse.entries()
            entry = entries.get(wheel.name, {})
            is_known = self._is_made(job.id, entry) and entry.get(RULES) == rules
            # What this run has let in may be new to a wheel that was in before.
            if not is_known or self._is_growing:
                if others := self._others(wheel, entries):
                    with self._asking(f"check {job.id} beside others") as ask:
                        ask(wheel, others, together=True)
                self._is_growing = True
            yield rules

    def _others(self, wheel: Path, entries: Mapping[str, Mapping[str, Any]]) -> list[Path]:
        """The other wheels of the wheelhouse, without those that this run may replace."""
        root, planned = self.context.wheelhouse.root, self.context.plan.by_id
        return [
            root / name
            for name, entry in entries.items()
            if name != wheel.name and (root / name).is_file()
            if entry["job"] not in planned or self._is_made(entry["job"], entry)
        ]

    def _is_made(self, job: str, entry: Mapping[str, Any]) -> bool:
        """Whether what is in the wheelhouse is the finished wheel of a job."""
        stored = self.context.done.get(job)
        return stored is not None and entry.get("key") == stored.key

    def report(self, job: Job, wheel: Path) -> Path:
        """The report of a wheel that has passed."""
        stored = self.find(job, wheel)
        assert stored is not None
        return stored.folder / REPORT

    # --- keys -----------------------------------------------------------------------------------

    def inputs(self, job: Job, wheel: Path) -> dict[str, Any]:
        """What decides how a check ends."""
        return {
            **self._rules(job),
            "wheel": file_digest(wheel),
            "beside": self.context.digests([each.id for each in self.context.plan.providers(job)]),
        }

    def _rules(self, job: Job) -> dict[str, Any]:
        """What decides, beside the wheels themselves."""
        recipe = self.context.inputs.recipes[job.build.name]
        return {
            "code": code_digests(CHECK_CODE),
            "tools": versions(CHECK_TOOLS),
            "claimed": sorted(self.context.inputs.known),
            "recipe": to_json(job.build),
            "waivers": [waiver.model_dump(mode="json") for waiver in recipe.waivers],
        }

    # --- work -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _asking(self, title: str) -> Iterator["Ask"]:
        """A step that asks gates about one wheel, and says in the end how they ended."""
        # A warm run does not pay for importing the gates.
        from commonwheel.check import case, expected, render, run  # noqa: PLC0415

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
                others = [self._inspect(path) for path in beside]
                gates = run.gates_for(together=together)
                (report,) = run.check([wheel], options, beside=others, gates=gates)
                text = render.as_json([report])
                place = context.wheelhouse.log(name).with_suffix(".json")
                if not report.passes:
                    write_atomically(place, text)
                    raise _failed(report, place)
                place.unlink(missing_ok=True)
                step.verdict = render.headline(report)
                return text

            yield ask

    def _inspect(self, wheel: Path) -> "Inspected":
        from commonwheel.check.inspect import inspect  # noqa: PLC0415

        if wheel not in self._inspected:
            self._inspected[wheel] = inspect(wheel, self.context.inputs.names)[0]
        return self._inspected[wheel]

    def _put(self, text: str, inputs: Mapping[str, Any], job: Job) -> None:
        with self.context.workplace("report") as folder:
            (folder / REPORT).write_text(text, encoding="utf-8")
            self.store.put(folder, inputs, job=job.id)


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
