"""Writing and rewriting."""

import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.errors import WheelError
from commonwheel.wheel import Member, Wheel, read_wheel, rewrite, write_wheel
from commonwheel.wheel import zip as zip_module
from commonwheel.wheel.zip import Entry, ZipWriter, dos_stamp, open_archive, read_raw

Make = Callable[..., Path]
INFO = "demo_pkg-1.0.dist-info"
FILE = "demo_pkg-1.0-cp311-cp311-linux_x86_64.whl"


@pytest.fixture
def source(make_wheel: Make) -> Wheel:
    return read_wheel(make_wheel())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / FILE


def raw_of(wheel: Wheel, member: str) -> bytes:
    with open_archive(wheel.path) as file:
        return read_raw(file, wheel.path, wheel.by_name[member])


def checked(path: Path) -> Wheel:
    """The wheel at ``path``, after all that can be said against it."""
    wheel = read_wheel(path)
    wheel.verify()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    assert wheel.members[-1] == wheel.info("RECORD")
    assert not list(path.parent.glob(".*"))
    return wheel


def test_new_wheel(target: Path, content: dict[str, bytes], tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_bytes(b"#!/bin/sh\n")
    tool.chmod(0o700)
    write_wheel(target, {**content, "demo/tool": tool, "ä.txt": b"1"}, epoch=1_700_000_000)
    wheel = checked(target)
    body = wheel.members[:-3]
    assert list(body) == sorted(body)
    assert wheel.members[-3:] == tuple(f"{INFO}/{n}" for n in ("METADATA", "WHEEL", "RECORD"))
    modes = {entry.name: stat.S_IMODE(entry.mode) for entry in wheel.entries}
    assert (modes["demo/tool"], modes["demo/ext.so"]) == (0o755, 0o644)
    with zipfile.ZipFile(target) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_same_members_same_bytes(tmp_path: Path, content: dict[str, bytes]) -> None:
    results = []
    for order in (1, -1):
        folder = tmp_path / str(order)
        folder.mkdir()
        write_wheel(folder / FILE, dict(list(content.items())[::order]), epoch=5)
        results.append((folder / FILE).read_bytes())
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("epoch", "date"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (-5, (1980, 1, 1, 0, 0, 0)),
        (1_000_000_001, (2001, 9, 9, 1, 46, 40)),
        (9_999_999_999, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_epoch_is_held_within_the_format(epoch: int, date: tuple[int, ...]) -> None:
    time, day = dos_stamp(epoch)
    assert date == (
        (day >> 9) + 1980,
        day >> 5 & 15,
        day & 31,
        time >> 11,
        time >> 5 & 63,
        (time & 31) * 2,
    )


def test_new_wheel_needs_its_metadata_and_no_record(
    target: Path, content: dict[str, bytes]
) -> None:
    with pytest.raises(WheelError, match="is generated"):
        write_wheel(target, {**content, f"{INFO}/RECORD": b""})
    with pytest.raises(WheelError, match="METADATA: is missing"):
        write_wheel(target, {f"{INFO}/WHEEL": b""})
    with pytest.raises(WheelError, match="cannot be read"):
        write_wheel(target, {**content, "x": target.parent / "gone"})
    assert list(target.parent.iterdir()) == []


def test_members_that_stay_are_copied_as_they_are(source: Wheel, target: Path) -> None:
    rewrite(source, target, replace={"demo/ext.so": b"new"})
    result = checked(target)
    assert result.read("demo/ext.so") == b"new"
    assert result.members == source.members
    for member in source.members:
        old, new = source.by_name[member], result.by_name[member]
        assert (old.dos_date, old.dos_time, old.attributes) == (
            new.dos_date,
            new.dos_time,
            new.attributes,
        )
        if member not in {"demo/ext.so", f"{INFO}/RECORD"}:
            assert raw_of(source, member) == raw_of(result, member)
            assert replace(old, offset=0) == replace(new, offset=0)


def test_nothing_to_do_is_stable(source: Wheel, target: Path) -> None:
    rewrite(source, target)
    first = target.read_bytes()
    rewrite(checked(target), target)
    assert target.read_bytes() == first


def test_data_descriptors_are_written_as_sizes(
    tmp_path: Path, target: Path, content: dict[str, bytes], make_wheel: Make
) -> None:
    seekable = make_wheel()
    members = {e: read_wheel(seekable).read(e) for e in read_wheel(seekable).members}

    class Pipe:
        """A stream that cannot seek makes zipfile write data descriptors."""

        def __init__(self, path: Path) -> None:
            self.file = path.open("wb")

        def write(self, data: bytes) -> int:
            return self.file.write(data)

        def flush(self) -> None:
            self.file.flush()

    pipe = Pipe(seekable)
    with pipe.file, zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, raw in members.items():
            archive.writestr(name, raw)
    with zipfile.ZipFile(seekable) as archive:
        assert all(info.flag_bits & 8 for info in archive.infolist())
    rewrite(read_wheel(seekable), target)
    checked(target)
    with zipfile.ZipFile(target) as archive:
        assert not any(info.flag_bits & 8 for info in archive.infolist())


def test_add_and_remove(source: Wheel, target: Path) -> None:
    rewrite(
        source,
        target,
        add={
            "demo/_commonwheel.py": b"def load(): ...\n",
            "demo/tool": Member(content=b"#!", executable=True),
            f"{INFO}/sboms/a.json": b"{}",
        },
        remove=["demo/empty.py", "demo_pkg-1.0.data/"],
        epoch=1_700_000_000,
    )
    result = checked(target)
    assert result.members == (
        "demo/__init__.py",
        "demo/ext.so",
        "demo/_commonwheel.py",
        "demo/tool",
        f"{INFO}/METADATA",
        f"{INFO}/WHEEL",
        f"{INFO}/sboms/a.json",
        f"{INFO}/RECORD",
    )
    assert stat.S_IMODE(result.by_name["demo/tool"].mode) == 0o755


def test_another_version_renames_its_folders(source: Wheel, tmp_path: Path) -> None:
    target = tmp_path / "demo_pkg-1.0+cw.1-cp311-cp311-linux_x86_64.whl"
    moves = {
        f"demo_pkg-1.0.{kind}/": f"demo_pkg-1.0+cw.1.{kind}/" for kind in ("dist-info", "data")
    }
    info = {f"{INFO}/METADATA": source.metadata.replace(b"1.0", b"1.0+cw.1")}
    rewrite(source, target, rename={**moves, "demo/ext.so": "demo/other.so"}, replace=info)
    result = checked(target)
    assert result.dist_info == "demo_pkg-1.0+cw.1.dist-info"
    assert result.metadata_fields["Version"] == "1.0+cw.1"
    assert result.read("demo/other.so") == source.read("demo/ext.so")
    assert result.install_path("demo_pkg-1.0+cw.1.data/platlib/other.py") == ("platlib", "other.py")


def test_in_place_and_hard_links(source: Wheel, tmp_path: Path) -> None:
    cached = tmp_path / "cached"
    os.link(source.path, cached)
    raw = cached.read_bytes()
    rewrite(source, source.path, replace={"demo/ext.so": b"1"})
    assert checked(source.path).read("demo/ext.so") == b"1"
    assert cached.read_bytes() == raw


def test_replace_may_change_the_mode(source: Wheel, target: Path) -> None:
    new = Member(content=b"", executable=True)
    rewrite(source, target, replace={"demo/empty.py": new, "demo/ext.so": b""})
    modes = {e.name: stat.S_IMODE(e.mode) for e in checked(target).entries}
    assert (modes["demo/empty.py"], modes["demo/ext.so"]) == (0o755, 0o755)


def test_signature_and_folders(make_wheel: Make, content: dict[str, bytes], target: Path) -> None:
    path = make_wheel({**content, f"{INFO}/RECORD.jws": b"{}"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("demo/", b"")
    rewrite(read_wheel(path), target)
    result = checked(target)
    assert f"{INFO}/RECORD.jws" not in result.members
    assert "demo/" in result.by_name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replace": {"no": b""}}, "none to replace"),
        ({"remove": ["no/"]}, "none to remove"),
        ({"rename": {"no/": "yes/"}}, "none to rename"),
        ({"replace": {"demo/ext.so": b""}, "remove": ["demo/"]}, "none to replace"),
        ({"add": {"demo/ext.so": b""}}, "more than once"),
        ({"add": {f"{INFO}/RECORD": b""}}, "more than once"),
        ({"rename": {"demo/ext.so": "demo/__init__.py"}}, "more than once"),
    ],
)
def test_what_cannot_be_done(
    source: Wheel, target: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(WheelError, match=message):
        rewrite(source, target, **options)  # type: ignore[arg-type]
    assert list(target.parent.iterdir()) == []


def test_a_member_that_record_lacks(make_wheel: Make, target: Path) -> None:
    path = make_wheel(record=f"{INFO}/RECORD,,\n".encode())
    with pytest.raises(WheelError, match="is not listed in RECORD"):
        rewrite(read_wheel(path), target)


def test_a_damaged_source_leaves_no_result(source: Wheel, target: Path) -> None:
    source.path.write_bytes(source.path.read_bytes()[:100])
    wheel = source
    _ = wheel.by_name
    with pytest.raises(WheelError):
        rewrite(wheel, target)
    assert list(target.parent.iterdir()) == []


def test_names_beyond_ascii_and_commas(
    target: Path, content: dict[str, bytes], tmp_path: Path
) -> None:
    write_wheel(target, {**content, "demo/größe, m.txt": b"1", 'demo/q".txt': b"2"})
    assert checked(target).read("demo/größe, m.txt") == b"1"
    rewrite(read_wheel(target), target)
    assert checked(target).read('demo/q".txt') == b"2"


def test_limits_are_said(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with target.open("wb") as file:
        writer = ZipWriter(file, target)
        with pytest.raises(WheelError, match="big: is too large"):
            writer.add(Entry(name="big", size=1 << 32), b"")
        monkeypatch.setattr(zip_module, "MOST_MEMBERS", 1)
        writer.add(Entry(name="a"), b"")
        writer.add(Entry(name="b"), b"")
        with pytest.raises(WheelError, match="2 members: is too large"):
            writer.finish()
