"""Wheels as users of libraries: their binaries, what they require, and what they mention."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from packaging.specifiers import SpecifierSet

from commonwheel.abi.dump import library_of
from commonwheel.abi.public import read_headers
from commonwheel.abi.requires import requirements
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.elf import Elf, is_elf, read_elf, undefined
from commonwheel.errors import ElfError
from commonwheel.names import Names
from commonwheel.repair.providers import read_manifest
from commonwheel.wheel.name import WheelName
from commonwheel.wheel.read import read_wheel

# What is never ELF, and most of many wheels.
TEXT = re.compile(r".*\.(?:py|pyi|pyx|pxd|txt|md|rst|json|ya?ml|db|csv|xml|html|js|css|png|svg|gz)")
HEADER = re.compile(r".*/include/.*")
# As dlsym gets it: a whole name, and a zero byte behind it.
NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{2,}(?=\0)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Consumer:
    """A wheel that may use libraries of others, and have some itself.

    Args:
        path: the file.
        wheel: its name, in parts.
        requires: the releases that it admits, by distribution.
        snapshot: of the shared libraries that it has.
        binaries: ELF files by member.
        contents: of these.
        unread: ELF files that cannot be read, and why.
    """

    path: Path
    wheel: WheelName
    requires: Mapping[str, SpecifierSet]
    snapshot: Snapshot
    binaries: Mapping[str, Elf] = field(default_factory=dict)
    contents: Mapping[str, bytes] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def distribution(self) -> str:
        """As indexes compare it."""
        return self.wheel.normalised

    def mentions(self, names: Collection[str], members: Iterable[str]) -> tuple[str, ...]:
        """Those of some symbols that binaries of it have a weak reference to, or in a string.

        Raises:
            ElfError: a symbol table is malformed.
        """
        found: set[str] = set()
        for member in members:
            weak = {s.name for s in undefined(self.binaries[member]) if s.binding == "weak"}
            found |= weak.intersection(names)
            found |= self._strings(member).intersection(names)
        return tuple(sorted(found))

    def _strings(self, member: str) -> set[str]:
        return {match.decode() for match in NAME.findall(self.contents[member])}

    @cached_property
    def machine(self) -> str:
        """Of its binaries; empty without any."""
        return next((elf.machine for elf in self.binaries.values()), "")


def read_consumer(path: Path, names: Names) -> Consumer:
    """Read a wheel.

    Raises:
        WheelError: it is no wheel, or a damaged one.
    """
    wheel, manifest = read_wheel(path), read_manifest(path, names) or {}
    wanted = (m for m in wheel.members if HEADER.fullmatch(m) or not TEXT.fullmatch(m))
    read = wheel.read_many(wanted)
    contents = {member: content for member, content in read.items() if is_elf(content[:4])}
    binaries, unread = {}, []
    for member, content in contents.items():
        try:
            elf = read_elf(content, name=f"{path.name}:{member}")
        except ElfError as error:
            unread.append(f"{member}: {error.what}")
            continue
        if elf.type != "other":
            binaries[member] = elf
    release = str(manifest.get("upstream-version", wheel.name.version))
    version = str(manifest.get("version", wheel.name.version))
    private = {e["soname"] for e in manifest.get("libraries", ()) if e.get("role") == "private"}
    headers = [c for member, c in read.items() if HEADER.fullmatch(member)] if manifest else []
    return Consumer(
        path=path,
        wheel=wheel.name,
        requires={name: each.specifier for name, each in requirements(wheel).items()},
        snapshot=Snapshot(
            name=path.name,
            release=release,
            version="" if version == release else version,
            line=str(manifest.get("line", "")),
            libraries=tuple(_libraries(binaries, names, private, headers, unread)),
        ),
        binaries=binaries,
        contents=contents,
        unread=tuple(unread),
    )


def _libraries(
    binaries: Mapping[str, Elf],
    names: Names,
    private: Collection[str],
    headers: Iterable[bytes],
    unread: list[str],
) -> Iterator[Library]:
    known = read_headers(headers)
    for member, elf in binaries.items():
        if elf.type == "shared" and elf.soname:
            try:
                yield library_of(member, elf, names, known, private=elf.soname in private)
            except ElfError as error:
                unread.append(f"{member}: {error.what}")
