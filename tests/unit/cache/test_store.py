import json
import os
import shutil
from pathlib import Path

import pytest

from commonwheel.cache import store as module
from commonwheel.cache.keys import key_of
from commonwheel.cache.store import Store
from commonwheel.errors import CommonwheelError

INPUTS = {"b": 1, "a": {"x": "y"}}
KEY = key_of(INPUTS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(root=tmp_path / "cache")


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    (folder / "debug" / "ab").mkdir(parents=True)
    (folder / "x-1-py3-none-any.whl").write_bytes(b"wheel")
    (folder / "debug" / "ab" / "cd.debug").touch()
    return folder


def leftovers(store: Store) -> list[str]:
    return [file.name for file in store.root.rglob("*.part")]


def test_what_is_put_is_found(store: Store, content: Path) -> None:
    assert store.find(KEY) is None
    stored = store.put(content, INPUTS, {"epoch": 1})
    found = store.find(KEY)
    assert found == stored
    assert found is not None
    assert found.key == KEY
    assert found.wheel.read_bytes() == b"wheel"
    assert found.debug == found.folder / "debug"
    assert found.facts == {"epoch": 1}
    assert json.loads((found.folder / "inputs.json").read_text()) == INPUTS
    assert leftovers(store) == []


def test_the_content_stays_where_it_was(store: Store, content: Path) -> None:
    store.put(content, INPUTS)
    assert sorted(file.name for file in content.iterdir()) == ["debug", "x-1-py3-none-any.whl"]


def test_the_first_result_stays(store: Store, content: Path) -> None:
    store.put(content, INPUTS, {"n": 1})
    (content / "x-1-py3-none-any.whl").write_bytes(b"other")
    again = store.put(content, INPUTS, {"n": 2})
    assert (again.facts, again.wheel.read_bytes()) == ({"n": 1}, b"wheel")
    assert leftovers(store) == []


def test_a_result_without_debug_files_and_facts(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    stored = store.put(tmp_path / "empty", INPUTS)
    assert (stored.debug, stored.facts) == (None, {})


def test_a_put_that_fails_leaves_nothing(
    store: Store, content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(module, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        store.put(content, INPUTS)
    assert store.find(KEY) is None
    assert leftovers(store) == []


def test_a_half_written_folder_is_never_found(store: Store, content: Path) -> None:
    stored = store.put(content, INPUTS)
    half = stored.folder.with_name(".0123456789ab.part")
    stored.folder.rename(half)
    assert store.find(KEY) is None
    assert store.put(content, INPUTS).wheel.is_file()


@pytest.mark.parametrize(
    "gone", ["inputs.json", "facts.json", "files.json", "x-1-py3-none-any.whl", "debug/ab/cd.debug"]
)
def test_a_damaged_result_is_absent_and_is_replaced(store: Store, content: Path, gone: str) -> None:
    folder = store.put(content, INPUTS, {"n": 1}).folder
    (folder / gone).unlink()
    assert store.find(KEY) is None
    store.put(content, INPUTS, {"n": 2})
    found = store.find(KEY)
    assert found is not None
    assert (found.facts, found.wheel.read_bytes()) == ({"n": 2}, b"wheel")
    assert leftovers(store) == []


def test_a_wheel_that_was_cut_short_is_no_result(store: Store, content: Path) -> None:
    store.put(content, INPUTS).wheel.write_bytes(b"whe")
    assert store.find(KEY) is None
    assert store.put(content, INPUTS).wheel.read_bytes() == b"wheel"


def test_a_result_whose_wheel_is_gone_says_what_to_remove(store: Store, content: Path) -> None:
    stored = store.put(content, INPUTS)
    stored.wheel.unlink()
    with pytest.raises(CommonwheelError, match="holds no wheel") as caught:
        _ = stored.wheel
    assert caught.value.where == str(stored.folder)
    assert "Remove the whole folder" in caught.value.hint


def test_finding_counts_as_use(store: Store, content: Path) -> None:
    folder = store.put(content, INPUTS).folder
    os.utime(folder, (1, 1))
    store.find(KEY)
    assert folder.stat().st_mtime > 1


def test_stores_are_apart(store: Store, content: Path, tmp_path: Path) -> None:
    store.put(content, INPUTS)
    assert Store(root=tmp_path / "other").find(KEY) is None


def test_a_lock_can_be_taken_again(store: Store) -> None:
    for _ in range(2):
        with store.lock(KEY):
            assert (store.root / "locks" / f"{KEY}.lock").is_file()


# --- the history of a job -----------------------------------------------------------------------


def put(store: Store, content: Path, number: int, job: str | None = "geos-3.11.1") -> str:
    """A result, used ``number`` seconds after the epoch; its key."""
    stored = store.put(content, {"n": number}, job=job)
    os.utime(stored.folder, (number, number))
    return stored.key


def test_the_history_has_the_one_used_last_first(store: Store, content: Path) -> None:
    keys = {number: put(store, content, number) for number in (2, 3, 1)}
    put(store, content, 4, job="zlib-1.3.1")
    put(store, content, 5, job=None)
    found = [stored.key for stored in store.history("geos-3.11.1")]
    assert found == [keys[3], keys[2], keys[1]]
    assert store.history("geos-3.13.1") == []
    store.find(keys[1])
    assert store.history("geos-3.11.1")[0].key == keys[1]


def test_looking_is_no_use(store: Store, content: Path) -> None:
    key = put(store, content, 7)
    (stored,) = store.history("geos-3.11.1")
    assert store.peek(key) == stored
    assert stored.inputs == {"n": 7}
    assert stored.facts == {"job": "geos-3.11.1"}
    assert stored.folder.stat().st_mtime == 7


def test_the_history_passes_over_what_was_pruned(store: Store, content: Path) -> None:
    one, two = (put(store, content, number) for number in (1, 2))
    shutil.rmtree(store.root / two[:2] / two)
    assert [stored.key for stored in store.history("geos-3.11.1")] == [one]


def test_an_index_that_is_gone_is_written_anew(store: Store, content: Path) -> None:
    keys = [put(store, content, number) for number in (1, 2)]
    lost = put(store, content, 3)
    (store.root / lost[:2] / lost / "facts.json").write_text("{")
    shutil.rmtree(store.root / "jobs")
    assert {stored.key for stored in store.history("geos-3.11.1")} == set(keys)
    assert leftovers(store) == []
    # Storing writes it, too: what was there before is not forgotten.
    shutil.rmtree(store.root / "jobs")
    keys.append(put(store, content, 4))
    assert {stored.key for stored in store.history("geos-3.11.1")} == set(keys)


def test_without_a_store_there_is_no_history(store: Store) -> None:
    assert store.history("geos-3.11.1") == []
    assert not store.root.exists()
