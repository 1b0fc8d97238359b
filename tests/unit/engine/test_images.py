import pytest

from commonwheel.engine.images import ARCHITECTURES, default_image, identifier
from commonwheel.engine.toolkit import choose_interpreter
from commonwheel.errors import EngineError, UsageError
from commonwheel.recipe.resolve import Platform


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_each_platform_has_an_image_and_an_identifier(arch: str) -> None:
    glibc, musl = Platform(arch=arch), Platform(arch=arch, libc="musl")
    assert default_image(glibc).endswith(f"/manylinux_2_28_{arch}")
    assert default_image(musl).endswith(f"/musllinux_1_2_{arch}")
    assert identifier(glibc, "3.11") == f"cp311-manylinux_{arch}"
    assert identifier(musl, "3.13") == f"cp313-musllinux_{arch}"


@pytest.mark.parametrize("platform", [Platform(arch="vax"), Platform(arch="x86_64", libc="uclibc")])
def test_a_platform_without_an_image_is_told(platform: Platform) -> None:
    with pytest.raises(UsageError, match="there is no image for"):
        default_image(platform)


def test_the_toolkit_runs_with_its_own_version_or_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = frozenset({"cp39-cp39", "cp311-cp311", "cp313-cp313", "cp313-cp313t", "pp310-pypy310"})
    monkeypatch.setattr("commonwheel.engine.toolkit.running_version", lambda: "3.11")
    assert choose_interpreter(found, "image") == "cp311-cp311"
    monkeypatch.setattr("commonwheel.engine.toolkit.running_version", lambda: "3.12")
    assert choose_interpreter(found, "image") == "cp313-cp313"
    with pytest.raises(EngineError, match=r"no CPython 3\.11 or newer"):
        choose_interpreter(frozenset({"cp39-cp39", "cp313-cp313t"}), "image")
