"""What binaries take of the libraries that they need, symbol by symbol, and what a release lacks.

The rules are the dynamic linker's, as far as files tell: a symbol is taken of the first library, in
the breadth-first order of DT_NEEDED, that defines it. Weak references make no claim: the loader
leaves them open. A reference with a version node is for the library that the node is needed of
(DT_VERNEED).

Source: System V gABI, chapter 5 ("Shared Object Dependencies"); glibc, elf/dl-lookup.c
(check_match) and elf/dl-version.c.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from commonwheel.abi.history import libraries
from commonwheel.abi.mangled import path
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.elf import Elf, exported_names, undefined


class Use(NamedTuple):
    """A symbol that is taken: its name, and the version node that is asked for."""

    name: str
    version: str | None = None

    @property
    def shown(self) -> str:
        """``name`` or ``name@NODE``."""
        return f"{self.name}@{self.version}" if self.version else self.name


@dataclass(frozen=True, kw_only=True)
class Uses:
    """What some binaries take of one library.

    Args:
        library: in the release that it was read from.
        symbols: each with the first of the binaries that takes it.
        nodes: version nodes that must be there, likewise; the loader looks for these first.
        needed_by: the binaries whose DT_NEEDED names it; what others take reaches them through
            other libraries.
    """

    library: Library
    symbols: dict[Use, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    needed_by: list[str] = field(default_factory=list)

    @property
    def soname(self) -> str:
        """What DT_NEEDED has to say to mean it."""
        return self.library.tagged or self.library.soname

    @property
    def first(self) -> str:
        """The first of the binaries that have to do with it."""
        return next(iter([*self.needed_by, *self.symbols.values()]))


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something that is used, and that a release has not.

    Args:
        what: in words, for messages: ``proj_trans_bounds``, ``version node LIBTIFF_4.5``.
        member: the binary that uses it.
        use: the symbol; None where it is the library or a version node that lacks.
    """

    what: str
    member: str
    use: Use | None = None


@dataclass(frozen=True, eq=False)
class _Loaded:
    """Something in the order of loading: one of the wheel's own files, or a provider's library."""

    needed: tuple[str, ...]
    own: Mapping[str, set[str | None]] | None = None
    library: Library | None = None

    def defines(self, use: Use) -> bool:
        """Whether a reference binds to it."""
        if self.library is not None:
            return defines(self.library, use)
        assert self.own is not None
        return _fits(use, self.own.get(use.name, ()))


def defines(library: Library, use: Use) -> bool:
    """Whether a reference binds to a definition of this library."""
    return _fits(use, (symbol.version for symbol in library.by_name.get(use.name, ())))


def _fits(use: Use, versions: Iterable[str | None]) -> bool:
    return any(use.version is None or version in {use.version, None} for version in versions)


class _World:
    """All that binaries of one wheel may load, by what DT_NEEDED says."""

    def __init__(self, binaries: Mapping[str, Elf], providers: Iterable[Snapshot]) -> None:
        self.own = {
            elf.soname or member.rpartition("/")[2]: _own(elf) for member, elf in binaries.items()
        }
        self.others: dict[str, _Loaded] = {}
        for library in (each for snapshot in providers for each in snapshot.libraries):
            loaded = _Loaded(tuple(need.soname for need in library.needs), library=library)
            # In snapshots, libraries need one another by the names that upstream gives them.
            for soname in dict.fromkeys([library.tagged or library.soname, library.soname]):
                self.others.setdefault(soname, loaded)

    def find(self, soname: str) -> _Loaded | None:
        """What answers to it; None for the platform's, and for what is not at hand."""
        return self.own.get(soname) or self.others.get(soname)

    def order(self, elf: Elf) -> list[_Loaded]:
        """All that is loaded for a file, breadth-first, without the file itself."""
        queue, seen = [*elf.needed], set[str]()
        found: list[_Loaded] = []
        for soname in queue:  # grows meanwhile
            loaded = None if soname in seen else self.find(soname)
            seen.add(soname)
            if loaded is not None and loaded not in found:
                found.append(loaded)
                queue += loaded.needed
        return found


def _own(elf: Elf) -> _Loaded:
    names: dict[str, set[str | None]] = {}
    for name, version in exported_names(elf):
        names.setdefault(name, set()).add(version)
    return _Loaded(elf.needed, own=names)


def uses_of(binaries: Mapping[str, Elf], providers: Iterable[Snapshot]) -> tuple[Uses, ...]:
    """What the binaries of one wheel take of each library of its providers that they need.

    Args:
        binaries: ELF files by member.
        providers: the releases that are loaded with them, one of each line.

    Returns:
        In the order in which the libraries are needed; those that nothing is taken of, too.

    Raises:
        ElfError: a symbol table is malformed.
    """
    world = _World(binaries, providers)
    found: dict[int, Uses] = {}
    for member, elf in binaries.items():
        order = world.order(elf)
        for soname in elf.needed:
            loaded = world.find(soname)
            if loaded is not None and loaded.library is not None:
                uses = _entry(found, loaded.library)
                uses.needed_by.append(member)
        files = _files(elf)
        for symbol in undefined(elf):
            if symbol.binding == "weak" or is_everybodys(symbol.name):
                continue
            use = Use(symbol.name, symbol.version)
            taken = _definer(world, order, use, files.get(symbol.version))
            if taken is not None:
                uses = _entry(found, taken)
                uses.symbols.setdefault(use, member)
                if use.version is not None and taken.nodes:
                    uses.nodes.setdefault(use.version, member)
    return tuple(found.values())


def is_everybodys(name: str) -> bool:
    """Whether it is of C++'s standard library: what of that is in no libstdc++, all emit."""
    return name.startswith("_Z") and not path(name)


def _entry(found: dict[int, Uses], library: Library) -> Uses:
    # By identity: comparing two libraries means to compare all of their symbols.
    return found.setdefault(id(library), Uses(library=library))


def _files(elf: Elf) -> Mapping[str | None, list[str]]:
    """The libraries that each version node is needed of."""
    found: dict[str | None, list[str]] = {}
    for file, nodes in elf.version_needs:
        for node in nodes:
            found.setdefault(node, []).append(file)
    return found


def _definer(
    world: _World, order: Sequence[_Loaded], use: Use, files: Sequence[str] | None
) -> Library | None:
    """The provider's library that a reference is for; None where it is not for one of these."""
    scope: Iterable[_Loaded] = order
    if files is not None:
        scope = filter(None, map(world.find, files))
    return next((each.library for each in scope if each.defines(use)), None)


def lacks(uses: Uses, release: Snapshot) -> Iterator[Lack]:
    """What is used of a library, and is not in another release of it.

    Args:
        uses: as :func:`uses_of` gives them.
        release: the release that takes the other one's place.
    """
    library = answering(release, uses.soname)
    if library is None:
        others = libraries(release, uses.library.stem)
        instead = ", ".join(each.tagged or each.soname for each in others)
        has = f" (it has {instead})" if instead else ""
        yield Lack(what=f"the library {uses.soname}{has}", member=uses.first)
        return
    lost = {node: member for node, member in uses.nodes.items() if node not in library.nodes}
    for node, member in lost.items():
        yield Lack(what=f"the version node {node}", member=member)
    reached = _reached(release, library)
    for use, member in uses.symbols.items():
        if use.version in lost:
            continue
        if not any(defines(each, use) for each in reached):
            yield Lack(what=use.shown, member=member, use=use)
        elif (was := _size(uses.library, use)) and (now := _size(library, use)) and now < was:
            what = f"{use.shown} with {was} bytes (it has {now})"
            yield Lack(what=what, member=member, use=use)


def answering(release: Snapshot, soname: str) -> Library | None:
    """The library of a release that answers to what stands in DT_NEEDED."""
    return next(
        (each for each in release.libraries if soname == (each.tagged or each.soname)), None
    )


def _reached(release: Snapshot, library: Library) -> Sequence[Library]:
    """A library and those of its release that are loaded with it: a symbol may have moved there."""
    by_soname = {each.soname: each for each in release.libraries}
    found = [library]
    for each in found:  # grows meanwhile
        needed = (by_soname.get(need.soname) for need in each.needs)
        found += [other for other in needed if other is not None and other not in found]
    return found


def _size(library: Library, use: Use) -> int | None:
    """Bytes of a data object; None of anything else."""
    sizes = [s.size for s in library.by_name.get(use.name, ()) if s.version in {use.version, None}]
    return next(filter(None, sizes), None)
