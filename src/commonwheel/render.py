"""Renderings of plans (table, JSON, DOT, Markdown), their reasons, results, and the cache."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from rich.console import Group
from rich.filesize import decimal as human_size
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from commonwheel.cache.contents import KINDS, Entry
from commonwheel.plan import Job, LibraryJob, Plan
from commonwheel.recipe.resolved import to_json
from commonwheel.text import counted, markdown_table
from commonwheel.why import Explanation, Reason

PLAN_HEADINGS = ("level", "job", "wheel", "built against")


def plan_table(plan: Plan, reasons: Mapping[str, str] | None = None) -> Table:
    """One row per job: level, job, what comes out, what it is built against, and why it runs.

    Args:
        plan: the plan.
        reasons: by job, where not all of it has to run.
    """
    table = Table(title=f"{len(plan.jobs)} jobs for {plan.platform}", title_justify="left")
    for heading in _headings(reasons):
        table.add_column(heading, overflow="fold")
    for row in _plan_rows(plan, reasons):
        table.add_row(*map(Text, row))
    return table


def _headings(reasons: Mapping[str, str] | None) -> tuple[str, ...]:
    return PLAN_HEADINGS if reasons is None else (*PLAN_HEADINGS, "why")


def _plan_rows(plan: Plan, reasons: Mapping[str, str] | None) -> list[tuple[str, ...]]:
    return [
        (
            *(str(number), job.id, _wheel(job), _against(job)),
            *(() if reasons is None else (reasons[job.id],)),
        )
        for number, level in enumerate(plan.levels)
        for job in level
    ]


def _against(job: Job) -> str:
    return ", ".join(f"{each.name} {each.version}" for each in job.build.provided) or "—"


def _wheel(job: Job) -> str:
    if isinstance(job, LibraryJob):
        prefix = f"{job.build.prefix}-{job.build.line} {job.build.wheel_version}"
        return prefix if job.shipped else f"{prefix} (to build against)"
    return f"{job.build.name} {job.build.wheel_version}"


class PartOfPlan(Protocol):
    """What a rendering needs to know where not all of a plan has to run."""

    @property
    def reasons(self) -> Mapping[str, str]: ...
    @property
    def given(self) -> Collection[str]: ...
    @property
    def notes(self) -> Sequence[str]: ...


def plan_json(
    plan: Plan, arguments: Callable[[Job], Sequence[str]], part: PartOfPlan | None = None
) -> str:
    """The whole plan, stable from run to run.

    Args:
        plan: the plan.
        arguments: what ``commonwheel build`` is told to build one job of it.
        part: why its jobs have to run, and which other ones' wheels are there.
    """
    told = (
        {}
        if part is None
        else {
            "changed": {
                "reasons": dict(part.reasons),
                "given": sorted(part.given),
                "not known": list(part.notes),
            }
        }
    )
    data = {
        "schema": 1,
        "requested": list(plan.requested),
        "platform": str(plan.platform),
        **told,
        "levels": [[_job(job, arguments(job)) for job in level] for level in plan.levels],
    }
    return json.dumps(data, indent=2) + "\n"


def _job(job: Job, arguments: Sequence[str]) -> dict[str, Any]:
    kind = "library" if isinstance(job, LibraryJob) else "consumer"
    # The longest part last.
    data = {key: value for key, value in to_json(job).items() if key != "build"}
    return {"kind": kind, **data, "arguments": list(arguments), "build": to_json(job.build)}


def plan_dot(plan: Plan) -> str:
    """The graph of jobs for Graphviz: an arrow from a provider to each of its users."""
    lines = ["digraph plan {", "  rankdir=LR;", "  node [shape=box, fontname=sans-serif];"]
    for job in plan.jobs:
        shape = "box" if isinstance(job, LibraryJob) else "ellipse"
        lines.append(f'  "{job.id}" [shape={shape}];')
    lines += [f'  "{need}" -> "{user}";' for need, user in _edges(plan)]
    return "\n".join([*lines, "}"]) + "\n"


def _edges(plan: Plan) -> list[tuple[str, str]]:
    """(provider, user); where not all of a plan has to run, a provider may be there already."""
    return [(need, job.id) for job in plan.jobs for need in job.needs if need in plan.by_id]


def plan_markdown(plan: Plan, reasons: Mapping[str, str] | None = None) -> str:
    """A section of GitHub's job summary: the graph of jobs in Mermaid, and a table below it."""
    numbers = {job.id: f"j{number}" for number, job in enumerate(plan.jobs)}
    graph = ["```mermaid", "flowchart LR"]
    for job in plan.jobs:
        opening, closing = ("[", "]") if isinstance(job, LibraryJob) else ("([", "])")
        graph.append(f'  {numbers[job.id]}{opening}"{job.id}"{closing}')
    graph += [f"  {numbers[need]} --> {numbers[user]}" for need, user in _edges(plan)]
    title = f"## {counted(len(plan.jobs), 'job')} for {plan.platform}"
    table = markdown_table(_headings(reasons), _plan_rows(plan, reasons))
    return "\n".join([title, "", *graph, "```", "", table])


def why_tree(plan: Plan, explanations: Sequence[Explanation]) -> Group:
    """What would be built, with the reasons below it; a provider's stand below its first user.

    What was asked for comes first, and what is cached is one line at the end.
    """
    by_job = {each.job: each for each in explanations}
    asked = [job.id for job in plan.jobs if job.build.name in plan.requested]
    shown: set[str] = set()
    trees = []
    for job in dict.fromkeys([*asked, *by_job]):
        if by_job[job].verdict != "cached" and job not in shown:
            tree = Tree(_headline(by_job[job]), highlight=False)
            _grow(tree, by_job[job], by_job, shown)
            trees.append(tree)
    cached = [each.job for each in explanations if each.verdict == "cached"]
    end = [Text(f"cached: {', '.join(cached)}", style="dim")] if cached else []
    return Group(*trees, *end)


def _headline(explanation: Explanation) -> Text:
    return Text.assemble((explanation.job, "bold"), f" {explanation.text}")


def _grow(
    tree: Tree, explanation: Explanation, by_job: Mapping[str, Explanation], shown: set[str]
) -> None:
    shown.add(explanation.job)
    for reason in explanation.reasons:
        _branch(tree, reason, by_job, shown)


def _branch(tree: Tree, reason: Reason, by_job: Mapping[str, Explanation], shown: set[str]) -> None:
    provider = by_job.get(reason.provider or "")
    if provider is None or provider.verdict == "cached":
        branch = tree.add(Text(reason.difference.text))
        for each in reason.because:
            _branch(branch, each, by_job, shown)
    elif provider.job in shown:
        tree.add(Text(f"provider {provider.job} (above)"))
    else:
        branch = tree.add(Text.assemble("provider ", _headline(provider)))
        _grow(branch, provider, by_job, shown)


def why_json(plan: Plan, explanations: Sequence[Explanation]) -> str:
    """The whole of it: every job, old values beside new ones."""
    data = {
        "schema": 1,
        "requested": list(plan.requested),
        "platform": str(plan.platform),
        "jobs": [
            {
                "job": each.job,
                "verdict": each.verdict,
                "text": each.text,
                "compared-with": each.compared,
                "reasons": [_reason(reason) for reason in each.reasons],
            }
            for each in explanations
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def _reason(reason: Reason) -> dict[str, Any]:
    because = [_reason(each) for each in reason.because]
    return {**to_json(reason.difference), "provider": reason.provider, "because": because}


def cache_table(cache: Path, entries: Sequence[Entry], running: int) -> Group:
    """One row per kind: how many entries, their size, when the oldest and newest were used."""
    table = Table(title=str(cache), title_justify="left", show_footer=True)
    table.add_column("kind", "all")
    table.add_column("holds")
    table.add_column("entries", str(len(entries)), justify="right")
    table.add_column("size", human_size(sum(entry.size for entry in entries)), justify="right")
    table.add_column("oldest use")
    table.add_column("newest use")
    for kind, holds in KINDS.items():
        of_kind = [entry for entry in entries if entry.kind == kind]
        times = sorted(_time(entry.used) for entry in of_kind)
        size = human_size(sum(entry.size for entry in of_kind))
        table.add_row(kind, holds, str(len(of_kind)), size, *(times[:1] + times[-1:] or ("", "")))
    users = f"{running} process{'es' if running > 1 else ''} at work" if running else "not in use"
    return Group(table, Text(users, style="dim"))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def cache_json(cache: Path, entries: Sequence[Entry], running: int) -> str:
    """Every entry: bytes, and the last use in ISO 8601."""
    data = {
        "schema": 1,
        "cache": str(cache),
        "running": running,
        "bytes": sum(entry.size for entry in entries),
        "entries": [
            {
                "kind": entry.kind,
                "folder": str(entry.folder.relative_to(cache)),
                "label": entry.label,
                "bytes": entry.size,
                "used": datetime.fromtimestamp(entry.used, tz=UTC).isoformat(timespec="seconds"),
                "garbage": entry.garbage,
            }
            for entry in entries
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def removal_table(entries: Sequence[Entry]) -> Table:
    """One row per entry that is removed, or would be: the least recently used first."""
    table = Table(title_justify="left")
    for heading in ("kind", "entry", "last use"):
        table.add_column(heading, overflow="fold")
    table.add_column("size", justify="right")
    for entry in sorted(entries, key=lambda each: each.used):
        table.add_row(entry.kind, entry.label, _time(entry.used), human_size(entry.size))
    return table


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
    table = Table(title=counted(len(results), "wheel"), title_justify="left")
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


class JobFailure(Protocol):
    """What the table of failures needs to know of a job without a wheel."""

    @property
    def job(self) -> Job: ...
    @property
    def how(self) -> str: ...


def failures_table(failures: Sequence[JobFailure]) -> Table:
    """One row per job that has no wheel: its id, and what became of it."""
    table = Table(title=f"{counted(len(failures), 'job')} without a wheel", title_justify="left")
    for heading in ("job", "how"):
        table.add_column(heading, overflow="fold")
    for failure in failures:
        table.add_row(failure.job.id, Text(failure.how, style="red"))
    return table
