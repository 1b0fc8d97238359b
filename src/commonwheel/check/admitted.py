"""Every release of its providers that a wheel admits, and what it takes of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from packaging.specifiers import SpecifierSet

from commonwheel.abi.history import History, history, ordered
from commonwheel.abi.ranges import by_line
from commonwheel.abi.records import Records
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.abi.soname import is_hashed, upstream
from commonwheel.abi.uses import Uses, uses_of
from commonwheel.check.inspect import Inspected
from commonwheel.elf import Elf
from commonwheel.names import Names


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A distribution whose libraries a wheel may use.

    Args:
        distribution: as indexes compare it.
        specifier: the releases that the wheel admits, by its own requirement or, where it has none,
            by those of what it requires.
        chosen: the release that it is held against; of those that are only recorded, the oldest.
        known: the releases that the specifier admits, at hand or recorded.
    """

    distribution: str
    specifier: SpecifierSet
    chosen: Snapshot
    known: History

    @property
    def others(self) -> tuple[Snapshot, ...]:
        """The admitted releases but the one that the wheel is held against."""
        return tuple(each for each in self.known.releases if each.number != self.chosen.number)

    @property
    def range(self) -> str:
        """The requirement, for messages."""
        return f"{self.distribution}{self.specifier}"


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """The providers of a wheel, each with what is taken of it.

    Args:
        wheel: the wheel.
        providers: by distribution.
    """

    wheel: Inspected
    providers: Mapping[str, Provider]

    @cached_property
    def binaries(self) -> dict[str, Elf]:
        """What of the wheel is loaded; no object files of a compiler."""
        return {b.member: b.elf for b in self.wheel.binaries if b.elf.type != "other"}

    @cached_property
    def uses(self) -> dict[str, list[Uses]]:
        """What is taken, by distribution, of the releases that the wheel is held against.

        Raises:
            ElfError: a symbol table is malformed.
        """
        chosen = {name: each.chosen for name, each in self.providers.items()}
        return by_line(uses_of(self.binaries, chosen.values()), chosen)

    @cached_property
    def all_uses(self) -> dict[str, list[Uses]]:
        """The same, and what only other releases have: the newest, or for libraries any.

        Raises:
            ElfError: a symbol table is malformed.
        """
        found = {name: list(uses) for name, uses in self.uses.items()}
        for name, more in (*self._newest(), *self._orphans()):
            found.setdefault(name, []).append(more)
        return found

    def _newest(self) -> Iterator[tuple[str, Uses]]:
        newest = {n: each.known.newest or each.chosen for n, each in self.providers.items()}
        if all(newest[name] is each.chosen for name, each in self.providers.items()):
            return
        every = [each for uses in self.uses.values() for each in uses]
        known = {use for each in every for use in each.symbols}
        nodes = {node for each in every for node in each.nodes}
        sonames = {each.soname for each in every}
        for name, uses in by_line(uses_of(self.binaries, newest.values()), newest).items():
            for each in uses:
                symbols = {u: member for u, member in each.symbols.items() if u not in known}
                lost = {n: member for n, member in each.nodes.items() if n not in nodes}
                if symbols or lost or (each.needed_by and each.soname not in sonames):
                    yield name, replace(each, symbols=symbols, nodes=lost)

    def _orphans(self) -> Iterator[tuple[str, Uses]]:
        """Libraries that no release at hand has under this SONAME, but under another one."""
        own = self.wheel.by_soname
        found = {each.soname for uses in self.uses.values() for each in uses}
        for soname in self.wheel.needed_by.keys() - own.keys() - found:
            library = _named(soname, self.wheel.names)
            for name, provider in self.providers.items():
                releases = provider.known.releases
                if any(_is_other(each, library, soname) for each in releases) and not any(
                    _has(each, soname) for each in releases
                ):
                    members = [m for m, elf in self.binaries.items() if soname in elf.needed]
                    if members:
                        yield name, Uses(library=library, needed_by=members)


def _named(soname: str, names: Names) -> Library:
    real = upstream(soname, names)
    return Library(soname=real, tagged=soname if soname != real else None, hashed=is_hashed(soname))


def _is_other(release: Snapshot, library: Library, soname: str) -> bool:
    return any(
        each.stem == library.stem and soname != (each.tagged or each.soname)
        for each in release.libraries
    )


def _has(release: Snapshot, soname: str) -> bool:
    return any(soname == (each.tagged or each.soname) for each in release.libraries)


def admitted(
    wheel: Inspected,
    others: Sequence[Inspected],
    releases: Mapping[str, Sequence[Inspected]],
    records: Records,
) -> Admitted:
    """The providers of a wheel.

    Args:
        wheel: what is checked.
        others: what is installed beside it.
        releases: by distribution, all that is at hand; of one that is not in it, `others` count.
        records: the recorded releases.
    """
    beside = {each.distribution: each for each in others}
    recorded: dict[str, list[Snapshot]] = {}
    for snapshot in records.snapshots:
        recorded.setdefault(wheel.names.distribution(snapshot.line), []).append(snapshot)
    found = {}
    for name, specifier in _ranges(wheel, beside, recorded).items():
        at_hand = releases.get(name, [beside[name]] if name in beside else ())
        every = history([*(each.snapshot for each in at_hand), *recorded.get(name, ())])
        fits = history(e for e in every.releases if specifier.contains(ordered(e.number), True))
        chosen = beside[name].snapshot if name in beside else next(iter(fits.releases), None)
        if chosen is not None and any(each.libraries for each in [chosen, *every.releases]):
            found[name] = Provider(
                distribution=name, specifier=specifier, chosen=chosen, known=fits
            )
    return Admitted(wheel=wheel, providers=found)


def _ranges(
    wheel: Inspected, beside: Mapping[str, Inspected], recorded: Iterable[str]
) -> dict[str, SpecifierSet]:
    """By distribution, what the wheel admits of all that is installed for it."""
    found = {name: each.specifier for name, each in wheel.requires.items()}
    queue, seen, own = [wheel], {wheel.distribution}, frozenset(found)
    for each in queue:  # grows meanwhile
        for name, requirement in each.requires.items():
            if name not in own:
                found[name] = found.get(name, SpecifierSet()) & requirement.specifier
            if name in beside and name not in seen:
                seen.add(name)
                queue.append(beside[name])
    # What is used and not required is a gate's own finding.
    for name, other in beside.items():
        if other.provider is not None and wheel.kind != "foreign":
            found.setdefault(name, SpecifierSet())
    found.pop(wheel.distribution, None)
    return {name: found[name] for name in found if name in beside or name in {*recorded}}
