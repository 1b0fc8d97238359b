"""Why Debian's lists and the packages differ, and what upgrades break: ``explained.yaml``."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ci.debian.agreement import Agreement
from ci.debian.upgrades import Upgrade

TABLE = Path(__file__).with_name("explained.yaml")


@cache
def table() -> Mapping[str, Any]:
    """The whole table."""
    data: Mapping[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return data


def reasons(agreement: Agreement) -> dict[str, str]:
    """Why each symbol of a library disagrees with the list of the newest suite that was seen."""
    suite = agreement.releases[-1][0]
    entries = table()["symbols"].get(agreement.soname, ())
    return {
        name: entry["why"]
        for entry in entries
        if suite in entry["lists"]
        for name in entry["names"]
    }


def breaks_of(upgrade: Upgrade) -> Mapping[str, str]:
    """What is known to break in an upgrade: why, by pattern of the symbol's name."""
    of_library = table()["upgrades"].get(upgrade.library, {})
    found: Mapping[str, str] = of_library.get(f"{upgrade.old} → {upgrade.new}", {})
    return found


def problems(agreements: Iterable[Agreement], upgrades: Iterable[Upgrade]) -> list[str]:
    """What differs and is not explained, and what is explained and does not differ."""
    found = []
    for agreement in agreements:
        known = set(reasons(agreement))
        seen = {each.symbol.name for each in agreement.disagreements}
        found += [f"{agreement.soname}: {name} is not explained" for name in sorted(seen - known)]
        found += [f"{agreement.soname}: {name} agrees now" for name in sorted(known - seen)]
    for upgrade in upgrades:
        if upgrade.kept:
            found += _unexplained(upgrade)
    return found


def _unexplained(upgrade: Upgrade) -> list[str]:
    patterns = breaks_of(upgrade)
    names = [change.subject.partition("@")[0] for change in upgrade.breaks]
    where = f"{upgrade.library} {upgrade.old} → {upgrade.new}"
    unknown = [n for n in names if not any(fnmatchcase(n, pattern) for pattern in patterns)]
    gone = [p for p in patterns if not any(fnmatchcase(n, p) for n in names)]
    return [
        *(f"{where}: {name} is not explained" for name in unknown),
        *(f"{where}: nothing is like {pattern} now" for pattern in gone),
    ]
