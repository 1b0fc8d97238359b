"""The snapshots that are kept of releases: ``abi/<line>/<version>-<arch>-<libc>.json``."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from commonwheel.abi.encoding import SUFFIX, read_snapshot, to_json
from commonwheel.abi.history import History, history
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import SnapshotError

FOLDER = "abi"
# Longer ones are compressed: nobody reads a diff of thousands of lines.
LONG = 100_000


@dataclass(frozen=True)
class Records:
    """Recorded releases of some lines, for one architecture and C library.

    Args:
        snapshots: in no order.
    """

    snapshots: tuple[Snapshot, ...] = ()

    def of(self, line: str) -> History:
        """The releases of a line."""
        return history(each for each in self.snapshots if each.line == line)

    def only(self, lines: Collection[str]) -> "Records":
        """The records of these lines."""
        return Records(tuple(each for each in self.snapshots if each.line in lines))


def record_file(folder: Path, snapshot: Snapshot) -> Path:
    """Where a snapshot is kept below a folder of recipes."""
    platform = "-".join(filter(None, [snapshot.arch, snapshot.libc]))
    name = f"{snapshot.number}-{platform}.json"
    suffix = SUFFIX if len(to_json(snapshot)) > LONG else ""
    return folder / FOLDER / snapshot.line / f"{name}{suffix}"


def read_records(
    folders: Iterable[Path], arch: str, libc: str, lines: Collection[str] | None = None
) -> Records:
    """Read what is recorded below folders of recipes.

    Args:
        folders: of one release, the first folder that has it counts.
        arch: as in wheel platform tags.
        libc: ``glibc`` or ``musl``; libraries that need neither are for both.
        lines: those that are wanted; None for all.

    Raises:
        SnapshotError: a record is damaged, or lies under another release's name.
    """
    found: dict[tuple[str, str], Snapshot] = {}
    for path in _files(folders, arch, libc, lines):
        snapshot = read_snapshot(path)
        expected = record_file(path.parents[2], snapshot)
        if expected not in {path, path.with_suffix(""), path.with_name(f"{path.name}{SUFFIX}")}:
            raise SnapshotError(
                f"is the record of {snapshot.shown}",
                where=str(path),
                hint=f"move it to {expected}, or record the release again: commonwheel abi accept",
            )
        found.setdefault((snapshot.line, snapshot.number), snapshot)
    return Records(tuple(found.values()))


def digest(
    folders: Iterable[Path], arch: str, libc: str, lines: Collection[str] | None = None
) -> str:
    """sha256 of all that :func:`read_records` would read."""
    found = hashlib.sha256()
    for path in _files(folders, arch, libc, lines):
        found.update(f"{path.parent.name}/{path.name}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(
    folders: Iterable[Path], arch: str, libc: str, lines: Collection[str] | None
) -> Iterator[Path]:
    wanted = tuple(
        f"-{platform}.json{suffix}"
        for platform in (arch, f"{arch}-{libc}")
        for suffix in ("", SUFFIX)
    )
    for folder in folders:
        for line in sorted((folder / FOLDER).glob("*/")):
            if lines is None or line.name in lines:
                yield from (path for path in sorted(line.iterdir()) if path.name.endswith(wanted))
