"""The line of a library wheel under check: this release, its record, and the releases around it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from commonwheel.abi.compare import NOT_ASKED, Comparison, Types, compare
from commonwheel.abi.deep import Side, compare_types
from commonwheel.abi.history import history
from commonwheel.abi.material import read_material
from commonwheel.abi.records import Records
from commonwheel.abi.snapshot import Snapshot
from commonwheel.check.inspect import Inspected
from commonwheel.names import Names
from commonwheel.repair.snapshot import carried, snapshot_of, take


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a release is held against.

    Args:
        side: the release, as its files have it.
        carried: what the wheel itself says of it; None where it says nothing.
        record: what is recorded of it; None where nothing is.
        others: the other releases of its line, recorded or at hand.
        types: whether types are compared, where that is possible.
    """

    side: Side
    carried: Snapshot | None
    record: Side | None
    others: tuple[Side, ...]
    types: bool

    @property
    def own(self) -> Snapshot:
        """The release."""
        return self.side.snapshot

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The release before with this one, the record with this one, this one with the next.

        Raises:
            ProcessError: abidiff fails.
        """
        around = history(each.snapshot for each in self.others)
        before, after = around.before(self.own.number), around.after(self.own.number)
        pairs = [
            (self._side(before), self.side),
            (self.record, self.side),
            (self.side, self._side(after)),
        ]
        return tuple(
            compare(old.snapshot, new.snapshot, types=self._types(old, new))
            for old, new in pairs
            if old is not None and new is not None
        )

    def _side(self, snapshot: Snapshot | None) -> Side | None:
        return next((each for each in self.others if each.snapshot is snapshot), None)

    def _types(self, old: Side, new: Side) -> Types:
        return compare_types(old, new) if self.types else NOT_ASKED


def line_of(
    wheel: Inspected,
    family: Iterable[Inspected],
    records: Records,
    names: Names,
    *,
    exports: Mapping[str, Sequence[str]] | None,
    types: bool,
    debug: Path | None,
) -> Line:
    """The line of a library wheel.

    Args:
        wheel: which has a manifest.
        family: other wheels of its distribution.
        records: the recorded releases of its line, and of others.
        names: whose tags are ours.
        exports: what the recipe exports, by tagged SONAME; None where no recipe is known.
        types: whether types are compared, where that is possible.
        debug: the folder with the wheel's debug information, by build-id; None: beside the wheel.

    Raises:
        ElfError: a library is malformed.
        SnapshotError: what a wheel says of its ABI is damaged.
    """
    own = _side(wheel, names, types=types, debug=debug)
    said = carried(wheel.wheel, names)
    if exports is not None:
        assert wheel.manifest is not None
        found = take(wheel.wheel.path, wheel.manifest, names, exports)
        own = replace(own, snapshot=found)
    recorded = [
        Side(snapshot=each, types=records.types(each) if types else {})
        for each in records.of(own.snapshot.line).releases
    ]
    released = [_side(each, names, types=types) for each in family if each.manifest is not None]
    # A record is what a release was when it was let go; a wheel at hand may be on its way.
    every = [each for each in (*recorded, *released) if is_like(own.snapshot, each.snapshot)]
    number = own.snapshot.number
    return Line(
        side=own,
        carried=said,
        record=next((each for each in recorded if each.snapshot.number == number), None),
        others=tuple(each for each in every if each.snapshot.number != number),
        types=types,
    )


def _side(wheel: Inspected, names: Names, *, types: bool, debug: Path | None = None) -> Side:
    path, manifest = wheel.wheel.path, wheel.manifest
    assert manifest is not None
    snapshot = snapshot_of(path, manifest, names)
    if not types:
        return Side(snapshot=snapshot)
    material = read_material(path, manifest=manifest)
    if debug is not None and debug.is_dir():
        material = replace(material, debug=debug)
    return Side(snapshot=snapshot, material=material)


def is_like(one: Snapshot, other: Snapshot) -> bool:
    """Whether two releases are for the same machines."""
    return one.arch == other.arch and (one.libc == other.libc or not (one.libc and other.libc))
