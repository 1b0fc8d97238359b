"""Files that are never seen half written."""

import os
from pathlib import Path
from threading import Thread

from commonwheel.files import write_atomically


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text("old")
    inode = target.stat().st_ino
    write_atomically(target, "new")
    assert target.read_text() == "new"
    assert target.stat().st_ino != inode
    assert [*tmp_path.iterdir()] == [target]


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    # /dev/stdout is one: a report written there must not take its place.
    (tmp_path / "real").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("real")
    write_atomically(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_atomically(pipe, "new")
    reader.join()
    assert read == ["new"]
    assert pipe.is_fifo()
