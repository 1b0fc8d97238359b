"""A suite in an environment of its own, without wheels."""

import signal
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from commonwheel.engine.suite import Suite
from commonwheel.recipe.model import Test as RecipeTest
from tests.integration.kit import environment


@pytest.fixture
def deaf() -> Iterator[None]:
    """As what a script starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("deaf")
def test_a_suite_can_be_interrupted_wherever_it_runs(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    handler = "import signal; print(signal.getsignal(signal.SIGINT), 'passed')"
    suite = Suite(
        name="foo",
        test=RecipeTest(imports=("json",), command=("-c", handler)),
        wheel=tmp_path / "foo.whl",
        libraries=(),
        source=tmp_path / "source",
    )
    log = StringIO()
    (tmp_path / "scratch").mkdir()
    environment(tmp_path / "venv")
    suite.run_in(tmp_path / "venv", tmp_path / "scratch", log, lambda _: None)
    assert "default_int_handler" in log.getvalue()
