"""What of an installed tree is left out of a wheel."""

import shutil
from fnmatch import fnmatchcase
from pathlib import Path

from commonwheel.backend.say import say
from commonwheel.elf import is_elf
from commonwheel.errors import BuildError
from commonwheel.recipe.resolved import LibraryBuild

LEFT_OUT = (
    "*.la",
    "*.a",
    "share/man/*",
    "share/doc/*",
    "share/info/*",
    "share/locale/*",
    "share/bash-completion/*",
    "share/gtk-doc/*",
)


def elf_files(tree: Path) -> list[Path]:
    """Every ELF file below ``tree``, symlinks apart."""
    return [file for file in sorted(tree.rglob("*")) if _is_real(file) and _begins_as_elf(file)]


def _is_real(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _begins_as_elf(file: Path) -> bool:
    with file.open("rb") as stream:
        return is_elf(stream.read(16))


def prune(tree: Path, recipe: LibraryBuild) -> None:
    """Remove static libraries, libtool archives, manuals, and what the recipe excludes.

    Raises:
        BuildError: an exclude matches nothing, or libraries lie in ``lib64``.
    """
    if (tree / "lib64").exists():
        raise BuildError(
            "the installation uses lib64", hint="set upstream's library folder to 'lib'"
        )
    unused = set(recipe.products.exclude)
    for file in sorted(tree.rglob("*")):
        inside = file.relative_to(tree).as_posix()
        matching = {p for p in recipe.products.exclude if fnmatchcase(inside, p)}
        unused -= matching
        if file.is_dir() and not file.is_symlink():
            continue
        if matching or any(fnmatchcase(inside, pattern) for pattern in LEFT_OUT):
            file.unlink()
    if unused:
        raise BuildError(
            f"{recipe.name}: products.exclude matches nothing: {', '.join(sorted(unused))}",
            hint="remove these patterns from the recipe",
        )
    _prune_programs(tree / "bin", recipe)
    _remove_empty(tree)


def _prune_programs(folder: Path, recipe: LibraryBuild) -> None:
    # Console scripts reach only the programs that the recipe lists; the others are dead weight.
    for file in sorted(folder.glob("*")):
        if file.name not in recipe.products.tools and not file.name.endswith("-config"):
            say(f"left out: bin/{file.name} (not among products.tools)")
            file.unlink()


def _remove_empty(tree: Path) -> None:
    for folder in sorted((f for f in tree.rglob("*") if f.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            shutil.rmtree(folder)
