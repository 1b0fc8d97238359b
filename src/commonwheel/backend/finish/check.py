"""What a recipe promises must be there, and nothing of the build host."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from commonwheel.backend.finish.libraries import Adopted
from commonwheel.errors import BuildError
from commonwheel.recipe.resolved import LibraryBuild


def check(tree: Path, recipe: LibraryBuild, libraries: Sequence[Adopted], root: Path) -> None:
    """Look for every product, for leftovers, and for paths of the build.

    Raises:
        BuildError: naming everything that is missing or too much.
    """
    problems = [
        *_missing(tree, recipe, libraries),
        *(f"{file} is a symlink" for file in _symlinks(tree)),
        *(f"{file} names a folder of the build" for file in _naming(tree, root)),
    ]
    if problems:
        raise BuildError(
            "\n  ".join([f"{recipe.name} {recipe.version} is not as promised:", *problems])
        )


def _missing(tree: Path, recipe: LibraryBuild, libraries: Sequence[Adopted]) -> Iterable[str]:
    products = recipe.products
    promised = [
        *(f"lib/{library.soname}" for library in libraries),
        *(f"include/{header}" for header in products.headers),
        *(f"bin/{tool}" for tool in products.tools),
        *products.data,
        *recipe.data,
    ]
    return [f"{path} is missing" for path in promised if not (tree / path).exists()]


def _symlinks(tree: Path) -> Iterable[Path]:
    # A wheel cannot hold one: it would become a copy.
    return (file.relative_to(tree) for file in sorted(tree.rglob("*")) if file.is_symlink())


def _naming(tree: Path, root: Path) -> Iterable[Path]:
    # The build tools lie in an environment of their own, whose path leaks as easily.
    needles = [str(folder).encode() for folder in (root, sys.prefix)]
    for file in sorted(tree.rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            if any(needle in content for needle in needles):
                yield file.relative_to(tree)
