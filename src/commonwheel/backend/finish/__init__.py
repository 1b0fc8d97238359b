"""From what upstream installs to the one directory of a library wheel.

Tagged SONAMEs, one real file per library, linker scripts, relocatable ``.pc`` and CMake files,
stripped objects; then everything that the recipe promises is looked for.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonwheel.backend.finish.check import check
from commonwheel.backend.finish.libraries import Adopted, adopt
from commonwheel.backend.finish.relocate import Places, relocate
from commonwheel.backend.finish.tree import prune
from commonwheel.backend.prefix import Prefix
from commonwheel.backend.staged import StagedProject
from commonwheel.backend.toolchain import Toolchain
from commonwheel.names import Names
from commonwheel.recipe.resolved import LibraryBuild


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished tree, its libraries in dependency order, and the providers that they need."""

    tree: Path
    libraries: tuple[Adopted, ...]
    providers: tuple[dict[str, Any], ...]


def finish(
    tree: Path,
    recipe: LibraryBuild,
    prefix: Prefix,
    toolchain: Toolchain,
    project: StagedProject,
    *,
    debug: Path,
) -> Finished:
    """Finish an installed tree in place; debug files go below ``debug``.

    Raises:
        BuildError: the tree is not what the recipe promises.
    """
    names = Names(prefix=recipe.prefix)
    prune(tree, recipe)
    adopted = adopt(tree, recipe, prefix, names, debug)
    places = Places(
        install_prefix=f"/{names.namespace}/{names.package(recipe.line)}",
        provider_prefix=prefix.path,
        platform=toolchain.platform,
        libraries={each.upstream: each for each in adopted.libraries},
    )
    relocate(tree, places)
    check(tree, recipe, adopted.libraries, project.root)
    return Finished(tree=tree, libraries=adopted.libraries, providers=adopted.providers)
