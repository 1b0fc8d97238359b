"""What the recipe of a library wheel exports, where the recipe is at hand."""

from collections.abc import Mapping
from typing import Any

from commonwheel.names import Names
from commonwheel.recipe import resolve
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import LibraryRecipe
from commonwheel.recipe.resolve import Platform
from commonwheel.recipe.resolved import LibraryBuild


def exports_of(build: LibraryBuild, names: Names) -> dict[str, tuple[str, ...]]:
    """Patterns of exported symbols by tagged SONAME; libraries that have none are not in it."""
    return {names.tagged(each.soname): each.exports for each in build.libraries if each.exports}


def exports_by_recipe(
    manifest: Mapping[str, Any], recipes: RecipeSet, names: Names
) -> dict[str, tuple[str, ...]]:
    """Likewise, of the release of a wheel; none where no recipe lists it.

    Args:
        manifest: of the library wheel.
        recipes: where the recipe may be; one that does not list the release says nothing.
        names: whose tags are ours.
    """
    entry = recipes.loaded.get(str(manifest.get("name")))
    version = str(manifest.get("upstream-version"))
    if entry is None or not isinstance(entry.recipe, LibraryRecipe):
        return {}
    if version not in entry.recipe.versions:
        return {}
    return exports_of(resolve.library(entry.recipe, version, Platform(arch=""), (), names), names)
