"""Fixtures of all integration tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import projects
from tests.integration.kit import Workshop
from tests.integration.projects import FOO_LIBRARIES, FOO_SECTIONS

MakeWorkshop = Callable[[str], Workshop]


@pytest.fixture(scope="session")
def build_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """COMMONWHEEL_CACHE of the session: build tools are installed once."""
    cache = tmp_path_factory.mktemp("cache")
    # Tests that need a cache of their own link to this part of it.
    (cache / "envs").mkdir()
    return cache


@pytest.fixture(scope="session")
def make_workshop(tmp_path_factory: pytest.TempPathFactory, build_cache: Path) -> MakeWorkshop:
    """Makes workshops that share the build tools: results of the same names are none of theirs."""

    def make(name: str) -> Workshop:
        root = tmp_path_factory.mktemp(name)
        (root / "cache").mkdir()
        (root / "cache" / "envs").symlink_to(build_cache / "envs")
        return Workshop(root=root, cache=root / "cache")

    return make


@pytest.fixture
def workshop(tmp_path: Path, build_cache: Path) -> Workshop:
    """A workshop of one test's own."""
    return Workshop(root=tmp_path, cache=build_cache)


@pytest.fixture(scope="session")
def foo(make_workshop: MakeWorkshop) -> Workshop:
    """A workshop with ``foo`` in its wheelhouse, a CMake project with all that one installs.

    And with ``over``, which is built on top of it.
    """
    shop = make_workshop("foo")
    shop.library("foo", {"1.0": projects.foo()}, FOO_LIBRARIES, driver="cmake", **FOO_SECTIONS)
    shop.library(
        "over",
        {"1.0": projects.over()},
        [{"soname": "libover.so.1"}],
        driver="cmake",
        requires={"libraries": {"foo": None}},
        products={"data": ["share/over/made.txt"]},
    )
    shop.built("over")
    return shop
