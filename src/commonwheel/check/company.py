"""Which of the wheels at hand are held against one another."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from commonwheel.abi.requires import requirements
from commonwheel.check.inspect import Inspected
from commonwheel.wheel.name import WheelName
from commonwheel.wheel.read import read_wheel


def providers_first(paths: Sequence[Path]) -> list[Path]:
    """Wheels in an order in which each comes behind what it is held against, else as given.

    That are the wheels that it requires, and the releases before it.

    Raises:
        WheelError: one of them is no wheel.
    """
    wheels = {path: read_wheel(path) for path in paths}
    by_distribution: dict[str, list[Path]] = {}
    for path, wheel in wheels.items():
        by_distribution.setdefault(wheel.name.normalised, []).append(path)
    order: dict[Path, None] = {}

    def place(path: Path, above: frozenset[Path]) -> None:
        if path in order or path in above:  # placed, or one of a circle
            return
        mine = wheels[path].name
        for name in (mine.normalised, *requirements(wheels[path])):
            for other in by_distribution.get(name, ()):
                if name != mine.normalised or _version(wheels[other].name) < _version(mine):
                    place(other, above | {path})
        order[path] = None

    for path in paths:
        place(path, frozenset())
    return list(order)


def company(wheel: Inspected, known: Iterable[Inspected]) -> tuple[Inspected, ...]:
    """What would be installed beside a wheel: of each other distribution, one wheel.

    Of a distribution that it requires, that is the oldest release that will do: what holds with
    the floor of a range is what the range promises.
    """
    by_distribution: dict[str, list[Inspected]] = {}
    for other in known:
        if other.distribution != wheel.distribution and _fits(wheel, other):
            by_distribution.setdefault(other.distribution, []).append(other)
    return tuple(_choose(wheel, others) for others in by_distribution.values())


def releases_beside(
    wheel: Inspected, known: Iterable[Inspected]
) -> dict[str, tuple[Inspected, ...]]:
    """All that is at hand of each other distribution for a wheel's machine and C library."""
    found: dict[str, list[Inspected]] = {}
    for other in known:
        # Wheels of another C library have none that it could use.
        same = not other.binaries or other.platform == wheel.platform
        if same and other.distribution != wheel.distribution and _fits(wheel, other):
            found.setdefault(other.distribution, []).append(other)
    return {name: tuple(sorted(others, key=release)) for name, others in found.items()}


def family(wheel: Inspected, known: Iterable[Inspected]) -> tuple[Inspected, ...]:
    """The other wheels of the same distribution, of whichever release."""
    return tuple(
        other
        for other in known
        if other.distribution == wheel.distribution and other.name != wheel.name
    )


def previous(wheel: Inspected, relatives: Sequence[Inspected]) -> Inspected | None:
    """The newest earlier release of a wheel, for the same Python and architecture."""
    before = [
        other
        for other in relatives
        if release(other) < release(wheel)
        and other.wheel.name.python == wheel.wheel.name.python
        and _fits(wheel, other)
    ]
    return max(before, key=release, default=None)


def release(wheel: Inspected) -> Version:
    """Its version, to compare; one that is none counts as the oldest."""
    return _version(wheel.wheel.name)


def _version(name: WheelName) -> Version:
    try:
        return Version(name.version)
    except InvalidVersion:
        return Version("0.dev0")


def _choose(wheel: Inspected, others: Sequence[Inspected]) -> Inspected:
    requirement = wheel.requires.get(canonicalize_name(others[0].distribution))
    if requirement is not None:
        enough = [o for o in others if requirement.specifier.contains(release(o), prereleases=True)]
        if enough:
            return min(enough, key=release)
    return max(others, key=release)


def _fits(wheel: Inspected, other: Inspected) -> bool:
    """Whether one interpreter can use both, as far as file names tell."""
    mine, its = wheel.wheel.name, other.wheel.name
    pythons = _interpreters(mine), _interpreters(its)
    if all(pythons) and not pythons[0] & pythons[1]:
        return False
    return None in {_arch(mine), _arch(its)} or _arch(mine) == _arch(its)


def _interpreters(name: WheelName) -> set[str]:
    """Those that a wheel is for; empty where it fits many (pure Python, the stable ABI)."""
    many = "abi3" in name.abi or any(tag.startswith("py") for tag in name.python)
    return set() if many else set(name.python)


def _arch(name: WheelName) -> str | None:
    """The architecture of a platform tag (``x86_64``); None for ``any``."""
    platform = name.platform[0]
    return None if platform == "any" else re.sub(r"^[a-z]+\d*(_\d+)*_", "", platform)
