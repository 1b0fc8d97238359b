"""The GDAL stack, built once: an hour from empty caches, seconds with a warm one."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ci.gdal import environments, suites
from ci.gdal.environments import Environment
from ci.gdal.server import Server, serving


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``commonwheel build gdal`` makes; the packages' suites are compared by a test here."""
    folder = tmp_path_factory.mktemp("gdal") / "wheelhouse"
    environments.build(folder, "--no-test")
    return folder


@pytest.fixture(scope="session")
def ours(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """All six packages from the wheelhouse, with what their suites need."""
    more = suites.requirements(environments.PUBLISHED)
    return environments.ours(tmp_path_factory.mktemp("ours") / "v", wheelhouse, *more)


@pytest.fixture(scope="session")
def upstreams(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The same releases as upstream publishes them."""
    more = suites.requirements(environments.PUBLISHED)
    return environments.upstreams(tmp_path_factory.mktemp("upstreams") / "v", *more)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Answers over HTTPS while tests run."""
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found


Run = Callable[..., str]


@pytest.fixture
def run(ours: Environment, tmp_path: Path) -> Run:
    """Runs a program of our environment's bin folder in an empty folder and environment."""

    def call(program: str, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [ours.folder / "bin" / program, *words],
            cwd=tmp_path,
            env=dict(env or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call
