"""Reports of checks as data and in a line: what is kept, and what travels out of a container."""

import json
from collections.abc import Sequence
from typing import Any

from commonwheel.check.finding import Outcome, Report

SCHEMA = 1


def headline(report: Report) -> str:
    """One line: what kind of wheel, its true tag, and how many gates ended how."""
    order = ("passed", "failed", "warned", "waived", "not checked")
    counts = ", ".join(f"{report.counts[v]} {v}" for v in order if report.counts.get(v))
    return ", ".join(filter(None, [report.kind, report.tag])) + f": {counts or 'nothing to check'}"


def as_json(reports: Sequence[Report]) -> str:
    """Everything, stable from run to run."""
    data = {"schema": SCHEMA, "reports": [report_data(report) for report in reports]}
    return json.dumps(data, indent=2) + "\n"


def report_data(report: Report) -> dict[str, Any]:
    """One report as plain data."""
    return {
        "wheel": report.wheel,
        "sha256": report.sha256,
        "kind": report.kind,
        "tag": report.tag,
        "passes": report.passes,
        "gates": {outcome.gate: _outcome(outcome) for outcome in report.outcomes},
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    data: dict[str, Any] = {"verdict": outcome.verdict}
    if outcome.findings:
        data["findings"] = [
            {
                "level": each.level,
                "member": each.member,
                "message": each.message,
                "fields": dict(each.fields),
                **({"waiver": each.waiver} if each.waiver is not None else {}),
            }
            for each in outcome.findings
        ]
    if outcome.unchecked:
        data["not checked"] = [
            {"member": each.member, "reason": each.reason} for each in outcome.unchecked
        ]
    return data
