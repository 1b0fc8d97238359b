import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from commonwheel.abi.encoding import from_json, read_snapshot, to_json, write_snapshot
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import SnapshotError
from tests.unit.abi.conftest import library, snapshot, snapshots, symbol

ONE = snapshot(library(symbol("f", "V_1"), symbol("d", kind="object", size=8)))


@given(snapshots())
def test_json_gives_the_snapshot_back_and_is_canonical(taken: Snapshot) -> None:
    text = to_json(taken)
    assert from_json(text, "x") == taken
    assert to_json(from_json(text, "x")) == text


def test_names_that_share_the_rest_share_an_entry() -> None:
    text = to_json(snapshot(library(symbol("f"), symbol("g"), symbol("h", public=False))))
    groups = json.loads(text)["libraries"][0]["symbols"]
    assert [group["names"] for group in groups] == [["f", "g"], ["h"]]
    # A name has a line of its own: a version control system shows what came and went.
    assert any(line.strip().strip(",") == '"g"' for line in text.splitlines())


@pytest.mark.parametrize("name", ["x.json", "x.json.gz"])
def test_a_file_is_compressed_by_its_name_and_read_by_its_content(
    tmp_path: Path, name: str
) -> None:
    write_snapshot(tmp_path / name, ONE)
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"\x1f\x8b") == name.endswith(".gz")
    (tmp_path / "other").write_bytes(content)
    assert read_snapshot(tmp_path / "other") == ONE
    write_snapshot(tmp_path / name, ONE)
    assert (tmp_path / name).read_bytes() == content


def test_a_newer_schema_is_said_to_be_newer() -> None:
    data = {**json.loads(to_json(ONE)), "schema": 2, "libraries": "of another shape"}
    with pytest.raises(SnapshotError, match=r"^x\.json: has schema 2.*newer") as caught:
        from_json(json.dumps(data), "x.json")
    assert caught.value.hint == "upgrade commonwheel"


def _edit(change: Callable[[Any], object]) -> str:
    data = json.loads(to_json(ONE))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "where schema should be"),
        ("{}", "schema is missing"),
        ('{"schema": true}', "schema is bool"),
        ('{"schema": 0}', "schema is not 1"),
        (_edit(lambda d: d.pop("arch")), "arch is missing"),
        (_edit(lambda d: d.update(libc="dietlibc")), "libc is 'dietlibc'"),
        (_edit(lambda d: d.update(libraries={})), "libraries is dict"),
        (_edit(lambda d: d.update(libraries=[3])), "there is int where"),
        (_edit(lambda d: d["libraries"][0].update(nodes=[1])), "nodes is not a list of words"),
        (_edit(lambda d: d["libraries"][0].update(tagged=1)), "tagged is int"),
        (_edit(lambda d: d["libraries"][0].update(evidence=[])), "evidence is"),
        (_edit(lambda d: d["libraries"][0]["symbols"][0].update(names=[])), "names is list"),
        (_edit(lambda d: d["libraries"][0]["symbols"][1].update(names=[1])), "the name of"),
        (_edit(lambda d: d["libraries"][0]["symbols"][0]["names"].update(d="8")), "d is str"),
        (_edit(lambda d: d["libraries"][0]["symbols"][0].update(version=1)), "version is int"),
    ],
    ids=lambda value: value if len(value) < 40 else "",
)
def test_what_is_no_snapshot_is_refused_and_says_where(text: str, told: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        from_json(text, "recipes/abi/x.json")
    assert str(caught.value).startswith("recipes/abi/x.json: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(b"{}")[:-9], "cut short"),
        (b"\x1f\x8b damaged", "is damaged"),
        (b"\xff", "is not UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "x.json.gz").write_bytes(content)
    with pytest.raises(SnapshotError, match=told):
        read_snapshot(tmp_path / "x.json.gz")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"gone\.json: cannot be read"):
        read_snapshot(tmp_path / "gone.json")
