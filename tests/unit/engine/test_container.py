"""Which image a job is built in, and what of it stands in the job's key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commonwheel.engine.container import ContainerEngine
from commonwheel.engine.oci import Image, Oci
from commonwheel.plan import Job
from commonwheel.recipe.resolve import Platform
from tests.unit.recipe.kit import library, make_plan, read


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_plan(read(tmp_path, library("zlib")), "zlib").jobs[0]


@pytest.fixture(autouse=True)
def _an_engine_that_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def image(_oci: Oci, reference: str, arch: str, _pulling: Callable[[str], None]) -> Image:
        digest = f"{reference}@sha256:1" if "/" in reference else ""
        return Image(reference=reference, id="sha256:2", digest=digest, arch=arch)

    monkeypatch.setattr(Oci, "version", "20.10")
    monkeypatch.setattr(Oci, "image", image)


def engine(*, recipe: str = "", option: str = "", arch: str = "x86_64") -> ContainerEngine:
    return ContainerEngine(
        oci=Oci(name="docker", environ={}),
        platform=Platform(arch=arch),
        cache=Path("cache"),
        environ={},
        images={"zlib": recipe} if recipe else {},
        reference=option,
    )


def test_the_option_wins_over_the_recipe_and_the_recipe_over_the_default(job: Job) -> None:
    default = "quay.io/pypa/manylinux_2_28_x86_64@sha256:1"
    assert engine().image(job) == default
    assert engine(recipe="a/recipe").image(job) == "a/recipe@sha256:1"
    assert engine(recipe="a/recipe", option="an/option").image(job) == "an/option@sha256:1"


def test_the_digest_is_part_of_the_key(job: Job) -> None:
    assert engine(option="a/b").facts(job)["image"] == "a/b@sha256:1"
    # Of an image that no registry knows, its own.
    assert engine(option="local").facts(job)["image"] == "sha256:2"


def test_an_emulated_build_is_never_silent(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    said: list[str] = []
    emulated = engine(arch="aarch64")
    emulated.note = said.append
    assert emulated.facts(job)["machine"] == "aarch64"
    assert said == ["aarch64 is emulated on this x86_64: it is slow"]
