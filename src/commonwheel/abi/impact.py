"""Which wheels a new release of a library breaks, and which could use something new of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from packaging.specifiers import SpecifierSet

from commonwheel.abi.consumers import Consumer
from commonwheel.abi.history import ordered
from commonwheel.abi.snapshot import Snapshot
from commonwheel.abi.uses import Lack, Uses, lacks, uses_of
from commonwheel.errors import ElfError, WheelError
from commonwheel.names import Names
from commonwheel.wheel.name import SUFFIX, parse_wheel_name

Verdict: TypeAlias = Literal[
    "breaks", "excluded", "affected", "not checked", "could use", "works", "not affected"
]
VERDICTS: Mapping[Verdict, str] = {
    "breaks": "takes what the new release has not: has to be built again",
    "excluded": "its Requires-Dist leaves the new release out: has to be built again to use it",
    "affected": "works itself, and requires a wheel that has to be built again",
    "not checked": "whether it works could not be looked at",
    "could use": "works, and the new release has public symbols that the old one has not",
    "works": "has all that it takes",
    "not affected": "takes nothing of the library",
}
REBUILD: frozenset[Verdict] = frozenset({"breaks", "excluded"})


@dataclass(frozen=True, kw_only=True)
class Impact:
    """What a new release means to one wheel.

    Args:
        wheel: its file name.
        distribution: its name, as indexes compare it.
        version: its version.
        verdict: one of :data:`VERDICTS`.
        reason: what stands behind the verdict, in words.
        lacks: what it takes, and the new release has not.
        uses: how many symbols it takes of the library.
        mentions: new symbols that its binaries have weak references to, or in a string.
        through: the distributions that it is affected through.
    """

    wheel: str
    distribution: str
    version: str
    verdict: Verdict
    reason: str = ""
    lacks: tuple[Lack, ...] = ()
    uses: int = 0
    mentions: tuple[str, ...] = ()
    through: tuple[str, ...] = ()

    @property
    def rebuild(self) -> bool:
        """Whether it has to be built again to be used with the new release."""
        return self.verdict in REBUILD


def distribution_of(snapshot: Snapshot, names: Names) -> str:
    """The distribution that a release is of; empty where nothing tells."""
    if snapshot.line:
        return names.distribution(snapshot.line)
    try:
        return parse_wheel_name(snapshot.name).normalised if snapshot.name.endswith(SUFFIX) else ""
    except WheelError:
        return ""


def impact(
    old: Snapshot, new: Snapshot, wheels: Sequence[Consumer], names: Names
) -> tuple[Impact, ...]:
    """What it means to wheels that a release takes the place of another one.

    Args:
        old: the release that they are used with.
        new: the release that takes its place.
        wheels: those in question; releases of the library itself are passed over.
        names: the names that follow from the prefix.

    Returns:
        The gravest first, then by name.
    """
    own = {distribution_of(each, names) for each in (old, new)}
    others = [wheel for wheel in wheels if wheel.distribution not in own]
    found = {wheel.name: judge(wheel, old, new, beside(wheel, others), names) for wheel in others}
    found |= {each.wheel: each for each in _affected(others, found)}
    order = list(VERDICTS)
    return tuple(sorted(found.values(), key=lambda each: (order.index(each.verdict), each.wheel)))


def beside(wheel: Consumer, others: Iterable[Consumer]) -> list[Snapshot]:
    """The libraries that are installed with a wheel: of each distribution, one it admits.

    That is the oldest release: what holds with it is what the range promises.
    """
    found: dict[str, Snapshot] = {}
    for other in sorted(others, key=lambda each: ordered(each.wheel.version)):
        admits = wheel.requires.get(other.distribution, SpecifierSet())
        fits = other.machine in {"", wheel.machine} and admits.contains(
            ordered(other.wheel.version), prereleases=True
        )
        if fits and other.distribution != wheel.distribution and other.snapshot.libraries:
            found.setdefault(other.distribution, other.snapshot)
    return list(found.values())


def judge(
    wheel: Consumer, old: Snapshot, new: Snapshot, others: Sequence[Snapshot], names: Names
) -> Impact:
    """What a new release means to one wheel, by what it takes itself.

    Args:
        wheel: the wheel.
        old: the release that it is used with.
        new: the release that takes its place.
        others: the libraries of all that is installed with it.
        names: the names that follow from the prefix.
    """
    distribution = distribution_of(old, names)
    if wheel.machine and old.arch and wheel.machine != old.arch:
        return _result(wheel, "not checked", f"is for {wheel.machine}, not {old.arch}")
    try:
        mine = {id(library) for library in old.libraries}
        uses = [u for u in uses_of(wheel.binaries, [old, *others]) if id(u.library) in mine]
        verdict, reason, lost = _verdict(wheel, uses, new, distribution, names)
        mentions: tuple[str, ...] = ()
        if verdict == "works" and (added := new_symbols(old, new)):
            members = {m for each in uses for m in (*each.needed_by, *each.taken_by)}
            mentions = wheel.mentions(added, sorted(members))
            verdict, reason = "could use", f"{len(added)} new"
    except ElfError as error:
        return _result(wheel, "not checked", error.what)
    return replace(
        _result(wheel, verdict, reason),
        lacks=tuple(lost),
        uses=sum(len(each.symbols) for each in uses),
        mentions=mentions,
    )


def _verdict(
    wheel: Consumer, uses: Sequence[Uses], new: Snapshot, distribution: str, names: Names
) -> tuple[Verdict, str, list[Lack]]:
    lost = [lack for each in uses for lack in lacks(each, new)]
    admits = wheel.requires.get(distribution) if distribution else None
    excludes = (
        admits is not None
        and bool(new.number)
        and distribution_of(new, names) == distribution
        and not admits.contains(ordered(new.number), prereleases=True)
    )
    if excludes:
        return "excluded", f"requires {distribution}{admits}", lost
    if lost:
        return "breaks", "", lost
    if wheel.unread:
        return "not checked", "; ".join(wheel.unread), lost
    if uses:
        return "works", "", lost
    if admits is not None:
        return "not checked", f"requires {distribution}, and no DT_NEEDED leads there", lost
    return "not affected", "", lost


def _result(wheel: Consumer, verdict: Verdict, reason: str) -> Impact:
    return Impact(
        wheel=wheel.name,
        distribution=wheel.distribution,
        version=wheel.wheel.version,
        verdict=verdict,
        reason=reason,
    )


def new_symbols(old: Snapshot, new: Snapshot) -> frozenset[str]:
    """The public names of a release that another one has not."""
    had = {name for library in old.libraries for name in library.by_name}
    has = {s.name for library in new.libraries for s in library.symbols if s.public}
    return frozenset(has - had)


def _affected(wheels: Sequence[Consumer], found: Mapping[str, Impact]) -> list[Impact]:
    """Those that require, directly or through others, what has to be built again."""
    bad = _unusable({each.distribution for each in found.values()}, wheels, found)
    result = []
    for wheel in wheels:
        mine = found[wheel.name]
        through = tuple(sorted(_below(wheel, wheels) & bad - {wheel.distribution}))
        if through and not mine.rebuild:
            reason = f"through {', '.join(through)}"
            affected = _result(wheel, "affected", reason)
            result.append(replace(affected, uses=mine.uses, through=through))
    return result


def _unusable(
    distributions: Collection[str], wheels: Sequence[Consumer], found: Mapping[str, Impact]
) -> set[str]:
    """Distributions of which no wheel at hand will do."""
    good = {each.distribution for each in wheels if not found[each.name].rebuild}
    return {*distributions} - good


def _below(wheel: Consumer, wheels: Sequence[Consumer]) -> set[str]:
    by_distribution: dict[str, list[Consumer]] = {}
    for each in wheels:
        by_distribution.setdefault(each.distribution, []).append(each)
    seen: dict[str, None] = dict.fromkeys(wheel.requires)
    queue = list(seen)
    for name in queue:  # grows meanwhile
        for other in by_distribution.get(name, ()):
            new = [each for each in other.requires if each not in seen]
            seen |= dict.fromkeys(new)
            queue += new
    return {*seen}
