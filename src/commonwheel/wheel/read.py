"""Read and check a wheel without unpacking it.

Source: PyPA, "Binary distribution format" (first PEP 427).
"""

import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path
from typing import IO

from commonwheel.errors import WheelError
from commonwheel.wheel.name import WheelName, normalise, parse_wheel_name
from commonwheel.wheel.record import ALGORITHMS, UNHASHED, Row, hash_of, parse_record
from commonwheel.wheel.zip import Entry, damaged, inflate, open_archive, read_entries, read_raw

SCHEMES = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel on disk; nothing stays open, content is read when it is asked for."""

    path: Path
    name: WheelName
    dist_info: str
    """The folder's name as it stands in the archive."""
    entries: tuple[Entry, ...]
    """The archive's entries in order, those for folders included."""

    @property
    def members(self) -> tuple[str, ...]:
        """The files in the archive, in order."""
        return tuple(entry.name for entry in self.entries if not entry.is_directory)

    @cached_property
    def by_name(self) -> Mapping[str, Entry]:
        """Entries by member; of duplicates the last."""
        return {entry.name: entry for entry in self.entries}

    def read(self, member: str) -> bytes:
        """One member's content, its CRC checked.

        Raises:
            WheelError: it is not there, or is damaged.
        """
        with open_archive(self.path) as file:
            return self.read_from(file, member)

    def read_from(self, file: IO[bytes], member: str) -> bytes:
        """:meth:`read` from the archive that is already open, for many members."""
        entry = self.by_name.get(member)
        if entry is None:
            raise damaged(self.path, member, "is not in the wheel")
        return inflate(read_raw(file, self.path, entry), self.path, entry)

    def read_many(self, members: Iterable[str]) -> dict[str, bytes]:
        """The content of several members."""
        with open_archive(self.path) as file:
            return {member: self.read_from(file, member) for member in members}

    def info(self, name: str) -> str:
        """The member ``name`` of the ``.dist-info`` folder."""
        return f"{self.dist_info}/{name}"

    @cached_property
    def metadata(self) -> bytes:
        """METADATA as it is."""
        return self.read(self.info("METADATA"))

    @cached_property
    def metadata_fields(self) -> Message:
        """METADATA's headers; its body is the description."""
        return self._headers("METADATA", self.metadata)

    @cached_property
    def wheel_fields(self) -> Message:
        """WHEEL's headers."""
        return self._headers("WHEEL", self.read(self.info("WHEEL")))

    @property
    def root_is_purelib(self) -> bool:
        """Whether the root goes to purelib; platlib otherwise."""
        return str(self.wheel_fields.get("Root-Is-Purelib", "")).strip().lower() == "true"

    @cached_property
    def record(self) -> tuple[Row, ...]:
        """RECORD's rows."""
        member = self.info("RECORD")
        return parse_record(self.read(member), where=f"{self.path.name}:{member}")

    def install_path(self, member: str) -> tuple[str, str]:
        """(scheme, path within it) where an installer puts a member.

        Raises:
            WheelError: under ``.data/`` of this wheel, but in no scheme that installers know.
        """
        folder, _, rest = member.partition("/")
        if folder != f"{self.dist_info.removesuffix('.dist-info')}.data":
            return "purelib" if self.root_is_purelib else "platlib", member
        scheme, _, path = rest.partition("/")
        if scheme not in SCHEMES or not path:
            hint = f"installers know {', '.join(sorted(SCHEMES))}"
            where = f"{self.path.name}:{member}"
            raise WheelError("is in no installation scheme", where=where, hint=hint)
        return scheme, path

    def verify(self, contents: Mapping[str, bytes] | None = None) -> None:
        """Check names, RECORD and every member's content; the first fault is raised.

        Args:
            contents: the content of each member, where it has been read already.

        Raises:
            WheelError: an unsafe or doubled name, a symlink, a member that RECORD does not list
                exactly once with its right hash and size, or a row without a member.
        """
        for entry in self.entries:
            _check_entry(self.path, entry)
        for member, count in Counter(entry.name for entry in self.entries).items():
            if count > 1:
                raise damaged(self.path, member, f"is in the archive {count} times")
        rows = self._checked_rows()
        with open_archive(self.path) as file:
            for member in self.members:
                content = self.read_from(file, member) if contents is None else contents[member]
                self._check_content(rows[member], content)

    def _headers(self, name: str, raw: bytes) -> Message:
        try:
            return HeaderParser().parsestr(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise damaged(self.path, self.info(name), f"is not UTF-8: {error}") from None

    def _checked_rows(self) -> Mapping[str, Row]:
        rows = {row.member: row for row in self.record}
        record = self.info("RECORD")
        doubled = [member for member, n in Counter(r.member for r in self.record).items() if n > 1]
        if doubled:
            raise damaged(self.path, record, f"lists {doubled[0]} more than once")
        for member in self.members:
            if member not in rows:
                raise damaged(self.path, member, "is not listed in RECORD")
        present = set(self.members)
        for member in rows:
            if member not in present:
                raise damaged(self.path, record, f"lists {member}, which is not in the wheel")
        return rows

    def _check_content(self, row: Row, content: bytes) -> None:
        if row.member in {self.info(name) for name in UNHASHED}:
            return
        algorithm = row.hash.partition("=")[0]
        if algorithm not in ALGORITHMS:
            raise damaged(self.path, row.member, f"has no sha256 in RECORD but {row.hash!r}")
        if row.hash.rstrip("=") != hash_of(content, algorithm) or row.size != len(content):
            raise damaged(self.path, row.member, "does not have the hash and size in RECORD")


def read_wheel(path: Path) -> Wheel:
    """Read a wheel's name and list of members; :meth:`Wheel.verify` checks the rest.

    Raises:
        WheelError: not a wheel's file name, not a sound zip archive, or not exactly one
            ``.dist-info`` folder that fits the file name.
    """
    name = parse_wheel_name(path.name)
    entries = read_entries(path)
    folders = {entry.name.partition("/")[0] for entry in entries if "/" in entry.name}
    found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        msg = f"must have exactly one .dist-info folder, has {listed}"
        raise WheelError(msg, where=path.name)
    if _comparable(found[0]) != _comparable(name.dist_info):
        raise damaged(
            path, found[0], f"does not fit the file name, which asks for {name.dist_info}"
        )
    return Wheel(path=path, name=name, dist_info=found[0], entries=entries)


def _comparable(dist_info: str) -> tuple[str, str]:
    distribution, _, version = dist_info.removesuffix(".dist-info").rpartition("-")
    return normalise(distribution), version.lower().replace("_", "-")


def _check_entry(path: Path, entry: Entry) -> None:
    parts = entry.name.removesuffix("/").split("/")
    unsafe = "\\" in entry.name or "\0" in entry.name or DRIVE.match(entry.name)
    if unsafe or any(part in {"", ".", ".."} for part in parts):
        raise damaged(path, entry.name, "would be installed outside its place")
    if stat.S_ISLNK(entry.mode):
        raise damaged(path, entry.name, "is a symlink, which wheels cannot hold")
