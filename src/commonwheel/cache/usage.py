"""Who uses the cache, and when each part of it was used last: what ``cache prune`` goes by.

A process that uses the cache says so for as long as it runs (:func:`in_use`), and touches each
folder that it takes (:func:`touch`, :func:`claim`). So one rule keeps what running builds hold:
what was touched since the oldest of them began stays (:func:`running_since`, :func:`take_away`).
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

RUNNING = "running"
# Of what is being removed, or was being written when its process was killed.
PART = ".part"


@contextlib.contextmanager
def in_use(cache: Path) -> Iterator[None]:
    """Tell others that this process uses the cache: what it touches from now on is kept for it."""
    folder = cache / RUNNING
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{os.getpid()}-{secrets.token_hex(4)}.lock")
    with _guard(folder):
        # Its time is when this process began; an empty file alone would have none.
        Path(lock.lock_file).touch()
        lock.acquire()
    try:
        yield
    finally:
        with _guard(folder):
            Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()


def running_since(cache: Path) -> list[float]:
    """When each process that uses the cache began, in seconds since the epoch; oldest first."""
    with _registered(cache) as began:
        return began


@contextlib.contextmanager
def nobody_else(cache: Path) -> Iterator[bool]:
    """Whether no process uses the cache; none begins to while this lasts."""
    with _registered(cache) as began:
        yield not began


@contextlib.contextmanager
def _registered(cache: Path) -> Iterator[list[float]]:
    folder = cache / RUNNING
    if not cache.is_dir():
        yield []
        return
    folder.mkdir(exist_ok=True)
    with _guard(folder):
        yield sorted(filter(None, map(_began, folder.glob("[0-9]*.lock"))))


def _began(file: Path) -> float | None:
    """When the process of a lock began; None, and no lock any more, when it was killed."""
    try:
        with FileLock(file, timeout=0):
            file.unlink()
    except Timeout:
        return file.stat().st_mtime
    return None


def touch(root: Path, folder: Path) -> bool:
    """Note that a folder below ``root`` is used now; False when it is not there (any more)."""
    if not folder.is_dir():
        return False
    with _guard(root), contextlib.suppress(FileNotFoundError):
        os.utime(folder)
        return True
    return False


def claim(root: Path, folder: Path) -> None:
    """Make a folder below ``root``, or note that it is used now."""
    root.mkdir(parents=True, exist_ok=True)
    with _guard(root):
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)


def take_away(root: Path, folder: Path, *, used: float) -> bool:
    """Remove a folder below ``root``; False, and nothing happens, when it was used since ``used``.

    It goes at once for everybody else, however long its files take.
    """
    away = folder.with_name(f".{secrets.token_hex(6)}{PART}")
    with _guard(root):
        try:
            if folder.stat().st_mtime > used:
                return False
            folder.rename(away)
        except FileNotFoundError:
            return False
    shutil.rmtree(away, ignore_errors=True)
    return True


@contextlib.contextmanager
def _guard(root: Path) -> Iterator[None]:
    # Held for microseconds: the usual 50 ms between two tries would be the longest part of a wait.
    with FileLock(root / ".lock").acquire(poll_interval=0.005):
        yield
