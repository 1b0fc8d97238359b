"""The records that are committed: each is what the toolkit would write of that release."""

from pathlib import Path

import pytest

from commonwheel.abi.encoding import read_snapshot, read_types, to_json
from commonwheel.abi.records import record_file, types_beside
from commonwheel.names import Names

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
RECORDS = sorted(path for path in RECIPES.glob("abi/*/*.json*"))


def test_there_are_some() -> None:
    assert len(RECORDS) >= 29


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_record_lies_in_its_place_and_tells_types(path: Path) -> None:
    snapshot = read_snapshot(path)
    assert record_file(RECIPES, snapshot) == path
    assert snapshot.name == f"{Names().distribution(snapshot.line)}-{snapshot.number}"
    if path.suffix == ".json":
        assert path.read_text() == to_json(snapshot)
    written = types_beside(path, snapshot)
    assert written.keys() == {each.stem for each in snapshot.libraries if each.public}
    for file in written.values():
        assert read_types(file)
