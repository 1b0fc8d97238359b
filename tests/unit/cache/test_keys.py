from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.cache import keys
from commonwheel.cache.keys import (
    BUILD_CODE,
    REPAIR_CODE,
    build_inputs,
    code_digests,
    key_of,
    repair_inputs,
)
from commonwheel.stage import TOOLKIT

INPUTS: dict[str, Any] = {
    "build": {"name": "geos", "version": "3.11.1"},
    "source": "00",
    "patches": {"a.patch": "01"},
    "providers": {"z.whl": "02"},
    "constraints": {"cmake": ("cmake==3",)},
    "engine": {"engine": "host", "cc": "03"},
}
CHANGES: dict[str, Any] = {
    "build": {"name": "geos", "version": "3.11.2"},
    "source": "ff",
    "patches": {"b.patch": "01"},
    "providers": {"z.whl": "ff"},
    "constraints": {"cmake": ("cmake==4",)},
    "engine": {"engine": "host", "cc": "ff"},
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_each_input_changes_the_key(name: str) -> None:
    changed: dict[str, Any] = {**INPUTS, name: CHANGES[name]}
    assert key_of(build_inputs(**changed)) != key_of(build_inputs(**INPUTS))
    emptied: dict[str, Any] = {**INPUTS, name: type(INPUTS[name])()}
    assert key_of(build_inputs(**emptied)) != key_of(build_inputs(**INPUTS))


def test_no_two_inputs_can_stand_for_one_another() -> None:
    swapped = {**INPUTS, "patches": INPUTS["providers"], "providers": INPUTS["patches"]}
    assert key_of(build_inputs(**swapped)) != key_of(build_inputs(**INPUTS))


def test_the_order_of_inputs_changes_nothing() -> None:
    turned: dict[str, Any] = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in reversed(INPUTS.items())
    }
    assert key_of(build_inputs(**turned)) == key_of(build_inputs(**INPUTS))


def test_the_order_of_a_list_counts() -> None:
    one = {**INPUTS, "build": {"options": ("a", "b")}}
    two = {**INPUTS, "build": {"options": ("b", "a")}}
    assert key_of(build_inputs(**one)) != key_of(build_inputs(**two))


def test_each_input_of_a_repair_changes_its_key() -> None:
    first = key_of(repair_inputs(build_key="a", options={"x": 1}))
    assert first == key_of(repair_inputs(build_key="a", options={"x": 1}))
    assert first != key_of(repair_inputs(build_key="b", options={"x": 1}))
    assert first != key_of(repair_inputs(build_key="a", options={"x": 2}))


def test_the_tools_that_write_into_wheels_are_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(build_inputs(**INPUTS)), key_of(repair_inputs(build_key="a", options={}))
    monkeypatch.setattr(keys.importlib.metadata, "version", lambda _name: "0")  # type: ignore[attr-defined]
    assert key_of(build_inputs(**INPUTS)) != before[0]
    assert key_of(repair_inputs(build_key="a", options={})) != before[1]


JSON = st.recursive(
    st.text(max_size=5) | st.integers() | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(one=st.dictionaries(st.text(max_size=3), JSON), other=st.dictionaries(st.text(), JSON))
def test_keys_are_equal_when_inputs_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key_of(dict(reversed(one.items()))) == key_of(one)
    # To Python 1 and True are equal, in JSON they are not.
    if repr(one) != repr(other) and one != other:
        assert key_of(one) != key_of(other)


def test_what_goes_into_a_staged_project_is_build_code() -> None:
    # Texts of errors alone, and packages without code, build nothing.
    harmless = {"recipe/__init__.py", "errors.py"}
    assert set(TOOLKIT) - set(BUILD_CODE) == harmless


@pytest.mark.parametrize("parts", [BUILD_CODE, REPAIR_CODE])
def test_all_code_is_there(parts: tuple[str, ...]) -> None:
    found = code_digests(parts)
    for part in parts:
        assert [name for name in found if name == part or name.startswith(f"{part}/")], part
    assert not [name for name in found if "__pycache__" in name]
    with pytest.raises(AssertionError, match=r"has no renamed\.py"):
        code_digests((*parts, "renamed.py"))
