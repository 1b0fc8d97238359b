"""Upgrades from one suite to the next, by the ABI comparison: which of them break something."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ci.debian.agreement import Seen, snapshot_of
from ci.debian.archive import Package, Suite
from commonwheel.abi.change import Change
from commonwheel.abi.compare import Comparison, compare, pairs
from commonwheel.abi.kinds.breaks import SonameChanged
from commonwheel.abi.snapshot import Library, Snapshot


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """One library in two suites that follow one another.

    Args:
        library: its SONAME in the older suite.
        now: in the newer one.
        old: the release of the older suite.
        new: of the newer one.
        comparison: what the two differ in.
    """

    library: str
    now: str
    old: str
    new: str
    comparison: Comparison

    @property
    def kept(self) -> bool:
        """Whether the SONAME is the same."""
        return self.library == self.now

    @property
    def breaks(self) -> tuple[Change, ...]:
        """What breaks, a new SONAME aside."""
        found = self.comparison.of_level("breaking")
        return tuple(change for change in found if change.id != SonameChanged.id)

    @property
    def fires(self) -> bool:
        """Whether anything public is lost or changed, a new SONAME aside."""
        return bool(self.breaks)


def upgrades(development: str, suites: Sequence[Suite]) -> Iterator[Upgrade]:
    """All upgrades of the libraries that a development package stands for.

    Args:
        development: the package with the headers, which depends on the libraries.
        suites: oldest first; those without the package are passed over.
    """
    found = filter(None, (_release(development, suite) for suite in suites))
    for old, new in pairwise(found):
        if old.release == new.release:
            continue
        for before, after in pairs(old, new):
            if before is not None and after is not None:
                yield _upgrade(old, new, before, after)


def _upgrade(old: Snapshot, new: Snapshot, before: Library, after: Library) -> Upgrade:
    return Upgrade(
        library=before.soname,
        now=after.soname,
        old=old.release,
        new=new.release,
        comparison=compare(
            replace(old, libraries=(before,)),
            replace(new, libraries=(after,)),
        ),
    )


def _release(development: str, suite: Suite) -> Snapshot | None:
    """Libraries with headers, as the suite has them."""
    package = suite.packages.get(development)
    if package is None:
        return None
    packages = [Seen(suite=suite, package=each) for each in _own(package, suite)]
    return snapshot_of(packages[1:], headers=packages)


def _own(package: Package, suite: Suite) -> Sequence[Package]:
    """A package and those of its source that it needs in its own version."""
    found = [package]
    for each in found:  # grows meanwhile
        own = filter(None, map(suite.packages.get, each.own))
        found += [e for e in own if e not in found and e.source == package.source]
    return found
