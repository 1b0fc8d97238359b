"""Stored results: a folder per key, complete or absent, shared by processes that run at once.

::

    wheels/<key[:2]>/<key>/inputs.json   what the key was made of
                          /facts.json    what was noted when it was stored
                          /<wheel>.whl
                          /debug/…       debug files of a raw library wheel
"""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from commonwheel.cache.keys import key_of
from commonwheel.errors import CommonwheelError

RECORDS = ("inputs.json", "facts.json")


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
    def facts(self) -> dict[str, Any]:
        """What was noted when it was stored."""
        data: dict[str, Any] = json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))
        return data


@dataclass(frozen=True, kw_only=True)
class Store:
    """Results below one folder."""

    root: Path

    def find(self, key: str) -> Stored | None:
        """The result of a key, if there is a complete one; it counts as used now."""
        folder = self._folder(key)
        if not _is_complete(folder):
            return None
        try:
            os.utime(folder)
        except FileNotFoundError:
            return None
        return Stored(key=key, folder=folder)

    def put(
        self, content: Path, inputs: Mapping[str, Any], facts: Mapping[str, Any] | None = None
    ) -> Stored:
        """Copy a folder of results into the store under the key of its inputs.

        A folder that another process has stored meanwhile stays: equal keys have equal results.
        A damaged one is replaced.
        """
        key = key_of(inputs)
        folder = self._folder(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = folder.parent / f".{secrets.token_hex(6)}.part"
        try:
            shutil.copytree(content, part)
            _write(part / "inputs.json", inputs)
            _write(part / "facts.json", facts or {})
            if not _is_complete(folder):
                _discard(folder)
            try:
                part.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return Stored(key=key, folder=folder)

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Let one process at a time work on a key; the others wait, and find its result."""
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{key}.lock"):
            yield

    def _folder(self, key: str) -> Path:
        return self.root / key[:2] / key


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in RECORDS)


def _discard(folder: Path) -> None:
    # Away in one step: another process may store this key while the files are removed.
    away = folder.with_name(f".{secrets.token_hex(6)}.part")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def _write(target: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(dict(data), indent=2, sort_keys=True)
    target.write_text(f"{text}\n", encoding="utf-8")
