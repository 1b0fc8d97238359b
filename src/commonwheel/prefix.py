"""Library wheels as one prefix, for people who build something else against them.

The layout is that of a build's own prefix (:mod:`commonwheel.backend.prefix`), with four links to
the merged view beside it::

    DIR/commonwheel_libs/proj_so25/lib/libproj-commonwheel.so.25
    DIR/commonwheel_libs/_prefix/lib/libproj-commonwheel.so.25 → ../../proj_so25/lib/…
    DIR/lib → commonwheel_libs/_prefix/lib        and bin, include, share
    DIR/env.sh                                    sets the variables that build systems read

``DIR/lib`` is a link to a folder, not a folder of links: the dynamic linker takes ``$ORIGIN`` to be
``DIR/lib``, and the kernel follows the link before it goes up, so that ``$ORIGIN/../../<line>/lib``
leads to the providers from there, too.
"""

import contextlib
import hashlib
import importlib.resources
import json
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import platform_tags
from packaging.utils import canonicalize_name
from packaging.version import Version

from commonwheel.backend.prefix import MERGED, assemble
from commonwheel.cache.keys import file_digest
from commonwheel.errors import RepairError, UsageError, WheelError
from commonwheel.names import Names
from commonwheel.repair.providers import read_manifest
from commonwheel.wheel.name import parse_wheel_name
from commonwheel.wheel.read import read_wheel

MARKER = "commonwheel-prefix.json"
SNIPPET = "env.sh"
SCHEMA = 1
# Flags hold the folder's path, and shells split them at spaces; lists are split at colons.
AWKWARD = re.compile(r"[\s:]")


@dataclass(frozen=True, kw_only=True)
class Given:
    """A library wheel: where it is, whether it was named itself, and what it says of itself."""

    path: Path
    named: bool
    name: str
    line: str
    distribution: str
    version: Version
    requires: tuple[Requirement, ...]


def write_prefix(wheels: Sequence[Path], target: Path, names: Names) -> Path:
    """Write a prefix with these library wheels; an earlier prefix in its place goes at the end.

    Args:
        wheels: library wheels, with all that they require.
        target: the folder: absent, empty, or an earlier prefix.
        names: the names that follow from the prefix of distributions.

    Returns:
        The snippet that sets a shell's variables.

    Raises:
        UsageError: the folder holds something else, or has a name that builds cannot use.
        BuildError: a wheel is not a library wheel, or two wheels own one path.
    """
    check_target(target)
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        view = assemble(wheels, part, names).path.relative_to(part)
        for folder in MERGED:
            (part / folder).symlink_to(view / folder)
        digests = {wheel.name: file_digest(wheel) for wheel in sorted(wheels)}
        marker = {"schema": SCHEMA, "id": _identity(digests), "wheels": digests}
        (part / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
        (part / SNIPPET).write_text(_snippet(target, str(marker["id"])), encoding="utf-8")
        _replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target / SNIPPET


def _identity(digests: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def _snippet(target: Path, identity: str) -> str:
    source = importlib.resources.files("commonwheel").joinpath("prefix_env.sh")
    text = source.read_text(encoding="utf-8")
    return text.replace("@place@", shlex.quote(str(target))).replace("@id@", identity)


def check_target(target: Path) -> None:
    """Refuse a folder that cannot become a prefix, before any work.

    Raises:
        UsageError: it holds something else, has a name that builds cannot use, or lies where
            nothing can be renamed.
    """
    if found := AWKWARD.search(str(target.resolve())):
        raise UsageError(
            f"a prefix cannot be in a folder whose path holds {found[0]!r}: {target}",
            hint="compilers' flags are split at spaces, lists of folders at colons",
        )
    if target.is_mount():
        hint = f"a prefix is put in place by renaming: name a folder in it, {target / 'prefix'}"
        raise UsageError(f"{target} is a mount point", hint=hint)
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file():
        raise UsageError(f"{target} is no prefix, and not empty", hint="name another folder")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is not a folder", hint="name another")
    above = next(each for each in target.absolute().parents if each.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        hint = "a prefix is made beside its place, and then renamed"
        raise UsageError(f"{above} cannot be written to", hint=hint)


def _replace(part: Path, target: Path) -> None:
    """Put a folder in the place of another; between two renames there is none."""
    old = part.with_suffix(".old")
    with contextlib.suppress(FileNotFoundError):
        target.rename(old)
    try:
        part.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


# --- wheels that are given ------------------------------------------------------------------------


def select(paths: Sequence[Path], wanted: Sequence[str], names: Names) -> list[Path]:
    """Library wheels by name, with all that they require, from files and folders.

    Of a line the newest is taken; a file that is named by itself beats what a folder has.

    Args:
        paths: library wheels, and folders with some.
        wanted: names of recipes, lines or distributions; nothing means all that there are.
        names: the names that follow from the prefix of distributions.

    Raises:
        UsageError: a path does not exist, a name fits none of the wheels, or what one of them
            requires is not among them.
        RepairError: a file is no library wheel.
        WheelError: a library wheel is damaged.
    """
    given: dict[str, Given] = {}
    for each in sorted(_read(paths, names), key=lambda each: (each.named, each.version)):
        given[each.distribution] = each
    waiting = [_find(name, given) for name in wanted] if wanted else list(given.values())
    chosen: dict[str, Path] = {}
    while waiting:
        each = waiting.pop()
        if each.distribution not in chosen:
            chosen[each.distribution] = each.path
            waiting += [_required(each, requirement, given) for requirement in each.requires]
    return list(chosen.values())


def _read(paths: Iterable[Path], names: Names) -> Iterator[Given]:
    for path in paths:
        if not path.exists():
            raise UsageError(f"--with {path}: no such file or folder")
        for wheel in _fitting(path) if path.is_dir() else [path]:
            manifest = read_manifest(wheel, names)
            if manifest is not None:
                yield _given(wheel, manifest, names, named=wheel == path)
            elif wheel == path:
                raise RepairError("not a library wheel: it has no manifest", where=path.name)


def _fitting(folder: Path) -> Iterator[Path]:
    """The wheels of a folder that this machine can use: it may hold those of several platforms."""
    platforms = {"any", *platform_tags()}
    for wheel in sorted(folder.glob("*.whl")):
        if platforms.intersection(parse_wheel_name(wheel.name).platform):
            yield wheel


def _given(wheel: Path, manifest: Mapping[str, Any], names: Names, *, named: bool) -> Given:
    fields = read_wheel(wheel).metadata_fields
    try:
        # The prefix alone does not tell: an owner's other distributions may begin with it.
        packages = {str(package) for package in manifest["providers"]}
        requires = [Requirement(str(text)) for text in fields.get_all("Requires-Dist", [])]
        return Given(
            path=wheel,
            named=named,
            name=manifest["name"],
            line=manifest["line"],
            distribution=manifest["distribution"],
            version=Version(str(fields["Version"])),
            requires=tuple(
                each
                for each in requires
                if names.package(each.name.removeprefix(f"{names.prefix}-")) in packages
            ),
        )
    except (KeyError, TypeError, ValueError):
        raise WheelError(
            "is not what commonwheel wrote", where=wheel.name, hint="build the library wheel again"
        ) from None


def _find(name: str, given: Mapping[str, Given]) -> Given:
    found = [each for each in given.values() if name in (each.name, each.line, each.distribution)]
    if len(found) == 1:
        return found[0]
    lines = ", ".join(sorted(each.line for each in found or given.values())) or "none"
    if found:
        raise UsageError(f"there are two lines of {name}: {lines}", hint="name the line")
    raise UsageError(f"no library wheel that --with names is of {name!r}", hint=f"lines: {lines}")


def _required(user: Given, requirement: Requirement, given: Mapping[str, Given]) -> Given:
    each = given.get(canonicalize_name(requirement.name))
    if each is not None and requirement.specifier.contains(each.version, prereleases=True):
        return each
    what = f"it is {each.version}" if each else "it is not there"
    raise UsageError(
        f"{user.path.name} requires {requirement.name}{requirement.specifier}, and {what}",
        hint="name that library wheel, or a folder with it, by --with as well",
    )
