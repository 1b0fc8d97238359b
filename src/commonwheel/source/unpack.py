"""Unpack an archive safely: whole and renamed into place, or not at all."""

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from commonwheel.errors import SourceError
from commonwheel.source.archive import Kind, Member, refuse_unsafe, tar_members, zip_members

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGED = (
    OSError,  # gzip and bzip2 have no error of their own
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # an encrypted zip
    NotImplementedError,
    UnicodeDecodeError,
)


def unpack(archive: Path, destination: Path) -> Path:
    """Unpack a tar (plain, gzip, bzip2, xz) or zip archive as the folder ``destination``.

    A single top-level folder is stripped. Executable bits and times are kept, owners and other
    mode bits are not.

    Returns:
        ``destination``.

    Raises:
        SourceError: the archive is damaged, of an unknown format or unsafe, or the destination
            exists; nothing is left behind.
    """
    if destination.exists():
        msg = f"{destination} exists already"
        raise SourceError(msg, hint="Unpack into a new folder, or remove this one first.")
    destination.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{destination.name}-"
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=prefix) as name:
        root = Path(name) / "root"
        root.mkdir()
        try:
            with _members(archive, Path(name)) as members:
                refuse_unsafe(archive, members)
                _extract_all(archive, members, root)
        except _DAMAGED as error:
            raise _unreadable(archive, error) from error
        _single_folder(root).rename(destination)
    return destination


def _single_folder(root: Path) -> Path:
    found = list(root.iterdir())
    single = len(found) == 1 and found[0].is_dir() and not found[0].is_symlink()
    return found[0] if single else root


@contextmanager
def _members(archive: Path, scratch: Path) -> Iterator[Sequence[Member]]:
    # By its first bytes: is_zipfile() looks at the end, where a tar may hold a zip of its own.
    if _magic(archive) in _ZIP_MAGICS:
        with zipfile.ZipFile(archive) as zipped:
            yield zip_members(zipped)
        return
    plain = _decompressed(archive, scratch / "plain.tar")
    try:
        opened = tarfile.open(plain)  # noqa: SIM115 - closed below, whatever the members do
    except tarfile.ReadError:
        raise _unknown_format(archive) from None
    with opened:
        yield tar_members(opened)


def _decompressed(archive: Path, plain: Path) -> Path:
    # All members are looked at before the first is written: two passes, but one decompression.
    openers: dict[bytes, Callable[[Path], BufferedIOBase]] = {
        b"\x1f\x8b": gzip.GzipFile,
        b"BZh": bz2.BZ2File,
        b"\xfd7z": lzma.LZMAFile,
    }
    magic = _magic(archive)
    opener = next((found for start, found in openers.items() if magic.startswith(start)), None)
    if opener is None:
        return archive
    with opener(archive) as source, plain.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return plain


def _magic(archive: Path) -> bytes:
    with archive.open("rb") as stream:
        return stream.read(4)


def _unreadable(archive: Path, error: Exception) -> SourceError:
    if isinstance(error, OSError) and error.strerror:
        return SourceError(error.strerror, where=str(archive))
    return SourceError(
        f"the archive is damaged: {str(error) or type(error).__name__}",
        where=str(archive),
        hint="Remove it from the cache and fetch it again, or compare its sha256 with upstream's.",
    )


def _unknown_format(archive: Path) -> SourceError:
    if _magic(archive) == _ZSTD_MAGIC:
        return SourceError(
            "it is compressed with Zstandard, which this Python cannot read",
            where=str(archive),
            hint="Run commonwheel with Python 3.14 or newer, or name a .tar.xz or .tar.gz.",
        )
    return SourceError(
        "it is neither a tar archive (plain, gzip, bzip2, xz) nor a zip archive",
        where=str(archive),
        hint="Does the recipe name a source archive, and not a page about it?",
    )


def _extract_all(archive: Path, members: Sequence[Member], root: Path) -> None:
    if not members:
        msg = "the archive is empty"
        raise SourceError(msg, where=str(archive))
    # Hard links last: what they name may stand behind them.
    for member in sorted(members, key=lambda member: member.kind is Kind.HARDLINK):
        try:
            _extract(member, root)
        except OSError as error:
            raise SourceError(
                error.strerror or str(error),
                where=f"{archive}:{member.name}",
                hint="Is there room on the disk? Or does the archive hold one name as two things?",
            ) from error
    _set_folder_times(members, root)


def _extract(member: Member, root: Path) -> None:
    path = root / member.path
    if member.kind is Kind.FOLDER:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of two members with one name, the last counts
    if member.kind is Kind.SYMLINK:
        path.symlink_to(member.link)
    elif member.kind is Kind.HARDLINK:
        path.hardlink_to(root / member.link)
    else:
        with member.open() as source, path.open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        path.chmod(0o755 if member.executable else 0o644)
        os.utime(path, (member.mtime, member.mtime))


def _set_folder_times(members: Sequence[Member], root: Path) -> None:
    for member in members:
        if member.kind is Kind.FOLDER:
            os.utime(root / member.path, (member.mtime, member.mtime))
