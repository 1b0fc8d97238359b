"""Recipes resolved for one release and one platform: no placeholders but those of a build.

These values travel into the staged project as JSON, so this module needs the standard library only.
"""

import re
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

# Not the shell's and CMake's ${name}.
PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z][a-z0-9_.-]*)\}")


@dataclass(frozen=True, kw_only=True)
class Library:
    """A shared library under upstream's SONAME."""

    soname: str
    role: Literal["public", "private"]
    exports: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Provided:
    """A library that a build is given, by recipe name, and the release that it is built against.

    ``version`` is the wheel's, ``upstream`` upstream's own.
    """

    name: str
    line: str
    distribution: str
    module: str
    version: str
    upstream: str
    stability: Literal["line", "minor", "patch", "exact"]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Tools from the package index, and programs (name → package that brings it) of the system."""

    tools: tuple[str, ...] = ()
    programs: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class BuildSteps:
    """What a driver is told."""

    driver: Literal["autotools", "cmake", "configure", "make", "meson"]
    languages: tuple[str, ...]
    script: str
    directory: str
    options: tuple[str, ...]
    environment: dict[str, str]
    targets: tuple[str, ...]
    install: tuple[str, ...]

    def with_options(self, options: tuple[str, ...]) -> "BuildSteps":
        """The same steps with other options."""
        return replace(self, options=options)


@dataclass(frozen=True, kw_only=True)
class Products:
    """What a build must leave, and what of it is left out of the wheel."""

    headers: tuple[str, ...]
    data: tuple[str, ...]
    tools: tuple[str, ...]
    exclude: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SourceFact:
    """Where a source can come from, for the manifest and the SBOM."""

    origin: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class LibraryBuild:
    """All that decides how one library wheel is built."""

    prefix: str
    name: str
    version: str
    wheel_version: str
    line: str
    summary: str
    homepage: str
    purl: str | None
    cpe: str | None
    license: str
    license_files: tuple[str, ...]
    libraries: tuple[Library, ...]
    stability: Literal["line", "minor", "patch", "exact"]
    provided: tuple[Provided, ...]
    needs: Needs
    build: BuildSteps
    products: Products
    data: tuple[str, ...]
    singleton: bool
    sources: tuple[SourceFact, ...]
    patches: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ConsumerBuild:
    """All that decides how one consumer wheel is built and repaired."""

    prefix: str
    name: str
    version: str
    wheel_version: str
    provided: tuple[Provided, ...]
    needs: Needs
    environment: dict[str, str]
    config_settings: dict[str, str]
    grafts: tuple[str, ...]
    dlopen: tuple[str, ...]
    sources: tuple[SourceFact, ...]
    patches: tuple[str, ...]


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Replace each ``{name}`` that is known; others (CMake's, the shell's) stay."""
    return PLACEHOLDER.sub(lambda match: variables.get(match[1], match[0]), text)


def to_json(value: Any) -> Any:
    """A resolved value as plain JSON data."""
    return asdict(value)


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """The resolved value that :func:`to_json` wrote.

    Raises:
        TypeError: the data do not fit; both sides are written by this package, so it is a defect.
    """
    hints = get_type_hints(kind)
    assert is_dataclass(kind)
    known = {
        f.name: _structure(hints[f.name], data[f.name]) for f in fields(kind) if f.name in data
    }
    return kind(**known)


def _structure(kind: Any, data: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return from_json(kind, data)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return tuple(_structure(arguments[0], item) for item in data)
    if origin is dict:
        return {key: _structure(arguments[1], item) for key, item in data.items()}
    if origin in {Union, types.UnionType}:
        return None if data is None else _structure(arguments[0], data)
    return data
