"""What indexes have that recipes do not list, as a table and as JSON. Pure."""

import json
from dataclasses import asdict

from rich.table import Table

from commonwheel.author.outdated import Report, Status


def outdated_json(report: Report) -> str:
    """Every recipe beside every index of its sources."""
    data = {"schema": 1, "recipes": [asdict(status) for status in report.statuses]}
    return json.dumps(data, indent=2) + "\n"


def outdated_table(report: Report) -> Table:
    """One row for each recipe and index."""
    count = len(report.outdated)
    title = f"{count} of {len(report.statuses)} have something newer"
    table = Table(title=title, title_justify="left")
    for heading in ("recipe", "listed", "newest", "index"):
        table.add_column(heading, overflow="fold")
    table.add_column("")
    for status in report.statuses:
        table.add_row(
            status.recipe,
            status.listed,
            status.newest or "—",
            _index(status),
            "newer" if status.outdated else "",
        )
    return table


def _index(status: Status) -> str:
    match status.kind:
        case "none":
            return "no index: its sources are plain URLs"
        case _ if status.problem:
            return f"{status.kind} {status.index}: not asked"
        case "debian" if not status.places:
            return f"debian {status.index}: in no suite"
        case "debian":
            return f"debian {status.index} ({status.where})"
        case _:
            return f"{status.kind} {status.index}"
