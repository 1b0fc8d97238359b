"""Libraries and symbols found as the dynamic linker finds them, from the files alone.

Source: System V gABI, chapter 5 ("Shared Object Dependencies"); glibc's elf/dl-lookup.c (which
definition matches a version) and elf/dl-version.c (which version nodes must be there).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from commonwheel.check.case import Case
from commonwheel.check.inspect import Binary, Inspected
from commonwheel.elf import Elf, Symbol, exported_names, read_elf, undefined
from commonwheel.errors import ElfError
from commonwheel.repair.platform import is_allowed, is_platform, knows_node

# Of the C API, which the interpreter that loads an extension module has.
INTERPRETER = ("Py", "_Py")
# What an interpreter has loaded, whatever an extension module asks for itself.
INTERPRETERS_OWN = ("libc.so.6", "libm.so.6")


@dataclass(frozen=True, kw_only=True)
class Library:
    """One ELF file that may be loaded.

    Args:
        soname: what it answers to.
        elf: its facts.
        owner: the wheel that holds it; None for a copy of the platform's that this host has.
    """

    soname: str
    elf: Elf
    owner: Inspected | None = None

    @cached_property
    def exports(self) -> set[tuple[str, str | None]]:
        """(name, version) of what it exports.

        Raises:
            ElfError: its symbol table is malformed.
        """
        return exported_names(self.elf)

    @cached_property
    def _names(self) -> set[str]:
        return {name for name, _ in self.exports}

    def defines(self, name: str, version: str | None) -> bool:
        """Whether a reference to ``name@version`` binds to it."""
        if version is None:
            return name in self._names
        return (name, version) in self.exports or (name, None) in self.exports


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is loaded with one file, in the order in which symbols are looked up.

    Args:
        libraries: the file itself, then breadth-first all that it needs.
        missing: SONAMEs that are not at hand.
    """

    libraries: tuple[Library, ...]
    missing: tuple[str, ...] = ()

    @property
    def root(self) -> Library:
        """The file that is loaded."""
        return self.libraries[0]

    @cached_property
    def by_soname(self) -> Mapping[str, Library]:
        """The libraries."""
        return {library.soname: library for library in self.libraries}

    def definer(self, symbol: Symbol) -> Library | None:
        """The library that an undefined symbol of the root binds to."""
        for library in self.libraries[1:]:
            if library.defines(symbol.name, symbol.version):
                return library
        return None


class Linker:
    """Finds what the binaries of one case load."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._is_ours = case.wheel.kind != "foreign"
        self._upstream = {
            soname for each in case.providers if each.provider for soname in each.provider.upstream
        }
        self._held: dict[str, dict[tuple[str, str], Library]] = {}
        self._required = () if self._is_ours else case.required

    def library(self, binary: Binary) -> Library:
        """A binary of the wheel as a library, whoever shares its SONAME."""
        return Library(soname=binary.answers_to, elf=binary.elf, owner=self._case.wheel)

    def is_platform(self, soname: str) -> bool:
        """Whether the platform has a library; what has a recipe is never the platform's for us."""
        if self._is_ours:
            taken = soname in self._case.claimed or soname in self._upstream
            return is_platform(soname) and not taken
        return is_platform(soname) or is_allowed(soname)

    def owner(self, soname: str, elf: Elf) -> Inspected | None:
        """The wheel whose library a file of the case's wheel gets, None where no wheel has it."""
        library = self._wheels(soname, elf.machine, self._case.wheel)
        return library.owner if library is not None else None

    def scope(self, root: Library) -> Scope:
        """All that is loaded with a file."""
        found, missing, seen = [root], [], {root.soname}
        for library in found:  # grows meanwhile: breadth-first
            for soname in library.elf.needed:
                if soname in seen:
                    continue
                seen.add(soname)
                needed = self._find(soname, library)
                if needed is None:
                    missing.append(soname)
                else:
                    found.append(needed)
        # With libc missing, it is another one than this host's.
        if root.elf.type == "shared" and self._case.wheel.kind != "library" and not missing:
            copies = (host_library(name, root.elf.machine) for name in INTERPRETERS_OWN)
            found += [copy for copy in copies if copy is not None and copy.soname not in seen]
        return Scope(libraries=tuple(found), missing=tuple(missing))

    def _find(self, soname: str, asker: Library) -> Library | None:
        machine = asker.elf.machine
        if asker.owner is not None:
            held = self._wheels(soname, machine, asker.owner)
            if held is not None or not self.is_platform(soname):
                return held
        return host_library(soname, machine)

    def _wheels(self, soname: str, machine: str, asker: Inspected) -> Library | None:
        """A library of the asker's own wheel, of its owner, or of a wheel that is required."""
        owner = self._case.owners.get(soname)
        for wheel in (asker, *((owner,) if owner else ()), *self._required):
            if (library := self._held_by(wheel).get((soname, machine))) is not None:
                return library
        return None

    def _held_by(self, wheel: Inspected) -> dict[tuple[str, str], Library]:
        if wheel.name not in self._held:
            self._held[wheel.name] = {
                (each.answers_to, each.elf.machine): Library(
                    soname=each.answers_to, elf=each.elf, owner=wheel
                )
                for each in reversed(wheel.binaries)  # of two that answer, the first
            }
        return self._held[wheel.name]


@dataclass(frozen=True, kw_only=True)
class Unresolved:
    """What a file needs and does not get.

    Args:
        symbols: strong undefined symbols that nothing in its scope defines.
        nodes: (library, version node) that the library, which is at hand, does not define.
        doubtful: (library, version node) of a library that is not at hand.
    """

    symbols: tuple[Symbol, ...] = ()
    nodes: tuple[tuple[str, str], ...] = ()
    doubtful: tuple[tuple[str, str], ...] = ()


def unresolved(scope: Scope, *, interpreter: bool) -> Unresolved:
    """What of the root's symbols and version nodes has no definition.

    Weak symbols may be without one. A version node that a platform policy knows counts as given,
    in whichever library of the platform: glibc has merged several into one.

    Args:
        scope: what is loaded.
        interpreter: whether the C API of Python is there.

    Raises:
        ElfError: a symbol table is malformed.
    """
    elf = scope.root.elf
    lost, doubtful, given = [], [], set()
    for file, nodes in elf.version_needs:
        for node in nodes:
            match _has_node(scope, file, node):
                case True:
                    given.add(node)
                case False:
                    lost.append((file, node))
                case None:
                    doubtful.append((file, node))
    platform = {
        node
        for file, nodes in elf.version_needs
        for node in nodes
        if node in given and _is_platforms(scope, file)
    }
    told = {node for _, node in (*lost, *doubtful)}
    symbols = (
        symbol
        for symbol in undefined(elf)
        if symbol.binding != "weak"
        and symbol.version not in platform
        and symbol.version not in told
        and not (interpreter and symbol.name.startswith(INTERPRETER))
        and scope.definer(symbol) is None
    )
    return Unresolved(symbols=tuple(symbols), nodes=tuple(lost), doubtful=tuple(doubtful))


def not_of_loaders(
    library: Library, symbols: tuple[Symbol, ...], scopes: Iterable[Scope]
) -> tuple[Symbol, ...]:
    """The symbols that are not given either by a file that loads the library, and all of its.

    A program may load any plugin by itself.
    """
    for scope in scopes:
        is_program = scope.root.elf.type == "executable"
        if symbols and (is_program or library.soname in scope.by_soname):
            symbols = tuple(
                symbol
                for symbol in symbols
                if not any(each.defines(symbol.name, symbol.version) for each in scope.libraries)
            )
    return symbols


@cache
def host_library(soname: str, machine: str) -> Library | None:
    """This host's copy of a library, where the loader would look without any setting."""
    triplet = f"{machine}-linux-gnu"
    for folder in (f"lib/{triplet}", f"usr/lib/{triplet}", "lib64", "usr/lib64", "lib", "usr/lib"):
        try:
            elf = read_elf(Path("/", folder, soname))
        except ElfError:
            continue
        if elf.machine == machine:
            return Library(soname=soname, elf=elf)
    return None


def _is_platforms(scope: Scope, file: str) -> bool:
    library = scope.by_soname.get(file)
    return library is None or library.owner is None


def _has_node(scope: Scope, file: str, node: str) -> bool | None:
    """Whether the library of a DT_VERNEED defines a version node; None where nobody can tell."""
    library = scope.by_soname.get(file)
    if library is not None and library.owner is not None:
        return node in library.elf.version_definitions
    if is_platform(file) and knows_node(node, scope.root.elf.machine):
        return True
    if library is None:
        # Not asked for by DT_NEEDED, but for glibc's parts: it may be loaded for others.
        library = host_library(file, scope.root.elf.machine) if is_platform(file) else None
    if library is not None:
        return node in library.elf.version_definitions
    return None if file in scope.missing or is_platform(file) else False
