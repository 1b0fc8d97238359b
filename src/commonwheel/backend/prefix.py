"""One prefix out of the provider wheels of this run, and of nothing else.

The wheels are unpacked side by side, as pip would install them, and a merged view of symlinks
stands among them::

    <root>/commonwheel_libs/proj_so25/lib/libproj-commonwheel.so.25
    <root>/commonwheel_libs/_prefix/lib/libproj-commonwheel.so.25 → ../../proj_so25/lib/…

Because the view is one more folder of the namespace, a library's DT_RPATH
(``$ORIGIN/../../<line>/lib``) is right through the symlinks too, both for the linker and for
programs that a build runs.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonwheel.errors import BuildError
from commonwheel.names import Names
from commonwheel.recipe.resolved import Provided

MERGED = ("bin", "include", "lib", "share")


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider wheel as a build sees it: its manifest, and where it is unpacked."""

    manifest: dict[str, Any]
    folder: Path

    @property
    def sonames(self) -> set[str]:
        """Tagged SONAMEs that it owns."""
        return {each["soname"] for each in self.manifest["libraries"]}


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """The assembled prefix; ``root`` is what a sysroot would be, ``path`` the merged view."""

    root: Path
    path: Path
    providers: tuple[Provider, ...]

    @property
    def lib(self) -> Path:
        """The one folder with every provider's libraries."""
        return self.path / "lib"

    @property
    def include(self) -> Path:
        """The one folder with every provider's headers."""
        return self.path / "include"

    def placeholders(self, provided: Sequence[Provided]) -> dict[str, str]:
        """Values of ``{geos.lib}`` and the like for the libraries that a recipe names."""
        values: dict[str, str] = {}
        for each in provided:
            values |= {
                f"{each.name}.prefix": str(self.path),
                f"{each.name}.lib": str(self.lib),
                f"{each.name}.include": str(self.include),
                f"{each.name}.share": str(self.path / "share"),
                f"{each.name}.version": each.upstream,
            }
        return values


def assemble(wheels: Sequence[Path], root: Path, names: Names) -> Prefix:
    """Unpack provider wheels below ``root`` and merge them.

    Raises:
        BuildError: a wheel is not a library wheel, or two wheels own one path.
    """
    view = root / names.namespace / "_prefix"
    for folder in MERGED:
        (view / folder).mkdir(parents=True, exist_ok=True)
    providers = tuple(_unpack(wheel, root, names) for wheel in sorted(wheels))
    for provider in providers:
        _merge(provider.folder, view)
    return Prefix(root=root, path=view, providers=providers)


def _unpack(wheel: Path, root: Path, names: Names) -> Provider:
    with zipfile.ZipFile(wheel) as archive:
        manifests = [n for n in archive.namelist() if n.endswith(f".dist-info/{names.manifest}")]
        if len(manifests) != 1:
            raise BuildError("not a library wheel: it has no manifest", where=wheel.name)
        manifest = json.loads(archive.read(manifests[0]))
        for info in archive.infolist():
            target = Path(archive.extract(info, root))
            mode = info.external_attr >> 16 & 0o777
            if mode and target.is_file():
                target.chmod(mode)
    return Provider(manifest=manifest, folder=root / manifest["module"].replace(".", "/"))


def _merge(folder: Path, view: Path) -> None:
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.is_dir() or inside.parts[0] not in MERGED:
            continue
        link = view / inside
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            owner = link.readlink().parts[-len(inside.parts) - 1]
            raise BuildError(
                f"two providers of this build own {inside}: {owner} and {folder.name}",
                hint="leave the file out of one recipe with products.exclude",
            )
        link.symlink_to(os.path.relpath(file, link.parent))
