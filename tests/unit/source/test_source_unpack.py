"""Unpacking, and what it refuses."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from commonwheel.errors import SourceError
from commonwheel.source.unpack import unpack

FILE, FOLDER, SYMLINK, HARDLINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def entry(name: str, kind: bytes = FILE, *, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = kind, link, mode, 1_000_000_000
    info.size = len(name) if kind == FILE else 0
    return info


def make_tar(path: Path, entries: Iterable[tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info in entries:
            archive.addfile(info, io.BytesIO(info.name.encode()) if info.isreg() else None)
    return path


def make_zip(path: Path, entries: Iterable[tuple[str, int, str]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, mode, text in entries:
            info = zipfile.ZipInfo(name, (2001, 9, 9, 1, 46, 40))
            info.external_attr = mode << 16
            archive.writestr(info, text)
    return path


def nothing_left(folder: Path) -> bool:
    return [path.name for path in folder.iterdir() if path.suffix not in {".tar", ".zip"}] == []


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_tar(tmp_path: Path, compression: str) -> None:
    archive = make_tar(
        tmp_path / "a.tar",
        [
            entry("pkg-1/", FOLDER),
            entry("pkg-1/configure", mode=0o4755),
            entry("./pkg-1/src/a.c", mode=0o666),
            entry("pkg-1/src/up", SYMLINK, link="../configure"),
            entry("pkg-1/hard", HARDLINK, link="pkg-1/src/a.c"),
        ],
        f"w:{compression}",
    )
    root = unpack(archive, tmp_path / "out")
    assert root == tmp_path / "out"
    assert stat.S_IMODE((root / "configure").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "src/a.c").stat().st_mode) == 0o644
    assert (root / "configure").stat().st_mtime == 1_000_000_000
    assert (root / "src/up").read_text() == "pkg-1/configure"
    assert (root / "hard").samefile(root / "src/a.c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "out"]


def test_zip(tmp_path: Path) -> None:
    archive = make_zip(
        tmp_path / "a.zip",
        [
            ("pkg/", stat.S_IFDIR | 0o755, ""),
            ("pkg/run", stat.S_IFREG | 0o755, "run"),
            ("pkg/plain", 0, "plain"),
            ("pkg/link", stat.S_IFLNK | 0o777, "run"),
        ],
    )
    root = unpack(archive, tmp_path / "out")
    assert os.access(root / "run", os.X_OK)
    assert not os.access(root / "plain", os.X_OK)
    assert (root / "link").read_text() == "run"
    assert (root / "run").stat().st_mtime == 1_000_000_000


def test_several_top_level_names_are_kept(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar", [entry("a/x"), entry("b")])
    root = unpack(archive, tmp_path / "deep/out")
    assert sorted(path.name for path in root.iterdir()) == ["a", "b"]


def test_links_may_lead_from_one_top_level_folder_to_another(tmp_path: Path) -> None:
    entries = [entry("a/l", SYMLINK, link="../b/x"), entry("b/x")]
    root = unpack(make_tar(tmp_path / "a.tar", entries), tmp_path / "out")
    assert (root / "a/l").read_text() == "b/x"


def test_a_link_may_name_the_stripped_folder_itself(tmp_path: Path) -> None:
    entries = [entry("./", FOLDER), entry("pkg/x"), entry("pkg/a/l", SYMLINK, link="..")]
    root = unpack(make_tar(tmp_path / "a.tar", entries), tmp_path / "out")
    assert (root / "a/l").samefile(root)


def test_a_tar_that_holds_a_zip_is_a_tar(tmp_path: Path) -> None:
    zipped = make_zip(tmp_path / "inner.zip", [("x", 0, "x")]).read_bytes()
    archive = tmp_path / "a.tgz"
    with tarfile.open(archive, "w") as tar:
        info = tarfile.TarInfo("inner.zip")
        info.size = len(zipped)
        tar.addfile(info, io.BytesIO(zipped))
    assert (unpack(archive, tmp_path / "out") / "inner.zip").exists()


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([entry("../evil")], id="dotdot"),
        pytest.param([entry("pkg/../../evil")], id="dotdot-inside"),
        pytest.param([entry("/evil")], id="absolute"),
        pytest.param([entry("l", SYMLINK, link="/etc"), entry("l/evil")], id="absolute-link"),
        pytest.param([entry("l", SYMLINK, link=".."), entry("l/evil")], id="link-out"),
        pytest.param([entry("a/l", SYMLINK, link="../../evil")], id="link-out-deeper"),
        pytest.param([entry("pkg/l", SYMLINK, link="../job.json")], id="link-out-of-top-folder"),
        pytest.param([entry("pkg/l", SYMLINK, link="..")], id="link-to-above-top-folder"),
        pytest.param([entry("pkg/l", SYMLINK, link="../pkg/fine")], id="link-out-and-back"),
        pytest.param([entry("./pkg/a/l", SYMLINK, link="../../x")], id="link-out-of-dotted-top"),
        pytest.param([entry("pkg/h", HARDLINK, link="pkg/../x")], id="hard-link-out-of-top-folder"),
        pytest.param(
            [entry("d", FOLDER), entry("l", SYMLINK, link="d"), entry("l/x")], id="through"
        ),
        pytest.param([entry("l/x"), entry("l", SYMLINK, link="d")], id="through-in-other-order"),
        pytest.param([entry("l", SYMLINK, link="x"), entry("l")], id="written-through"),
        pytest.param(
            [entry("a/b/l", SYMLINK, link="../.."), entry("m", SYMLINK, link="a/b/l/../evil")],
            id="climbs-behind-a-link",
        ),
        pytest.param([entry("l", SYMLINK)], id="empty-link"),
        pytest.param([entry("h", HARDLINK, link="../evil")], id="hard-link-out"),
        pytest.param([entry("h", HARDLINK, link="/etc/passwd")], id="hard-link-absolute"),
        pytest.param(
            [entry("l", SYMLINK, link="x"), entry("h", HARDLINK, link="l")], id="hard-link-to-link"
        ),
        pytest.param([entry("dev", tarfile.CHRTYPE)], id="device"),
        pytest.param([entry("pipe", tarfile.FIFOTYPE)], id="pipe"),
    ],
)
def test_unsafe_tars_are_refused(tmp_path: Path, entries: list[tarfile.TarInfo]) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    archive = make_tar(folder / "a.tar", [entry("pkg/fine"), *entries])
    with pytest.raises(SourceError) as caught:
        unpack(archive, folder / "out")
    named = {f"{archive}:{info.name}" for info in entries}
    assert caught.value.where in named
    assert nothing_left(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.parametrize(
    ("name", "mode", "text"),
    [
        ("../evil", 0o644, "x"),
        ("/evil", 0o644, "x"),
        ("pkg/l", stat.S_IFLNK | 0o777, "../../evil"),
        ("pkg/l", stat.S_IFLNK | 0o777, "../job.json"),
        ("pkg/pipe", stat.S_IFIFO | 0o644, ""),
    ],
)
def test_unsafe_zips_are_refused(tmp_path: Path, name: str, mode: int, text: str) -> None:
    archive = make_zip(tmp_path / "a.zip", [("pkg/fine", 0, "x"), (name, mode, text)])
    with pytest.raises(SourceError, match=name):
        unpack(archive, tmp_path / "out")
    assert nothing_left(tmp_path)


def test_damaged_archives(tmp_path: Path) -> None:
    entries = [entry(f"pkg/{number:06}") for number in range(300)]
    whole = make_tar(tmp_path / "whole.tar", entries, "w:xz").read_bytes()
    for content in (whole[: len(whole) // 2], b"<html>not here</html>", b""):
        archive = tmp_path / "cut.tar"
        archive.write_bytes(content)
        with pytest.raises(SourceError, match=r"damaged|neither"):
            unpack(archive, tmp_path / "out")
    assert nothing_left(tmp_path)


def test_damaged_zip(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("pkg/fine", 0, "x" * 100)])
    archive.write_bytes(archive.read_bytes().replace(b"xxxx", b"xxxy", 1))
    with pytest.raises(SourceError, match="damaged"):
        unpack(archive, tmp_path / "out")


def test_zstandard_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 100)
    with pytest.raises(SourceError, match=r"Zstandard|damaged"):
        unpack(archive, tmp_path / "out")


def test_an_empty_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="empty"):
        unpack(make_tar(tmp_path / "a.tar", []), tmp_path / "out")


def test_a_missing_archive_and_an_existing_destination(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        unpack(tmp_path / "none.tar", tmp_path / "out")
    with pytest.raises(SourceError, match="exists already"):
        unpack(make_tar(tmp_path / "a.tar", [entry("x")]), tmp_path)
