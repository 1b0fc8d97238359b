"""Finished wheels against the gates; what has passed is not checked again."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from commonwheel.cache.keys import CHECK_CODE, code_digests, file_digest, key_of, versions
from commonwheel.cache.store import Store, Stored
from commonwheel.check.report import as_json, headline
from commonwheel.errors import GateError
from commonwheel.files import write_atomically
from commonwheel.pipeline.context import Context
from commonwheel.plan import Job
from commonwheel.recipe.resolved import to_json

if TYPE_CHECKING:
    from commonwheel.check.finding import Report
    from commonwheel.check.inspect import Inspected
    from commonwheel.engine.finishing import Finishing

CHECK_TOOLS = ("cyclonedx-python-lib", "jsonschema", "license-expression", "packaging")
REPORT = "report.json"
# The field of provenance.json that holds the rules under which a wheel was let in.
RULES = "gates"


class Checker:
    """Checks the wheels of jobs: each beside what it needs, then beside what is in the wheelhouse.

    Reports are kept in the cache, below ``checks``.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = Store(root=context.settings.cache / "checks")
        self._raw = Store(root=context.settings.cache / "raw")
        self._turn = Lock()
        self._is_growing = False
        self._inspected: dict[Path, Inspected] = {}

    def find(self, job: Job, wheel: Path) -> Stored | None:
        """The stored report of a wheel that has passed in the same company."""
        return self.store.find(key_of(self.inputs(job, wheel)))

    def check(self, job: Job, stored: Stored) -> None:
        """Hold a job's wheel against the gates, unless it has passed before.

        Raises:
            GateError: it does not pass; its report lies beside the job's log.
        """
        wheel = stored.wheel
        if self.find(job, wheel) is not None:
            return
        from commonwheel.engine.protocol import Watch  # noqa: PLC0415 -- imports the gates

        context, title = self.context, f"check {job.id}"
        # It takes no slot: seconds, for which what needs the wheel would wait behind long builds.
        with (
            context.console.step(title) as step,
            context.workplace(title.replace(" ", "-")) as work,
            self.reporting(job),
            context.log(job, "check") as log,
        ):

            def follow(line: str) -> None:
                step.verdict = line
                step.line(line)

            if job.id in context.settings.given:
                # Where it was built, all gates were asked.
                read = self._read(job, wheel, context.providers(job))
                follow(headline(read))
                report = as_json([read])
            else:
                report = context.engine.gates(
                    job,
                    wheel,
                    context.providers(job),
                    work,
                    finishing=replace(
                        self._finishing(job, stored.facts["epoch"]), debug=self._debug(stored)
                    ),
                    watch=Watch(log=log, on_line=follow),
                )
        self.passed(job, wheel, report)

    def passed(self, job: Job, wheel: Path, report: str) -> None:
        """Note that a wheel has passed, and what the gates said."""
        with self.context.workplace("report") as folder:
            (folder / REPORT).write_text(report, encoding="utf-8")
            self.store.put(folder, self.inputs(job, wheel), job=job.id)

    @contextlib.contextmanager
    def admitting(self, job: Job, stored: Stored) -> Iterator[str]:
        """Let a wheel in that goes together with what is in the wheelhouse already.

        One at a time: of two that clash, the second is kept out. Each wheel is let in once under
        the same rules, so any two that are in have been held against one another.

        Yields:
            A digest of the rules, to be noted with the wheel.

        Raises:
            GateError: it clashes with one of them.
        """
        rules, wheel = key_of(self._rules(job)), stored.wheel
        with self._turn:
            entries = self.context.wheelhouse.entries()
            entry = entries.get(wheel.name, {})
            is_known = self._is_made(job.id, entry) and entry.get(RULES) == rules
            # What this run has let in may be new to a wheel that was in before.
            if not is_known or self._is_growing:
                if others := self._others(wheel, entries):
                    self._compare(job, stored, others)
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
            # Of a given one, less is asked.
            **({"given": True} if job.id in self.context.settings.given else {}),
        }

    def _rules(self, job: Job) -> dict[str, Any]:
        """What decides, beside the wheels themselves."""
        recipe = self.context.inputs.recipes[job.build.name]
        return {
            "code": code_digests(CHECK_CODE),
            "tools": versions(CHECK_TOOLS),
            "claimed": sorted(self.context.inputs.known),
            "records": self.context.inputs.recorded(self.context.inputs.lines(job), types=True),
            # Without it, types are not checked.
            "abidiff": shutil.which("abidiff") is not None,
            "recipe": to_json(job.build),
            "waivers": [waiver.model_dump(mode="json") for waiver in recipe.waivers],
        }

    # --- work -----------------------------------------------------------------------------------

    def _read(
        self, job: Job, wheel: Path, company: Sequence[Path], *, together: bool = False
    ) -> "Report":
        """Ask the gates that only read, or of them (``together``) those about wheels of a set."""
        # A warm run does not pay for importing the gates.
        from commonwheel.check.case import Tools  # noqa: PLC0415

        beside = [self._inspect(path) for path in company]
        return self._finishing(job).check(wheel, beside, Tools(), together=together)

    def _compare(self, job: Job, stored: Stored, others: Sequence[Path]) -> None:
        title = f"check {job.id} beside others"
        with self.context.console.step(title) as step, self.reporting(job, "beside others"):
            step.verdict = headline(self._read(job, stored.wheel, others, together=True))

    @contextlib.contextmanager
    def reporting(self, job: Job, company: str = "") -> Iterator[None]:
        """Put the report of a wheel that does not pass among the logs."""
        words = " ".join(filter(None, ["check", job.id, company]))
        place = self.context.wheelhouse.log(words.replace(" ", "-")).with_suffix(".json")
        place.unlink(missing_ok=True)
        try:
            yield
        except GateError as error:
            write_atomically(place, error.report)
            pages = "what each gate asks for: docs/reference/gates.md"
            raise GateError(error.what, hint=f"report: {place}; {pages}") from None

    def _finishing(self, job: Job, epoch: int = 0) -> "Finishing":
        """What gates need to know; the time stamp is for what a repair adds."""
        return self.context.inputs.finishing(job, epoch)

    def _debug(self, stored: Stored) -> Path | None:
        """The debug information of a repaired wheel, which lies beside the raw one."""
        raw = self._raw.peek(stored.inputs["build"])
        return raw.debug if raw is not None else None

    def _inspect(self, wheel: Path) -> "Inspected":
        from commonwheel.check.inspect import inspect  # noqa: PLC0415

        if wheel not in self._inspected:
            self._inspected[wheel] = inspect(wheel, self.context.inputs.names)[0]
        return self._inspected[wheel]
