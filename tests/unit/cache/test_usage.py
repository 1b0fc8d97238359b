import os
from pathlib import Path

import pytest

from commonwheel.cache.usage import in_use, running_since, take_away, touch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ab" / "abcd"
    made.mkdir(parents=True)
    (made / "file").touch()
    os.utime(made, (10, 10))
    return made


def test_who_uses_the_cache_says_so_while_it_runs(tmp_path: Path) -> None:
    assert running_since(tmp_path) == []
    with in_use(tmp_path):
        (first,) = running_since(tmp_path)
        with in_use(tmp_path):
            assert len(running_since(tmp_path)) == 2
            assert running_since(tmp_path)[0] == first
    assert running_since(tmp_path) == []
    assert [file.name for file in (tmp_path / "running").iterdir()] == [".lock"]


def test_an_error_ends_the_use(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), in_use(tmp_path):
        raise RuntimeError
    assert running_since(tmp_path) == []


def test_what_a_killed_process_said_holds_nothing(tmp_path: Path) -> None:
    with in_use(tmp_path):
        (tmp_path / "running" / "1234-00000000.lock").touch()
        assert len(running_since(tmp_path)) == 1
    assert running_since(tmp_path) == []
    assert not list((tmp_path / "running").glob("1234*"))


def test_a_touched_folder_is_as_new_as_now(tmp_path: Path, folder: Path) -> None:
    with in_use(tmp_path):
        (since,) = running_since(tmp_path)
        assert folder.stat().st_mtime < since
        assert touch(tmp_path, folder)
        assert folder.stat().st_mtime >= since
    assert not touch(tmp_path, tmp_path / "nothing")


def test_what_is_taken_away_is_gone(tmp_path: Path, folder: Path) -> None:
    assert take_away(tmp_path, folder, used=10)
    assert list(folder.parent.iterdir()) == []
    assert not take_away(tmp_path, folder, used=10)


def test_what_was_used_since_it_was_listed_stays(tmp_path: Path, folder: Path) -> None:
    assert not take_away(tmp_path, folder, used=9)
    assert (folder / "file").is_file()
