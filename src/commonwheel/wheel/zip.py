"""Zip archives member by member, with compressed bytes copied as they are.

zipfile reads the central directory; it has no public way to copy a compressed stream, so local
headers, streams and the central directory are written here. No zip64: 65,534 members and 4 GiB are
the limits.

Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4.
"""

import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from commonwheel.errors import WheelError

STORED = 0
DEFLATED = 8
LEVEL = 6
UNIX = 3
ENCRYPTED = 0x1
UTF8 = 0x800
COMPRESSION_FLAGS = 0x6
"""How LZMA ends and how hard deflate tried: they belong to the stream."""
VERSION_NEEDED = {STORED: 20, DEFLATED: 20, 12: 46, 14: 63, 93: 63}

LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")
LOCAL_MAGIC = b"PK\x03\x04"
CENTRAL_MAGIC = b"PK\x01\x02"
END_MAGIC = b"PK\x05\x06"
MOST_BYTES = 0xFFFFFFFF
MOST_MEMBERS = 0xFFFE

EARLIEST = 315532800
"""1980-01-01T00:00:00Z, the first second that a zip can hold."""
LATEST = 4354819198
"""2107-12-31T23:59:58Z, the last one."""
FIRST_YEAR = 1980


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One member: what the central directory says of it. Sizes and offset in bytes."""

    name: str
    method: int = DEFLATED
    flags: int = 0
    crc: int = 0
    compressed_size: int = 0
    size: int = 0
    dos_time: int = 0
    dos_date: int = 0x21
    system: int = UNIX
    attributes: int = (stat.S_IFREG | 0o644) << 16
    """External attributes: the Unix mode in the upper half."""
    offset: int = 0
    """Of its local header in the archive that it was read from."""

    @property
    def mode(self) -> int:
        """Unix mode and file type; 0 where the archive holds none."""
        return self.attributes >> 16

    @property
    def is_directory(self) -> bool:
        """An entry for a folder, which wheels do not need and RECORD does not list."""
        return self.name.endswith("/")


def read_entries(path: Path) -> tuple[Entry, ...]:
    """The members in the order of the central directory.

    Raises:
        WheelError: unreadable, not a zip archive, cut short, encrypted, or beyond 4 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            length = path.stat().st_size
    except OSError as error:
        raise WheelError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, struct.error) as error:
        msg = f"is not a sound zip archive: {error}"
        hint = "the file is cut short or damaged: download or build it again"
        raise WheelError(msg, where=str(path), hint=hint) from error
    for info in infos:
        if info.flag_bits & ENCRYPTED:
            raise damaged(path, info.filename, "is encrypted")
        # Before anything is read by them: they may have 64 bits (4.5.3), and be what no file has.
        if info.header_offset < 0 or info.header_offset + info.compress_size > length:
            raise damaged(path, info.filename, "is not wholly in the archive")
        if info.file_size > MOST_BYTES:
            raise damaged(path, info.filename, "is larger than 4 GiB")
    return tuple(_entry(info) for info in infos)


def _entry(info: zipfile.ZipInfo) -> Entry:
    year, month, day, hour, minute, second = info.date_time
    return Entry(
        # Not .filename: zipfile cuts it at a NUL and turns the system's separators.
        name=info.orig_filename,
        method=info.compress_type,
        flags=info.flag_bits & COMPRESSION_FLAGS,
        crc=info.CRC,
        compressed_size=info.compress_size,
        size=info.file_size,
        dos_time=hour << 11 | minute << 5 | second // 2,
        dos_date=(year - FIRST_YEAR) << 9 | month << 5 | day,
        system=info.create_system,
        attributes=info.external_attr,
        offset=info.header_offset,
    )


def damaged(path: Path, member: str, what: str) -> WheelError:
    """The error for one member of an archive."""
    return WheelError(what, where=f"{path.name}:{member}")


def read_raw(file: IO[bytes], path: Path, entry: Entry) -> bytes:
    """The compressed bytes of one member.

    Raises:
        WheelError: its local header is not where the central directory says, names another file,
            or the stream is cut short.
    """
    file.seek(entry.offset)
    head = file.read(LOCAL.size)
    if len(head) < LOCAL.size or not head.startswith(LOCAL_MAGIC):
        raise damaged(path, entry.name, "has no local header")
    flags, name_size, extra_size = LOCAL.unpack(head)[2], *LOCAL.unpack(head)[-2:]
    name = file.read(name_size)
    if name.decode("utf-8" if flags & UTF8 else "cp437", "replace") != entry.name:
        raise damaged(path, entry.name, f"has the name {name!r} in its local header")
    file.seek(extra_size, 1)
    raw = file.read(entry.compressed_size)
    if len(raw) < entry.compressed_size:
        raise damaged(path, entry.name, "is cut short")
    return raw


def inflate(raw: bytes, path: Path, entry: Entry) -> bytes:
    """The content of one member from its compressed bytes, with size and CRC checked.

    Raises:
        WheelError: damaged, or compressed by a method other than deflate.
    """
    if entry.method == STORED:
        content = raw
    elif entry.method == DEFLATED:
        try:
            # One byte more than promised, so that a bomb is neither unpacked nor missed.
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, entry.size + 1)
        except zlib.error as error:
            raise damaged(path, entry.name, f"cannot be decompressed: {error}") from None
    else:
        msg = f"is compressed by method {entry.method}; wheels are deflated or stored"
        raise damaged(path, entry.name, msg)
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise damaged(path, entry.name, "does not have the size and CRC that the archive promises")
    return content


def deflate(content: bytes) -> bytes:
    """A raw deflate stream at level 6, the same bytes for the same zlib."""
    engine = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return engine.compress(content) + engine.flush()


def dos_stamp(epoch: int) -> tuple[int, int]:
    """(DOS time, DOS date) in UTC of seconds since 1970, held within 1980 to 2107."""
    now = time.gmtime(min(max(epoch, EARLIEST), LATEST))
    stamp = now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec // 2
    return stamp, (now.tm_year - FIRST_YEAR) << 9 | now.tm_mon << 5 | now.tm_mday


class ZipWriter:
    """Writes members one after the other, each with its sizes in the local header."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path
        self._at = 0
        self._central: list[bytes] = []

    def add(self, entry: Entry, raw: bytes) -> None:
        """Append one member whose compressed bytes are ``raw``; ``entry.offset`` is ignored."""
        if max(entry.size, len(raw), self._at) > MOST_BYTES:
            raise self._too_large(entry.name)
        encoded = entry.name.encode()
        flags = entry.flags | (0 if entry.name.isascii() else UTF8)
        needed = VERSION_NEEDED.get(entry.method, max(VERSION_NEEDED.values()))
        common = (needed, flags, entry.method, entry.dos_time, entry.dos_date)
        sizes = (entry.crc, len(raw), entry.size, len(encoded))
        made_by = entry.system << 8 | needed
        attributes = (entry.attributes, self._at)
        central = (CENTRAL_MAGIC, made_by, *common, *sizes, 0, 0, 0, 0, *attributes)
        self._central.append(CENTRAL.pack(*central) + encoded)
        self._write(LOCAL.pack(LOCAL_MAGIC, *common, *sizes, 0) + encoded)
        self._write(raw)

    def finish(self) -> None:
        """Write the central directory."""
        start, count = self._at, len(self._central)
        directory = b"".join(self._central)
        if start + len(directory) > MOST_BYTES or count > MOST_MEMBERS:
            raise self._too_large(f"{count} members")
        self._write(directory)
        self._write(END.pack(END_MAGIC, 0, 0, count, count, len(directory), start, 0))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)

    def _too_large(self, member: str) -> WheelError:
        hint = "wheels beyond 4 GiB or 65534 members are not supported: split the distribution"
        return WheelError("is too large", where=f"{self._path.name}:{member}", hint=hint)


@contextmanager
def open_archive(path: Path) -> Iterator[IO[bytes]]:
    """The archive open for :func:`read_raw`.

    Raises:
        WheelError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise WheelError(f"cannot be read: {error.strerror}", where=str(path)) from error
