"""The wheels that a new release concerns: table, JSON, Markdown, annotations of GitHub Actions."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from commonwheel.abi.impact import VERDICTS, Impact
from commonwheel.abi.snapshot import Snapshot
from commonwheel.console import escaped
from commonwheel.text import counted, markdown_table

SCHEMA = 1
SHOWN = 5
HEADINGS = ("verdict", "wheel", "why")
STYLES = {"breaks": "red", "excluded": "red", "affected": "yellow", "not checked": "yellow"}
LEVELS = {"breaks": "error", "excluded": "error", "affected": "warning", "not checked": "warning"}


@dataclass(frozen=True, kw_only=True)
class Blast:
    """A new release, and what it means to each wheel."""

    old: Snapshot
    new: Snapshot
    found: tuple[Impact, ...]

    @property
    def rebuild(self) -> tuple[Impact, ...]:
        """The wheels that have to be built again."""
        return tuple(each for each in self.found if each.rebuild)


def headline(blast: Blast) -> str:
    """One line: which releases, and how many wheels have which verdict."""
    counts = Counter(each.verdict for each in blast.found)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    ends = f"{blast.old.shown} → {blast.new.shown}: {counted(len(blast.rebuild), 'wheel')}"
    return f"{ends} to build again ({told or 'no wheel'})"


def why(impact: Impact, shown: int = SHOWN) -> str:
    """What stands behind a verdict, in a line."""
    parts = [impact.reason] if impact.reason else []
    if impact.lacks:
        first = impact.lacks[0].member
        parts.append(f"{_some([each.what for each in impact.lacks], shown)} (in {first})")
    if impact.mentions:
        parts.append(f"it mentions {_some(impact.mentions, shown)}")
    if impact.uses and not impact.lacks:
        parts.append(f"takes {counted(impact.uses, 'symbol')}")
    return "; ".join(parts)


def _shown(blast: Blast) -> list[Impact]:
    """What a person reads; those that have nothing to do with the library are counted."""
    return [each for each in blast.found if each.verdict != "not affected"]


def _some(names: Sequence[str], shown: int) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def table(blast: Blast) -> RenderableType:
    """A headline, then a row for each wheel, the gravest first."""
    head = Text(headline(blast), style="bold red" if blast.rebuild else "bold")
    rows = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for _ in HEADINGS:
        rows.add_column(overflow="fold")
    for each in _shown(blast):
        style = STYLES.get(each.verdict, "")
        rows.add_row(Text(each.verdict, style=style), Text(each.wheel), Text(why(each)))
    return Group(head, rows) if rows.row_count else head


def as_json(blast: Blast) -> str:
    """Everything, stable from run to run; ``rebuild`` is the list to build again."""
    data = {
        "schema": SCHEMA,
        "old": blast.old.shown,
        "new": blast.new.shown,
        "rebuild": [each.wheel for each in blast.rebuild],
        "wheels": [_data(each) for each in blast.found],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _data(impact: Impact) -> dict[str, Any]:
    return {
        "wheel": impact.wheel,
        "distribution": impact.distribution,
        "version": impact.version,
        "verdict": impact.verdict,
        "reason": impact.reason,
        "lacks": [{"what": each.what, "member": each.member} for each in impact.lacks],
        "uses": impact.uses,
        "mentions": list(impact.mentions),
        "through": list(impact.through),
    }


def markdown(blast: Blast) -> str:
    """For a pull request or a job's summary."""
    mark = "✗" if blast.rebuild else "✓"
    rows = [(each.verdict, f"`{each.wheel}`", why(each)) for each in _shown(blast)]
    parts = [f"## {mark} {headline(blast)}\n"]
    return "\n".join([*parts, markdown_table(HEADINGS, rows)] if rows else parts)


def github(blast: Blast) -> str:
    """Annotations: an error for each wheel to build again, a warning where it is not known."""
    lines = [f"::notice title=impact::{escaped(headline(blast))}"]
    for each in blast.found:
        if level := LEVELS.get(each.verdict):
            text = f"{each.wheel} {each.verdict}: {why(each)}"
            lines.append(f"::{level} title=impact::{escaped(text)}")
    return "\n".join(lines) + "\n"
