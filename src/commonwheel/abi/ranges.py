"""Which releases of a library a wheel can be used with: computed from what it uses.

The range holds the release that the wheel was built against, and every recorded one around it that
has all that the wheel uses: symbols, version nodes, data of that size. Below the release built
against it goes as far only as the types of the releases were compared, too: a structure that has
grown has no symbol to tell by. Above, nothing is promised that the line does not promise, but for a
release that is known to lack something.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from commonwheel.abi.facts import Fact
from commonwheel.abi.history import History, history, ordered
from commonwheel.abi.mangled import path
from commonwheel.abi.snapshot import Snapshot
from commonwheel.abi.uses import Lack, Uses, lacks
from commonwheel.names import release_pin

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Why a range ends where it does.

    Args:
        release: the next one, which is outside.
        lacks: what it has not.
        without: how far the range would go if nothing of that were used.
    """

    release: str
    lacks: tuple[Lack, ...]
    without: str

    @property
    def explained(self) -> str:
        """What keeps a release out, and what doing without would buy."""
        what = _some([lack.what for lack in self.lacks])
        return f"{self.release} lacks {what}; without it, {self.without} would do"


@dataclass(frozen=True, kw_only=True)
class Range:
    """The releases of one line that a wheel can be used with.

    Args:
        line: the ABI line.
        built: the release that the wheel was built against.
        floor: the oldest one that will do.
        ceiling: the first one after it that is known not to do; empty where there is none.
        pin: ``3.11.1.*`` where the line's promise is not enough; None where it is.
        reason: why there is a pin.
        able: the oldest recorded release that has all that is used, whatever its types.
        compared: the oldest one of which the types are known to be those of ``built``.
        below: what keeps the floor from being lower, where symbols do.
        above: likewise, of the ceiling.
        facts: what was put down by hand of what is used.
        at_least: a release below which it was not to begin.
    """

    line: str
    built: str
    floor: str
    ceiling: str = ""
    pin: str | None = None
    reason: str = ""
    able: str = ""
    compared: str = ""
    below: Bound | None = None
    above: Bound | None = None
    facts: tuple[Fact, ...] = ()
    at_least: str = ""

    @property
    def holds(self) -> bool:
        """Whether the release that it was built against is in it."""
        lowest = max(map(ordered, filter(None, [self.floor, self.at_least])))
        return lowest <= ordered(self.built)

    @property
    def bounds(self) -> str:
        """As it stands in Requires-Dist: ``>=3.10.3,==3.10.3.*``."""
        parts = [f">={self.floor}"]
        parts += [f"=={self.pin}"] if self.pin else []
        parts += [f"<{self.ceiling}"] if self.ceiling else []
        return ",".join(parts)

    @property
    def is_telling(self) -> bool:
        """Whether anything but the release built against has decided it."""
        decided = self.pin or self.below or self.above or self.facts
        return bool(decided) or self.floor != self.built

    @property
    def explained(self) -> str:
        """Why it is as it is, in a line."""
        words = [f"built against {self.built}"]
        if self.pin:
            words.append(f"pinned, since {self.reason}")
        elif ordered(self.able) < ordered(self.compared):
            words.append(f"{self.able} has all that is used, but types were not compared since")
        words += [f"{each.symbol} since {each.version}: {each.reason}" for each in self.facts]
        words += [bound.explained for bound in (self.below, self.above) if bound is not None]
        return f"{self.line}{self.bounds}: {'; '.join(words)}"


def range_of(
    uses: Sequence[Uses],
    past: History,
    built: Snapshot,
    stability: str,
    *,
    at_least: str = "",
    facts: Iterable[Fact] = (),
) -> Range:
    """The releases of a line that what uses its libraries so can be used with.

    Args:
        uses: what is taken of each of its libraries.
        past: the recorded releases of the line.
        built: the release that it was built against.
        stability: how far the line's promise goes: ``line``, ``minor``, ``patch`` or ``exact``.
        at_least: a release below which the floor may not be: that of another wheel of the set.
        facts: since when symbols of the line behave as they do.
    """
    known = history([built, *past.releases]).releases
    number, newest = built.number, ordered(built.number)
    older = [each for each in reversed(known) if ordered(each.number) < newest]
    newer = [each for each in known if ordered(each.number) > newest]
    below, above = _bound(uses, older), _bound(uses, newer)
    able = [number, *(each.number for each in _until(older, below))][-1]
    compared = _compared(past, number)
    cxx = sorted(use.name for each in uses for use in each.symbols if use.name.startswith("_Z"))
    pin = release_pin(number, "exact" if cxx else stability)
    told = _told(uses, facts, number)
    since = [each.version for each in told]
    floor = max((each for each in (able, compared, at_least, *since) if each), key=ordered)
    reason = f"of the line's stability '{stability}'"
    if cxx:
        used = _some([*dict.fromkeys("::".join(path(name)) or name for name in cxx)])
        reason = f"it uses {used}, in C++; without it, >={floor} would do"
    return Range(
        line=built.line,
        built=number,
        floor=number if pin else floor,
        ceiling=above.release if above and not pin else "",
        pin=pin,
        reason=reason if pin else "",
        able=able,
        compared=compared,
        below=below,
        above=above,
        facts=told,
        at_least=at_least,
    )


def _told(uses: Iterable[Uses], facts: Iterable[Fact], built: str) -> tuple[Fact, ...]:
    """The facts about what is used, that were so when it was built."""
    names = {use.name for each in uses for use in each.symbols}
    known = (fact for fact in facts if fact.symbol in names)
    return tuple(fact for fact in known if ordered(fact.version) <= ordered(built))


def _compared(past: History, number: str) -> str:
    """The oldest release whose types are known to be those of the one that was built against."""
    record = past.of(number)
    return record.types_since if record and record.types_since else number


def _bound(uses: Sequence[Uses], releases: Sequence[Snapshot]) -> Bound | None:
    """The first release that lacks something, going away from the one that was built against."""
    missing = [(each, _missing(uses, each)) for each in releases]
    start = next((at for at, (_, found) in enumerate(missing) if found), None)
    if start is None:
        return None
    release, lost = missing[start]
    ignored = {lack.what for lack in lost}
    rest = takewhile(lambda one: {lack.what for lack in one[1]} <= ignored, missing[start:])
    *_, (without, _) = rest
    return Bound(release=release.number, lacks=tuple(lost), without=without.number)


def _missing(uses: Iterable[Uses], release: Snapshot) -> list[Lack]:
    return [lack for each in uses for lack in lacks(each, release)]


def _until(releases: Iterable[Snapshot], bound: Bound | None) -> Iterator[Snapshot]:
    return takewhile(lambda each: bound is None or each.number != bound.release, releases)


def _some(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join([*names][:SHOWN]) + more


def by_line(uses: Iterable[Uses], providers: Mapping[str, Snapshot]) -> dict[str, list[Uses]]:
    """What is used, by the line that has it.

    Args:
        uses: as :func:`commonwheel.abi.uses.uses_of` gives them for these providers.
        providers: the snapshot of each line.
    """
    owners = {id(each): line for line, snapshot in providers.items() for each in snapshot.libraries}
    found: dict[str, list[Uses]] = {}
    for each in uses:
        found.setdefault(owners[id(each.library)], []).append(each)
    return found
