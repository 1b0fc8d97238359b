import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from commonwheel.check.releases import UnreadableDataError, library_release, proj_release


@pytest.mark.parametrize(
    ("members", "release"),
    [
        (["a.libs/libproj-1eb8c554.so.25.9.5.1"], "9.5.1"),
        (["a.libs/libproj-fiona-3ec30893.so.25.9.4.1"], "9.4.1"),
        (["a.libs/libproj-1eb8c554.so.25"], None),
        (["a.libs/libprojx-1eb8c554.so.25.9.5.1"], None),
        (["a/libproj-1eb8c554.so.25.9.5.1", "b/libproj-00000000.so.25.9.4.1"], None),
        ([], None),
    ],
)
def test_the_release_in_the_name_of_a_bundled_library(
    members: list[str], release: str | None
) -> None:
    assert library_release("libproj", None, members) == release


def test_the_release_in_a_manifest() -> None:
    manifest = {"libraries": [{"upstream": "libproj.so.25"}], "upstream-version": "9.1.1"}
    assert library_release("libproj", manifest, []) == "9.1.1"
    assert library_release("libgdal", manifest, []) is None


def test_what_is_no_database_names_no_release() -> None:
    with pytest.raises(UnreadableDataError, match="is not an SQLite database"):
        proj_release(b"")


@pytest.mark.parametrize(
    ("row", "problem"),
    [("'PROJ.VERSION', '9.1.1'", None), ("'LAYOUT', '1'", "does not name a release of PROJ")],
)
def test_the_release_in_a_database(tmp_path: Path, row: str, problem: str | None) -> None:
    file = tmp_path / "proj.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE metadata (key, value)")
        database.execute(f"INSERT INTO metadata VALUES ({row})")
    if problem is None:
        assert proj_release(file.read_bytes()) == "9.1.1"
    else:
        with pytest.raises(UnreadableDataError, match=problem):
            proj_release(file.read_bytes())


def test_a_damaged_database_names_no_release() -> None:
    with pytest.raises(UnreadableDataError, match="cannot be read"):
        proj_release(b"SQLite format 3\0" + bytes(100))
