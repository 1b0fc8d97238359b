"""What a recipe promises of a wheel, for the gates that hold it to its word."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from commonwheel.abi.exports import exports_of
from commonwheel.check.inspect import Inspected
from commonwheel.names import Names
from commonwheel.recipe import resolve
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRecipe, LibraryRecipe, Waiver
from commonwheel.recipe.resolve import Platform
from commonwheel.recipe.resolved import LibraryBuild
from commonwheel.recipe.sources import PypiSource
from commonwheel.wheel.name import normalise


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


def expectations(recipes: RecipeSet, names: Names) -> Callable[[Inspected], Expected | None]:
    """What recipes say of a wheel that was made by one of them; None for any other wheel."""

    def expect(wheel: Inspected) -> Expected | None:
        if wheel.manifest is not None:
            return _library(wheel, wheel.manifest, recipes, names)
        return _consumer(wheel, recipes, names) if wheel.kind == "consumer" else None

    return expect


def _library(
    wheel: Inspected, manifest: Mapping[str, Any], recipes: RecipeSet, names: Names
) -> Expected | None:
    entry = recipes.loaded.get(str(manifest.get("name")))
    version = str(manifest.get("upstream-version"))
    if entry is None or not isinstance(entry.recipe, LibraryRecipe):
        return None
    recipe = entry.recipe
    if version not in recipe.versions:
        return None
    platform = Platform(arch=wheel.binaries[0].elf.machine if wheel.binaries else "")
    build = resolve.library(recipe, version, platform, (), names)
    return of_library(
        recipe, build, names, _lines(recipe.requires.libraries, wheel, recipes, names)
    )


def of_library(
    recipe: LibraryRecipe, build: LibraryBuild, names: Names, uses: tuple[str, ...]
) -> Expected:
    """What a recipe says of one release of a library that is built against these lines."""
    tagged = {library: names.tagged(library.soname) for library in build.libraries}
    return Expected(
        recipe=recipe.name,
        version=build.version,
        license=recipe.license,
        exports=exports_of(build, names),
        private=tuple(name for library, name in tagged.items() if library.role == "private"),
        products=(
            *(f"lib/{name}" for name in tagged.values()),
            *(f"include/{header}" for header in build.products.headers),
            *(f"bin/{tool}" for tool in build.products.tools),
            *build.products.data,
        ),
        data=build.data,
        uses=uses,
        waivers=recipe.waivers,
    )


def _consumer(wheel: Inspected, recipes: RecipeSet, names: Names) -> Expected | None:
    public = wheel.version.partition("+")[0]
    for entry in recipes.loaded.values():
        recipe = entry.recipe
        if not isinstance(recipe, ConsumerRecipe):
            continue
        for version in recipe.versions:
            if wheel.distribution not in _projects(recipe, version):
                continue
            if str(resolve.wheel_version(recipe, version)) == public:
                dlopen = _lines(recipe.dlopen, wheel, recipes, names)
                uses = _lines(recipe.uses, wheel, recipes, names)
                return of_consumer(recipe, version, dlopen, uses)
    return None


def _projects(recipe: ConsumerRecipe, version: str) -> set[str]:
    """What a release of a consumer may be called as a distribution, normalised.

    A recipe may have a name of its own: GDAL's bindings are ``gdal`` on the index, and the library
    is called that here.
    """
    sources = recipe.versions[version].sources
    listed = {each.pypi for each in sources if isinstance(each, PypiSource)} or {recipe.name}
    return {normalise(name) for name in listed}


def of_consumer(
    recipe: ConsumerRecipe, version: str, dlopen: tuple[str, ...], uses: tuple[str, ...]
) -> Expected:
    """What a recipe says of one release of a consumer, which opens and is built against lines."""
    return Expected(
        recipe=recipe.name,
        version=version,
        license=recipe.license,
        grafts=recipe.grafts,
        dlopen=dlopen,
        uses=uses,
        waivers=recipe.waivers,
    )


def _lines(
    libraries: Iterable[str], wheel: Inspected, recipes: RecipeSet, names: Names
) -> tuple[str, ...]:
    """The ABI lines of these libraries: of each, those that the wheel requires, else all."""
    found: list[str] = []
    for name in libraries:
        recipe = recipes.library(name)
        lines = dict.fromkeys(resolve.line(recipe, version) for version in recipe.versions)
        required = [line for line in lines if names.distribution(line) in wheel.requires]
        found += required or lines
    return tuple(found)
