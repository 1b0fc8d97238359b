"""Library wheels as repair sees them: who owns which tagged SONAME."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.version import Version

from commonwheel.errors import RepairError, UsageError, WheelError
from commonwheel.names import MANIFEST_SCHEMA, Names
from commonwheel.wheel.read import read_wheel

STABILITIES = ("line", "minor", "patch", "exact")


@dataclass(frozen=True, kw_only=True)
class ProviderWheel:
    """What a library wheel's manifest says, and where the wheel is."""

    path: Path
    line: str
    distribution: str
    module: str
    version: str
    stability: str
    sonames: tuple[str, ...]
    upstream: tuple[str, ...]
    manifest: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def lib(self) -> str:
        """Folder of its libraries in an installation, relative to site-packages."""
        return f"{self.module.replace('.', '/')}/lib"

    @property
    def wheel(self) -> str:
        """The file's name."""
        return self.path.name


@dataclass(frozen=True, kw_only=True)
class Providers:
    """The library wheels that a repair may share.

    Of one line there may be several releases, until :func:`commonwheel.repair.choose.choose` has
    settled on one.
    """

    wheels: tuple[ProviderWheel, ...]

    @cached_property
    def by_soname(self) -> Mapping[str, ProviderWheel]:
        """Owner by tagged SONAME."""
        return {soname: wheel for wheel in self.wheels for soname in wheel.sonames}

    @cached_property
    def by_line(self) -> Mapping[str, ProviderWheel]:
        """Wheel by ABI line."""
        return {wheel.line: wheel for wheel in self.wheels}

    @cached_property
    def upstream(self) -> Mapping[str, ProviderWheel]:
        """Owner by the SONAME that upstream gives; such a library is never the platform's."""
        return {soname: wheel for wheel in self.wheels for soname in wheel.upstream}


def read_manifest(wheel: Path, names: Names) -> dict[str, Any] | None:
    """The manifest of a library wheel; None for any other wheel.

    Raises:
        WheelError: the manifest is damaged, or of a newer toolkit.
    """
    opened = read_wheel(wheel)
    member = opened.info(names.manifest)
    if member not in opened.by_name:
        return None
    where = f"{wheel.name}:{member}"
    try:
        manifest: dict[str, Any] = json.loads(opened.read(member))
        schema = int(manifest["schema"])
    except (ValueError, KeyError, TypeError):
        raise _damaged(where) from None
    if schema != MANIFEST_SCHEMA:
        raise WheelError(
            f"has schema {schema}, and this commonwheel reads schema {MANIFEST_SCHEMA}: "
            "the wheel is newer than this toolkit",
            where=where,
            hint="upgrade commonwheel",
        )
    return manifest


def _damaged(where: str) -> WheelError:
    return WheelError(
        "is not what commonwheel wrote", where=where, hint="build the library wheel again"
    )


def read_provider(wheel: Path, names: Names) -> ProviderWheel | None:
    """A library wheel as a provider; None for any other wheel.

    Raises:
        WheelError: its manifest is damaged, incomplete, or of a newer toolkit.
    """
    manifest = read_manifest(wheel, names)
    if manifest is None:
        return None
    try:
        return _provider(wheel, manifest)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(f"{wheel.name}:{read_wheel(wheel).info(names.manifest)}") from None


def _provider(path: Path, manifest: Mapping[str, Any]) -> ProviderWheel:
    libraries = manifest["libraries"]
    provider = ProviderWheel(
        path=path,
        line=_text(manifest, "line"),
        distribution=_text(manifest, "distribution"),
        module=_text(manifest, "module"),
        version=_text(manifest, "version"),
        stability=_text(manifest, "stability"),
        sonames=tuple(_text(library, "soname") for library in libraries),
        upstream=tuple(_text(library, "upstream") for library in libraries),
        manifest=manifest,
    )
    Version(provider.version)
    if provider.stability not in STABILITIES:
        raise ValueError(provider.stability)
    return provider


def _text(facts: Mapping[str, Any], key: str) -> str:
    value = facts[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


def load_providers(paths: Sequence[Path], names: Names) -> Providers:
    """Read library wheels, and folders of wheels (other wheels in a folder are passed over).

    A wheel named by itself beats every other release of its line that lies in a folder.

    Raises:
        UsageError: a path does not exist.
        RepairError: a wheel named by itself is no library wheel, or two releases of one line are
            named so.
        WheelError: a library wheel is damaged.
    """
    named: dict[str, ProviderWheel] = {}
    lying: dict[tuple[str, str], ProviderWheel] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"--with {path}: no such file or folder")
        if path.is_dir():
            for each in _in_folder(path, names):
                lying.setdefault((each.line, each.version), each)
            continue
        provider = read_provider(path, names)
        if provider is None:
            raise RepairError("not a library wheel: it has no manifest", where=path.name)
        other = named.setdefault(provider.line, provider)
        if other.version != provider.version:
            raise RepairError(
                f"two releases of {provider.line} are given: {other.wheel} and {provider.wheel}",
                hint="name with --with the one that the wheel was built against",
            )
    others = (each for each in lying.values() if each.line not in named)
    return Providers(wheels=(*named.values(), *others))


def _in_folder(folder: Path, names: Names) -> Iterator[ProviderWheel]:
    for wheel in sorted(folder.glob("*.whl")):
        if (provider := read_provider(wheel, names)) is not None:
            yield provider
