"""Reports of checks: table, Markdown, SARIF, and annotations of GitHub Actions."""

import inspect
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from commonwheel import __version__
from commonwheel.check.finding import Finding, NotChecked, Report
from commonwheel.check.gate import Gate
from commonwheel.check.gates import GATES
from commonwheel.check.report import headline
from commonwheel.console import escaped
from commonwheel.text import counted, markdown_table

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
PAGE = "docs/reference/gates.md"
STYLES = {"error": "red", "warning": "yellow", "waived": "dim", "not checked": "dim"}


def table(reports: Sequence[Report]) -> RenderableType:
    """Of each wheel a headline, then what was found and what was not checked."""
    return Group(*(part for report in reports for part in _wheel(report)))


def _wheel(report: Report) -> Iterator[RenderableType]:
    yield Text(f"{report.wheel}: {headline(report)}", style="" if report.passes else "bold")
    rows = [*_findings(report), *_not_checked(report)]
    if rows:
        shown = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
        for overflow in ("fold", "fold", "fold", "fold"):
            shown.add_column(overflow=overflow)
        for verdict, gate, where, text in rows:
            shown.add_row(Text(verdict, style=STYLES[verdict]), gate, where, Text(text))
        yield shown


def _findings(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """What was found; files of which a gate says the same share a row."""
    said = [
        (
            each.level if each.waiver is None else "waived",
            each.gate,
            each.message + ("" if each.waiver is None else f" (waived: {each.waiver})"),
            each.member,
        )
        for each in report.findings
    ]
    for (verdict, gate, text), every in groupby(sorted(said), key=lambda each: each[:3]):
        yield verdict, gate, _members([member for *_, member in every]), text


def _not_checked(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """What could not be looked at; gates that say the same share a row."""
    said = [(each.reason, each.gate, each.member) for o in report.outcomes for each in o.unchecked]
    for reason, every in groupby(sorted(said), key=lambda each: each[0]):
        listed = list(every)
        gates = dict.fromkeys(gate for _, gate, _ in listed)
        yield "not checked", " ".join(gates), _members([member for *_, member in listed]), reason


def _members(members: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    first, *others = dict.fromkeys(filter(None, members)) or ("",)
    return f"{first} and {counted(len(others), 'more file')}" if others else first


def markdown(reports: Sequence[Report]) -> str:
    """A section of GitHub's job summary: a row per wheel, then what was found in each."""
    failed = sum(not report.passes for report in reports)
    said = f"{failed} did not pass" if failed else "all pass"
    rows = [
        ("✓" if each.passes else "✗", f"`{each.wheel}`", headline(each), f"`{each.sha256[:16]}`")
        for each in reports
    ]
    parts = [f"## {counted(len(reports), 'wheel')}: {said}\n"]
    parts.append(markdown_table(("", "wheel", "gates", "sha256"), rows))
    for report in reports:
        if found := [*_findings(report), *_not_checked(report)]:
            lines = [(verdict, gate, where, text) for verdict, gate, where, text in found]
            table = markdown_table(("verdict", "gate", "member", "what"), lines)
            parts.append(f"<details><summary>{report.wheel}</summary>\n\n{table}\n</details>\n")
    return "\n".join(parts)


def sarif(reports: Sequence[Report]) -> str:
    """SARIF 2.1.0: what is waived is suppressed, what was not checked is open."""
    driver = {
        "name": "commonwheel",
        "version": __version__,
        "rules": [_rule(gate) for gate in GATES],
    }
    results = [_result(each) for report in reports for each in report.findings]
    results += [
        _open(report, each)
        for report in reports
        for outcome in report.outcomes
        for each in outcome.unchecked
    ]
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(gate: Gate) -> dict[str, Any]:
    return {
        "id": gate.id,
        "shortDescription": {"text": gate.title},
        "fullDescription": {"text": inspect.cleandoc(gate.__doc__ or "")},
        "help": {"text": f"{PAGE}#{gate.id.lower()}"},
    }


def _result(each: Finding) -> dict[str, Any]:
    data = {
        "ruleId": each.gate,
        "level": each.level,
        "message": {"text": each.message},
        "locations": [_location(each.wheel, each.member)],
    }
    if each.waiver is not None:
        data["suppressions"] = [{"kind": "external", "justification": each.waiver}]
    return data


def _open(report: Report, each: NotChecked) -> dict[str, Any]:
    return {
        "ruleId": each.gate,
        "kind": "open",
        "level": "none",
        "message": {"text": f"not checked: {each.reason}"},
        "locations": [_location(report.wheel, each.member)],
    }


def _location(wheel: str, member: str) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": wheel}}}
    if member:
        location["logicalLocations"] = [{"fullyQualifiedName": member, "kind": "member"}]
    return location


def github(reports: Sequence[Report]) -> str:
    """Workflow commands: an annotation for each finding, a notice of what was not checked."""
    lines = []
    for report in reports:
        for each in report.findings:
            command = "notice" if each.waiver is not None else each.level
            note = f" (waived: {each.waiver})" if each.waiver is not None else ""
            text = escaped(f"{each.where}: {each.message}{note}")
            lines.append(f"::{command} title={each.gate}::{text}")
        for _, gates, where, reason in _not_checked(report):
            text = ": ".join(filter(None, [report.wheel, where, f"not checked: {reason}"]))
            lines.append(f"::notice title={gates}::{escaped(text)}")
    return "".join(f"{line}\n" for line in lines)
