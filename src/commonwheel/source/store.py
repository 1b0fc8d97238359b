"""The content-addressed store: one folder per sha256, shared by parallel processes."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from commonwheel.cache.usage import claim, touch
from commonwheel.errors import SourceError
from commonwheel.files import write_atomically

_STAMP = ".stamp.json"
_LOCK = ".lock"
_PART = ".part"


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The folder of one sha256.

    It holds the file under its own name, a stamp (the size and mtime with which the file was
    verified), a lock, and perhaps a partial download. :meth:`find` and :meth:`use` need no lock;
    everything else is for the holder of :meth:`lock`.
    """

    folder: Path
    sha256: str

    @classmethod
    def of(cls, cache: Path, sha256: str) -> "Slot":
        return cls(folder=cache / "sources" / sha256[:2] / sha256, sha256=sha256)

    @property
    def _root(self) -> Path:
        return self.folder.parents[1]

    @contextmanager
    def lock(self) -> Iterator[None]:
        claim(self._root, self.folder)
        with FileLock(self.folder / _LOCK):
            yield

    def find(self) -> Path | None:
        """The verified file, when it still is as its stamp says."""
        stamp = self._stamp()
        path = self.folder / str(stamp.get("name", _STAMP))
        try:
            status = path.stat()
        except OSError:
            return None
        same = (status.st_size, status.st_mtime_ns) == (stamp.get("size"), stamp.get("mtime_ns"))
        return path if same else None

    def use(self) -> Path | None:
        """What :meth:`find` gives; it counts as used now."""
        path = self.find()
        return path if path and touch(self._root, self.folder) else None

    def has_candidates(self) -> bool:
        """Whether a file without a valid stamp is there, so that :meth:`verified` may help."""
        return any(True for _ in self._candidates())

    def verified(self) -> Path | None:
        """The file, hashed again where its stamp does not hold; a wrong one is deleted."""
        found = self.find()
        if found is not None:
            return found
        for path in list(self._candidates()):
            if sha256_of(path) == self.sha256:
                self._write_stamp(path)
                return path
            path.unlink()
        return None

    def part(self, name: str) -> Path:
        """Where the partial download of the file ``name`` is kept."""
        return self.folder / f"{name}{_PART}"

    def store(self, path: Path, name: str) -> Path:
        """Verify ``path`` and move it in as ``name``; both must be on one file system.

        Raises:
            SourceError: the file has another sha256; it is deleted.
        """
        found = sha256_of(path)
        if found != self.sha256:
            path.unlink()
            msg = f"has sha256 {found}, but the recipe pins {self.sha256}"
            raise SourceError(msg)
        target = self.folder / name
        path.replace(target)
        self._write_stamp(target)
        return target

    def _candidates(self) -> Iterator[Path]:
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            if path.is_file() and not path.name.startswith(".") and path.suffix != _PART:
                yield path

    def _stamp(self) -> dict[str, object]:
        with suppress(OSError, ValueError):
            stamp = json.loads((self.folder / _STAMP).read_text(encoding="utf-8"))
            if isinstance(stamp, dict):
                return stamp
        return {}

    def _write_stamp(self, path: Path) -> None:
        status = path.stat()
        stamp = {"name": path.name, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
        write_atomically(self.folder / _STAMP, json.dumps(stamp))
