import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.errors import PlanError
from commonwheel.recipe.graph import closure, levels

GRAPHS = st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8), max_size=4), max_size=9).map(
    # Edges to smaller numbers only: no cycles.
    lambda raw: {
        f"n{node}": {f"n{need}" for need in needs if need < node} for node, needs in raw.items()
    }
)


def test_closure_is_in_order_of_discovery() -> None:
    needs = {"a": ["c", "b"], "b": ["d"], "c": ["d"], "d": []}
    assert closure(["a"], needs.__getitem__) == ["a", "c", "b", "d"]
    assert closure(["d", "d"], needs.__getitem__) == ["d"]
    assert closure([], needs.__getitem__) == []


def test_closure_of_a_circle_ends() -> None:
    assert closure(["a"], {"a": ["b"], "b": ["a"]}.__getitem__) == ["a", "b"]


def test_levels() -> None:
    needs = {"tiff": ["zlib", "xz"], "proj": ["tiff", "sqlite3"], "zlib": [], "xz": []}
    assert levels(needs) == [["sqlite3", "xz", "zlib"], ["tiff"], ["proj"]]
    assert levels({}) == []


@pytest.mark.parametrize(
    ("needs", "ring"),
    [
        ({"a": ["a"]}, "a → a"),
        ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}, "a → b → c → a"),
    ],
)
def test_a_circle_is_named(needs: dict[str, list[str]], ring: str) -> None:
    with pytest.raises(PlanError) as caught:
        levels(needs)
    shown = caught.value.what.rpartition(": ")[2].split(" → ")
    start = shown.index("a")
    turned = [*shown[start:-1], *shown[:start], "a"]
    assert " → ".join(turned) == ring


@given(GRAPHS)
def test_every_need_is_in_an_earlier_level(needs: dict[str, set[str]]) -> None:
    found = levels(needs)
    level = {name: number for number, names in enumerate(found) for name in names}
    assert set(level) == set(needs) | {each for some in needs.values() for each in some}
    assert sum(map(len, found)) == len(level)
    for name, some in needs.items():
        # As early as its needs allow.
        assert level[name] == max((level[each] + 1 for each in some), default=0)
    assert all(names == sorted(names) for names in found)
