"""Renderings of a plan (table, JSON, the picture of its graph in DOT) and of results. Pure."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table

from commonwheel.plan import Job, LibraryJob, Plan
from commonwheel.recipe.resolved import to_json


def plan_table(plan: Plan) -> Table:
    """One row per job: level, job, what comes out, what it is built against."""
    table = Table(title=f"{len(plan.jobs)} jobs for {plan.platform}", title_justify="left")
    for heading in ("level", "job", "wheel", "built against"):
        table.add_column(heading, overflow="fold")
    for number, level in enumerate(plan.levels):
        for job in level:
            against = ", ".join(f"{each.name} {each.version}" for each in job.build.provided)
            table.add_row(str(number), job.id, _wheel(job), against or "—")
    return table


def _wheel(job: Job) -> str:
    if isinstance(job, LibraryJob):
        prefix = f"{job.build.prefix}-{job.build.line} {job.build.wheel_version}"
        return prefix if job.shipped else f"{prefix} (to build against)"
    return f"{job.build.name} {job.build.wheel_version}"


def plan_json(plan: Plan) -> str:
    """The whole plan, stable from run to run."""
    data = {
        "schema": 1,
        "requested": list(plan.requested),
        "platform": str(plan.platform),
        "levels": [[_job(job) for job in level] for level in plan.levels],
    }
    return json.dumps(data, indent=2) + "\n"


def _job(job: Job) -> dict[str, Any]:
    data = {"kind": "library" if isinstance(job, LibraryJob) else "consumer", **to_json(job)}
    return {key: value for key, value in data.items() if key != "build"} | {"build": data["build"]}


def plan_dot(plan: Plan) -> str:
    """The graph of jobs for Graphviz: an arrow from a provider to each of its users."""
    lines = ["digraph plan {", "  rankdir=LR;", "  node [shape=box, fontname=sans-serif];"]
    for job in plan.jobs:
        shape = "box" if isinstance(job, LibraryJob) else "ellipse"
        lines.append(f'  "{job.id}" [shape={shape}];')
    lines += [f'  "{need}" -> "{job.id}";' for job in plan.jobs for need in job.needs]
    return "\n".join([*lines, "}"]) + "\n"


class WheelResult(Protocol):
    """What the final table needs to know of a wheel."""

    @property
    def wheel(self) -> Path: ...
    @property
    def sha256(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def cached(self) -> bool: ...


def results_table(results: Sequence[WheelResult]) -> Table:
    """One row per wheel: name, size, seconds, built or cached, the beginning of its sha256."""
    table = Table(title=f"{len(results)} wheels", title_justify="left")
    table.add_column("wheel", overflow="fold")
    for heading in ("MB", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("how")
    table.add_column("sha256")
    for result in results:
        table.add_row(
            result.wheel.name,
            f"{result.wheel.stat().st_size / 1e6:.2f}",
            "" if result.cached else f"{result.seconds:.1f}",
            "cached" if result.cached else "built",
            result.sha256[:16],
        )
    return table
