"""What a wheel takes of its providers is in every release of theirs that it admits."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from commonwheel.abi.history import ordered
from commonwheel.abi.mangled import path
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.abi.uses import Lack, Use, Uses, answering, lacks
from commonwheel.check.admitted import Provider
from commonwheel.check.case import Case
from commonwheel.check.gate import MODEST, OURS, Found, Gate
from commonwheel.check.gates.closure import listed
from commonwheel.errors import ElfError


class OfTaken(Gate):
    """A gate that looks at what a wheel takes of its providers."""

    def check(self, case: Case) -> Found:
        """Look at it, if it can be read."""
        yield from self.unread(case)
        try:
            yield from self.judge(case)
        except ElfError as error:
            member = error.where.partition(":")[2]
            yield self.unchecked(error.what, member if member in case.wheel.by_member else "")

    @abstractmethod
    def judge(self, case: Case) -> Found:
        """Look at it."""


class NoPrivateSymbols(OfTaken):
    """Nothing private of a library wheel is used: no private library, no symbol without a header.

    A symbol is public if the headers of its library wheel have its name; of a C++ symbol, each
    name on its path. Where headers paste names together (`name##_free`), two or three of their
    words that meet at underscores will do. It has to be public in every release that Requires-Dist
    admits, as far as they are at hand or recorded.

    Why: what no header names may vanish in any release without a new SONAME. Of 24 upgrades in
    Debian that rightly kept their SONAME, 13 lose such symbols; 3 lose a public one.

    Fix: use the public function in its place, by a patch; or, if upstream does mean it to be
    used, add the header that names it to the recipe's `products`.
    """

    id = "CW206"
    title = "no private symbol of a library wheel is used"
    message = "uses {what} of {distribution}, which {why}"
    levels = OURS

    def judge(self, case: Case) -> Found:
        """Look up what is taken in each release."""
        taken = case.admitted.all_uses
        blind = set()
        for distribution, every in taken.items():
            provider = case.admitted.providers[distribution]
            for uses in every:
                if uses.symbols and uses.library.evidence == ("nothing",):
                    blind.add(distribution)
                told: set[tuple[str, str]] = set()
                for release in (provider.chosen, *provider.others):
                    yield from self._look(case, provider, release, uses, told)
        for distribution in sorted(blind):
            yield self.unchecked(f"{distribution} has no headers")

    def _look(
        self,
        case: Case,
        provider: Provider,
        release: Snapshot,
        uses: Uses,
        told: set[tuple[str, str]],
    ) -> Found:
        """What is private in one release, and was not in those that were looked at before."""
        library = answering(release, uses.library)
        if library is None:
            return
        other = "" if release is provider.chosen else f" {release.number}"
        if library.role == "private":
            private = {member: [uses.soname] for member in uses.needed_by}
            why = "is private to it" if not other else f"is private to{other}"
        else:
            private = {m: _private(library, used) for m, used in uses.taken_by.items()}
            why = f"no header of{other or ' it'} names"
        for member, names in private.items():
            new = [name for name in names if (member, name) not in told]
            told |= {(member, name) for name in new}
            if new:
                what, distribution = listed(new), provider.distribution
                yield self.finding(case, member, what=what, distribution=distribution, why=why)


class EveryReleaseWillDo(OfTaken):
    """Each release of a provider that Requires-Dist admits has all that the wheel takes of it.

    That are libraries by their SONAME, symbols, version nodes, and variables of no smaller size;
    weak symbols may be absent. Looked at is each release that is at hand (several may be given by
    `--with`) and, of library wheels, each recorded one. In wheels of others, a provider is any
    distribution that they require, directly or through others, and that has shared libraries. Of a
    provider that the wheel does not require itself, what it requires says which releases may come.

    Why: installers look at metadata alone. With `pin==2.6.17`, which needs
    `libboost_python311.so.1.81.0`, they take any release of `cmeel-boost`, and the import fails. A
    library's name with a hash in it (`libfoo-1a2b3c4d.so.1.2.3`) is another one in each release. A
    wheel cannot be mended after its upload, and will meet every later release of the line.

    Fix: repair the wheel again with the releases recorded: repair computes the range from what is
    used. Where a release of the middle lacks something, say so in the recipe's `uses`. Of wheels of
    others, keep the release away by a constraint, and tell their authors.
    """

    id = "CW207"
    title = "every admitted release of a provider has what is used of it"
    message = "requires {range}, which admits {release}: that lacks {what}; {remedy}"

    def judge(self, case: Case) -> Found:
        """Hold what is taken against each release."""
        taken = case.admitted.all_uses
        alone = []
        for distribution, every in taken.items():
            provider = case.admitted.providers[distribution]
            yield from self._look(case, provider, every)
            if not provider.others:
                alone.append(distribution)
        if alone:
            yield self.unchecked(f"no other release of {', '.join(sorted(alone))} is known")

    def _look(self, case: Case, provider: Provider, every: Sequence[Uses]) -> Found:
        releases = provider.known.releases
        lost = {each.number: _lacks(every, each) for each in releases}
        for release in releases:
            if found := lost[release.number]:
                yield self.finding(
                    case,
                    found[0].member,
                    range=provider.range,
                    release=release.number,
                    what=listed(lack.what for lack in found),
                    remedy=_remedy(release, releases, lost),
                )


class NeededIsTaken(OfTaken):
    """A library of another wheel that a DT_NEEDED names is taken something of.

    That is a symbol, be it a weak one, of the library itself or of one that only it brings along.
    What the platform has, and libraries of the wheel itself, are not looked at.

    Why: the loader asks for each DT_NEEDED, used or not. So it binds the wheel to that SONAME, and
    the release of the library to the wheel, for nothing; and the library is loaded and relocated in
    each process.

    Fix: link with `-Wl,--as-needed` in front of the libraries, or remove the library from those
    that the build links. A library that is loaded for what its initialisers do needs no mending.
    """

    id = "CW208"
    title = "every library of another wheel that is needed is used"
    message = "needs {soname} of {distribution}, and takes nothing of it"
    levels = MODEST

    def judge(self, case: Case) -> Found:
        """Look for libraries that nothing would be lost without."""
        taken = case.admitted.uses
        for distribution, every in taken.items():
            for uses in every:
                for member in uses.idle:
                    soname = uses.soname
                    yield self.finding(case, member, soname=soname, distribution=distribution)


def _private(library: Library, used: Iterable[Use]) -> list[str]:
    """The names that are there, and not public."""
    found = set()
    for use in used:
        symbols = [s for s in library.by_name.get(use.name, ()) if s.version in {use.version, None}]
        # What is of the standard library has no header here.
        if symbols and path(use.name) and not any(symbol.public for symbol in symbols):
            found.add(use.name)
    return sorted(found)


def _lacks(every: Iterable[Uses], release: Snapshot) -> list[Lack]:
    return [lack for uses in every for lack in lacks(uses, release)]


def _remedy(
    release: Snapshot, releases: Sequence[Snapshot], lost: Mapping[str, Sequence[Lack]]
) -> str:
    """What to make of the range, as far as the known releases tell."""
    good = [each for each in releases if not lost[each.number]]
    if not good:
        return "no known release that it admits will do"
    if ordered(release.number) < ordered(good[0].number):
        return f"raise the floor to {good[0].number}"
    if ordered(release.number) > ordered(good[-1].number):
        return f"keep it below {_after(good[-1], releases).number}"
    return f"leave {release.number} out"


def _after(release: Snapshot, releases: Sequence[Snapshot]) -> Snapshot:
    """The one that comes right behind another."""
    return next(each for each in releases if ordered(each.number) > ordered(release.number))


GATES: tuple[Gate, ...] = (NoPrivateSymbols(), EveryReleaseWillDo(), NeededIsTaken())
