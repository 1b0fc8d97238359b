"""Real engines: without one that runs, these tests fail."""

import os
import subprocess
from pathlib import Path

import pytest

from commonwheel.cli.common import cache_folder
from commonwheel.engine.images import make_stand_in
from commonwheel.engine.oci import LABEL, probe
from tests.integration.kit import Workshop

ENGINES = ("docker", "podman")


def left_behind(engine: str) -> list[str]:
    """Ids of containers that a build has left, and names of volumes."""
    containers = [engine, "ps", "--all", "--quiet", "--filter", f"label={LABEL}"]
    volumes = [engine, "volume", "ls", "--quiet"]
    found = (
        subprocess.run(each, check=True, capture_output=True, text=True).stdout
        for each in (containers, volumes)
    )
    return [word for text in found for word in text.split()]


@pytest.fixture(scope="session", autouse=True)
def _engines_run() -> None:
    answers = list(probe(os.environ))
    if refused := [answer.refusal for answer in answers if not answer.usable]:
        pytest.fail(f"no engine: {'; '.join(refused)} (.ci/run starts them)", pytrace=False)
    # Minutes the first time: in the user's cache, not in that of a test.
    for answer in answers:
        make_stand_in(answer.engine.name, os.environ, cache_folder(os.environ))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the engines."""
    return str(request.param)


@pytest.fixture(scope="session")
def container_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """COMMONWHEEL_CACHE of the session: what the containers need is installed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def shop(tmp_path: Path, container_cache: Path) -> Workshop:
    """A workshop of one test's own."""
    return Workshop(root=tmp_path, cache=container_cache)
