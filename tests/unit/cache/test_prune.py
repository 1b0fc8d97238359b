import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.cache import inventory
from commonwheel.cache.contents import COMPLETE, KINDS, Entry, scan, size_of
from commonwheel.cache.prune import choose, clearable, prunable, remove
from commonwheel.cache.store import Store, Stored
from commonwheel.cache.usage import in_use, touch

SHA = "ab" * 32


class Cache:
    """A cache with one entry of each kind, used at the second that its number gives."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw, self.wheels = Store(root=root / "raw"), Store(root=root / "wheels")

    def folder(self, *parts: str, used: float, size: int = 10) -> Path:
        folder = self.root.joinpath(*parts)
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(size))
        return self.at(folder, used)

    @staticmethod
    def at(folder: Path, used: float) -> Path:
        os.utime(folder, (used, used))
        return folder

    def store(self, store: Store, inputs: dict[str, object], *, used: float, job: str) -> Stored:
        made = self.root / "made"
        made.mkdir(parents=True, exist_ok=True)
        (made / "x-1-py3-none-any.whl").write_bytes(bytes(100))
        stored = store.put(made, inputs, job=job)
        self.at(stored.folder, used)
        return stored

    def fill(self) -> dict[str, Path]:
        raw = self.store(self.raw, {"n": 1}, used=20, job="zlib-1.3.1")
        wheel = self.store(self.wheels, {"build": raw.key}, used=30, job="zlib-1.3.1")
        env = self.folder("envs", "0123", used=50)
        inventory.take(env, COMPLETE)
        return {
            "sources": self.folder("sources", "ab", SHA, used=10),
            "raw": raw.folder,
            "wheels": wheel.folder,
            "envs": self.at(env, 50),
            "apt": self.folder("apt", "trixie", used=60),
        }

    def left(self) -> set[str]:
        return {entry.kind for entry in scan(self.root)}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_an_empty_cache(cache: Cache) -> None:
    assert scan(cache.root) == []
    assert remove(cache.root, clearable(cache.root, tuple(KINDS))) == []
    assert not cache.root.exists()


def test_entries_have_size_use_and_a_name_for_people(cache: Cache) -> None:
    folders = cache.fill()
    found = {entry.kind: entry for entry in scan(cache.root)}
    assert {kind: entry.folder for kind, entry in found.items()} == folders
    assert {kind: entry.label for kind, entry in found.items()} == {
        "sources": "file",
        "raw": "zlib-1.3.1",
        "wheels": "zlib-1.3.1",
        "envs": "0123",
        "apt": "trixie",
    }
    assert found["apt"].size == 10
    assert found["wheels"].size == size_of(folders["wheels"]) > 100
    assert not any(entry.garbage for entry in found.values())
    # The raw wheel is used as often as what was repaired from it.
    assert (found["raw"].touched, found["raw"].used) == (20, 30)


def test_links_are_not_followed(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(10_000))
    folder = cache.folder("envs", "0123", used=1)
    (folder / "link").symlink_to(tmp_path / "big")
    (folder / "all").symlink_to(tmp_path)
    assert size_of(folder) < 1_000
    (cache.root / "envs" / "other").symlink_to(tmp_path)
    assert [entry.folder.name for entry in scan(cache.root)] == ["0123"]


@pytest.mark.parametrize("kind", ["raw", "wheels", "envs", "work", "part", "index"])
def test_what_no_build_would_find_is_garbage(cache: Cache, kind: str) -> None:
    folders = cache.fill()
    if kind == "raw":  # and with it what only it leads to
        (folders["raw"] / "facts.json").unlink()
        gone = {folders["raw"], folders["wheels"]}
    elif kind == "wheels":
        (folders["wheels"] / "inputs.json").unlink()
        gone = {folders["wheels"]}
    elif kind == "envs":
        (folders["envs"] / COMPLETE).unlink()
        gone = {folders["envs"]}
    elif kind == "work":
        gone = {cache.folder("work", "zlib-1.3.1-xyz", used=99)}
    elif kind == "part":
        gone = {cache.folder("raw", "ab", ".0123.part", used=99)}
    else:
        gone = {cache.folder("raw", ".0123.part", used=99)}
    removed = remove(cache.root, prunable(cache.root))
    assert {entry.folder for entry in removed} == gone
    assert not any(folder.exists() for folder in gone)
    assert all(folder.exists() for folder in folders.values() if folder not in gone)


def test_what_was_not_used_for_long_goes(cache: Cache) -> None:
    cache.fill()
    removed = remove(cache.root, prunable(cache.root, before=30))
    # The raw wheel was used at 20, what was repaired from it at 30.
    assert {entry.kind for entry in removed} == {"sources"}
    remove(cache.root, prunable(cache.root, before=31))
    assert cache.left() == {"envs", "apt"}


def test_the_least_recently_used_go_until_it_is_small_enough(cache: Cache) -> None:
    cache.fill()
    total = sum(entry.size for entry in scan(cache.root))
    assert prunable(cache.root, max_size=total) == []
    assert [entry.kind for entry in prunable(cache.root, max_size=total - 1)] == ["sources"]
    assert [entry.kind for entry in prunable(cache.root, max_size=total - 11)] == [
        "sources",
        "wheels",
    ]
    assert [entry.kind for entry in prunable(cache.root, max_size=0)] == [
        *("sources", "wheels", "raw", "envs", "apt")
    ]


def entry(kind: str, used: float, size: int, *, garbage: bool = False) -> Entry:
    folder = Path(f"{kind}-{used}")
    return Entry(kind=kind, folder=folder, size=size, touched=used, used=used, garbage=garbage)


ENTRIES = st.lists(
    st.builds(
        entry,
        st.sampled_from(list(KINDS)),
        st.floats(0, 100),
        st.integers(0, 100),
        garbage=st.booleans(),
    ),
    unique_by=lambda entry: entry.folder,
)


@given(
    entries=ENTRIES,
    before=st.none() | st.floats(0, 100),
    max_size=st.none() | st.integers(0, 1000),
    since=st.floats(0, 100) | st.just(math.inf),
)
def test_what_is_chosen(
    entries: list[Entry], before: float | None, max_size: int | None, since: float
) -> None:
    chosen = choose(entries, before=before, max_size=max_size, since=since)
    kept = [each for each in entries if each not in chosen]
    assert len(chosen) + len(kept) == len(entries)
    assert all(each.used < since for each in chosen)
    for each in kept:
        assert each.used >= since or not (each.garbage or (before or 0) > each.used)
    free = [each for each in kept if each.used < since]
    if max_size is not None and free:
        assert sum(each.size for each in kept) <= max_size
    if max_size is None:
        assert all(each.garbage or each.used < (before or 0) for each in chosen)


def test_what_a_running_build_has_touched_stays(cache: Cache) -> None:
    folders = cache.fill()
    with in_use(cache.root):
        touch(cache.root / "envs", folders["envs"])
        cache.wheels.find(folders["wheels"].name)
        work = cache.root / "work" / "running"
        work.mkdir(parents=True)
        # The raw wheel that a used one leads back to stays as well.
        remove(cache.root, prunable(cache.root, before=math.inf, max_size=0))
        assert cache.left() == {"envs", "wheels", "raw", "work"}
        remove(cache.root, clearable(cache.root, tuple(KINDS)))
        assert cache.left() == {"envs", "wheels", "raw", "work"}
    remove(cache.root, clearable(cache.root, tuple(KINDS)))
    assert cache.left() == set()


def test_what_is_used_between_choice_and_removal_stays(cache: Cache) -> None:
    folders = cache.fill()
    chosen = clearable(cache.root, tuple(KINDS))
    assert touch(cache.root / "sources", folders["sources"])
    remove(cache.root, chosen)
    assert cache.left() == {"sources"}


def test_some_kinds_are_cleared_alone(cache: Cache) -> None:
    cache.fill()
    removed = remove(cache.root, clearable(cache.root, ["sources", "apt"]))
    assert {entry.kind for entry in removed} == {"sources", "apt"}
    assert cache.left() == {"raw", "wheels", "envs"}
    assert not (cache.root / "sources" / "ab").exists()


def test_locks_of_what_is_gone_go_while_nobody_builds(cache: Cache) -> None:
    folders = cache.fill()
    with cache.raw.lock(folders["raw"].name), cache.raw.lock("ff" * 32):
        pass
    locks = cache.root / "raw" / "locks"
    (cache.root / "envs" / "4567.lock").touch()
    with in_use(cache.root):
        remove(cache.root, [])
        names = {folders["raw"].name, "ff" * 32, "put"}
        assert {file.stem for file in locks.iterdir()} == names
    remove(cache.root, [])
    assert [file.stem for file in locks.iterdir()] == [folders["raw"].name]
    assert not (cache.root / "envs" / "4567.lock").exists()
    assert folders["envs"].is_dir()


def test_a_pruned_result_is_built_anew_and_found_again(cache: Cache) -> None:
    key = cache.fill()["raw"].name
    remove(cache.root, clearable(cache.root, ["raw"]))
    assert cache.raw.find(key) is None
    assert cache.raw.history("zlib-1.3.1") == []
    assert cache.raw.knew("zlib-1.3.1")
    cache.store(cache.raw, {"n": 1}, used=1, job="zlib-1.3.1")
    assert [stored.key for stored in cache.raw.history("zlib-1.3.1")] == [key]
