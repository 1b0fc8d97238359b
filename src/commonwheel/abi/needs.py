"""What libraries need around them: other libraries, and how new the system has to be."""

import re
from collections.abc import Collection, Iterator, Mapping

from commonwheel.abi.change import Change
from commonwheel.abi.kinds import notes, surroundings
from commonwheel.abi.snapshot import Library, Need
from commonwheel.abi.soname import begins

# The C library's own parts come and go with it: glibc 2.34 has taken most of them in.
C_LIBRARY = re.compile(
    r"lib(?:c|m|dl|rt|util|resolv|pthread|anl|mvec)\.so\.[0-9]+|ld-linux.*|libc\.(?:so|musl-.*)"
)
# Nodes that are numbered along: who has one has all that are lower.
NUMBERED = re.compile(
    r"(GLIBC|GLIBCXX|CXXABI|GCC|GOMP|OMP|GFORTRAN|QUADMATH|LIBATOMIC)_([0-9]+(?:\.[0-9]+)*)"
)


def compare_needs(before: Library, after: Library, own: Collection[str]) -> Iterator[Change]:
    """What a library needs now that it did not, and the reverse.

    Args:
        before: the old one.
        after: the new one.
        own: stems of the libraries that come with the new one.
    """
    yield from _platform(before, after)
    for need in after.needs:
        if _is_ours(need, own):
            continue
        was = _match(need, before.needs)
        if was is None:
            yield surroundings.NeedAdded.of(before.soname, need.soname)
        else:
            yield from _nodes(before, was, need)
    for need in before.needs:
        if not _is_ours(need, own) and _match(need, after.needs) is None:
            yield notes.NeedDropped.of(before.soname, need.soname)


def _is_ours(need: Need, own: Collection[str]) -> bool:
    return need.soname.partition(".so")[0] in own or C_LIBRARY.fullmatch(need.soname) is not None


def _match(need: Need, others: Collection[Need]) -> Need | None:
    """The same library among those of the other release, by SONAME or by the name of its file."""
    for other in others:
        if begins(need.soname, other.soname) or begins(other.soname, need.soname):
            return other
    return None


def _platform(before: Library, after: Library) -> Iterator[Change]:
    had, has = _highest(before), _highest(after)
    for prefix, (number, now, soname) in sorted(has.items()):
        if prefix in had and had[prefix][0] < number:
            was = had[prefix][1]
            yield surroundings.PlatformRaised.of(before.soname, soname, was=was, now=now)


def _highest(library: Library) -> Mapping[str, tuple[tuple[int, ...], str, str]]:
    """(number, node, SONAME) of the highest node of each numbered series that a library needs."""
    found: dict[str, tuple[tuple[int, ...], str, str]] = {}
    for need in library.needs:
        for node in need.versions:
            if match := NUMBERED.fullmatch(node):
                number = tuple(map(int, match[2].split(".")))
                here = (number, node, need.soname)
                found[match[1]] = max(found.get(match[1], here), here)
    return found


def _nodes(before: Library, was: Need, now: Need) -> Iterator[Change]:
    """Nodes of another library that were not needed: the library may have to be newer."""
    own = [node for node in now.versions if not NUMBERED.fullmatch(node)]
    more = [node for node in own if node not in was.versions]
    if more:
        old = ", ".join(was.versions) or "any version"
        yield surroundings.PlatformRaised.of(
            before.soname, now.soname, was=old, now=", ".join(more)
        )
