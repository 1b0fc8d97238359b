"""Finished wheels into the wheelhouse, with what made them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commonwheel.cache.keys import file_digest
from commonwheel.cache.store import Stored
from commonwheel.pipeline.building import Builder
from commonwheel.pipeline.checking import RULES
from commonwheel.pipeline.context import Context
from commonwheel.pipeline.results import Result
from commonwheel.plan import ConsumerJob, Job, LibraryJob


def keep(
    context: Context,
    builder: Builder,
    job: Job,
    *,
    report: Path,
    rules: str,
    tests: Sequence[Mapping[str, Any]] = (),
) -> Result:
    """Put a job's wheel, its report and its debug files into the wheelhouse.

    Args:
        context: of the run.
        builder: knows what made the wheel.
        job: one that is finished.
        report: what the gates said.
        rules: under which it may go in.
        tests: of a consumer: what it has passed, with the wheels that it passed it with.

    Raises:
        WheelhouseError: a wheel of this name is there with other bytes.
    """
    stored = context.done[job.id]
    facts = _provenance(context, job, stored) | {RULES: rules}
    if isinstance(job, ConsumerJob):
        facts |= {"python": job.python, "tests": list(tests)}
    wheel = context.wheelhouse.put(stored.wheel, facts, remedy=_remedy(job))
    context.wheelhouse.add_report(wheel, report)
    # A given wheel was built elsewhere.
    key = stored.inputs.get("build")
    raw = builder.raw.find(key) if key else None
    if raw is not None and raw.debug is not None:
        context.wheelhouse.add_debug(raw.debug)
    return Result(
        job=job,
        wheel=wheel,
        sha256=file_digest(wheel),
        seconds=context.seconds.get(job.id, 0.0),
        cached=job.id not in context.seconds,
        tested=tuple(str(each["result"]) for each in tests),
    )


def _provenance(context: Context, job: Job, stored: Stored) -> dict[str, Any]:
    if job.id in context.settings.given:
        return {"job": job.id, "key": stored.key, **stored.facts, "given": True}
    return {
        "job": job.id,
        "key": stored.key,
        "engine": context.engine.facts(job),
        "source": stored.facts["source"],
        "built-against": {path.name: file_digest(path) for path in context.providers(job)},
    }


def _remedy(job: Job) -> str:
    if isinstance(job, LibraryJob):
        return f"give release {job.build.version} of {job.build.name} a 'wheel-version' with .postN"
    return f"raise 'build' in the recipe of {job.build.name}"
