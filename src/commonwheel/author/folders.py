"""Which recipes are an author's own, and which the toolkit's."""

from pathlib import Path

from commonwheel.errors import UsageError
from commonwheel.recipe.load import FOLDER, RecipeSet


def refuse_shipped(recipes: RecipeSet, folder: Path, name: str) -> None:
    """Refuse to write into the toolkit's own recipes, but for a checkout that one stands in.

    Raises:
        UsageError: with what to do instead.
    """
    if folder == recipes.base and folder.resolve() != Path(FOLDER).resolve():
        raise UsageError(
            f"'{name}' would be written to the toolkit's own recipes: {folder}",
            hint="a recipe of yours takes the place of one of the toolkit's: make a folder "
            f"with {FOLDER}/libraries/ here, or name one with --recipes DIR",
        )


def own_names(recipes: RecipeSet) -> list[str]:
    """The recipes of the author's folders; where there are none, the toolkit's."""
    own = [name for name in recipes.names if recipes.loaded[name].folder != recipes.base]
    return own or recipes.names
