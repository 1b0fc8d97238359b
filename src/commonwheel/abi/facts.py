"""Changes of behaviour, which no tool sees: put down by hand, as Debian's ``.symbols`` have them.

A file of facts is a YAML list; each item has ``symbol``, ``version`` (the first release that
behaves so) and ``reason``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from commonwheel.abi.change import Change
from commonwheel.abi.kinds import surroundings
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import RecipeError
from commonwheel.recipe import yaml

KEYS = frozenset({"symbol", "version", "reason"})


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A symbol behaves differently from a release on.

    Args:
        symbol: its name.
        version: the first release that behaves so.
        reason: what is different, in a sentence.
    """

    symbol: str
    version: str
    reason: str


def read_facts(path: Path) -> tuple[Fact, ...]:
    """Read a file of facts.

    Raises:
        RecipeError: it cannot be read, or is no such list; each problem with its line and column.
    """
    document = yaml.read(path)
    items = document.value
    if items is None:
        return ()
    if not isinstance(items, list):
        raise RecipeError("is not a list of facts", where=document.where(()))
    problems = [
        f"{document.where((index,))}: {problem}"
        for index, item in enumerate(items)
        if (problem := _problem(item))
    ]
    if problems:
        raise RecipeError.collect(problems, hint="a fact has a symbol, a version and a reason")
    return tuple(Fact(**item) for item in items)


def _problem(item: object) -> str:
    if not isinstance(item, dict) or item.keys() != KEYS:
        return f"a fact has {', '.join(sorted(KEYS))}, and nothing else"
    if not all(isinstance(value, str) and value for value in item.values()):
        return "every value of a fact is text"
    return "" if _version(item["version"]) else f"{item['version']!r} is not a version"


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def told(
    facts: Sequence[Fact], old: Snapshot, new: Snapshot
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The facts that came true after ``old`` and up to ``new``, and those that cannot be placed."""
    before, after = _version(old.release), _version(new.release)
    found, unplaced = [], []
    for fact in facts:
        library = next((each for each in old.libraries if fact.symbol in each.by_name), None)
        if library is None:
            # What came later than the old release has nobody who knew it otherwise.
            continue
        if before is None or after is None:
            unplaced.append(f"behaviour of {fact.symbol}: which releases these are is not known")
        elif before < Version(fact.version) <= after:
            found.append(
                surroundings.BehaviourChanged.of(
                    library.soname, fact.symbol, version=fact.version, reason=fact.reason
                )
            )
    return tuple(found), tuple(unplaced)
