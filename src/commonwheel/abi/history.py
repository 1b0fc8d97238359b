"""The recorded releases of one ABI line, and since when each has what."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging.version import InvalidVersion, Version

from commonwheel.abi.snapshot import Library, Snapshot

# OpenSSL's patch releases, before its third.
LETTER = re.compile(r"(\d+(?:\.\d+)+)([a-z])")
NUMBERS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True)
class History:
    """The releases of a line that are known, oldest first.

    Args:
        releases: their snapshots, of one architecture and C library; :func:`history` sorts them.
    """

    releases: tuple[Snapshot, ...] = ()

    @cached_property
    def newest(self) -> Snapshot | None:
        """The last one."""
        return self.releases[-1] if self.releases else None

    def before(self, release: str) -> Snapshot | None:
        """The one that comes right before a release, itself left out."""
        older = [each for each in self.releases if ordered(each.number) < ordered(release)]
        return older[-1] if older else None

    def after(self, release: str) -> Snapshot | None:
        """The one that comes right after a release."""
        newer = (each for each in self.releases if ordered(each.number) > ordered(release))
        return next(newer, None)

    def of(self, release: str) -> Snapshot | None:
        """The one of a release."""
        return next((each for each in self.releases if each.number == release), None)

    def first(self, library: str, name: str, version: str | None = None) -> str | None:
        """The oldest release that exports a symbol; None where none does.

        Args:
            library: the stem of its SONAME: ``libproj``.
            name: of the symbol.
            version: its version node; None for any.
        """
        for release in self.releases:
            for each in libraries(release, library):
                found = each.by_name.get(name, ())
                if any(version in {None, symbol.version} for symbol in found):
                    return release.number
        return None


def history(snapshots: Iterable[Snapshot]) -> History:
    """Releases in their order; of two snapshots of one release, the first one counts."""
    by_number: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        by_number.setdefault(snapshot.number, snapshot)
    return History(tuple(sorted(by_number.values(), key=lambda each: ordered(each.number))))


def libraries(release: Snapshot, stem: str) -> Iterator[Library]:
    """Those of a release with that stem; two SONAMEs of one library may stand side by side."""
    return (each for each in release.libraries if each.stem == stem)


def ordered(release: str) -> Version:
    """How releases are sorted: as PEP 440 has it.

    ``1.1.1w`` comes between ``1.1.1`` and ``1.1.2``; of any other that is none, its leading
    numbers count.
    """
    if match := LETTER.fullmatch(release):
        release = f"{match[1]}.post{ord(match[2])}"
    try:
        return Version(release)
    except InvalidVersion:
        match = NUMBERS.match(release)
        return Version(match[0] if match else "0")
