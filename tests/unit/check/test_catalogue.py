"""Gates as data: ids, texts, and a test that trips each and one that nearly does."""

import inspect
import re
import string
from pathlib import Path

import pytest

from ci.gen_gates import TESTS, found_tests
from commonwheel.check.gate import Gate
from commonwheel.check.gates import FAMILIES, GATES

ROOT = Path(__file__).resolve().parents[3]
# Families that are too long for one module.
MORE_MODULES = {"Closure": ("releases",), "Contents": ("metadata",)}
EVERY = pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.id)


def test_ids_are_unique_and_in_order() -> None:
    ids = [gate.id for gate in GATES]
    assert ids == sorted(set(ids))


@EVERY
def test_an_id_names_its_family(gate: Gate) -> None:
    assert re.fullmatch(r"CW[1-9][0-9]{2}", gate.id)
    family, _ = FAMILIES[gate.id[2]]
    modules = {family.lower(), *MORE_MODULES.get(family, ())}
    assert type(gate).__module__.rpartition(".")[2] in modules


@EVERY
def test_a_docstring_says_what_why_and_how_to_fix(gate: Gate) -> None:
    text = inspect.cleandoc(type(gate).__doc__ or "")
    what, *rest = text.split("\n\n")
    assert what
    assert not what.startswith(("Why:", "Fix:"))
    assert [part[:4] for part in rest if part.startswith(("Why:", "Fix:"))] == ["Why:", "Fix:"]


@EVERY
def test_a_message_is_one_sentence_without_a_full_stop(gate: Gate) -> None:
    assert gate.message
    assert not gate.message.endswith(".")
    assert not gate.title.endswith(".")
    assert all(
        name is None or name.isidentifier()
        for _, name, _, _ in string.Formatter().parse(gate.message)
    )


@EVERY
def test_a_wheel_trips_it_and_another_nearly_does(gate: Gate) -> None:
    tests = found_tests(ROOT / TESTS).get(gate.id, {})
    assert tests.get("trips"), f"no test trips {gate.id}"
    assert tests.get("near_miss"), f"no test nearly trips {gate.id}"
