"""What shows and should not, and what recipes allow for nothing."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase, translate

from commonwheel.check.case import Case
from commonwheel.check.finding import Finding, NotChecked
from commonwheel.check.gate import CONSUMER, LIBRARY, MILD, OURS, Found, Gate
from commonwheel.check.inspect import Binary, Inspected
from commonwheel.check.mention import mention_of
from commonwheel.check.symbols import clashes, reached, some
from commonwheel.elf import exported_names
from commonwheel.errors import ElfError
from commonwheel.recipe.model import Waiver
from commonwheel.repair.classify import grafted_name
from commonwheel.repair.loader import LOADER
from commonwheel.repair.providers import ProviderWheel
from commonwheel.text import counted

NO_RECIPE = "no recipe is known for this wheel"
# Fewer symbols than these may bear the same name by chance, where nothing loads both together.
COPY = 5


class OnlyExports(Gate):
    """A library exports no symbol that the recipe's `exports` do not admit.

    Libraries without `exports` in the recipe export what upstream exports, and are not held to
    anything. The markers of version nodes are no symbols.

    Why: what is exported is used sooner or later, and then it is ABI. An exported helper or a
    static copy of another library inside takes the place of the true one in other libraries.

    Fix: where upstream links with a version map, patch the map (a second one is refused by ld);
    build with `-fvisibility=hidden`; link static helpers with `-Wl,--exclude-libs,ALL`. What
    belongs to the interface goes into the recipe's `abi.libraries[].exports`.
    """

    id = "CW701"
    title = "no symbol is exported that the recipe does not admit"
    message = "exports {symbols} that the recipe's 'exports' do not admit: {names}"
    levels = LIBRARY

    def check(self, case: Case) -> Found:
        """Of each library with patterns, the symbols that none of them matches."""
        if case.expected is None:
            yield self.unchecked(NO_RECIPE)
            return
        yield from self.unread(case)
        for soname, patterns in case.expected.exports.items():
            names = _names(self, case, soname)
            if isinstance(names, NotChecked):
                yield names
                continue
            admitted = re.compile("|".join(map(translate, patterns))).match
            if hidden := sorted(name for name in names if not admitted(name)):
                yield self.finding(
                    case,
                    case.wheel.by_soname[soname].member,
                    symbols=counted(len(hidden), "symbol"),
                    names=some(hidden),
                )


class OneDefinition(Gate):
    """No symbol of a library is exported a second time by what may be loaded with it.

    Asked of every file of a wheel against the libraries of the library wheels beside it, and
    against the libraries that a repair tool has copied into the wheel itself and that the file
    loads. A single symbol counts where the file loads the library (DT_NEEDED, also through others),
    and between two library wheels, since a consumer may use both; elsewhere five count, as fewer
    may meet by chance. Two lines of one library do not count: they are there side by side, and no
    consumer uses both. Neither do weak and unique symbols, type information and the standard
    library of C++ (every object that uses a template or an inline function has them), nor the same
    name under two version nodes, nor what one upstream project installs side by side.

    A static copy whose symbols are hidden does not show in the symbol table: it is not found, and
    does not take anybody's place.

    Why: of two definitions in one scope the first serves all. An extension with a static copy of
    PROJ inside, beside the shared one, makes the shared one call into the copy (interposition):
    two states of one library, and crashes where their releases differ. That one of the two NEEDs
    the other makes it certain, not harmless.

    Fix: build against the shared library (`-DUSE_EXTERNAL_X=ON`, the recipe's `uses`); where a
    static copy must stay, hide it with `-Wl,--exclude-libs,ALL` or a version map; for library
    wheels `abi.libraries[].exports`.
    """

    id = "CW702"
    title = "no symbol of a library is exported twice"
    message = "exports {symbols} that {library} of {owner} exports too: {names}"
    levels = MILD
    compares = True

    def check(self, case: Case) -> Found:
        """Definitions that get in each other's way."""
        yield from self.unread(case)
        yield from self._absent(case)
        loaded = {
            name: b.elf for each in (*case.others, case.wheel) for name, b in each.by_soname.items()
        }
        for binary in case.wheel.binaries:
            scope = reached(binary.elf, loaded)
            try:
                for owner, library, least in _rivals(case, binary, scope):
                    names = clashes(binary.strong, library.strong)
                    if len(names) >= least:
                        yield self.finding(
                            case,
                            binary.member,
                            symbols=counted(len(names), "symbol"),
                            library=library.answers_to,
                            owner=owner,
                            names=some(names),
                        )
            except ElfError as error:
                yield self.unchecked(str(error), binary.member)

    def _absent(self, case: Case) -> Iterator[NotChecked]:
        """Of our wheels, providers that are not at hand."""
        here = {other.distribution for other in case.others}
        for distribution in case.wheel.requires:
            ours = distribution.startswith(case.names.distribution(""))
            if case.wheel.kind != "foreign" and ours and distribution not in here:
                yield self.unchecked(f"{distribution} is not at hand")


class OnlyGrafts(Gate):
    """Nothing is grafted that the recipe's `grafts` do not name, and nothing into library wheels.

    Why: what is grafted is a copy that nobody updates, and that others have as well. An exclude
    that did not match once put 890 MB of ROCm into a wheel, in silence.

    Fix: a library recipe for it; or switch off what needs it; or, for a consumer, name it in the
    recipe's `grafts`.
    """

    id = "CW703"
    title = "nothing is grafted that the recipe does not name"
    message = "{library} is grafted, {why}"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Members of `.libs` folders."""
        if case.wheel.kind == "consumer" and case.expected is None:
            yield self.unchecked(NO_RECIPE)
            return
        for member, library in _grafted(case.wheel):
            if case.wheel.kind == "library":
                why = "and a library wheel holds nothing but its own"
                yield self.finding(case, member, library=library, why=why)
            elif case.expected and not _any_matches([library], case.expected.grafts):
                why = "and the recipe's 'grafts' do not name it"
                yield self.finding(case, member, library=library, why=why)


class GraftsUsed(Gate):
    """Every pattern of the recipe's `grafts` names something that is grafted.

    Why: an allowance that nothing needs lets the next library in that happens to match.

    Fix: remove the pattern.
    """

    id = "CW704"
    title = "every allowance to graft is used"
    message = "the recipe allows to graft '{pattern}', and nothing of the kind is grafted"
    levels = CONSUMER

    def check(self, case: Case) -> Found:
        """Patterns without a match."""
        if case.expected is None:
            yield self.unchecked(NO_RECIPE)
            return
        names = [library for _, library in _grafted(case.wheel)]
        for pattern in case.expected.grafts:
            if not _any_matches(names, [pattern]):
                yield self.finding(case, pattern=pattern)


class DlopenUsed(Gate):
    """Every library that the recipe lists under `dlopen` is required, and named in some file.

    To open a library, code must name it: by its file (`libgeos_c.so`), by its name (`geos_c`, for
    `ctypes.util.find_library`) or by the package of its wheel (`geos_so1`). Files that NEED the
    library do not count, since they have it without; neither do the generated loader and the
    wheel's metadata. That a name stands in a file does not prove that it is opened.

    Why: the list is made by hand, the only one, and nothing else notices when it has aged. An
    unneeded line loads a library into every process; a line without a requirement loads what may
    not be installed.

    Fix: remove the line from the recipe's `dlopen`, or build again, so that repair declares it.
    """

    id = "CW705"
    title = "every library under 'dlopen' is required and opened"
    message = "the recipe says that it opens {line} by itself, and {why}"
    levels = CONSUMER

    def check(self, case: Case) -> Found:
        """Lines that nothing declares or nothing names."""
        if case.expected is None:
            yield self.unchecked(NO_RECIPE)
            return
        providers = {each.provider.line: each.provider for each in case.providers if each.provider}
        for line in case.expected.dlopen:
            distribution = case.names.distribution(line)
            if distribution not in case.wheel.requires:
                why = f"no Requires-Dist names {distribution}"
                yield self.finding(case, line=line, why=why)
            elif line not in providers:
                yield self.unchecked(f"{distribution} is not at hand")
            elif not _is_named(case, providers[line]):
                why = "no file that does not NEED it names any of its libraries"
                yield self.finding(case, line=line, why=why)


class ExportsUsed(Gate):
    """Every pattern of the recipe's `exports` matches a symbol of its library.

    Why: a pattern that matches nothing is a slip, or the interface has lost what it stood for.

    Fix: mend the pattern or remove it; if symbols are gone, it is a matter for the ABI line.
    """

    id = "CW706"
    title = "every pattern of exports matches a symbol"
    message = "the recipe's 'exports' have '{pattern}', which matches no symbol"
    levels = LIBRARY

    def check(self, case: Case) -> Found:
        """Patterns without a match, by library."""
        if case.expected is None:
            yield self.unchecked(NO_RECIPE)
            return
        for soname, patterns in case.expected.exports.items():
            names = _names(self, case, soname)
            if isinstance(names, NotChecked):
                yield names
                continue
            member = case.wheel.by_soname[soname].member
            for pattern in patterns:
                if not _any_matches(names, [pattern]):
                    yield self.finding(case, member, pattern=pattern)


class UnusedWaiver(Gate):
    """Every waiver of the recipe lets something pass.

    Why: a waiver that nothing needs any more hides the next fault of its kind.

    Fix: remove it, or narrow its `versions` to the releases that need it.
    """

    id = "CW709"
    title = "no waiver is unused"
    message = "the recipe waives {gate}, and nothing needs it"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Nothing: which are unused is known when all gates have been asked (`findings`)."""
        return self.findings(case, ())

    def findings(self, case: Case, unused: Iterable[Waiver]) -> Iterator[Finding]:
        """Those that have let nothing pass."""
        for waiver in unused:
            yield self.finding(case, gate=waiver.gate)


GATES: tuple[Gate, ...] = (
    OnlyExports(),
    OneDefinition(),
    OnlyGrafts(),
    GraftsUsed(),
    DlopenUsed(),
    ExportsUsed(),
    UnusedWaiver(),
)


def _names(gate: Gate, case: Case, soname: str) -> set[str] | NotChecked:
    """The exported names of one library of the wheel, or why they cannot be told."""
    binary = case.wheel.by_soname.get(soname)
    if binary is None:
        return gate.unchecked(f"{soname} is not in the wheel")
    try:
        return {name for name, _ in exported_names(binary.elf)}
    except ElfError as error:
        return gate.unchecked(error.what, binary.member)


def _any_matches(names: Iterable[str], patterns: Iterable[str]) -> bool:
    wanted = tuple(patterns)
    return any(fnmatchcase(name, pattern) for name in names for pattern in wanted)


def _grafted(wheel: Inspected) -> list[tuple[str, str]]:
    """(member, name that the library had before) of all that was copied into a wheel."""
    return [(m, name) for m in wheel.wheel.members if (name := grafted_name(m)) is not None]


def _same_library(wheel: Inspected, other: Inspected) -> bool:
    """Whether both are lines of one library."""
    if wheel.manifest is None or other.manifest is None:
        return False
    return wheel.manifest.get("name") == other.manifest.get("name")


def _rivals(case: Case, binary: Binary, scope: set[str]) -> Iterator[tuple[str, Binary, int]]:
    """(owner, library, how many common symbols are a fault) of what may be loaded with a file."""
    for other in case.providers:
        assert other.provider is not None
        for soname in other.provider.sonames:
            library = other.by_soname.get(soname)
            if library is not None and not _same_library(case.wheel, other):
                close = soname in scope or case.wheel.kind == "library"
                yield other.name, library, 1 if close else COPY
    own = case.wheel.by_soname
    for soname in sorted(scope & own.keys()):
        if own[soname].is_bundled and own[soname] is not binary:
            yield "this wheel", own[soname], 1


def _is_named(case: Case, provider: ProviderWheel) -> bool:
    """Whether a file that does not NEED a provider names one of its libraries, or its package."""
    mention = mention_of(provider)
    return any(mention.search(content) for content in _own_files(case, provider))


def _own_files(case: Case, provider: ProviderWheel) -> Iterator[bytes]:
    for member, content in case.contents.items():
        binary = case.wheel.by_member.get(member)
        needs = binary is not None and set(binary.elf.needed) & set(provider.sonames)
        loader = posixpath.basename(member) == f"{LOADER}.py"
        if not (needs or loader or member.startswith(f"{case.wheel.wheel.dist_info}/")):
            yield content
