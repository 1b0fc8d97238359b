"""What each release of a line changed, as its page shows it; and the picture of them all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from commonwheel.abi.change import Change, Verdict
from commonwheel.abi.compare import Comparison, compare, pairs
from commonwheel.abi.kinds.additions import SymbolAdded
from commonwheel.abi.kinds.breaks import LibraryGone, SymbolRemoved
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.abi.timeline import history, svg
from commonwheel.wheel.name import parse_wheel_name

GRAVEST: tuple[Verdict, ...] = ("breaking", "additive", "equal")
# Each has a place of its own on the page.
APART = frozenset({SymbolAdded.id, SymbolRemoved.id, LibraryGone.id})


class Platform(NamedTuple):
    """What releases are compared within."""

    arch: str
    """As in platform tags."""
    libc: str
    """``glibc`` or ``musl``."""

    def __str__(self) -> str:
        return f"{self.arch} with {self.libc}"


@dataclass(frozen=True, kw_only=True)
class Built:
    """A library wheel and its ABI.

    Args:
        wheel: its file name.
        snapshot: its ABI.
    """

    wheel: str
    snapshot: Snapshot

    @property
    def platform(self) -> Platform:
        """Of a library that needs no C library, the platform tags tell which there is."""
        tags = parse_wheel_name(self.wheel).platform
        libc = "musl" if any(tag.startswith("musllinux") for tag in tags) else "glibc"
        return Platform(self.snapshot.arch, self.snapshot.libc or libc)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A library in one release, beside the release before.

    Args:
        library: in the newer release.
        compared: whether the release before has it for the same platform.
        added: public symbols that are new.
        removed: public symbols that are gone.
        others: what else breaks, warns, or is new.
        private: how many changes nobody should see who keeps to the public headers.
    """

    library: Library
    compared: bool = False
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    others: tuple[Change, ...] = ()
    private: int = 0


@dataclass(frozen=True, kw_only=True)
class Changes:
    """A release beside the one before.

    Args:
        built: the wheel that the rows are about.
        before: the wheel of the release before, for the same platform; None where there is none.
        rows: each library of the newer one.
        gone: public libraries that only the older one has.
        verdicts: for each platform that both have.
        unchecked: what could not be looked at.
    """

    built: Built
    before: Built | None = None
    rows: tuple[Row, ...]
    gone: tuple[str, ...] = ()
    verdicts: Mapping[Platform, Verdict]
    unchecked: tuple[str, ...] = ()


def changes(new: Iterable[Built], old: Iterable[Built]) -> Changes:
    """A release beside the one before, for the platform where it breaks most.

    Args:
        new: the wheels of a release, at least one.
        old: the wheels of the release before; may be empty.
    """
    after, before = _by_platform(new), _by_platform(old)
    found = {
        platform: compare(before[platform].snapshot, built.snapshot)
        for platform, built in after.items()
        if platform in before
    }
    verdicts = {platform: comparison.verdict for platform, comparison in found.items()}
    if not found:
        built = next(iter(after.values()))
        rows = tuple(Row(library=each) for each in built.snapshot.libraries)
        return Changes(built=built, rows=rows, verdicts=verdicts)
    chosen = min(found, key=lambda platform: GRAVEST.index(verdicts[platform]))
    comparison = found[chosen]
    return Changes(
        built=after[chosen],
        before=before[chosen],
        rows=_rows(comparison),
        gone=tuple(each.subject for each in comparison.changes if each.id == LibraryGone.id),
        verdicts=verdicts,
        unchecked=comparison.unchecked,
    )


def _by_platform(wheels: Iterable[Built]) -> dict[Platform, Built]:
    """Of two wheels for one platform, the first one."""
    found: dict[Platform, Built] = {}
    for built in wheels:
        found.setdefault(built.platform, built)
    return found


def _rows(comparison: Comparison) -> tuple[Row, ...]:
    rows = [
        _row(before, after, comparison.changes)
        for before, after in pairs(comparison.old, comparison.new)
        if after is not None
    ]
    return tuple(sorted(rows, key=lambda row: (row.library.soname, row.library.member)))


def _row(before: Library | None, after: Library, every: Iterable[Change]) -> Row:
    if before is None:
        return Row(library=after)
    own = [change for change in every if change.library == before.soname]
    return Row(
        library=after,
        compared=True,
        added=tuple(change.subject for change in own if change.id == SymbolAdded.id),
        removed=tuple(change.subject for change in own if change.id == SymbolRemoved.id),
        others=tuple(c for c in own if c.level != "note" and c.id not in APART),
        private=sum(change.level == "note" for change in own),
    )


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The history of a line.

    Args:
        platform: that it is of.
        svg: without a style of its own.
    """

    platform: Platform
    svg: str


def picture(line: str, releases: Sequence[Iterable[Built]]) -> Picture | None:
    """The picture of a line's releases, for the platform that most of them have.

    Args:
        line: its name.
        releases: the wheels of each, oldest first; at least one.

    Returns:
        None where no platform has two releases.
    """
    found: dict[Platform, list[Snapshot]] = {}
    for release in releases:
        for platform, built in _by_platform(release).items():
            found.setdefault(platform, []).append(built.snapshot)
    most = min(found, key=lambda each: (-len(found[each]), each))
    if len(found[most]) == 1:
        return None
    drawn = svg(f"Public symbols of {line}", history(found[most]), style="")
    return Picture(platform=most, svg=drawn)
