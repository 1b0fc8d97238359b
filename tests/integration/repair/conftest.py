"""Library wheels for the tests of repair."""

from pathlib import Path

import pytest

from tests.integration.repair.making import Library, library


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libraries")


@pytest.fixture(scope="session")
def base(made: Path) -> Library:
    return library(made, "base", value=40)


@pytest.fixture(scope="session")
def top(made: Path, base: Library) -> Library:
    """A library that needs another provider."""
    return library(made, "top", value=2, needs=[base])
