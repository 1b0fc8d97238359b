"""Which releases of its providers a wheel accepts; what decided that is kept in the wheel."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commonwheel.abi.history import ordered
from commonwheel.abi.ranges import Bound, Range, by_line, range_of
from commonwheel.abi.records import Records
from commonwheel.abi.uses import uses_of
from commonwheel.elf import Elf
from commonwheel.errors import RepairError, WheelError
from commonwheel.names import Names
from commonwheel.repair.providers import ProviderWheel
from commonwheel.repair.snapshot import snapshot_of
from commonwheel.wheel.read import Wheel

SCHEMA = 1


def ranges_of(
    binaries: Mapping[str, Elf],
    used: Sequence[ProviderWheel],
    records: Records,
    names: Names,
    *,
    at_least: Mapping[str, str],
) -> dict[str, Range]:
    """The range of each line that a wheel uses.

    Args:
        binaries: ELF files of the wheel, by member.
        used: the providers, each in the release that the wheel was built against.
        records: the recorded releases of their lines.
        names: whose tags are ours.
        at_least: line → a release below which its floor may not be.

    Raises:
        ElfError: a symbol table is malformed.
        SnapshotError: what a provider says of its ABI is damaged.
        RepairError: a range would not hold the release that the wheel was built against.
    """
    snapshots = {each.line: snapshot_of(each.path, each.manifest, names) for each in used}
    taken = by_line(uses_of(binaries, snapshots.values()), snapshots)
    found = {
        each.line: range_of(
            taken.get(each.line, ()),
            records.of(each.line),
            snapshots[each.line],
            each.stability,
            at_least=at_least.get(each.line, ""),
            facts=records.facts.get(each.line, ()),
        )
        for each in used
    }
    for line, accepted in found.items():
        if not accepted.holds:
            raise RepairError(
                f"its range of {line} would hold no release: it was built against "
                f"{accepted.built}, and is to accept none below {accepted.at_least}",
                hint="build it against that release: 'build-against' in the recipe's uses",
            )
    return found


def requirement(provider: ProviderWheel, found: Range) -> str:
    """The Requires-Dist of a wheel that accepts these releases."""
    return f'{provider.distribution}{found.bounds}; sys_platform == "linux"'


def as_json(ranges: Iterable[Range]) -> bytes:
    """What a wheel keeps of its ranges."""
    lines = {each.line: _entry(each) for each in ranges}
    return (json.dumps({"schema": SCHEMA, "lines": lines}, indent=1) + "\n").encode()


def _entry(found: Range) -> dict[str, Any]:
    bounds = {"below": found.below, "above": found.above}
    return {
        "built-against": found.built,
        "floor": found.floor,
        **({"at-least": found.at_least} if found.at_least else {}),
        "range": found.bounds,
        "explained": found.explained,
        **{side: _bound(bound) for side, bound in bounds.items() if bound is not None},
    }


def _bound(bound: Bound) -> dict[str, Any]:
    return {
        "release": bound.release,
        "lacks": {lack.what: lack.member for lack in bound.lacks},
        "without": bound.without,
    }


def built_against(wheel: Wheel, names: Names) -> dict[str, str]:
    """Line → the release that a wheel was built against, as an earlier repair has noted it.

    Raises:
        WheelError: the note is damaged.
    """
    return _noted(wheel, names, "built-against")


def floors(wheel: Wheel, names: Names) -> dict[str, str]:
    """Line → the oldest release that a repaired wheel accepts.

    Raises:
        WheelError: the note is damaged.
    """
    return _noted(wheel, names, "floor")


def at_least(wheel: Wheel, names: Names) -> dict[str, str]:
    """Line → the release below which a wheel's range may not begin, as it was told once.

    Raises:
        WheelError: the note is damaged.
    """
    return _noted(wheel, names, "at-least")


def highest(every: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Of each line, the highest of the floors of several wheels."""
    found: dict[str, str] = {}
    for mine in every:
        for line, floor in mine.items():
            found[line] = max(found.get(line, floor), floor, key=ordered)
    return found


def _noted(wheel: Wheel, names: Names, what: str) -> dict[str, str]:
    member = wheel.info(names.ranges)
    if member not in wheel.by_name:
        return {}
    try:
        lines = json.loads(wheel.read(member))["lines"]
        return {str(line): str(entry[what]) for line, entry in lines.items() if what in entry}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WheelError(
            "is not what commonwheel wrote",
            where=f"{wheel.path.name}:{member}",
            hint="build the wheel again",
        ) from None
