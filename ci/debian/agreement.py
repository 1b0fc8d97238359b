"""How far "the first release that exports a symbol" agrees with what Debian keeps by hand.

For each symbol that a package lists, the snapshots of the older suites' packages give an interval:
above the last release without it, up to the first one with it. The version that Debian gives has to
lie in there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ci.debian.archive import Package, Suite
from ci.debian.symbols import Listed, between, listed, upstream
from commonwheel.abi.dump import dump
from commonwheel.abi.history import History, history
from commonwheel.abi.material import Material, read_material
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import SnapshotError
from commonwheel.names import Names

SYMBOLS = "DEBIAN/symbols"


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A symbol for which Debian's version is not in the interval.

    Args:
        symbol: as Debian lists it.
        since: upstream's part of the version that it gives.
        before: the last release that was seen without it; None where the first one has it.
        first: the first release that was seen with it; None where none has it.
    """

    symbol: Listed
    since: str
    before: str | None
    first: str | None

    @property
    def interval(self) -> str:
        """What was seen, in words."""
        if self.first is None:
            return "nowhere"
        return f"up to {self.first}" if self.before is None else f"{self.before} to {self.first}"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What was measured for one library.

    Args:
        package: the package whose list it is.
        soname: of the library.
        releases: that were seen of it, with their suites.
        symbols: how many were held against what was seen.
        disagreements: those that lie elsewhere.
    """

    package: str
    soname: str
    releases: tuple[tuple[str, str], ...]
    symbols: int
    disagreements: tuple[Disagreement, ...]

    @property
    def share(self) -> float:
        """Per cent of the symbols that agree."""
        return 100 * (1 - len(self.disagreements) / self.symbols) if self.symbols else 100.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A package of a suite that has been unpacked."""

    suite: Suite
    package: Package

    @cached_property
    def folder(self) -> Path:
        """Where its files are."""
        return self.suite.unpacked(self.package)

    @cached_property
    def release(self) -> str:
        """Upstream's release."""
        return upstream(self.package.version)

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """Its libraries; None where it has none."""
        return snapshot_of([self])

    @cached_property
    def sonames(self) -> frozenset[str]:
        """Of its libraries."""
        found = self.snapshot.libraries if self.snapshot else ()
        return frozenset(library.soname for library in found)


def snapshot_of(packages: Sequence[Seen], headers: Sequence[Seen] = ()) -> Snapshot | None:
    """The libraries of some packages with the headers of others; None where there is no library.

    Args:
        packages: of one source package and suite.
        headers: likewise.
    """
    libraries: dict[str, bytes] = {}
    for each in packages:
        try:
            libraries |= read_material(each.folder).libraries
        except SnapshotError:  # a package that only depends on others
            continue
    if not libraries:
        return None
    material = Material(
        name=f"{packages[0].package.source} {packages[0].release}",
        libraries=libraries,
        headers={
            path.relative_to(each.folder).as_posix(): path.read_bytes()
            for each in headers
            for path in sorted((each.folder / "usr/include").rglob("*"))
            if path.is_file() and not path.is_symlink()
        },
        release=packages[0].release,
    )
    try:
        return dump(material, Names())
    except SnapshotError:  # plug-ins, which have no SONAME
        return None


def measure(name: str, suites: Sequence[Suite]) -> Iterator[Agreement]:
    """Hold the list of the newest package against the releases of all suites, by SONAME.

    Args:
        name: of a package in one of the suites; where only older suites have it, the newest of
            them counts.
        suites: oldest first.

    Raises:
        LookupError: no suite has the package, or the newest one has no list of symbols.
    """
    last = _last(name, suites)
    file = last.folder / SYMBOLS
    if not file.is_file():
        raise LookupError(f"{last.package.name} {last.package.version} has no list of symbols")
    symbols = list(listed(file.read_text(encoding="utf-8")))
    older = suites[: suites.index(last.suite)]
    for soname in sorted({each.soname for each in symbols} & last.sonames):
        seen = [*filter(None, (_with(soname, last, suite) for suite in older)), last]
        yield _agreement(soname, seen, [each for each in symbols if each.soname == soname])


def _last(name: str, suites: Sequence[Suite]) -> Seen:
    for suite in reversed(suites):
        if package := suite.same(Package(name=name, version="", source="")):
            return Seen(suite=suite, package=package)
    raise LookupError(f"no package {name} in {', '.join(suite.name for suite in suites)}")


def _with(soname: str, last: Seen, suite: Suite) -> Seen | None:
    """A suite's package with a library of this SONAME."""
    same = suite.same(last.package)
    others = [] if same else suite.siblings(last.package)
    for package in filter(None, [same, *others]):
        seen = Seen(suite=suite, package=package)
        if soname in seen.sonames:
            return seen
    return None


def _agreement(soname: str, seen: Sequence[Seen], symbols: Sequence[Listed]) -> Agreement:
    recorded = history(_only(soname, each.snapshot) for each in seen if each.snapshot)
    return Agreement(
        package=seen[-1].package.name,
        soname=soname,
        releases=tuple((each.suite.name, each.release) for each in seen),
        symbols=len(symbols),
        disagreements=tuple(disagreements(symbols, recorded)),
    )


def _only(soname: str, snapshot: Snapshot) -> Snapshot:
    """A line has one SONAME; packages may have several."""
    libraries = tuple(each for each in snapshot.libraries if each.soname == soname)
    return replace(snapshot, libraries=libraries)


def disagreements(symbols: Iterable[Listed], recorded: History) -> Iterator[Disagreement]:
    """The symbols whose version in Debian's list does not fit to the recorded releases."""
    for symbol in symbols:
        first = recorded.first(symbol.soname.partition(".so")[0], symbol.name, symbol.node)
        older = None if first is None else recorded.before(first)
        before = None if older is None else older.number
        since = upstream(symbol.since)
        if first is None or not between(since, before, first):
            yield Disagreement(symbol=symbol, since=since, before=before, first=first)
