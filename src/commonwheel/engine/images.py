"""Which image the builds of a recipe run in."""

import sys
from collections.abc import Mapping
from pathlib import Path

from commonwheel.engine.oci import ContainerEngineName
from commonwheel.errors import EngineError, UsageError
from commonwheel.process import ProcessError, run
from commonwheel.recipe.resolve import Platform

STAND_IN = "stand-in"
# The oldest C libraries that the manylinux and musllinux projects still maintain.
POLICIES = {"glibc": "manylinux_2_28", "musl": "musllinux_1_2"}
ARCHITECTURES = ("x86_64", "aarch64", "i686", "ppc64le", "s390x", "armv7l", "riscv64")


def default_image(platform: Platform) -> str:
    """The image of the manylinux project for a platform.

    Raises:
        UsageError: there is none.
    """
    policy = POLICIES.get(platform.libc)
    if policy is None or platform.arch not in ARCHITECTURES:
        raise UsageError(
            f"there is no image for {platform}",
            hint=f"--arch is one of {', '.join(ARCHITECTURES)}; --libc is glibc or musl",
        )
    return f"quay.io/pypa/{policy}_{platform.arch}"


def identifier(platform: Platform, python: str) -> str:
    """Cibuildwheel's name of a build: ``cp311-manylinux_x86_64`` for Python ``3.11``."""
    kind = POLICIES[platform.libc].partition("_")[0]
    return f"cp{python.replace('.', '')}-{kind}_{platform.arch}"


def folder() -> Path:
    """Where the stand-in image is defined: in an installation within the package, else in ``ci/``.

    Raises:
        EngineError: this copy of the toolkit has it not.
    """
    package = Path(__file__).parents[1]
    for place in (package / "images", package.parents[1] / "ci/images"):
        if (place / "make.py").is_file():
            return place
    raise EngineError("this copy of commonwheel does not bring the stand-in image")


def make_stand_in(engine: ContainerEngineName, environ: Mapping[str, str], cache: Path) -> str:
    """The name of the stand-in image in an engine, which has it then.

    Raises:
        EngineError: it cannot be made; the text says why.
    """
    command: list[str | Path] = [sys.executable, folder() / "make.py", "--engine", engine]
    variables = {**environ, "COMMONWHEEL_CACHE": str(cache)}
    try:
        output = run(command, env=variables).output
    except ProcessError as error:
        raise EngineError("the stand-in image cannot be made", hint=error.hint) from None
    return output.split()[-1]
