"""A wheel as gates see it: everything in it read once, and its ELF files parsed."""

import hashlib
import os
import posixpath
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from commonwheel.abi.dump import library_of
from commonwheel.abi.public import Headers, read_headers
from commonwheel.abi.requires import requirements, stated
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.cache.keys import file_digest
from commonwheel.check.places import Place, places
from commonwheel.check.symbols import Strong, strong_symbols
from commonwheel.elf import Elf, exported_names, is_elf, read_elf
from commonwheel.elf.symbols import keep_strong
from commonwheel.errors import ElfError, WheelError
from commonwheel.names import Names
from commonwheel.repair.classify import FIXED_SCHEMES
from commonwheel.repair.loader import LOADER
from commonwheel.repair.providers import ProviderWheel, read_manifest, read_provider
from commonwheel.wheel.read import Wheel, read_wheel

Kind: TypeAlias = Literal["library", "consumer", "foreign"]
Contents: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Binary:
    """An ELF file of a wheel.

    Args:
        member: its name in the archive.
        installed: where it lies below site-packages; None where that is not fixed (scripts, data).
        elf: its facts.
        sha256: of its content.
        size: bytes.
    """

    member: str
    installed: str | None
    elf: Elf
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Without its folder."""
        return posixpath.basename(self.member)

    @property
    def answers_to(self) -> str:
        """What a DT_NEEDED must say to mean this file: the SONAME, else the file's name."""
        return self.elf.soname or self.file_name

    @property
    def is_bundled(self) -> bool:
        """Whether a repair tool has put it where it puts what it copies into wheels."""
        folders = self.member.split("/")[:-1]
        return any(folder.endswith((".libs", ".dylibs")) for folder in folders)

    @cached_property
    def strong(self) -> Strong:
        """The symbols by which it can take another library's place.

        Raises:
            ElfError: its symbol table is malformed.
        """
        return strong_symbols(self.elf)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Names that it must find in other objects.

        Raises:
            ElfError: its symbol table is malformed.
        """
        tables = self.elf.tables
        return frozenset(name for name, _ in tables.pairs(keep_strong)) if tables else frozenset()

    @cached_property
    def exports(self) -> frozenset[str]:
        """Names that other objects can bind to.

        Raises:
            ElfError: its symbol table is malformed.
        """
        return frozenset(name for name, _ in exported_names(self.elf))


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What is known of a wheel once its content has been read; the content itself is not kept.

    Args:
        wheel: the file, for its name, its members and its metadata.
        sha256: of the file.
        kind: library wheels have a manifest; consumer wheels carry our local version or loader.
        manifest: of a library wheel.
        provider: a library wheel as repair knows it.
        binaries: every ELF file that can be read.
        malformed: of every other one, what is wrong with it, by member.
        headers: of a library wheel, what its headers name; None without any.
        names: the names that follow from the prefix.
    """

    wheel: Wheel
    sha256: str
    kind: Kind
    manifest: Mapping[str, Any] | None = None
    provider: ProviderWheel | None = None
    binaries: tuple[Binary, ...] = ()
    malformed: Mapping[str, str]
    headers: Headers | None = None
    names: Names = field(default_factory=Names)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.wheel.path.name

    @property
    def distribution(self) -> str:
        """As indexes compare it."""
        return canonicalize_name(self.wheel.name.distribution)

    @property
    def version(self) -> str:
        """As the file name has it."""
        return self.wheel.name.version

    @property
    def platform(self) -> tuple[str, str]:
        """Architecture and C library, for which releases are recorded; empty without binaries."""
        arch = self.binaries[0].elf.machine if self.binaries else ""
        musl = any(tag.startswith("musllinux") for tag in self.wheel.name.platform)
        return arch, "musl" if musl else "glibc"

    def stated(self, field: str) -> list[str]:
        """The values of a field of METADATA; none where it cannot be read, which CW609 tells."""
        return stated(self.wheel, field)

    @cached_property
    def requires(self) -> Mapping[str, Requirement]:
        """Its well-formed requirements that no extra asks for, by distribution."""
        return requirements(self.wheel)

    @cached_property
    def by_member(self) -> Mapping[str, Binary]:
        """Its ELF files."""
        return {binary.member: binary for binary in self.binaries}

    @cached_property
    def needed_by(self) -> Mapping[str, str]:
        """The first of its ELF files that NEEDs a library, by what DT_NEEDED says."""
        found: dict[str, str] = {}
        for binary in self.binaries:
            for soname in binary.elf.needed:
                found.setdefault(soname, binary.member)
        return found

    @cached_property
    def snapshot(self) -> Snapshot:
        """The binary interface of its shared libraries, those that cannot be read left out."""
        facts = self.manifest or {}
        private = {e["soname"] for e in facts.get("libraries", ()) if e.get("role") == "private"}
        release = str(facts.get("upstream-version", self.version))
        version = str(facts.get("version", self.version))
        return Snapshot(
            name=self.name,
            release=release,
            version="" if version == release else version,
            line=str(facts.get("line", "")),
            libraries=tuple(self._libraries(private)),
        )

    def _libraries(self, private: Collection[str]) -> Iterator[Library]:
        for binary in self.binaries:
            if binary.elf.type == "shared" and is_linked_to(binary):
                hidden = binary.answers_to in private
                try:
                    yield library_of(
                        binary.member, binary.elf, self.names, self.headers, private=hidden
                    )
                except ElfError:
                    continue

    @cached_property
    def places(self) -> Mapping[Place, str]:
        """What it puts where, as :func:`places` tells."""
        return places(self.wheel)

    @cached_property
    def by_soname(self) -> Mapping[str, Binary]:
        """Its shared libraries (no extension modules without a SONAME), by what they answer to."""
        return {binary.answers_to: binary for binary in self.binaries}


def is_linked_to(binary: Binary) -> bool:
    """Whether a DT_NEEDED may mean it: extension modules have no SONAME, and other names."""
    return binary.elf.soname is not None or binary.file_name.startswith("lib")


def inspect(path: Path, names: Names) -> tuple[Inspected, Contents]:
    """Read a wheel, and all that is in it.

    Raises:
        WheelError: it is no wheel, is damaged, or its manifest is.
    """
    wheel = read_wheel(path)
    contents = read_all(wheel)
    binaries, malformed = [], {}
    for member, content in contents.items():
        if not is_elf(content[:4]):
            continue
        try:
            binaries.append(_binary(wheel, member, content))
        except ElfError as error:
            malformed[member] = error.what
    provider = read_provider(path, names)
    inspected = Inspected(
        wheel=wheel,
        sha256=file_digest(path),
        kind=_kind(wheel, names, is_library=provider is not None),
        manifest=read_manifest(path, names),
        provider=provider,
        binaries=tuple(binaries),
        malformed=malformed,
        headers=_headers(provider, contents) if provider else None,
        names=names,
    )
    return inspected, contents


def _headers(provider: ProviderWheel, contents: Contents) -> Headers | None:
    folder = posixpath.join(posixpath.dirname(provider.lib), "include", "")
    return read_headers(c for member, c in contents.items() if member.startswith(folder))


def read_all(wheel: Wheel) -> Contents:
    """Every member's content, in the order of the archive, inflated on all processors.

    Raises:
        WheelError: a member is damaged.
    """
    # Shares of the same size: one member may be most of a wheel, thousands of others nothing.
    shares: list[list[str]] = [[] for _ in range(os.cpu_count() or 1)]
    sizes = [0] * len(shares)
    for member in sorted(wheel.members, key=lambda m: -wheel.by_name[m].size):
        least = sizes.index(min(sizes))
        shares[least].append(member)
        sizes[least] += wheel.by_name[member].size
    with ThreadPoolExecutor(len(shares)) as pool:
        found = {m: c for part in pool.map(wheel.read_many, shares) for m, c in part.items()}
    return {member: found[member] for member in wheel.members}


def _binary(wheel: Wheel, member: str, content: bytes) -> Binary:
    elf = read_elf(content, name=f"{wheel.path.name}:{member}")
    try:
        scheme, inside = wheel.install_path(member)
    except WheelError:
        scheme, inside = "", member
    return Binary(
        member=member,
        installed=inside if scheme in FIXED_SCHEMES else None,
        elf=elf,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )


def _kind(wheel: Wheel, names: Names, *, is_library: bool) -> Kind:
    if is_library:
        return "library"
    loaders = (member for member in wheel.members if posixpath.basename(member) == f"{LOADER}.py")
    local = wheel.name.version.partition("+")[2]
    if local.startswith(f"{names.prefix}.") or next(loaders, None):
        return "consumer"
    return "foreign"
