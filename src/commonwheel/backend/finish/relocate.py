"""Paths in text files made relative: pkg-config, CMake, and ``*-config`` scripts."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from commonwheel.backend.finish.libraries import Adopted

# Reckoned once per script; -P, since an installer may have linked the script from elsewhere.
SCRIPT_PREFIX = 'commonwheel_prefix=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)\n'


@dataclass(frozen=True, kw_only=True)
class Places:
    """Folders of a build that its text files name.

    Args:
        install_prefix: what upstream was told as its prefix.
        provider_prefix: the merged view of the providers.
        platform: the folder with the platform's libraries, in that with the compilers.
        libraries: by upstream's SONAME.
    """

    install_prefix: str
    provider_prefix: Path
    platform: Path
    libraries: Mapping[str, Adopted]


def relocate(tree: Path, places: Places) -> None:
    """Rewrite every text file that names a place of the build."""
    for file in sorted(tree.rglob("*")):
        if file.is_symlink() or not file.is_file():
            continue
        rewrite = _rewriter(file, tree)
        if rewrite is None:
            continue
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        changed = rewrite(text, file.parent.relative_to(tree), places)
        if changed != text:
            file.write_text(changed, encoding="utf-8", errors="surrogateescape")


Rewriter = Callable[[str, Path, Places], str]


def _rewriter(file: Path, tree: Path) -> Rewriter | None:
    if file.suffix == ".pc":
        return _pkg_config
    if file.suffix == ".cmake":
        return _cmake
    if file.parent == tree / "bin" and file.read_bytes()[:2] == b"#!":
        return _script
    return None


def _up(folder: Path) -> str:
    return "/".join([".."] * len(folder.parts))


def _pkg_config(text: str, folder: Path, places: Places) -> str:
    text = text.replace(places.install_prefix, "${prefix}")
    relative = f"prefix=${{pcfiledir}}/{_up(folder)}"
    text = re.sub(r"^prefix\s*=.*$", lambda _: relative, text, count=1, flags=re.MULTILINE)
    if not re.search(r"^prefix=", text, re.MULTILINE):
        text = f"{relative}\n{text}"
    text = re.sub(rf"-[LI]{re.escape(str(places.provider_prefix))}\S*\s*", "", text)
    return _build_libraries(text, places, lambda name: f"-l{name}")


def _cmake(text: str, folder: Path, places: Places) -> str:
    here = f"${{CMAKE_CURRENT_LIST_DIR}}/{_up(folder)}"
    text = text.replace(places.install_prefix, here)
    text = _build_libraries(text, places, lambda name: name)
    return _renamed(text, places.libraries)


def _build_libraries(text: str, places: Places, name: Callable[[str], str]) -> str:
    """A full path to a library of the platform or of a provider becomes its plain name."""
    folders = "|".join(re.escape(str(f / "lib")) for f in (places.platform, places.provider_prefix))
    pattern = rf"(?:{folders})/lib([\w+-]+)\.(?:so|a)[\w.]*"
    return re.sub(pattern, lambda match: name(match[1]), text)


def _renamed(text: str, libraries: Mapping[str, Adopted]) -> str:
    """Upstream's file names of a library become its one file's; ``libX.so`` stays where it is."""
    for library in libraries.values():
        for alias in sorted(library.aliases, key=len, reverse=True):
            if library.development is None or not alias.endswith(".so"):
                pattern = rf"(?<![\w.-]){re.escape(alias)}(?![\w.-])"
                text = re.sub(pattern, library.soname, text)
    return text


def _script(text: str, folder: Path, places: Places) -> str:
    del folder
    text = re.sub(rf"-[LI]{re.escape(str(places.provider_prefix))}[^\s\"']*\s?", "", text)
    # `foo-config --cc`: a compiler of the build by its plain name.
    text = text.replace(f"{places.platform.parent}/", "")
    if places.install_prefix not in text:
        return text
    # Within single quotes a variable would not be seen.
    text = re.sub(
        rf"'{re.escape(places.install_prefix)}([^']*)'",
        lambda match: f'"${{commonwheel_prefix}}{match[1]}"',
        text,
    )
    text = text.replace(places.install_prefix, "${commonwheel_prefix}")
    head, newline, rest = text.partition("\n")
    return f"{head}{newline}{SCRIPT_PREFIX}{rest}"
