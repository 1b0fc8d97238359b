"""Settings of all tests, and what tests of several kinds share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow: a deadline would fail tests that are right.
settings.register_profile("commonwheel", deadline=None)
settings.load_profile("commonwheel")


@pytest.fixture(params=["where it was made", "moved"])
def prefix(made: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The prefix that a module has ``made``, and the same from another place."""
    if request.param == "where it was made":
        yield made
    else:
        yield made.rename(tmp_path / "moved")
        (tmp_path / "moved").rename(made)
