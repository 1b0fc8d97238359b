"""Compare two snapshots: what breaks, what is new, and what could not be looked at."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from commonwheel.abi.change import Change, Verdict
from commonwheel.abi.facts import Fact, told
from commonwheel.abi.kinds import additions, breaks, notes
from commonwheel.abi.needs import compare_needs
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.abi.soname import begins, first_number
from commonwheel.abi.symbols import compare_symbols
from commonwheel.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Types:
    """What a comparison of types has found, and why it could not look at some libraries."""

    changes: tuple[Change, ...] = ()
    unchecked: tuple[str, ...] = ()


NO_TYPES = Types(unchecked=("types: a snapshot has none (signatures, structs, enumerators)",))
NOT_ASKED = Types(unchecked=("types: nobody asked for them (signatures, structs, enumerators)",))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a release differs from another one.

    Args:
        old: the release that things were built against.
        new: the release that is to take its place.
        changes: by library, then as found.
        unchecked: what could not be looked at, and why.
    """

    old: Snapshot
    new: Snapshot
    changes: tuple[Change, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """``breaking``, ``additive`` or ``equal``; what was not checked is not in it."""
        levels = {change.level for change in self.changes}
        if "breaking" in levels:
            return "breaking"
        return "additive" if "addition" in levels else "equal"

    def of_level(self, level: str) -> tuple[Change, ...]:
        """The changes of one level."""
        return tuple(change for change in self.changes if change.level == level)


def compare(
    old: Snapshot, new: Snapshot, *, types: Types = NO_TYPES, facts: Sequence[Fact] = ()
) -> Comparison:
    """Compare two releases.

    Args:
        old: the release that things were built against.
        new: the release that is to take its place.
        types: what debug information tells (:mod:`commonwheel.abi.deep`).
        facts: changes of behaviour that were put down by hand.

    Raises:
        UsageError: the two are for different architectures or C libraries.
    """
    require_alike(old, new)
    changes: list[Change] = []
    unchecked = [*types.unchecked]
    for before, after in pairs(old, new):
        changes += _library(before, after, own={each.stem for each in new.libraries})
        unchecked += _doubts(before, after)
    found, open_facts = told(facts, old, new)
    return Comparison(
        old=old,
        new=new,
        changes=(*changes, *types.changes, *found),
        unchecked=(*dict.fromkeys([*unchecked, *open_facts]),),
    )


def require_alike(old: Snapshot, new: Snapshot) -> None:
    """See to it that one release can take the place of another.

    Raises:
        UsageError: the two are for different architectures or C libraries.
    """
    for what, one, other in (("arch", old.arch, new.arch), ("libc", old.libc, new.libc)):
        if one and other and one != other:
            raise UsageError(
                f"{old.shown} is for {one}, {new.shown} for {other}: nothing replaces the other",
                hint=f"compare two releases with the same {what}",
            )


def pairs(old: Snapshot, new: Snapshot) -> Iterator[tuple[Library | None, Library | None]]:
    """The libraries of two releases, each with the one that takes its place, if there is one."""
    left = list(new.libraries)
    waiting = []
    for before in old.libraries:
        same = next((each for each in left if each.soname == before.soname), None)
        if same is None:
            waiting.append(before)
        else:
            left.remove(same)
            yield before, same
    for before in waiting:
        after = next((each for each in left if each.stem == before.stem), None)
        if after is None and len(old.libraries) == len(new.libraries) == 1:
            after = next(iter(left), None)
        if after is not None:
            left.remove(after)
        yield before, after
    for after in left:
        yield None, after


def _library(
    before: Library | None, after: Library | None, *, own: Collection[str]
) -> Iterator[Change]:
    if before is None:
        assert after is not None
        if after.role == "public":
            yield additions.LibraryAdded.of(after.soname, after.soname)
        return
    private = before.role == "private"
    if after is None:
        gone = notes.PrivateLibraryGone if private else breaks.LibraryGone
        yield gone.of(before.soname, before.soname)
        return
    if private:
        if before.soname != after.soname:
            yield notes.PrivateLibraryGone.of(before.soname, before.soname)
    else:
        if not same_soname(before, after):
            yield breaks.SonameChanged.of(before.soname, after.soname)
        yield from compare_symbols(before, after)
    yield from compare_needs(before, after, own=own)


def same_soname(before: Library, after: Library) -> bool:
    """Whether two libraries may have one SONAME, as far as hashed names tell."""
    if before.hashed and after.hashed:
        return first_number(before.soname) == first_number(after.soname)
    if before.hashed:
        return begins(after.soname, before.soname)
    return begins(before.soname, after.soname) if after.hashed else before.soname == after.soname


def _doubts(before: Library | None, after: Library | None) -> Iterator[str]:
    if before is None or after is None or before.role == "private":
        return
    if before.hashed and after.hashed and before.soname != after.soname:
        yield (
            f"SONAME of {before.stem}: {before.soname} and {after.soname} are the names of files, "
            "of which the SONAME is a beginning"
        )
    if before.evidence == ("nothing",):
        yield (
            f"public or private: without headers every symbol of {before.soname} counts as public"
        )
