"""Stored results: a folder per key, complete or absent, shared by processes that run at once.

::

    wheels/<key[:2]>/<key>/inputs.json   what the key was made of
                          /facts.json    what was noted when it was stored
                          /files.json    these files and their sizes
                          /<wheel>.whl
                          /debug/…       debug files of a raw library wheel
    wheels/jobs/<job>/<key>              an empty file: that key is of that job
"""

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from commonwheel.cache import inventory
from commonwheel.cache.keys import key_of
from commonwheel.cache.usage import PART, touch
from commonwheel.errors import CommonwheelError

INVENTORY = "files.json"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A finished result."""

    key: str
    folder: Path

    @property
    def wheel(self) -> Path:
        """The wheel.

        Raises:
            CommonwheelError: it is gone, or never was in this result.
        """
        found = next(self.folder.glob("*.whl"), None)
        if found is None:
            msg = "this stored result holds no wheel"
            hint = "Something removed it from the cache. Remove the whole folder and build again."
            raise CommonwheelError(msg, where=str(self.folder), hint=hint)
        return found

    @property
    def debug(self) -> Path | None:
        """Folder of debug files, by build-id."""
        folder = self.folder / "debug"
        return folder if folder.is_dir() else None

    @property
    def inputs(self) -> dict[str, Any]:
        """What its key was made of."""
        return _read(self.folder / "inputs.json")

    @property
    def facts(self) -> dict[str, Any]:
        """What was noted when it was stored; ``job`` is the id of the job that it came from."""
        return _read(self.folder / "facts.json")


@dataclass(frozen=True, kw_only=True)
class Store:
    """Results below one folder."""

    root: Path

    def find(self, key: str) -> Stored | None:
        """The result of a key, if there is a complete one; it counts as used now."""
        stored = self.peek(key)
        return stored if stored and touch(self.root, stored.folder) else None

    def peek(self, key: str) -> Stored | None:
        """The result of a key, if there is a complete one; looking is no use."""
        folder = self._folder(key)
        return Stored(key=key, folder=folder) if _is_complete(folder) else None

    def history(self, job: str) -> list[Stored]:
        """The results of a job that are here, the one used last first; looking is no use."""
        if self.root.is_dir() and not self._jobs.is_dir():
            self._index()
        try:
            keys = [file.name for file in (self._jobs / job).iterdir()]
        except FileNotFoundError:
            return []
        # A key whose result was pruned stays in the index, and does no harm there.
        found = {stored: _used(stored.folder) for stored in map(self.peek, keys) if stored}
        return sorted(found, key=lambda stored: found[stored], reverse=True)

    def knew(self, job: str) -> bool:
        """Whether there ever was a result of a job, pruned since or not."""
        return (self._jobs / job).is_dir()

    def put(
        self,
        content: Path,
        inputs: Mapping[str, Any],
        facts: Mapping[str, Any] | None = None,
        *,
        job: str | None = None,
    ) -> Stored:
        """Copy a folder of results into the store under the key of its inputs.

        A folder that another process has stored meanwhile stays: equal keys have equal results.
        A damaged one is replaced.

        Args:
            content: the folder.
            inputs: what the key is made of.
            facts: what else to note.
            job: id of the job whose :meth:`history` it belongs to.
        """
        key = key_of(inputs)
        folder = self._folder(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = folder.parent / f".{secrets.token_hex(6)}{PART}"
        try:
            shutil.copytree(content, part)
            _write(part / "inputs.json", inputs)
            _write(part / "facts.json", {**(facts or {}), **({"job": job} if job else {})})
            inventory.take(part, INVENTORY)
            with self.lock("put"):
                if not _is_complete(folder):
                    _discard(folder)
                    part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        if job:
            self._remember(job, key)
        return Stored(key=key, folder=folder)

    @contextlib.contextmanager
    def lock(self, key: str, *, busy: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Let one process at a time work on a key; the others wait, and find its result.

        Args:
            key: what is worked on.
            busy: called before it waits.
        """
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{key}.lock")
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            busy()
            held = lock.acquire()
        with held:
            yield

    def _folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    @property
    def _jobs(self) -> Path:
        return self.root / "jobs"

    def _remember(self, job: str, key: str) -> None:
        if not self._jobs.is_dir():
            self._index()
        _mark(self._jobs / job / key)

    def _index(self) -> None:
        """Write the whole index anew, from what the results say of themselves."""
        part = self.root / f".{secrets.token_hex(6)}{PART}"
        part.mkdir()
        for facts in self.root.glob("??/[!.]*/facts.json"):
            with contextlib.suppress(OSError, ValueError):  # damaged, or pruned at this moment
                if job := _read(facts).get("job"):
                    _mark(part / job / facts.parent.name)
        try:
            part.rename(self._jobs)
        except OSError:
            # Another process has written it meanwhile, and whoever stores a result adds it.
            shutil.rmtree(part, ignore_errors=True)


def _is_complete(folder: Path) -> bool:
    return inventory.is_whole(folder, INVENTORY)


def _discard(folder: Path) -> None:
    # Away in one step: another process may store this key while the files are removed.
    away = folder.with_name(f".{secrets.token_hex(6)}{PART}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def _used(folder: Path) -> float:
    with contextlib.suppress(FileNotFoundError):  # pruned at this moment
        return folder.stat().st_mtime
    return 0.0


def _mark(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def _read(file: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def _write(target: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(dict(data), indent=2, sort_keys=True)
    target.write_text(f"{text}\n", encoding="utf-8")
