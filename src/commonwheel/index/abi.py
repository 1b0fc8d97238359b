"""The ABI of a library wheel: its SONAMEs and exported symbols, and what a release changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import PurePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from commonwheel.elf import exported_names, read_elf
from commonwheel.elf.read import MACHINES
from commonwheel.errors import SiteError, WheelError
from commonwheel.wheel.read import Wheel


@dataclass(frozen=True, kw_only=True)
class Library:
    """One shared library of a wheel.

    Args:
        soname: as it stands in the file.
        upstream: the SONAME that upstream gives.
        role: ``public`` or ``private``.
        symbols: exported, sorted; ``name@NODE`` where they have a version node.
    """

    soname: str
    upstream: str
    role: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Abi:
    """What a library wheel's page shows of it.

    Args:
        line: the ABI line.
        machine: what it is built for, as in platform tags.
        libc: ``glibc`` or ``musl``.
        upstream_version: as upstream writes it.
        origin: where the sources come from.
        origin_sha256: of the sources' archive; empty where there is none.
        patches: by name.
        libraries: by SONAME.
    """

    line: str
    machine: str
    libc: str
    upstream_version: str
    origin: str
    origin_sha256: str
    patches: tuple[str, ...]
    libraries: tuple[Library, ...]

    @property
    def platform(self) -> tuple[str, str]:
        """What releases are compared within."""
        return self.machine, self.libc


@dataclass(frozen=True, kw_only=True)
class Change:
    """A library in one release, against the release before.

    Args:
        library: in the newer release.
        compared: whether the release before has it for the same platform.
        added: symbols that are new.
        removed: symbols that are gone.
    """

    library: Library
    compared: bool = False
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A release against the one before.

    Args:
        facts: the wheel that was looked at.
        against: the wheel of the release before, for the same platform; None where there is none.
        changes: each library of the newer one.
        gone: SONAMEs that only the older one has.
    """

    facts: Abi
    against: Abi | None
    changes: tuple[Change, ...]
    gone: tuple[str, ...]


def read_abi(wheel: Wheel, manifest: Mapping[str, Any]) -> Abi:
    """Read the libraries that a library wheel's manifest names.

    Raises:
        WheelError: the manifest lacks something, or a library that it names is not in the wheel.
        ElfError: a library is malformed.
    """
    try:
        source = manifest["source"]
        folder = f"{manifest['module'].replace('.', '/')}/lib"
        named = sorted(manifest["libraries"], key=itemgetter("soname"))
        return Abi(
            line=str(manifest["line"]),
            machine=_machine(wheel),
            libc="musl" if _is_musl(wheel) else "glibc",
            upstream_version=str(manifest["upstream-version"]),
            origin=str(source["origin"]),
            origin_sha256=str(source.get("sha256") or ""),
            patches=tuple(map(str, manifest["patches"])),
            libraries=tuple(_library(wheel, folder, each) for each in named),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise WheelError(
            f"its manifest is incomplete: {error}",
            where=wheel.path.name,
            hint="build the library wheel again",
        ) from None


def _machine(wheel: Wheel) -> str:
    # "manylinux_2_17_x86_64", "linux_aarch64".
    known = "|".join(sorted(MACHINES.values(), key=len, reverse=True))
    found = {match[0] for tag in wheel.name.platform if (match := re.search(rf"({known})$", tag))}
    return ", ".join(sorted(found))


def _is_musl(wheel: Wheel) -> bool:
    return any(tag.startswith("musllinux") for tag in wheel.name.platform)


def _library(wheel: Wheel, folder: str, named: Mapping[str, Any]) -> Library:
    soname = named["soname"]
    member = f"{folder}/{soname}"
    found = exported_names(read_elf(wheel.read(member), name=f"{wheel.path.name}:{member}"))
    return Library(
        soname=soname,
        upstream=named["upstream"],
        role=named["role"],
        symbols=tuple(sorted(f"{name}@{node}" if node else name for name, node in found)),
    )


def compare(new: Sequence[Abi], old: Sequence[Abi]) -> Comparison:
    """A release's libraries, against those of the release before for the same platform.

    Args:
        new: of each wheel of a release, at least one.
        old: of each wheel of the release before; may be empty.
    """
    before = {each.platform: each for each in old}
    chosen = next((each for each in new if each.platform in before), new[0])
    other = before.get(chosen.platform)
    known = {each.soname: each for each in other.libraries} if other else {}
    present = {each.soname for each in chosen.libraries}
    return Comparison(
        facts=chosen,
        against=other,
        changes=tuple(_change(each, known.get(each.soname)) for each in chosen.libraries),
        gone=tuple(soname for soname in known if soname not in present),
    )


def _change(library: Library, before: Library | None) -> Change:
    if before is None:
        return Change(library=library)
    new, old = set(library.symbols), set(before.symbols)
    return Change(
        library=library,
        compared=True,
        added=tuple(sorted(new - old)),
        removed=tuple(sorted(old - new)),
    )


_ADAPTER = TypeAdapter(Abi)


def dump(abi: Abi) -> str:
    """As JSON."""
    return _ADAPTER.dump_json(abi, indent=1).decode() + "\n"


def load(text: bytes, where: PurePath) -> Abi:
    """From JSON.

    Raises:
        SiteError: it is damaged.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise SiteError(
            f"is not what commonwheel wrote: {error.errors()[0]['msg']}",
            where=str(where),
            hint="bring back the site's last published state",
        ) from None
