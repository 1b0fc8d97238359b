"""What recipes take away from the platform."""

from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import LibraryRecipe
from commonwheel.recipe.resolve import variables
from commonwheel.recipe.resolved import fill
from commonwheel.repair.platform import platform_libraries


def claimed_sonames(recipes: RecipeSet) -> frozenset[str]:
    """SONAMEs that platform policies allow (libz), and that recipes claim all the same."""
    found = (entry.recipe for entry in recipes.loaded.values())
    return platform_libraries() & frozenset(
        fill(library.soname, variables(recipe, version))
        for recipe in found
        if isinstance(recipe, LibraryRecipe)
        for version in recipe.versions
        for library in recipe.abi.libraries
    )
