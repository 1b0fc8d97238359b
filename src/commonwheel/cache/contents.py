"""What the cache holds: entries by kind, with their sizes and when they were used last."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from commonwheel.cache import inventory
from commonwheel.cache.store import INVENTORY
from commonwheel.cache.usage import PART

# A virtual environment that is complete says so with this list of its files.
COMPLETE = "commonwheel-complete"
KINDS: Mapping[str, str] = {
    "sources": "downloaded sources",
    "raw": "wheels as their builds gave them, and debug files",
    "wheels": "repaired wheels",
    "checks": "what the gates said",
    "scans": "what the instructions of libraries are",
    "tests": "what consumers' tests said",
    "envs": "virtual environments with build tools",
    "apt": "Debian's package lists",
    "work": "folders of builds that run, were killed, or were kept",
}
# Kinds whose folders are named by a digest, and lie below its first two digits.
BY_DIGEST = ("sources", "raw", "wheels", "checks", "tests")
STORES = ("raw", "wheels", "checks", "tests")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One folder of the cache, which is kept or removed as a whole.

    Args:
        kind: one of ``KINDS``.
        folder: where it is.
        size: bytes of all its files.
        touched: when it was used last, in seconds since the epoch.
        used: the same; of a raw wheel at least when anything repaired from it was: that is found
            only through the raw wheel, so the raw wheel is no older.
        garbage: no build would ever find it.
    """

    kind: str
    folder: Path
    size: int
    touched: float
    used: float
    garbage: bool = False

    @property
    def label(self) -> str:
        """What a person would call it."""
        if self.kind in STORES:
            return str(_read(self.folder / "facts.json").get("job") or self.folder.name[:12])
        if self.kind == "sources":
            files = sorted(file.name for file in self.folder.glob("[!.]*"))
            return files[0] if files else self.folder.name[:12]
        return self.folder.name


def scan(cache: Path) -> list[Entry]:
    """Every entry of the cache; what another process removes meanwhile is left out."""
    entries = []
    for kind in KINDS:
        for folder in _folders(cache / kind, by_digest=kind in BY_DIGEST):
            try:
                touched = folder.stat().st_mtime
            except FileNotFoundError:
                continue
            entries.append(
                Entry(
                    kind=kind,
                    folder=folder,
                    size=size_of(folder),
                    touched=touched,
                    used=touched,
                    garbage=_is_garbage(kind, folder),
                )
            )
    return _paired(entries)


def _folders(root: Path, *, by_digest: bool) -> Iterator[Path]:
    if not root.is_dir():
        return
    if by_digest:
        yield from root.glob(f".*{PART}")
    for folder in sorted(root.glob("??/*" if by_digest else "*")):
        if folder.is_dir() and not folder.is_symlink():
            yield folder


def _is_garbage(kind: str, folder: Path) -> bool:
    if folder.name.endswith(PART) or kind == "work":
        return True
    if kind == "envs":
        return not inventory.is_whole(folder, COMPLETE)
    return kind in STORES and not inventory.is_whole(folder, INVENTORY)


def _paired(entries: list[Entry]) -> list[Entry]:
    """The entries, each raw wheel as new as what was repaired from it, and orphans as garbage."""
    raw = {entry.folder.name for entry in entries if entry.kind == "raw" and not entry.garbage}
    repaired = [entry for entry in entries if entry.kind == "wheels"]
    made_of = {e.folder: str(_read(e.folder / "inputs.json").get("build")) for e in repaired}
    used: dict[str, float] = {}
    for entry in repaired:
        key = made_of[entry.folder]
        used[key] = max(entry.used, used.get(key, 0.0))

    def paired(entry: Entry) -> Entry:
        if entry.kind == "wheels":
            return replace(entry, garbage=entry.garbage or made_of[entry.folder] not in raw)
        if entry.kind == "raw":
            return replace(entry, used=max(entry.used, used.get(entry.folder.name, 0.0)))
        return entry

    return [paired(entry) for entry in entries]


def _read(file: Path) -> dict[str, object]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 -- many files
            except FileNotFoundError:
                continue
    return total
