"""Comparisons for people and programs: table, JSON, Markdown, SARIF, annotations of GitHub Actions.

What a person reads shows the first few changes of a kind and says how many more there are; what a
program reads has them all.
"""

import inspect
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from commonwheel import __version__
from commonwheel.abi.change import Change, Kind, Level
from commonwheel.abi.compare import Comparison
from commonwheel.abi.kinds import KINDS
from commonwheel.abi.snapshot import Snapshot
from commonwheel.console import escaped
from commonwheel.text import counted, markdown_table

SCHEMA = 1
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
PAGE = "docs/reference/abi-changes.md"
LEVELS: tuple[Level, ...] = ("breaking", "warning", "addition", "note")
STYLES = {"breaking": "red", "warning": "yellow", "addition": "green", "not checked": "dim"}
SARIF_LEVELS = {"breaking": "error", "warning": "warning", "addition": "note", "note": "note"}
GITHUB = {"breaking": "error", "warning": "warning"}
MARKS = {"breaking": "✗", "additive": "+", "equal": "="}
SHOWN = 10


def headline(comparison: Comparison) -> str:
    """One line: which releases, the verdict, and how much of what."""
    counts = {level: len(comparison.of_level(level)) for level in LEVELS}
    words = {"breaking": "break", "warning": "warning", "addition": "addition", "note": "note"}
    said = [counted(count, words[level]) for level, count in counts.items() if count]
    said += [f"{len(comparison.unchecked)} not checked"] if comparison.unchecked else []
    told = f" ({', '.join(said)})" if said else ""
    return f"{comparison.old.shown} → {comparison.new.shown}: {comparison.verdict}{told}"


def rows(comparison: Comparison, shown: int = SHOWN) -> Iterator[tuple[str, str, str, str]]:
    """(level, id, library, message), the gravest first; of one kind and library the first few."""

    def key(change: Change) -> tuple[int, str, str]:
        return LEVELS.index(change.level), change.id, change.library

    for (level, kind, library), group in groupby(sorted(comparison.changes, key=key), key=key):
        every = list(group)
        for change in every[:shown]:
            yield LEVELS[level], kind, library, change.message
        if len(every) > shown:
            yield LEVELS[level], kind, library, f"… and {len(every) - shown} more of the kind"
    for reason in comparison.unchecked:
        yield "not checked", "", "", reason


def table(comparison: Comparison) -> RenderableType:
    """A headline, then a row for each change."""
    style = "bold red" if comparison.verdict == "breaking" else "bold"
    head = Text(headline(comparison), style=style)
    shown = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for _ in range(4):
        shown.add_column(overflow="fold")
    for level, kind, library, message in rows(comparison):
        shown.add_row(Text(level, style=STYLES.get(level, "")), kind, library, Text(message))
    return Group(head, shown) if shown.row_count else head


def as_json(comparison: Comparison) -> str:
    """Everything, stable from run to run."""
    data = {
        "schema": SCHEMA,
        "verdict": comparison.verdict,
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "changes": [
            {
                "id": change.id,
                "level": change.level,
                "library": change.library,
                "subject": change.subject,
                "message": change.message,
                "fields": dict(change.fields),
            }
            for change in comparison.changes
        ],
        "not checked": list(comparison.unchecked),
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _side(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "release": snapshot.release,
        "line": snapshot.line,
        "arch": snapshot.arch,
        "libraries": {library.soname: library.public for library in snapshot.libraries},
    }


def markdown(comparison: Comparison) -> str:
    """For a pull request or a job's summary: breaks and warnings in sight, the rest folded."""
    every = list(rows(comparison))
    parts = [f"## {MARKS[comparison.verdict]} {headline(comparison)}\n"]
    grave = [row for row in every if row[0] in GITHUB]
    if grave:
        parts.append(_markdown_rows(grave))
    for title, levels in (
        ("Additions", {"addition"}),
        ("Notes", {"note"}),
        ("Not checked", {"not checked"}),
    ):
        if found := [row for row in every if row[0] in levels]:
            body = _markdown_rows(found)
            parts.append(f"<details><summary>{title}</summary>\n\n{body}\n</details>\n")
    return "\n".join(parts)


def _markdown_rows(found: list[tuple[str, str, str, str]]) -> str:
    cells = [(level, kind, f"`{lib}`" if lib else "", text) for level, kind, lib, text in found]
    return markdown_table(("", "change", "library", "what"), cells)


def github(comparison: Comparison) -> str:
    """Workflow commands: breaks are errors; additions and notes are counted in one notice."""
    lines = []
    for change in comparison.changes:
        if change.level in GITHUB:
            text = escaped(f"{change.library}: {change.message}")
            lines.append(f"::{GITHUB[change.level]} title={change.id}::{text}")
    lines += [f"::notice title=not checked::{escaped(each)}" for each in comparison.unchecked]
    lines.append(f"::notice title=ABI::{escaped(headline(comparison))}")
    return "".join(f"{line}\n" for line in lines)


def sarif(comparison: Comparison) -> str:
    """SARIF 2.1.0; what was not checked is open."""
    driver = {
        "name": "commonwheel",
        "version": __version__,
        "rules": [_rule(kind) for kind in KINDS],
    }
    results = [_result(comparison, change) for change in comparison.changes]
    results += [_open(comparison, reason) for reason in comparison.unchecked]
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(kind: type[Kind]) -> dict[str, Any]:
    return {
        "id": kind.id,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": inspect.cleandoc(kind.__doc__ or "")},
        "help": {"text": f"{PAGE}#{kind.id.lower()}"},
    }


def _result(comparison: Comparison, change: Change) -> dict[str, Any]:
    return {
        "ruleId": change.id,
        "level": SARIF_LEVELS[change.level],
        "message": {"text": f"{change.library}: {change.message}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": comparison.new.name}},
                "logicalLocations": [{"fullyQualifiedName": change.subject, "kind": "function"}],
            }
        ],
    }


def _open(comparison: Comparison, reason: str) -> dict[str, Any]:
    return {
        "kind": "open",
        "level": "none",
        "message": {"text": f"not checked: {reason}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": comparison.new.name}}},
        ],
    }
