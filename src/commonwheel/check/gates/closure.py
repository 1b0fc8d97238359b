"""All that is needed is there, and all that is declared is needed."""

from collections.abc import Iterable, Iterator

from commonwheel.check.case import Case
from commonwheel.check.company import release
from commonwheel.check.declared import absent, opened, used
from commonwheel.check.gate import EVERY, OURS, Found, Gate
from commonwheel.check.inspect import Binary, Inspected
from commonwheel.check.resolve import (
    Linker,
    Scope,
    Unresolved,
    not_of_loaders,
    unresolved,
)
from commonwheel.errors import ElfError

SHOWN = 5
# Platforms whose own libraries are known here.
LINUX = ("manylinux", "musllinux", "linux")


def is_linux(case: Case) -> bool:
    """Whether a wheel is for Linux; Android's are ELF, too."""
    return any(tag.startswith((*LINUX, "any")) for tag in case.wheel.wheel.name.platform)


def programs(wheel: Inspected) -> Iterator[Binary]:
    """The binaries that something can load or run; no object files of a compiler."""
    return (binary for binary in wheel.binaries if binary.elf.type != "other")


def listed(names: Iterable[str]) -> str:
    """The first of many, for a message."""
    every = list(names)
    more = len(every) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more} more" if more > 0 else "")


class NeededIsOwned(Gate):
    """Every DT_NEEDED is a library of the wheel itself, of a library wheel, or of the platform.

    For our own wheels a library that has a recipe is never the platform's, even where platform
    policies allow it (libz, libexpat).

    Why: what nobody owns is found by luck: on the machine that built the wheel, or where somebody
    has installed the same release. conda-build has this check, and leaves it off. An extension
    module that needs libpython loads a second interpreter, or none.

    Fix: add the library's recipe to `uses`, switch the feature off that needs it, or name it in
    `grafts`. For libpython: link extension modules without it, as `python3-config --ldflags`
    (without `--embed`) says. For wheels of others, give those that they require by `--with`.
    """

    id = "CW201"
    title = "every library that is needed has an owner"
    message = "needs {soname}, {why}"

    def check(self, case: Case) -> Found:
        """Look for the owner of each."""
        yield from self.unread(case)
        if not is_linux(case):
            yield self.unchecked("the libraries of this wheel's platform are not known here")
            return
        linker = Linker(case)
        elsewhere = absent(case) if case.wheel.kind == "foreign" else []
        for binary in programs(case.wheel):
            for soname in dict.fromkeys(binary.elf.needed):
                owned = linker.owner(soname, binary.elf) is not None
                if owned or linker.is_platform(soname):
                    continue
                if soname.startswith("libpython"):
                    why = "the interpreter's own library, which many interpreters do not have"
                    yield self.finding(case, binary.member, soname=soname, why=why)
                elif elsewhere:
                    reason = f"{soname} may be in {listed(elsewhere)}, which is not at hand"
                    yield self.unchecked(reason, binary.member)
                else:
                    why = "which neither the wheel, nor a library wheel, nor the platform has"
                    yield self.finding(case, binary.member, soname=soname, why=why)


class ProviderIsRequired(Gate):
    """The library wheel of each library that is used stands in Requires-Dist.

    Its specifier must admit the release that the wheel is held against.

    Why: metadata is all that an installer sees. Without the requirement the import fails; with one
    that excludes the release at hand nobody can install what was tested (`pip install
    pin==2.6.17`: `pip check` was content, and the import failed).

    Fix: repair writes these lines from DT_NEEDED: repair the wheel again with the library wheels
    that it was built against.
    """

    id = "CW202"
    title = "the library wheel of each library that is used is required"
    message = "uses {line}, and Requires-Dist {fault}"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Compare what is used with what is declared."""
        yield from self.unread(case)
        owners = {owner.distribution: owner for owner in used(case)}
        lines = {each.provider.distribution: each for each in case.providers if each.provider}
        for line in case.expected.dlopen if case.expected else ():
            distribution = case.names.distribution(line)
            if distribution not in case.wheel.requires:
                fault = f"does not name {distribution}"
                yield self.finding(case, line=line, fault=fault)
            elif distribution in lines:
                owners.setdefault(distribution, lines[distribution])
        for distribution, owner in owners.items():
            assert owner.provider is not None
            line, requirement = owner.provider.line, case.wheel.requires.get(distribution)
            if requirement is None:
                yield self.finding(case, line=line, fault=f"does not name {distribution}")
            elif not requirement.specifier.contains(release(owner), prereleases=True):
                fault = f"has {distribution}{requirement.specifier}, which {owner.version} is not"
                yield self.finding(case, line=line, fault=fault)


class RequiredIsUsed(Gate):
    """No library wheel is required that nothing in the wheel uses.

    Used is what a DT_NEEDED names, and what the recipe lists under `dlopen`.

    Why: a requirement that nothing uses still downloads, and still binds the release; it mostly
    means that a feature was meant to be there and configure did not find its library.

    Fix: look into the build's log whether the library was found; if it is not meant to be used,
    remove it from `uses` (or from `dlopen`), and repair the wheel again.
    """

    id = "CW203"
    title = "every library wheel that is required is used"
    message = "requires {distribution}, of which nothing in the wheel needs a library"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Compare what is declared with what is used."""
        if case.wheel.malformed:
            yield from self.unread(case)
            return
        providers = {each.distribution for each in case.providers}
        in_use = {owner.distribution for owner in used(case)} | set(opened(case))
        needed = {soname for binary in case.wheel.binaries for soname in binary.elf.needed}
        for distribution in case.wheel.requires:
            if distribution in in_use:
                continue
            if distribution in providers:
                yield self.finding(case, distribution=distribution)
            elif distribution.startswith(f"{case.names.prefix}-"):
                open_ones = {s for s in needed if case.names.is_tagged(s) and s not in case.owners}
                if open_ones - case.wheel.by_soname.keys():
                    yield self.unchecked(f"{distribution} is not at hand")
                else:
                    yield self.finding(case, distribution=distribution)


class SharedWithItsNeeds(Gate):
    """What a shared library needs is shared, too, or private to it.

    Two libraries with one SONAME need the same libraries; and a library of a library wheel needs
    tagged ones only, beside the platform's.

    Why: the first of two libraries with one SONAME serves everybody. Where each is bound to
    another copy of its own dependency, the second package gets the first one's, and calls them
    with structures of its own: h5py 3.15.1 and netCDF4 1.7.4 fail so in both import orders.

    Fix: make the dependency a library wheel of its own, or link it statically into the one library
    that needs it, hidden. In wheels of others: nothing but other releases, or `commonwheel share`.
    """

    id = "CW204"
    title = "what a shared library needs is shared, too"
    message = "{soname} is shared by halves: {why}"
    levels = EVERY
    compares = True

    def check(self, case: Case) -> Found:
        """Compare libraries of one SONAME over the set, and look at what ours need."""
        yield from self.unread(case)
        linker = Linker(case)
        mine = list(_shared(case.wheel))
        for index, binary in enumerate(mine):
            rivals = [(case.wheel, other) for other in mine[:index]]
            rivals += [(other, each) for other in case.others for each in _shared(other)]
            for wheel, rival in rivals:
                if _is_same(binary, rival):
                    yield from self._compare(case, linker, binary, wheel, rival)
        if case.wheel.kind != "library":
            return
        for binary in mine:
            for soname in binary.elf.needed:
                platform = linker.is_platform(soname)
                if not platform and not case.names.is_tagged(soname):
                    why = f"it needs {soname}, which anybody's copy may answer to"
                    yield self.finding(case, binary.member, soname=binary.answers_to, why=why)

    def _compare(
        self, case: Case, linker: Linker, mine: Binary, wheel: Inspected, other: Binary
    ) -> Found:
        here, there = (
            {s for s in each.elf.needed if not linker.is_platform(s)} for each in (mine, other)
        )
        if here != there:
            only_here = listed(sorted(here - there)) or "nothing more"
            only_there = listed(sorted(there - here)) or "nothing more"
            why = f"it needs {only_here} here, and {only_there} in {wheel.name}:{other.member}"
            yield self.finding(case, mine.member, soname=mine.answers_to, why=why)


class SymbolsResolve(Gate):
    """Every strong undefined symbol has a definition, with its version, in what the file loads.

    Looked for as the loader does: in the file, then breadth-first in what it needs. Weak symbols
    may stay without. The interpreter's symbols are given to all but library wheels, and version
    nodes of glibc and of GCC's libraries that a platform policy knows count as given (the platform
    tag says which of them may be used).

    Why: Python loads extension modules at once and whole: one missing function is an ImportError,
    a missing version node is one even where nothing calls for it, and a library that has lost its
    version nodes makes the loader end the process.

    Fix: link the library that has the symbol, or raise the floor of the library wheel that has it
    in later releases only; never drop a version script.
    """

    id = "CW205"
    title = "every undefined symbol has a definition"
    message = "needs {what}, which nothing that it loads defines"

    def check(self, case: Case) -> Found:
        """Resolve each binary."""
        yield from self.unread(case)
        if not is_linux(case):
            yield self.unchecked("the libraries of this wheel's platform are not known here")
            return
        linker = Linker(case)
        scopes = {b.member: linker.scope(linker.library(b)) for b in programs(case.wheel)}
        for member, scope in scopes.items():
            try:
                left = unresolved(scope, interpreter=case.wheel.kind != "library")
                yield from self._judge(case, member, left, scopes)
            except ElfError as error:
                yield self.unchecked(error.what, member)

    def _judge(self, case: Case, member: str, left: Unresolved, scopes: dict[str, Scope]) -> Found:
        scope = scopes[member]
        for file, node in left.nodes:
            yield self.finding(case, member, what=f"the version node {node} of {file}")
        if left.doubtful:
            files = listed(dict.fromkeys(file for file, _ in left.doubtful))
            nodes = listed(dict.fromkeys(node for _, node in left.doubtful))
            reason = f"whether the version node {nodes} is there: {files} is not at hand"
            yield self.unchecked(reason, member)
        symbols = left.symbols
        if symbols and case.wheel.kind == "foreign":
            symbols = not_of_loaders(scope.root, symbols, scopes.values())
        names = sorted({f"{s.name}@{s.version}" if s.version else s.name for s in symbols})
        if names and scope.missing:
            missing = listed(scope.missing)
            reason = f"whether {listed(names)} is there: {missing} is not at hand"
            yield self.unchecked(reason, member)
        elif names:
            yield self.finding(case, member, what=listed(names))


def _shared(wheel: Inspected) -> Iterator[Binary]:
    """Libraries that are found by their SONAME: a library wheel's, and those that others need."""
    needed = {soname for binary in wheel.binaries for soname in binary.elf.needed}
    for binary in wheel.binaries:
        if binary.elf.soname and (wheel.kind == "library" or binary.elf.soname in needed):
            yield binary


def _is_same(one: Binary, other: Binary) -> bool:
    return one.elf.soname == other.elf.soname and one.elf.machine == other.elf.machine


GATES: tuple[Gate, ...] = (
    NeededIsOwned(),
    ProviderIsRequired(),
    RequiredIsUsed(),
    SharedWithItsNeeds(),
    SymbolsResolve(),
)
