"""What is kept of a line's releases, below a folder of recipes.

``abi/<line>/<version>-<arch>-<libc>.json`` is the snapshot of one, ``….<library>.abi.gz`` the types
of one of its libraries, and ``abi/<line>/facts.yaml`` what was put down by hand.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commonwheel.abi.encoding import SUFFIX, read_snapshot, to_json
from commonwheel.abi.facts import Fact, read_facts
from commonwheel.abi.history import History, history
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.errors import SnapshotError

FOLDER = "abi"
FACTS = "facts.yaml"
# Longer ones are compressed: nobody reads a diff of thousands of lines.
LONG = 100_000


@dataclass(frozen=True)
class Records:
    """Recorded releases of some lines, for one architecture and C library.

    Args:
        snapshots: in no order.
        folders: the folders of recipes below which types are written down.
        facts: by line, what was put down by hand of its symbols.
    """

    snapshots: tuple[Snapshot, ...] = ()
    folders: tuple[Path, ...] = ()
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)

    def of(self, line: str) -> History:
        """The releases of a line."""
        return history(each for each in self.snapshots if each.line == line)

    def only(self, lines: Collection[str]) -> "Records":
        """The records of these lines."""
        found = tuple(each for each in self.snapshots if each.line in lines)
        facts = {line: told for line, told in self.facts.items() if line in lines}
        return Records(found, self.folders, facts)

    def types(self, snapshot: Snapshot) -> dict[str, Path]:
        """By the stem of a library, the file that the types of a recorded release are in."""
        for folder in self.folders:
            record = record_file(folder, snapshot)
            if record.is_file():
                # Of one build: another folder's are of another one.
                return types_beside(record, snapshot)
        return {}


def record_file(folder: Path, snapshot: Snapshot) -> Path:
    """Where a snapshot is kept below a folder of recipes."""
    suffix = SUFFIX if len(to_json(snapshot)) > LONG else ""
    return folder / FOLDER / snapshot.line / f"{_name(snapshot)}.json{suffix}"


def types_beside(record: Path, snapshot: Snapshot) -> dict[str, Path]:
    """By the stem of a library, the files of types that lie beside a record."""
    found = {library.stem: types_file(Path(), snapshot, library) for library in snapshot.libraries}
    places = {stem: record.with_name(path.name) for stem, path in found.items()}
    return {stem: path for stem, path in places.items() if path.is_file()}


def types_file(folder: Path, snapshot: Snapshot, library: Library) -> Path:
    """Where the types of one of its libraries are kept."""
    return folder / FOLDER / snapshot.line / f"{_name(snapshot)}.{library.stem}.abi{SUFFIX}"


def _name(snapshot: Snapshot) -> str:
    return "-".join(filter(None, [snapshot.number, snapshot.arch, snapshot.libc]))


def read_records(
    folders: Collection[Path], arch: str, libc: str, lines: Collection[str] | None = None
) -> Records:
    """Read what is recorded below folders of recipes.

    Args:
        folders: of one release, the first folder that has it counts.
        arch: as in wheel platform tags.
        libc: ``glibc`` or ``musl``; libraries that need neither are for both.
        lines: those that are wanted; None for all.

    Raises:
        SnapshotError: a record is damaged, or lies under another release's name.
        RecipeError: a file of facts is not right.
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
    return Records(tuple(found.values()), tuple(folders), _facts(folders, lines))


def _facts(folders: Iterable[Path], lines: Collection[str] | None) -> dict[str, tuple[Fact, ...]]:
    found: dict[str, tuple[Fact, ...]] = {}
    for line in _lines(folders, lines):
        if (file := line / FACTS).is_file():
            found[line.name] = (*found.get(line.name, ()), *read_facts(file))
    return found


def digest(
    folders: Iterable[Path],
    arch: str,
    libc: str,
    lines: Collection[str] | None = None,
    *,
    types: bool = True,
) -> str:
    """sha256 of all that :func:`read_records` would read, and of types where these count."""
    found = hashlib.sha256()
    for path in _files(folders, arch, libc, lines):
        stem = path.name.partition(".json")[0]
        written = sorted(path.parent.glob(f"{stem}.*.abi{SUFFIX}")) if types else []
        for file in (path, *written):
            found.update(f"{file.parent.name}/{file.name}\0".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    for line in _lines(folders, lines):
        if (file := line / FACTS).is_file():
            found.update(f"{line.name}\0".encode() + file.read_bytes())
    return found.hexdigest()


def _files(
    folders: Iterable[Path], arch: str, libc: str, lines: Collection[str] | None
) -> Iterator[Path]:
    wanted = tuple(
        f"-{platform}.json{suffix}"
        for platform in (arch, f"{arch}-{libc}")
        for suffix in ("", SUFFIX)
    )
    for line in _lines(folders, lines):
        yield from (path for path in sorted(line.iterdir()) if path.name.endswith(wanted))


def _lines(folders: Iterable[Path], lines: Collection[str] | None) -> Iterator[Path]:
    for folder in folders:
        for line in sorted((folder / FOLDER).glob("*/")):
            if lines is None or line.name in lines:
                yield line
