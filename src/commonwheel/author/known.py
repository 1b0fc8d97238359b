"""Which recipe a clue in another project's files leads to: ``find_package(PNG)`` → ``libpng``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import LibraryRecipe
from commonwheel.recipe.resolve import variables
from commonwheel.recipe.resolved import fill

Kind = Literal["package", "module", "library", "header"]

# Names of CMake's own find modules, where they are not those of a package's own CMake files:
# https://cmake.org/cmake/help/latest/manual/cmake-modules.7.html. By the name that links.
FIND_MODULES = {
    "bzip2": "bz2",
    "curl": "curl",
    "expat": "expat",
    "freetype": "freetype",
    "geos": "geos_c",
    "gif": "gif",
    "hdf5": "hdf5",
    "jpeg": "jpeg",
    "liblzma": "lzma",
    "libxml2": "xml2",
    "libxslt": "xslt",
    "openssl": "ssl",
    "png": "png",
    "sqlite3": "sqlite3",
    "tiff": "tiff",
    "zlib": "z",
}


@dataclass(frozen=True, order=True)
class Clue:
    """A name by which a project's files ask for a library.

    A ``package`` is CMake's, a ``module`` pkg-config's, a ``library`` stands behind ``-l``, and a
    ``header`` is included.
    """

    kind: Kind
    name: str
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What recipes install, by clue: kind and name lead to a recipe's name."""

    recipes: Mapping[tuple[Kind, str], str]

    @classmethod
    def of(cls, recipes: RecipeSet) -> "Known":
        """What the library recipes of a set promise to install."""
        found: dict[tuple[Kind, str], str] = {}
        for name in recipes.names:
            recipe = recipes[name]
            if isinstance(recipe, LibraryRecipe):
                for key in _installed(recipe):
                    found.setdefault(key, name)
        return cls(recipes=found)

    def recipe(self, clue: Clue) -> str | None:
        """The recipe that a clue leads to."""
        name = clue.name.lower() if clue.kind == "package" else clue.name
        found = self.recipes.get((clue.kind, name))
        if found is None and clue.kind == "package" and name in FIND_MODULES:
            return self.recipes.get(("library", FIND_MODULES[name]))
        return found

    def uses(self, clues: Iterable[Clue]) -> dict[str, Clue]:
        """The recipes that clues lead to, each with the first clue."""
        found: dict[str, Clue] = {}
        for clue in clues:
            if (name := self.recipe(clue)) is not None:
                found.setdefault(name, clue)
        return dict(sorted(found.items()))


def _installed(recipe: LibraryRecipe) -> Iterable[tuple[Kind, str]]:
    known = variables(recipe, next(iter(recipe.versions)))
    for library in recipe.abi.libraries:
        stem = fill(library.soname, known).partition(".so")[0].removeprefix("lib")
        yield "library", stem
        yield "library", re.sub(r"-?[0-9]+$", "", stem)  # libpng16, libyaml-0
    for header in recipe.products.headers:
        yield "header", fill(header, known)
    for path in map(PurePosixPath, recipe.products.data):
        if path.suffix == ".pc":
            yield "module", path.stem
        elif match := re.fullmatch(r"(.+?)-?config\.cmake", path.name, re.IGNORECASE):
            yield "package", match[1].lower()
    yield "package", recipe.name
