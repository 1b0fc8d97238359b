"""Write wheels: the same members give the same bytes.

Content that does not change keeps its compressed bytes. Work happens in a temporary sibling that is
renamed into place. Byte-for-byte sameness holds for one zlib; another engine deflates differently.
"""

import os
import secrets
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path
from typing import TypeAlias

from commonwheel.errors import WheelError
from commonwheel.wheel.name import parse_wheel_name
from commonwheel.wheel.read import Wheel
from commonwheel.wheel.record import UNHASHED, Row, hash_of, write_record
from commonwheel.wheel.zip import (
    DEFLATED,
    EARLIEST,
    Entry,
    ZipWriter,
    damaged,
    deflate,
    dos_stamp,
    open_archive,
    read_raw,
)

Content: TypeAlias = bytes | Path

EXECUTABLE = 0o755
PLAIN = 0o644


@dataclass(frozen=True, kw_only=True)
class Member:
    """New content for one member; ``executable`` None means: as the file's own mode says."""

    content: Content
    executable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class _New:
    """A member to deflate: its entry without sizes and CRC, and its content."""

    entry: Entry
    content: Content


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A member to copy: its entry in the source, its new name, and its row (None for a folder)."""

    entry: Entry
    name: str
    row: Row | None


@dataclass(frozen=True, kw_only=True)
class _Packed:
    entry: Entry
    raw: bytes
    row: Row | None


def write_wheel(
    path: Path, members: Mapping[str, Content | Member], *, epoch: int = EARLIEST
) -> None:
    """Write a new wheel: members sorted, ``.dist-info`` after the rest, RECORD generated and last.

    Args:
        path: the wheel; its name says the ``.dist-info`` folder.
        members: content by member, without RECORD. Bytes get mode 0644, files 0644 or 0755.
        epoch: SOURCE_DATE_EPOCH, in seconds since 1970; before 1980 counts as 1980.

    Raises:
        WheelError: RECORD was given, METADATA or WHEEL was not, a file cannot be read, or the wheel
            is too large.
    """
    folder = f"{parse_wheel_name(path.name).dist_info}/"
    if f"{folder}RECORD" in members:
        raise damaged(path, f"{folder}RECORD", "is generated and cannot be given")
    for required in ("METADATA", "WHEEL"):
        if f"{folder}{required}" not in members:
            raise damaged(path, f"{folder}{required}", "is missing")
    order = sorted(members, key=lambda name: (name.startswith(folder), name))
    plan = [_new(name, members[name], epoch) for name in order]
    record = _new(f"{folder}RECORD", b"", epoch).entry
    _write_all(path, plan, record)


def rewrite(
    source: Wheel,
    destination: Path,
    *,
    replace: Mapping[str, Content | Member] | None = None,
    add: Mapping[str, Content | Member] | None = None,
    remove: Iterable[str] = (),
    rename: Mapping[str, str] | None = None,
    epoch: int = EARLIEST,
) -> None:
    """Write a changed copy; members that stay are copied as compressed bytes, in their order.

    RECORD keeps the hashes of what stays and comes last; a signature of the old RECORD is dropped.
    Added members come before the ``.dist-info`` folder, or at its end when they belong there.

    Args:
        source: the wheel to copy; may be at the destination.
        destination: the new wheel.
        replace: new content by the member's name in ``source``; time and mode stay, but for a
            Member that says otherwise.
        add: new members by their final names.
        remove: members of ``source``; with a final slash, all below that folder.
        rename: member → new name, or folder/ → new folder/; the longest that fits is used.
        epoch: the time of added members, in seconds since 1970.

    Raises:
        WheelError: something to replace, remove or rename is not there, two members get one name,
            the source's RECORD lacks a member, a file cannot be read, or the wheel is too large.
    """
    add, moves, gone = add or {}, rename or {}, tuple(remove)
    kept = _kept(source, gone, moves)
    plan = _replaced(kept, replace or {})
    _check_asked(source, kept, asked=[*(replace or {})], gone=gone, moves=moves)
    folder = _renamed(f"{source.dist_info}/", moves)
    extra = [_new(name, add[name], epoch) for name in sorted(add)]
    plan = _inserted(plan, extra, folder)
    record = changed(source.by_name[source.info("RECORD")], name=f"{folder}RECORD")
    _check_unique(destination, plan, record.name)
    _write_all(destination, plan, record, source)


def _new(name: str, given: Content | Member, epoch: int) -> _New:
    member = given if isinstance(given, Member) else Member(content=given)
    executable = member.executable
    if executable is None:
        content = member.content
        executable = isinstance(content, Path) and bool(_stat(content).st_mode & stat.S_IXUSR)
    mode = EXECUTABLE if executable else PLAIN
    when, date = dos_stamp(epoch)
    attributes = (stat.S_IFREG | mode) << 16
    entry = Entry(name=name, dos_time=when, dos_date=date, attributes=attributes)
    return _New(entry=entry, content=member.content)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise WheelError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _kept(source: Wheel, gone: tuple[str, ...], moves: Mapping[str, str]) -> list[_Kept]:
    dropped = {source.info(name) for name in UNHASHED}
    rows = {row.member: row for row in source.record}
    kept: list[_Kept] = []
    for entry in source.entries:
        if entry.name in dropped or any(_fits(entry.name, rule) for rule in gone):
            continue
        row = rows.get(entry.name)
        if row is None and not entry.is_directory:
            raise damaged(source.path, entry.name, "is not listed in RECORD")
        name = _renamed(entry.name, moves)
        new_row = None if row is None else changed(row, member=name)
        kept.append(_Kept(entry=entry, name=name, row=new_row))
    return kept


def _fits(member: str, rule: str) -> bool:
    return member.startswith(rule) if rule.endswith("/") else member == rule


def _renamed(member: str, moves: Mapping[str, str]) -> str:
    for rule in sorted(moves, key=len, reverse=True):
        if _fits(member, rule):
            return moves[rule] + member[len(rule) :]
    return member


def _replaced(kept: Iterable[_Kept], replace: Mapping[str, Content | Member]) -> list[_Kept | _New]:
    plan: list[_Kept | _New] = []
    for item in kept:
        given = replace.get(item.entry.name)
        if given is None:
            plan.append(item)
            continue
        member = given if isinstance(given, Member) else Member(content=given)
        attributes = item.entry.attributes
        if member.executable is not None:
            mode = EXECUTABLE if member.executable else PLAIN
            attributes = (stat.S_IFREG | mode) << 16
        entry = changed(item.entry, name=item.name, attributes=attributes)
        plan.append(_New(entry=entry, content=member.content))
    return plan


def _check_asked(
    source: Wheel,
    kept: Iterable[_Kept],
    *,
    asked: Iterable[str],
    gone: Iterable[str],
    moves: Mapping[str, str],
) -> None:
    staying = {item.entry.name for item in kept}
    checks = [("replace", name, name in staying) for name in asked]
    checks += [("rename", rule, any(_fits(m, rule) for m in staying)) for rule in moves]
    checks += [("remove", r, any(_fits(e.name, r) for e in source.entries)) for r in gone]
    for verb, member, found in checks:
        if not found:
            raise damaged(source.path, member, f"is not in the wheel, so there is none to {verb}")


def _inserted(plan: list[_Kept | _New], extra: Iterable[_New], folder: str) -> list[_Kept | _New]:
    names = [_name(item) for item in plan]
    first_info = next((i for i, name in enumerate(names) if name.startswith(folder)), len(plan))
    outside = [item for item in extra if not item.entry.name.startswith(folder)]
    inside = [item for item in extra if item.entry.name.startswith(folder)]
    return [*plan[:first_info], *outside, *plan[first_info:], *inside]


def _name(item: _Kept | _New) -> str:
    return item.name if isinstance(item, _Kept) else item.entry.name


def _check_unique(path: Path, plan: Iterable[_Kept | _New], record: str) -> None:
    names = Counter([record, *(_name(item) for item in plan)])
    for member, count in names.items():
        if count > 1:
            raise damaged(path, member, "would be in the wheel more than once")


def _write_all(
    path: Path, plan: Sequence[_Kept | _New], record: Entry, source: Wheel | None = None
) -> None:
    """Deflate new members on all processors, copy kept ones, and close with RECORD."""
    rows: list[Row] = []
    with _writer(path) as writer, ThreadPoolExecutor(os.cpu_count()) as pool:
        for packed in _in_order(plan, pool, source):
            writer.add(packed.entry, packed.raw)
            rows += [packed.row] if packed.row else []
        content = write_record([*rows, Row(member=record.name)])
        packed = _pack(_New(entry=record, content=content))
        writer.add(packed.entry, packed.raw)


def _in_order(
    plan: Sequence[_Kept | _New], pool: ThreadPoolExecutor, source: Wheel | None
) -> Iterator[_Packed]:
    # The largest first, so that no processor is left with it at the end.
    new = sorted((item for item in plan if isinstance(item, _New)), key=_size, reverse=True)
    jobs = {item.entry.name: pool.submit(_pack, item) for item in new}
    with nullcontext() if source is None else open_archive(source.path) as file:
        for item in plan:
            if isinstance(item, _New):
                yield jobs.pop(item.entry.name).result()
            else:
                assert source is not None
                assert file is not None
                raw = read_raw(file, source.path, item.entry)
                yield _Packed(entry=changed(item.entry, name=item.name), raw=raw, row=item.row)


def _size(item: _New) -> int:
    content = item.content
    return len(content) if isinstance(content, bytes) else _stat(content).st_size


def _pack(item: _New) -> _Packed:
    content = item.content if isinstance(item.content, bytes) else _read(item.content)
    raw = deflate(content)
    entry = changed(
        item.entry,
        method=DEFLATED,
        flags=0,
        crc=zlib.crc32(content),
        compressed_size=len(raw),
        size=len(content),
    )
    row = Row(member=entry.name, hash=hash_of(content), size=len(content))
    return _Packed(entry=entry, raw=raw, row=row)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WheelError(f"cannot be read: {error.strerror}", where=str(path)) from error


@contextmanager
def _writer(path: Path) -> Iterator[ZipWriter]:
    """A writer whose archive takes its name only when it is whole."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            writer = ZipWriter(file, path)
            yield writer
            writer.finish()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
