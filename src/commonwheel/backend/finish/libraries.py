"""Shared libraries of an installed tree: tagged, stripped, one file each, with a linker script."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from commonwheel.backend.finish.tree import elf_files
from commonwheel.backend.prefix import Prefix
from commonwheel.backend.say import say
from commonwheel.elf import Elf, exported, read_elf
from commonwheel.elf.edit import edit
from commonwheel.elf.strip import strip
from commonwheel.errors import BuildError
from commonwheel.names import Names
from commonwheel.recipe.resolved import Library, LibraryBuild

LINKER_SCRIPT = (
    "/* GNU ld script: the library has one file, named by its SONAME */\nINPUT({soname})\n"
)

SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A shared library as it lies in the wheel.

    Args:
        upstream: the SONAME that upstream's build gave it.
        soname: the tagged SONAME, which is the file's name in ``lib/`` too.
        development: name of the linker script (``libproj.so``); None for a private library.
        aliases: every file name that upstream gave it, symlinks too.
    """

    upstream: str
    soname: str
    role: Literal["public", "private"]
    development: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """The libraries, each after those that it needs, and the manifests of the providers used."""

    libraries: tuple[Adopted, ...]
    providers: tuple[dict[str, Any], ...]


def adopt(tree: Path, recipe: LibraryBuild, prefix: Prefix, names: Names, debug: Path) -> Adoption:
    """Tag, strip and name every shared library and program of a tree.

    Raises:
        BuildError: a library that the recipe does not list, or lists and that is not there; a
            provider that is declared and not used, or used and not declared.
    """
    found = _by_soname(tree, recipe)
    sonames = {soname: names.tagged(soname) for soname in found}
    for file in elf_files(tree):
        before = read_elf(file)
        strip(file, debug)
        edit(file, soname=sonames.get(before.soname or ""), needed=sonames)
        _check_versions(file, before)
    adopted = {
        library.soname: _name_file(tree, found[library.soname], library, names)
        for library in recipe.libraries
    }
    needed = {file.name: set(read_elf(file).needed) for file in elf_files(tree)}
    ordered = _ordered(list(adopted.values()), needed)
    used = _used(recipe, prefix, set().union(*needed.values()))
    return Adoption(libraries=tuple(ordered), providers=used)


def _by_soname(tree: Path, recipe: LibraryBuild) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in elf_files(tree):
        elf = read_elf(file)
        if elf.type == "shared" and elf.soname:
            _check_only_file(found.setdefault(elf.soname, file), file, elf.soname, tree)
        elif elf.type == "shared":
            say(f"note: {file.relative_to(tree)} is a shared object without a SONAME (a plugin)")
    listed = {library.soname: library for library in recipe.libraries}
    if unlisted := sorted(found.keys() - listed.keys()):
        raise BuildError(
            f"{recipe.name}: the build installs libraries that the recipe does not list: "
            f"{', '.join(unlisted)}",
            hint="add them to abi.libraries (role: private, if consumers do not link to them), or "
            "leave them out with products.exclude",
        )
    if missing := sorted(listed.keys() - found.keys()):
        raise BuildError(
            f"{recipe.name}: the build does not install {', '.join(missing)}",
            hint=f"it installs {', '.join(sorted(found)) or 'no shared library'}",
        )
    for soname, library in listed.items():
        _check_exports(read_elf(found[soname]), library)
    return found


def _check_only_file(first: Path, file: Path, soname: str, tree: Path) -> None:
    if file != first:
        raise BuildError(
            f"two files have the SONAME {soname}: {first.relative_to(tree)} and "
            f"{file.relative_to(tree)}",
            hint="leave all but one out with products.exclude",
        )


def _check_exports(elf: Elf, library: Library) -> None:
    if not library.exports:
        return
    names = {symbol.name for symbol in exported(elf)}
    hidden = sorted(n for n in names if not any(fnmatchcase(n, p) for p in library.exports))
    if hidden:
        raise BuildError(
            f"{library.soname} exports {len(hidden)} symbols that abi.exports does not admit: "
            f"{', '.join(hidden[:SHOWN])}{' …' if len(hidden) > SHOWN else ''}",
            hint="upstream links it with a version map of its own: patch that map, or widen "
            "abi.exports",
        )
    for pattern in library.exports:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise BuildError(f"{library.soname}: abi.exports '{pattern}' matches no symbol")


def _check_versions(file: Path, before: Elf) -> None:
    after = read_elf(file).version_definitions
    if after != before.version_definitions:
        # ld.so aborts a process whose needed version node is gone.
        raise BuildError(
            f"version nodes changed while finishing: {before.version_definitions} → {after}",
            where=file.name,
        )


def _name_file(tree: Path, file: Path, library: Library, names: Names) -> Adopted:
    folder = tree / "lib"
    aliases = [alias for alias in folder.glob("*.so*") if alias.resolve() == file.resolve()]
    soname = names.tagged(library.soname)
    for alias in aliases:
        if alias.is_symlink():
            alias.unlink()
    file.rename(folder / soname)
    development = f"{library.soname.partition('.so')[0]}.so" if library.role == "public" else None
    if development:
        # Upstream's other names for the linker too: libpng.so beside libpng16.so.
        for name in {development, *(a.name for a in aliases if a.suffix == ".so")}:
            script = LINKER_SCRIPT.format(soname=soname)
            (folder / name).write_text(script, encoding="utf-8")
    return Adopted(
        upstream=library.soname,
        soname=soname,
        role=library.role,
        development=development,
        aliases=tuple(sorted({library.soname, *(alias.name for alias in aliases)})),
    )


def _ordered(libraries: Sequence[Adopted], needed: Mapping[str, set[str]]) -> Iterable[Adopted]:
    waiting, done = list(libraries), list[Adopted]()
    while waiting:
        left = {each.soname for each in waiting}
        ready = [e for e in waiting if not (needed[e.soname] & left) - {e.soname}] or waiting
        done += ready
        waiting = [each for each in waiting if each not in ready]
    return done


def _used(recipe: LibraryBuild, prefix: Prefix, needed: set[str]) -> tuple[dict[str, Any], ...]:
    declared = {each.line for each in recipe.provided}
    used = [each.manifest for each in prefix.providers if each.sonames & needed]
    lines = {manifest["line"] for manifest in used}
    if unused := sorted(declared - lines):
        raise BuildError(
            f"{recipe.name} requires {', '.join(unused)}, and links to nothing of it",
            hint="remove it from requires.libraries, or switch on the option that uses it",
        )
    if undeclared := sorted(lines - declared):
        raise BuildError(
            f"{recipe.name} links to {', '.join(undeclared)}, which it does not require itself",
            hint="add it to requires.libraries, or switch off the option that uses it",
        )
    return tuple(used)
