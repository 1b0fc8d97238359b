"""Why the jobs of a plan would be built: their inputs beside those of what is stored.

Nothing is built or fetched, and no stored result counts as used. A provider that would be built
has bytes that nobody knows yet; they are other ones for sure, since a library wheel holds its key.
One that is only repaired anew may come out the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from commonwheel.cache.differences import Difference, build_differences, repair_differences
from commonwheel.cache.keys import key_of, seen_digest
from commonwheel.cache.store import Store, Stored
from commonwheel.inputs import JobInputs
from commonwheel.plan import Job, LibraryJob

Verdict = Literal["cached", "repair", "build", "perhaps"]
UNKNOWN = ""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A difference; of a provider's bytes also where they come from.

    Args:
        difference: the input that differs.
        provider: id of the job that makes the provider, which has an explanation of its own.
        because: what made the bytes of a stored provider differ from those used then.
    """

    difference: Difference
    provider: str | None = None
    because: tuple["Reason", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What would happen to a job, and why.

    Args:
        job: its id.
        verdict: ``cached``: nothing; ``repair``: the raw wheel is stored and only repaired anew;
            ``build``; ``perhaps``: built if the repair of a provider gives other bytes.
        text: the verdict in words.
        compared: key of the stored result that the reasons speak of; None when there is none.
        reasons: what differs from it.
    """

    job: str
    verdict: Verdict
    text: str
    compared: str | None = None
    reasons: tuple[Reason, ...] = ()


def explain(inputs: JobInputs, raw: Store, repaired: Store) -> list[Explanation]:
    """An explanation of each job of the plan, providers before their users.

    Args:
        inputs: of the plan's jobs, as they are now.
        raw: stored raw wheels.
        repaired: stored finished wheels.

    Raises:
        UsageError: this host has no Python of a version that the plan names.
    """
    explainer = _Explainer(inputs, raw, repaired)
    return [explainer.explain(job) for job in inputs.plan.jobs]


@dataclass(frozen=True, kw_only=True)
class _Finished:
    """A cached job: its wheel, and the inputs of both its keys."""

    wheel: Path
    build: Mapping[str, Any]
    repair: Mapping[str, Any]


class _Explainer:
    def __init__(self, inputs: JobInputs, raw: Store, repaired: Store) -> None:
        self.inputs, self.raw, self.repaired = inputs, raw, repaired
        self.finished: dict[str, _Finished] = {}
        self.verdicts: dict[str, Verdict] = {}

    def explain(self, job: Job) -> Explanation:
        providers = self._providers(job)
        raw = None if UNKNOWN in providers.values() else self._find_raw(job, providers)
        explanation = self._built(job, raw) if raw else self._not_built(job, providers)
        self.verdicts[job.id] = explanation.verdict
        return explanation

    def _providers(self, job: Job) -> dict[str, str]:
        """Wheel → digest of what a build sees of it; of one that is not there, its name alone."""
        found = {}
        for provider in self.inputs.plan.providers(job):
            if finished := self.finished.get(provider.id):
                found[finished.wheel.name] = seen_digest(finished.wheel)
            else:
                found[f"{self._package(provider)}-{provider.build.wheel_version}"] = UNKNOWN
        return found

    def _package(self, job: LibraryJob) -> str:
        return self.inputs.names.distribution(job.build.line).replace("-", "_")

    def _find_raw(self, job: Job, providers: Mapping[str, str]) -> Stored | None:
        for source in self.inputs.sources(job):
            if raw := self.raw.peek(key_of(self.inputs.build(job, source.sha256, providers))):
                return raw
        return None

    # --- the raw wheel is stored ----------------------------------------------------------------

    def _built(self, job: Job, raw: Stored) -> Explanation:
        inputs = self.inputs.repair(job, raw)
        if stored := self.repaired.peek(key_of(inputs)):
            self.finished[job.id] = _Finished(wheel=stored.wheel, build=raw.inputs, repair=inputs)
            return Explanation(job=job.id, verdict="cached", text="cached", compared=stored.key)
        history = self.repaired.history(job.id)
        same = next((each for each in history if each.inputs["build"] == raw.key), None)
        if same is None:
            text = "compiled before, and not repaired yet"
            return Explanation(job=job.id, verdict="repair", text=text)
        return Explanation(
            job=job.id,
            verdict="repair",
            text="compiled before; would only be repaired anew",
            compared=same.key,
            reasons=self._reasons(job, repair_differences(same.inputs, inputs)),
        )

    # --- it is not ------------------------------------------------------------------------------

    def _not_built(self, job: Job, providers: Mapping[str, str]) -> Explanation:
        compared = [
            (each, build_differences(each.inputs, self._inputs_beside(each, job, providers)))
            for each in self.raw.history(job.id)
        ]
        if not compared:
            removed = "its earlier results were removed from the cache"
            before = removed if self.raw.knew(job.id) else "never built before here"
            return Explanation(job=job.id, verdict="build", text=f"would be built: {before}")
        unsure = self._unsure(job)
        perhaps = [each for each in compared if unsure.issuperset(d.input for d in each[1])]
        stored, differences = (perhaps or compared)[0]
        sure = "would be built"
        return Explanation(
            job=job.id,
            verdict="perhaps" if perhaps else "build",
            text=f"{sure} if a repaired provider has other bytes" if perhaps else sure,
            compared=stored.key,
            reasons=self._reasons(job, differences),
        )

    def _inputs_beside(
        self, stored: Stored, job: Job, providers: Mapping[str, str]
    ) -> dict[str, Any]:
        """The inputs of now, with the source of a stored result if the recipe still lists it."""
        listed = [source.sha256 for source in self.inputs.sources(job)]
        then = stored.inputs.get("source")
        return self.inputs.build(job, then if then in listed else listed[0], providers)

    def _unsure(self, job: Job) -> set[str]:
        """The inputs that stand for providers which may come out as they were."""
        return {
            f"providers.{self._package(each)}"
            for each in self.inputs.plan.providers(job)
            if self.verdicts[each.id] in ("repair", "perhaps")
        }

    # --- reasons --------------------------------------------------------------------------------

    def _reasons(self, job: Job, differences: Iterable[Difference]) -> tuple[Reason, ...]:
        return tuple(self._reason(job, each) for each in differences)

    def _reason(self, job: Job, difference: Difference) -> Reason:
        for provider in self.inputs.plan.providers(job):
            if difference.input == f"providers.{self._package(provider)}":
                because = self._because(provider, difference)
                return Reason(difference=difference, provider=provider.id, because=because)
        return Reason(difference=difference)

    def _because(self, provider: LibraryJob, difference: Difference) -> tuple[Reason, ...]:
        """Why a stored provider is not the one that was built against then, where it is known."""
        now = self.finished.get(provider.id)
        if now is None or difference.old is None:
            return ()
        _, digest = difference.old
        for then in self.repaired.history(provider.id):
            if seen_digest(then.wheel) == digest:
                raw = self.raw.peek(then.inputs["build"])
                found = build_differences(raw.inputs, now.build) if raw else []
                found = found or repair_differences(then.inputs, now.repair)
                return self._reasons(provider, found)
        return ()
