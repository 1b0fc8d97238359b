"""What a recipe promises of a wheel, for the gates that hold it to its word."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from commonwheel.names import Names
from commonwheel.recipe.model import AnyRecipe, Waiver
from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the recipe of a wheel says, resolved for its release.

    Args:
        recipe: its name.
        version: upstream's version.
        license: SPDX expression of the recipe.
        exports: patterns of exported symbols by tagged SONAME; libraries without are not in it.
        private: tagged SONAMEs that only the recipe's own libraries may use.
        products: paths below a library wheel's prefix that must be there.
        data: run-time data folders below the prefix.
        grafts: patterns of libraries that may be grafted.
        dlopen: lines of the libraries that the wheel opens by itself.
        uses: lines of the libraries that it is built against.
        waivers: gates that may fail.
    """

    recipe: str
    version: str
    license: str
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    grafts: tuple[str, ...] = ()
    dlopen: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()


def expected(recipe: AnyRecipe, build: LibraryBuild | ConsumerBuild) -> Expected:
    """What a recipe, and what came of it for one release, say of the finished wheel."""
    lines = {each.name: each.line for each in build.provided}
    common = Expected(
        recipe=recipe.name,
        version=build.version,
        license=recipe.license,
        uses=tuple(lines.values()),
        waivers=recipe.waivers,
    )
    if isinstance(build, LibraryBuild):
        return _library(common, build)
    return replace(common, grafts=build.grafts, dlopen=tuple(lines[name] for name in build.dlopen))


def _library(common: Expected, build: LibraryBuild) -> Expected:
    names, products = Names(prefix=build.prefix), build.products
    tagged = {library: names.tagged(library.soname) for library in build.libraries}
    return replace(
        common,
        exports={name: library.exports for library, name in tagged.items() if library.exports},
        private=tuple(name for library, name in tagged.items() if library.role == "private"),
        products=(
            *(f"lib/{name}" for name in tagged.values()),
            *(f"include/{header}" for header in products.headers),
            *(f"bin/{tool}" for tool in products.tools),
            *products.data,
        ),
        data=build.data,
    )
