"""Remove from the cache what is not used any more, least recently used first.

What a running build has touched since it began is never removed (see
:mod:`commonwheel.cache.usage`), so all of this may happen beside builds.
"""

import contextlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from commonwheel.cache.contents import BY_DIGEST, Entry, scan
from commonwheel.cache.usage import nobody_else, running_since, take_away


def choose(
    entries: Sequence[Entry],
    *,
    before: float | None = None,
    max_size: int | None = None,
    since: float = math.inf,
) -> list[Entry]:
    """The entries to remove: garbage, what was used long ago, then the oldest of the rest. Pure.

    Args:
        entries: all of the cache.
        before: what was used last before this time goes, in seconds since the epoch.
        max_size: then the least recently used go until so many bytes are left.
        since: what was used since then stays in any case.
    """
    # A repaired wheel goes before the raw one that it is found through.
    free = sorted(
        (entry for entry in entries if entry.used < since),
        key=lambda entry: (entry.used, entry.kind == "raw"),
    )
    oldest = -math.inf if before is None else before
    chosen = [entry for entry in free if entry.garbage or entry.used < oldest]
    left = sum(entry.size for entry in entries) - sum(entry.size for entry in chosen)
    for entry in free:
        if max_size is None or left <= max_size:
            break
        if entry not in chosen:
            chosen.append(entry)
            left -= entry.size
    return chosen


def prunable(
    cache: Path, *, before: float | None = None, max_size: int | None = None
) -> list[Entry]:
    """What :func:`choose` would remove from a cache now."""
    return choose(scan(cache), before=before, max_size=max_size, since=_since(cache))


def clearable(cache: Path, kinds: Sequence[str]) -> list[Entry]:
    """All entries of some kinds that no running build holds."""
    since = _since(cache)
    return [e for e in scan(cache) if e.kind in kinds and e.used < since]


def _since(cache: Path) -> float:
    return min(running_since(cache), default=math.inf)


def remove(cache: Path, entries: Iterable[Entry]) -> list[Entry]:
    """Remove entries; returns those that nobody had used since they were listed, and are gone."""
    removed = [
        entry
        for entry in entries
        if take_away(cache / entry.kind, entry.folder, used=entry.touched)
    ]
    for kind in BY_DIGEST:
        for folder in (cache / kind).glob("??"):
            with contextlib.suppress(OSError):  # not empty, or about to be filled
                folder.rmdir()
    with nobody_else(cache) as alone:
        if alone:
            _remove_locks(cache)
    return removed


def _remove_locks(cache: Path) -> None:
    """Remove the locks of what is gone: empty files, but one for each key that ever was."""
    for lock in (cache / "raw" / "locks").glob("*.lock"):
        if not (cache / "raw" / lock.stem[:2] / lock.stem).is_dir():
            lock.unlink(missing_ok=True)
    for lock in (cache / "envs").glob("[!.]*.lock"):
        if not lock.with_suffix("").is_dir():
            lock.unlink(missing_ok=True)
