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
        taken_by: what each of the binaries takes.
        idle: those of `needed_by` that would lose nothing without it: they take no symbol of it,
            not even a weak one, and of nothing that only it brings along.
    """

    library: Library
    symbols: dict[Use, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    needed_by: list[str] = field(default_factory=list)
    taken_by: dict[str, list[Use]] = field(default_factory=dict)
    idle: list[str] = field(default_factory=list)

    @property
    def soname(self) -> str:
        """What DT_NEEDED has to say to mean it."""
        return self.library.tagged or self.library.soname

    @property
    def first(self) -> str:
        """The first of the binaries that have to do with it."""
        return next(iter([*self.needed_by, *self.symbols.values()]), "")


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
        self.exact: dict[str, _Loaded] = {}
        self.upstream: dict[str, _Loaded] = {}
        self.names: set[str] = set()
        for library in (each for snapshot in providers for each in snapshot.libraries):
            loaded = _Loaded(tuple(need.soname for need in library.needs), library=library)
            self.exact.setdefault(library.tagged or library.soname, loaded)
            self.upstream.setdefault(library.soname, loaded)
            self.names |= library.by_name.keys()

    def find(self, soname: str) -> _Loaded | None:
        """What answers to a DT_NEEDED; None for the platform's, and for what is not at hand."""
        return self.own.get(soname) or self.exact.get(soname)

    def order(self, needed: Iterable[str]) -> list[_Loaded]:
        """All that is loaded for what is needed, breadth-first."""
        found = dict.fromkeys(filter(None, map(self.find, needed)))
        queue = list(found)
        for loaded in queue:  # grows meanwhile
            for each in self._below(loaded):
                if each not in found:
                    found[each] = None
                    queue.append(each)
        return queue

    def _below(self, loaded: _Loaded) -> Iterator[_Loaded]:
        for soname in loaded.needed:
            # In snapshots, libraries need one another by the names that upstream gives them.
            recorded = self.upstream.get(soname) if loaded.library is not None else None
            if (found := recorded or self.find(soname)) is not None:
                yield found


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
        _attribute(world, member, elf, found)
    return tuple(found.values())


def _attribute(world: _World, member: str, elf: Elf, found: dict[int, Uses]) -> None:
    """Add what one binary takes."""
    order, files = world.order(elf.needed), _files(elf)
    needed = {soname: world.find(soname) for soname in dict.fromkeys(elf.needed)}
    for loaded in needed.values():
        if loaded is not None and loaded.library is not None:
            _entry(found, loaded.library).needed_by.append(member)
    reached: set[_Loaded] = set()
    for symbol in undefined(elf):
        if symbol.name not in world.names or is_everybodys(symbol.name):
            continue
        use = Use(symbol.name, symbol.version)
        taken = _definer(world, order, use, files.get(symbol.version))
        if taken is not None and taken.library is not None:
            reached.add(taken)
            if symbol.binding != "weak":
                _take(_entry(found, taken.library), use, member)
    for soname, loaded in needed.items():
        if loaded is None or loaded.library is None or loaded in reached:
            continue
        without = world.order(each for each in elf.needed if each != soname)
        if reached <= {*without}:
            _entry(found, loaded.library).idle.append(member)


def _take(uses: Uses, use: Use, member: str) -> None:
    uses.symbols.setdefault(use, member)
    uses.taken_by.setdefault(member, []).append(use)
    if use.version is not None and uses.library.nodes:
        uses.nodes.setdefault(use.version, member)


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
) -> _Loaded | None:
    """What a reference binds to, of the wheel's own and of its providers' libraries."""
    scope: Iterable[_Loaded] = order
    if files is not None:
        scope = filter(None, map(world.find, files))
    return next((each for each in scope if each.defines(use)), None)


def lacks(uses: Uses, release: Snapshot) -> Iterator[Lack]:
    """What is used of a library, and is not in another release of it.

    Args:
        uses: as :func:`uses_of` gives them.
        release: the release that takes the other one's place.
    """
    library = answering(release, uses.library)
    if library is None and not uses.needed_by:
        # Only through another library, which may have had all of it itself.
        yield from _missing(uses, uses.symbols, release.libraries)
        return
    if library is None:
        others = libraries(release, uses.library.stem)
        instead = ", ".join(dict.fromkeys(each.tagged or each.soname for each in others))
        notes = [f"{uses.library.soname} under a hash"] if uses.library.hashed else []
        notes += [f"it has {instead}"] if instead else []
        told = f" ({'; '.join(notes)})" if notes else ""
        yield Lack(what=f"the library {uses.soname}{told}", member=uses.first)
        return
    lost = {node: member for node, member in uses.nodes.items() if node not in library.nodes}
    for node, member in lost.items():
        yield Lack(what=f"the version node {node}", member=member)
    left = {use: member for use, member in uses.symbols.items() if use.version not in lost}
    yield from _missing(uses, left, _reached(release, library))


def _missing(uses: Uses, symbols: Mapping[Use, str], among: Sequence[Library]) -> Iterator[Lack]:
    for use, member in symbols.items():
        found = next((each for each in among if defines(each, use)), None)
        if found is None:
            yield Lack(what=use.shown, member=member, use=use)
        elif (was := _size(uses.library, use)) and (now := _size(found, use)) and now < was:
            what = f"{use.shown} with {was} bytes (it has {now})"
            yield Lack(what=what, member=member, use=use)


def answering(release: Snapshot, library: Library) -> Library | None:
    """The library of a release that answers to the same DT_NEEDED as that of another one.

    A tag is the owner's, and an owner with another prefix gives all releases his own; a hash is of
    one file.
    """
    soname = library.tagged or library.soname
    is_tagged = library.tagged is not None and not library.hashed
    for each in release.libraries:
        if soname == (each.tagged or each.soname):
            return each
        if is_tagged and each.tagged and not each.hashed and each.soname == library.soname:
            return each
    return None


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
