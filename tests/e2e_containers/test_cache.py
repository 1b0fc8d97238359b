"""What is stored of a container's work is not done again; what is missing is, in a container."""

import shutil
from pathlib import Path

from commonwheel.cache.keys import file_digest
from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools

WORDS = ("one", "--engine", "docker", "--image", "stand-in")


def logs(shop: Workshop) -> set[str]:
    return {path.name for path in shop.wheelhouse.glob("logs/*.log")}


def test_a_raw_wheel_is_finished_and_a_finished_one_checked_without_a_build(
    tmp_path: Path, container_cache: Path
) -> None:
    (tmp_path / "cache").mkdir()
    (container_cache / "envs").mkdir(exist_ok=True)
    (tmp_path / "cache/envs").symlink_to(container_cache / "envs")
    shop = Workshop(root=tmp_path, cache=tmp_path / "cache")
    target = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return 1; }\n"})
    shop.library("one", {"1.0": autotools(target)}, [{"soname": "libone.so.1"}])
    shop.built(*WORDS)
    assert logs(shop) == {"one-1.0.log"}
    (wheel,) = shop.wheelhouse.glob("*.whl")
    digest = file_digest(wheel)
    # A warm build starts no container.
    (shop.wheelhouse / "logs/one-1.0.log").unlink()
    shop.built(*WORDS)
    assert logs(shop) == set()
    for lost, done in ((("wheels", "checks"), "finish"), (("checks",), "check")):
        for kind in lost:
            shutil.rmtree(shop.cache / kind)
        shop.built(*WORDS)
        assert logs(shop) == {f"one-1.0-{done}.log"}
        (shop.wheelhouse / f"logs/one-1.0-{done}.log").unlink()
        assert file_digest(wheel) == digest
    # Another job of the plan, asked for so, is built although it is stored.
    shop.built(*WORDS, "--only", "one-1.0", "--anew")
    assert logs(shop) == {"one-1.0.log"}
    assert file_digest(wheel) == digest
