"""What an ABI is read from: wheels, ours or anybody's, libraries, and unpacked packages."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from commonwheel.elf import is_elf
from commonwheel.errors import SnapshotError, UsageError
from commonwheel.wheel.read import read_wheel

# Beside the wheels of a wheelhouse: debug information by build-id.
DEBUG = "debug"
INCLUDE = "include"


@dataclass(frozen=True, kw_only=True)
class Material:
    """The shared libraries and the public headers of one release.

    Args:
        name: what errors call it.
        libraries: content by member.
        headers: content by member, those of the release's own include folders.
        release: upstream's version; empty where nothing says.
        manifest: of a library wheel.
        debug: a folder with debug information by build-id, as gdb looks it up.
        named: a library that was named itself; it needs no SONAME then.
    """

    name: str
    libraries: Mapping[str, bytes]
    headers: Mapping[str, bytes] = field(default_factory=dict)
    release: str = ""
    manifest: Mapping[str, Any] | None = None
    debug: Path | None = None
    named: bool = False

    def where(self, member: str) -> str:
        """``name:member``, for errors."""
        return self.name if self.named else f"{self.name}:{member}"


def read_material(
    path: Path, *, manifest: Mapping[str, Any] | None = None, headers: Path | None = None
) -> Material:
    """Read what ``commonwheel abi dump`` takes.

    Args:
        path: a wheel; a shared library; or a folder, such as an unpacked Debian package or a conda
            package's.
        manifest: of a library wheel.
        headers: a folder of public headers, in the place of those that ``path`` has.

    Raises:
        UsageError: there is no such file or folder.
        SnapshotError: it holds no shared library.
        WheelError: a wheel is damaged.
    """
    if path.is_dir():
        material = _of_folder(path)
    elif not path.is_file():
        raise UsageError(f"{path}: no such file or folder")
    elif path.suffix == ".whl":
        material = _of_wheel(path, manifest)
    else:
        material = Material(name=path.name, libraries={path.name: path.read_bytes()}, named=True)
    if not any(is_elf(content[:4]) for content in material.libraries.values()):
        raise SnapshotError(
            "holds no shared library",
            where=material.name,
            hint="give a wheel, a library, or a folder with lib/ and include/ in it",
        )
    if headers is None:
        return material
    if not headers.is_dir():
        raise UsageError(f"--headers {headers}: no such folder")
    own = {path.relative_to(headers).as_posix(): path.read_bytes() for path in _files(headers)}
    return replace(material, headers=own)


def _of_wheel(path: Path, manifest: Mapping[str, Any] | None) -> Material:
    wheel = read_wheel(path)
    contents = wheel.read_many(
        member for member in wheel.members if is_library(member) or is_header(member)
    )
    release = wheel.name.version if manifest is None else str(manifest.get("upstream-version", ""))
    debug = path.parent / DEBUG
    return Material(
        name=path.name,
        libraries={m: content for m, content in contents.items() if is_library(m)},
        headers={m: content for m, content in contents.items() if is_header(m)},
        release=release,
        manifest=manifest,
        debug=debug if debug.is_dir() else None,
    )


def _of_folder(folder: Path) -> Material:
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    debug = folder / "usr/lib/debug"
    return Material(
        name=folder.resolve().name,
        libraries={m: path.read_bytes() for m, path in found.items() if is_library(m)},
        headers={m: path.read_bytes() for m, path in found.items() if is_header(m)},
        release=_conda_version(folder / "info/index.json"),
        debug=debug if debug.is_dir() else None,
    )


def _files(folder: Path) -> Iterator[Path]:
    """Every file but symlinks, which stand for one of the others."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = Path(place, file)
            if path.is_file() and not path.is_symlink():
                yield path


def is_library(member: str) -> bool:
    """Whether a file's name is that of a shared library."""
    name = PurePosixPath(member).name
    return name.endswith(".so") or ".so." in name


def is_header(member: str) -> bool:
    """Whether a file lies below an include folder."""
    return INCLUDE in PurePosixPath(member).parts[:-1]


def _conda_version(index: Path) -> str:
    """The release that a conda package's own index names."""
    try:
        data = json.loads(index.read_bytes())
    except (OSError, ValueError):
        return ""
    version = data.get("version") if isinstance(data, dict) else None
    return version if isinstance(version, str) else ""
