"""``build --with``: library wheels that are finished already take the place of builds."""

import json
import shutil
from pathlib import Path

import pytest

from commonwheel.cache.keys import file_digest
from tests.integration.conftest import MakeWorkshop
from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools

ONE = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return 1; }\n"})
TWO = Target(
    soname="libtwo.so.1",
    sources={"two.c": "int one(void);\nint two(void) { return one() + 1; }\n"},
    flags="-lone",
)


@pytest.fixture(scope="module")
def first(make_workshop: MakeWorkshop) -> Workshop:
    """One machine, which has built ``one``."""
    shop = make_workshop("first")
    shop.library(
        "one",
        {"1.0": autotools(ONE, files={"one.h": "int one(void);\n"})},
        [{"soname": "libone.so.1"}],
    )
    shop.built("one")
    return shop


@pytest.fixture
def second(make_workshop: MakeWorkshop, first: Workshop) -> Workshop:
    """Another one, with a cache of its own, which builds ``two`` on top."""
    shop = make_workshop("second")
    shutil.copytree(first.recipes, shop.recipes)
    shop.library(
        "two",
        {"1.0": autotools(TWO)},
        [{"soname": "libtwo.so.1"}],
        requires={"libraries": {"one": None}},
    )
    return shop


def test_a_given_wheel_is_built_against_and_kept_as_it_is(
    first: Workshop, second: Workshop
) -> None:
    second.built("two", "--with", str(first.wheelhouse))
    assert sorted(path.name for path in second.wheelhouse.glob("logs/*")) == ["two-1.0.log"]
    (given,) = first.wheelhouse.glob("*one*.whl")
    assert file_digest(second.wheelhouse / given.name) == file_digest(given)
    entries = json.loads((second.wheelhouse / "provenance.json").read_text())["wheels"]
    (two,) = (entry for entry in entries.values() if entry["job"] == "two-1.0")
    assert two["built-against"] == {given.name: file_digest(given)}
    theirs = json.loads((first.wheelhouse / "provenance.json").read_text())["wheels"][given.name]
    assert entries[given.name]["given"] is True
    assert entries[given.name]["source"] == theirs["source"]
    assert (second.wheelhouse / f"{given.stem}.report.json").is_file()
    # Warm.
    outcome = second.build("two", "--with", str(given))
    assert outcome.code == 0, outcome.text
    assert "one-1.0  given" in outcome.text
    assert "two-1.0  cached" in outcome.text


def test_a_wheel_that_does_not_fit_is_no_silent_build(first: Workshop, second: Workshop) -> None:
    (given,) = first.wheelhouse.glob("*one*.whl")
    outcome = second.build("two", "--with", str(given), "--set", "one.abi.label=so9")
    assert outcome.code == 10
    assert "nothing in this plan is one-so1 1.0 for linux-x86_64-glibc" in outcome.text
    # In a folder, it is one that others use.
    outcome = second.build("one", "--with", str(first.wheelhouse), "--set", "one.abi.label=so9")
    assert outcome.code == 0, outcome.text


def test_paths_and_wheels_that_are_none(second: Workshop, tmp_path: Path) -> None:
    outcome = second.build("two", "--with", str(tmp_path / "nowhere"))
    assert outcome.code == 2
    assert "nowhere: no such file or folder" in outcome.text
    other = tmp_path / "other-1.0-py3-none-any.whl"
    other.write_bytes(b"")
    outcome = second.build("two", "--with", str(other))
    assert outcome.code == 9
    assert "Traceback" not in outcome.text


def test_two_wheels_for_one_job(first: Workshop, second: Workshop, tmp_path: Path) -> None:
    (given,) = first.wheelhouse.glob("*one*.whl")
    (tmp_path / "a").mkdir()
    shutil.copy(given, tmp_path / "a" / given.name)
    twin = make_other(second, given)
    outcome = second.build("two", "--with", str(tmp_path / "a"), "--with", str(twin))
    assert outcome.code == 2
    assert "--with gives two wheels for one-1.0" in outcome.text


def make_other(shop: Workshop, given: Path) -> Path:
    """The same release with other bytes."""
    shop.built("one", "--set", "one.summary=Another one")
    (wheel,) = shop.wheelhouse.glob("*one*.whl")
    assert wheel.read_bytes() != given.read_bytes()
    return wheel
