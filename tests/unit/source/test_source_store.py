"""The content-addressed store, and fetching from it alone."""

import hashlib
import os
from pathlib import Path

import pytest

from commonwheel.errors import SourceError
from commonwheel.recipe.sources import DebianSource, GitSource, PypiSource, Source, UrlSource
from commonwheel.source import store
from commonwheel.source.fetch import fetch
from commonwheel.source.settings import SourceSettings
from commonwheel.source.store import Slot

CONTENT = b"the source"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64


def stored(cache: Path, content: bytes = CONTENT) -> Path:
    slot = Slot.of(cache, SHA256)
    with slot.lock():
        part = slot.part("x.tar")
        part.write_bytes(content)
        return slot.store(part, "x.tar")


def test_where_a_file_is_kept(tmp_path: Path) -> None:
    path = stored(tmp_path)
    assert path == tmp_path / "sources" / SHA256[:2] / SHA256 / "x.tar"
    assert Slot.of(tmp_path, SHA256).find() == path


def test_a_wrong_file_is_deleted_and_both_hashes_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        stored(tmp_path, b"other")
    assert SHA256 in str(caught.value)
    assert hashlib.sha256(b"other").hexdigest() in str(caught.value)
    assert not Slot.of(tmp_path, SHA256).part("x.tar").exists()
    assert Slot.of(tmp_path, SHA256).find() is None


def test_an_untouched_file_is_not_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(tmp_path)
    monkeypatch.delattr(store, "sha256_of")
    assert Slot.of(tmp_path, SHA256).verified() == path


def test_a_touched_file_is_hashed_once_more(tmp_path: Path) -> None:
    path = stored(tmp_path)
    os.utime(path, (1, 1))
    slot = Slot.of(tmp_path, SHA256)
    assert slot.find() is None
    assert slot.has_candidates()
    assert slot.verified() == path
    assert slot.find() == path


def test_a_changed_file_is_thrown_away(tmp_path: Path) -> None:
    path = stored(tmp_path)
    path.write_bytes(b"tampered with")
    assert Slot.of(tmp_path, SHA256).verified() is None
    assert not path.exists()


def test_a_damaged_stamp_is_no_harm(tmp_path: Path) -> None:
    path = stored(tmp_path)
    for text in ("", "[]", "{}"):
        (path.parent / ".stamp.json").write_text(text)
        assert Slot.of(tmp_path, SHA256).verified() == path


def test_offline_with_a_warm_cache_takes_what_is_there(tmp_path: Path) -> None:
    path = stored(tmp_path)
    first = UrlSource(url="https://example.org/a.tar", sha256=WRONG)
    second = DebianSource(debian="a", version="1", sha256=SHA256)
    for offline in (True, False):
        settings = SourceSettings(cache=tmp_path, offline=offline)
        found = fetch([first, second], settings)
        assert (found.path, found.source, found.from_cache) == (path, second, True)


def test_offline_with_a_cold_cache_says_how_to_warm_it(tmp_path: Path) -> None:
    sources: list[Source] = [
        UrlSource(url="https://user:secret@example.org/a.tar", sha256=WRONG),
        DebianSource(debian="a", version="1", suite="trixie", component="www", sha256=SHA256),
        PypiSource(pypi="b", version="2", sha256=SHA256),
        GitSource(git="https://example.org/c.git", commit="1" * 40, sha256=SHA256),
    ]
    with pytest.raises(SourceError) as caught:
        fetch(sources, SourceSettings(cache=tmp_path, offline=True), name="proj")
    text = str(caught.value)
    assert "https://example.org/a.tar" in text
    assert "secret" not in text
    assert "Debian source a 1 (component www) in trixie" in text
    assert "sdist b 2" in text
    assert "git https://example.org/c.git at 111111111111" in text
    assert "commonwheel fetch proj" in text
