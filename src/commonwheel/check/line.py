"""The line of a library wheel under check: this release, its record, and the releases around it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from commonwheel.abi.compare import Comparison, compare
from commonwheel.abi.history import history
from commonwheel.abi.records import Records
from commonwheel.abi.snapshot import Snapshot
from commonwheel.check.inspect import Inspected
from commonwheel.names import Names
from commonwheel.repair.snapshot import snapshot_of


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a release is held against.

    Args:
        own: the release.
        record: what is recorded of it; None where nothing is.
        others: the other releases of its line, recorded or at hand.
    """

    own: Snapshot
    record: Snapshot | None
    others: tuple[Snapshot, ...]

    def comparisons(self) -> Iterator[Comparison]:
        """The release before with this one, the record with this one, this one with the next."""
        around = history(self.others)
        if (before := around.before(self.own.number)) is not None:
            yield compare(before, self.own)
        if self.record is not None:
            yield compare(self.record, self.own)
        if (after := around.after(self.own.number)) is not None:
            yield compare(self.own, after)


def line_of(wheel: Inspected, family: Iterable[Inspected], records: Records, names: Names) -> Line:
    """The line of a library wheel.

    Args:
        wheel: which has a manifest.
        family: other wheels of its distribution.
        records: the recorded releases of its line, and of others.
        names: whose tags are ours.

    Raises:
        ElfError: a library is malformed.
        SnapshotError: what a wheel says of its ABI is damaged.
    """
    own = _snapshot(wheel, names)
    recorded = history(each for each in records.of(own.line).releases if is_like(own, each))
    released = (_snapshot(each, names) for each in family if each.manifest is not None)
    beside = (each for each in released if is_like(own, each))
    # A record is what a release was when it was let go; a wheel at hand may be on its way.
    every = history([*recorded.releases, *beside]).releases
    return Line(
        own=own,
        record=recorded.of(own.number),
        others=tuple(each for each in every if each.number != own.number),
    )


def _snapshot(wheel: Inspected, names: Names) -> Snapshot:
    assert wheel.manifest is not None
    return snapshot_of(wheel.wheel.path, wheel.manifest, names)


def is_like(one: Snapshot, other: Snapshot) -> bool:
    """Whether two releases are for the same machines."""
    return one.arch == other.arch and (one.libc == other.libc or not (one.libc and other.libc))
