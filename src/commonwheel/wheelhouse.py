"""The output folder: finished wheels, what made them, and how to install them."""

import contextlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from commonwheel.cache.keys import file_digest
from commonwheel.errors import WheelhouseError
from commonwheel.files import replacing, write_atomically

PROVENANCE_SCHEMA = 1
SCRATCH = ".repair-"
# A lock in such a folder, for as long as its process lives.
HELD = ".held"


@dataclass(frozen=True, kw_only=True)
class Wheelhouse:
    """A folder of finished wheels, safe for processes that run at once.

    Args:
        root: the folder.
        replace: overwrite a wheel of the same name with other bytes (work in progress).
    """

    root: Path
    replace: bool = False

    @property
    def constraints(self) -> Path:
        """Exact pins of everything in here."""
        return self.root / "constraints.txt"

    @property
    def provenance(self) -> Path:
        """What made each wheel, and what it was tested with."""
        return self.root / "provenance.json"

    def log(self, job: str) -> Path:
        """The log of a job."""
        folder = self.root / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{job}.log"

    def prepare(self) -> None:
        """Make the folder, before hours of work that would have nowhere to go.

        Raises:
            WheelhouseError: there is something else, or it cannot be written.
        """
        try:
            with self._locked():
                write_atomically(self.root / ".writable", "")
                (self.root / ".writable").unlink()
        except OSError as error:
            raise WheelhouseError(
                f"cannot be the wheelhouse: {error.strerror}",
                where=str(self.root),
                hint="name another folder",
            ) from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            # What a killed process left: nobody else writes while the lock is held.
            for part in self.root.glob(".*.part"):
                part.unlink(missing_ok=True)
            for folder in self.root.glob(f"{SCRATCH}*"):
                _sweep(folder)
            yield

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A hidden folder to work in, beside the wheels; when killed, the next process removes it.

        Raises:
            WheelhouseError: the wheelhouse cannot be written.
        """
        self.prepare()
        with self._locked():
            folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self.root))
            lock = FileLock(folder / HELD)
            lock.acquire()
        try:
            yield folder
        finally:
            with self._locked():
                lock.release()
                shutil.rmtree(folder, ignore_errors=True)

    def add(self, wheel: Path, *, remedy: str) -> Path:
        """Add a wheel and nothing else: constraints and provenance stay as they are.

        Args:
            wheel: the finished wheel.
            remedy: which number to raise when the name is taken.

        Raises:
            WheelhouseError: a wheel of this name is here with other bytes.
        """
        with self._locked():
            return self._add(wheel, file_digest(wheel), remedy)

    def put(self, wheel: Path, facts: Mapping[str, Any], *, remedy: str) -> Path:
        """Add a wheel, refresh the constraints, and note what made it.

        Args:
            wheel: the finished wheel.
            facts: its entry in ``provenance.json``.
            remedy: which number to raise when the name is taken.

        Raises:
            WheelhouseError: a wheel of this name is here with other bytes.
        """
        digest = file_digest(wheel)
        with self._locked():
            target = self._add(wheel, digest, remedy)
            self._note(wheel.name, {"sha256": digest, **facts})
            write_atomically(self.constraints, "".join(f"{pin}\n" for pin in self.pins()))
        return target

    def _add(self, wheel: Path, digest: str, remedy: str) -> Path:
        target = self.root / wheel.name
        if target.is_file() and file_digest(target) == digest:
            return target
        if target.is_file() and not self.replace:
            raise WheelhouseError(
                f"{wheel.name} is in the wheelhouse already, with other bytes",
                where=str(self.root),
                hint=f"a published file never changes: {remedy}; "
                "--replace overwrites work in progress",
            )
        _copy(wheel, target)
        return target

    def add_report(self, wheel: Path, report: Path) -> None:
        """Put what the gates said beside a wheel: ``<wheel without .whl>.report.json``."""
        text = report.read_text(encoding="utf-8")
        with self._locked():
            write_atomically(self.root / f"{wheel.stem}.report.json", text)

    def add_debug(self, folder: Path) -> None:
        """Add debug files, by build-id."""
        target = self.root / "debug"
        with self._locked():
            for file in folder.rglob("*"):
                place = target / file.relative_to(folder)
                # A build-id names content.
                if file.is_file() and not place.is_file():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    _copy(file, place)

    def _note(self, name: str, facts: Mapping[str, Any]) -> None:
        entries = self.entries()
        entries[name] = dict(facts)
        present = {path.name for path in self.root.glob("*.whl")}
        kept = {key: entries[key] for key in sorted(entries) if key in present}
        data = {"schema": PROVENANCE_SCHEMA, "wheels": kept}
        write_atomically(self.provenance, json.dumps(data, indent=2) + "\n")

    def entries(self) -> dict[str, Any]:
        """The entries of ``provenance.json``, by wheel.

        Raises:
            WheelhouseError: the file is damaged.
        """
        if not self.provenance.is_file():
            return {}
        try:
            wheels: dict[str, Any] = json.loads(self.provenance.read_bytes())["wheels"]
        except (ValueError, KeyError, TypeError):
            raise WheelhouseError(
                "is not what commonwheel wrote",
                where=str(self.provenance),
                hint="remove it: the next build writes what it knows of its wheels",
            ) from None
        return wheels

    def pins(self) -> list[str]:
        """An exact pin of the newest wheel of each distribution."""
        newest: dict[str, Version] = {}
        for wheel in self.root.glob("*.whl"):
            try:
                name, version, _, _ = parse_wheel_filename(wheel.name)
            except InvalidWheelFilename:
                continue  # somebody else's; pip passes it over, too
            newest[name] = max(version, newest.get(name, version))
        return [f"{name}{_exactly(newest[name])}" for name in sorted(newest)]

    def install_line(self, wheels: Sequence[Path]) -> str:
        """The command that installs the distributions of these wheels from here."""
        projects = sorted({parse_wheel_filename(wheel.name)[0] for wheel in wheels})
        root = os.path.relpath(self.root)
        words = ["pip", "install", "--find-links", root, "-c", f"{root}/constraints.txt", *projects]
        return shlex.join(words)


def _sweep(folder: Path) -> None:
    """Remove a folder of a process that was killed: nobody holds its lock."""
    with contextlib.suppress(Timeout), FileLock(folder / HELD, timeout=0):
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as part:
        shutil.copyfile(source, part)


def _exactly(version: Version) -> str:
    # "==1.3" admits 1.3+anything, which an index may offer and pip would prefer (PEP 440).
    return f"=={version}" if version.local else f"==={version}"
