"""What an archive holds, read alike from tar and zip, and the rules that keep it in its place."""

import calendar
import stat
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO

from commonwheel.errors import SourceError


class Kind(StrEnum):
    """What a member becomes on disk."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"
    OTHER = "device or pipe"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry of an archive.

    Args:
        name: as the archive spells it.
        kind: what it becomes.
        executable: whether its owner may execute it.
        mtime: seconds since the epoch; build systems compare them, so they are kept.
        link: a link's target: relative to the member's folder for a symbolic link (as it is on
            disk), to the archive's root for a hard link.
        open: the content of a file.
    """

    name: str
    kind: Kind
    executable: bool
    mtime: float
    link: str
    open: Callable[[], IO[bytes]]

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)


def tar_members(archive: tarfile.TarFile) -> list[Member]:
    return [_tar_member(archive, info) for info in archive]


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    kinds = {
        Kind.FILE: info.isreg(),
        Kind.FOLDER: info.isdir(),
        Kind.SYMLINK: info.issym(),
        Kind.HARDLINK: info.islnk(),
    }

    def content() -> IO[bytes]:
        stream = archive.extractfile(info)
        assert stream is not None
        return stream

    return Member(
        name=info.name,
        kind=next((kind for kind, fits in kinds.items() if fits), Kind.OTHER),
        executable=bool(info.mode & stat.S_IXUSR),
        mtime=info.mtime,
        link=info.linkname,
        open=content,
    )


def zip_members(archive: zipfile.ZipFile) -> list[Member]:
    return [_zip_member(archive, info) for info in archive.infolist()]


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    kind = _zip_kind(info, stat.S_IFMT(mode))
    return Member(
        name=info.filename,
        kind=kind,
        executable=bool(mode & stat.S_IXUSR),
        mtime=calendar.timegm((*info.date_time, 0, 0, 0)),
        link=archive.read(info).decode("utf-8") if kind is Kind.SYMLINK else "",
        open=lambda: archive.open(info),
    )


def _zip_kind(info: zipfile.ZipInfo, file_type: int) -> Kind:
    if info.is_dir():
        return Kind.FOLDER
    known = {0: Kind.FILE, stat.S_IFREG: Kind.FILE, stat.S_IFLNK: Kind.SYMLINK}
    return known.get(file_type, Kind.OTHER)


def refuse_unsafe(archive: Path, members: Sequence[Member]) -> None:
    """Refuse what could be written, or could lead, outside the folder that is unpacked into.

    The rules look at names only, at all of them before anything is written, so they do not depend
    on what is on disk (the realpath that :func:`tarfile.data_filter` uses can be tricked:
    CVE-2025-4517). A name may not pass through a symbolic link; a symbolic link may
    climb only at the start of its target and not above the root: where all members share one top
    folder, which :func:`commonwheel.source.unpack.unpack` strips, not above that folder.

    Raises:
        SourceError: with the archive and the member.
    """
    links = {member.path for member in members if member.kind is Kind.SYMLINK}
    files = {member.path for member in members if member.kind is Kind.FILE}
    root = 1 if _one_top_folder(members) else 0
    for member in members:
        problem = _bad_name(member, links) or _bad_link(member, links, files, root)
        if problem:
            raise SourceError(problem, where=f"{archive}:{member.name}")


def _one_top_folder(members: Sequence[Member]) -> bool:
    tops = {member.path.parts[0] for member in members if member.path.parts}
    folders = any(member.kind is Kind.FOLDER or member.path.parts[1:] for member in members)
    return len(tops) == 1 and folders


def _bad_name(member: Member, links: set[PurePosixPath]) -> str:
    path = member.path
    if path.is_absolute() or ".." in path.parts or "\0" in member.name:
        return "its name leads outside the folder that is unpacked into"
    if member.kind is Kind.OTHER:
        return f"it is a {Kind.OTHER}, which no source needs"
    if links.intersection(path.parents) or (path in links and member.kind is not Kind.SYMLINK):
        return "its name passes through a symbolic link of the same archive"
    return ""


def _bad_link(
    member: Member, links: set[PurePosixPath], files: set[PurePosixPath], root: int
) -> str:
    # root: how many folders deep the one is that links must stay in.
    target = PurePosixPath(member.link)
    if member.kind is Kind.HARDLINK and (target not in files or links.intersection(target.parents)):
        return f"it is a hard link to '{member.link}', which is not a file of this archive"
    if member.kind is not Kind.SYMLINK:
        return ""
    climbs = 0
    while target.parts[climbs : climbs + 1] == ("..",):
        climbs += 1
    deep = len(member.path.parent.parts) - root
    if target.is_absolute() or climbs > deep or ".." in target.parts[climbs:] or not member.link:
        return f"it is a symbolic link to '{member.link}', outside the folder that is unpacked into"
    return ""
