"""Where the loader goes: beside the ``__init__`` of each extension's nearest regular package."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from commonwheel.abi.ranges import Range
from commonwheel.errors import RepairError
from commonwheel.repair.classify import FIXED_SCHEMES, Needs
from commonwheel.repair.loader import (
    LOADER,
    LoaderFacts,
    UsedProvider,
    consumer_loader,
    insert_call,
)
from commonwheel.repair.providers import ProviderWheel
from commonwheel.wheel.read import Wheel


@dataclass(frozen=True, kw_only=True)
class Loading:
    """Members that the loader adds and changes, and extensions that it cannot help."""

    added: Mapping[str, bytes]
    replaced: Mapping[str, bytes]
    notes: tuple[str, ...]


def loader_changes(
    wheel: Wheel,
    needs: Sequence[Needs],
    used: Mapping[str, tuple[ProviderWheel, Range]],
    dlopen: Sequence[str],
) -> Loading:
    """One loader for each package that has extensions with providers.

    A package whose extensions need nothing gets none, unless the recipe says that the code opens
    libraries by itself: then the top-level packages do.

    Raises:
        RepairError: a package to be changed is not Python, or nothing could open the libraries.
    """
    inits = _inits(wheel)
    packages: dict[str, list[Needs]] = {}
    notes = []
    for need in needs:
        if not need.providers:
            continue
        package = nearest_package(inits, need.binary.installed or "")
        if package is None:
            notes.append(
                f"{need.binary.member} is in no regular package: DT_RPATH alone finds libraries"
            )
        else:
            packages.setdefault(package, []).append(need)
    if dlopen:
        for package in _top_packages(wheel, inits):
            packages.setdefault(package, [])
    consumer = str(wheel.metadata_fields["Name"])
    added, replaced = {}, {}
    for package, members in packages.items():
        init = inits[package]
        providers = tuple(_used_providers(package, members, used, dlopen))
        source = consumer_loader(LoaderFacts(consumer=consumer, providers=providers))
        added[f"{posixpath.dirname(init)}/{LOADER}.py"] = source.encode()
        before = wheel.read(init)
        after = insert_call(before, member=f"{wheel.path.name}:{init}")
        if after != before:
            replaced[init] = after
    return Loading(added=added, replaced=replaced, notes=tuple(notes))


def _inits(wheel: Wheel) -> dict[str, str]:
    """Member of each regular package's ``__init__``, by the package's folder once installed."""
    members = [member for member in wheel.members if member.endswith("/__init__.py")]
    places = [(member, *wheel.install_path(member)) for member in members]
    return {
        posixpath.dirname(place): member
        for member, scheme, place in places
        if scheme in FIXED_SCHEMES
    }


def nearest_package(inits: Mapping[str, str], installed: str) -> str | None:
    """Folder of the regular package that holds a file; None in a namespace or at the top."""
    folder = posixpath.dirname(installed)
    while folder:
        if folder in inits:
            return folder
        folder = posixpath.dirname(folder)
    return None


def _top_packages(wheel: Wheel, inits: Mapping[str, str]) -> list[str]:
    found = [
        package
        for package in inits
        if all(not package.startswith(f"{other}/") for other in inits if other != package)
    ]
    if not found:
        raise RepairError(
            "opens libraries by itself, and has no regular package that could load them first",
            where=wheel.path.name,
            hint="give it an __init__.py by a patch in the recipe",
        )
    return found


def _used_providers(
    package: str,
    members: Sequence[Needs],
    used: Mapping[str, tuple[ProviderWheel, Range]],
    dlopen: Sequence[str],
) -> Iterator[UsedProvider]:
    needed = {provider.line for need in members for provider in need.providers}
    sonames = {soname for need in members for soname in need.sonames}
    for each, accepted in used.values():
        if each.line in needed or each.line in dlopen:
            yield UsedProvider(
                module=each.module,
                distribution=each.distribution,
                floor=accepted.floor,
                exact=accepted.pin,
                rpath=posixpath.relpath(each.lib, package) if each.line in needed else None,
                sonames=tuple(soname for soname in each.sonames if soname in sonames),
                dlopen=each.line in dlopen,
            )
