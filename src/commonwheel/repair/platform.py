"""The platform tag that ELF files have earned, and what the platform provides.

Source: PEP 600 (a tag names the glibc that suffices), PEP 656 (musl) and auditwheel's policies,
kept as data in ``policy.json``.
"""

import importlib.resources
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from commonwheel.elf import Elf
from commonwheel.errors import RepairError

Libc: TypeAlias = Literal["glibc", "musl"]

# Not every node is a number: GLIBC_ABI_DT_RELR, CXXABI_TM_1.
VERSION_NODE = re.compile(r"(?P<family>[^_]+)_(?P<version>.+)")
# A platform's library has them; ZLIB is no family of these, for a library with a recipe is never
# the platform's.
FAMILIES = frozenset({"GLIBC", "GLIBCXX", "CXXABI", "GCC", "LIBATOMIC"})
MUSL = re.compile(r"^libc\.musl-\w+\.so\.1$")
# musl has no symbol versions to tell by; 1.2 is the oldest that PyPA's images still have.
MUSL_TAG = "musllinux_1_2"
# By auditwheel's rule, on all architectures.
LOADER = re.compile(r"ld-linux|^ld64\.so\.[12]$|^ld-musl-")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One version node that a file needs: ``GLIBC`` and ``2.34``."""

    file: str
    family: str
    version: str

    def __str__(self) -> str:
        return f"{self.family}_{self.version}"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a platform has.

    Args:
        name: of the tag, without the architecture: ``manylinux_2_28``.
        aliases: legacy names of the same.
        libc: its C library.
        symbol_versions: versions by family by architecture.
        libraries: SONAMEs that it has.
        blacklist: by SONAME, symbols that some of its machines lack.
    """

    name: str
    aliases: tuple[str, ...]
    libc: Libc
    symbol_versions: Mapping[str, Mapping[str, Sequence[str]]]
    libraries: tuple[str, ...]
    blacklist: Mapping[str, Sequence[str]]

    def beyond(self, needed: Iterable[Requirement], arch: str) -> Iterator[Requirement]:
        """Version nodes of families that it knows, and of versions that it has not."""
        versions = self.symbol_versions[arch]
        for each in needed:
            if each.family in versions and each.version not in versions[each.family]:
                yield each

    def has(self, soname: str) -> bool:
        """Whether it brings a library."""
        if self.libc == "musl" and MUSL.match(soname):
            return True
        return soname in self.libraries or LOADER.search(soname) is not None


@cache
def policies(libc: Libc, arch: str) -> tuple[Policy, ...]:
    """The known platforms of an architecture, the oldest first."""
    return tuple(p for p in _policies() if p.libc == libc and arch in p.symbol_versions)


@cache
def _policies() -> tuple[Policy, ...]:
    text = importlib.resources.files(__package__).joinpath("policy.json").read_text("utf-8")
    return tuple(Policy(**policy) for policy in json.loads(text)["policies"])


@cache
def platform_libraries() -> frozenset[str]:
    """SONAMEs that every manylinux platform has.

    A library that a recipe or a provider owns is never the platform's, whatever this list says
    (libz, libexpat).
    """
    listed = (frozenset(policy.libraries) for policy in _policies() if policy.libc == "glibc")
    return frozenset.intersection(*listed)


def is_platform(soname: str) -> bool:
    """Whether the platform provides a library."""
    return (
        soname in platform_libraries()
        or LOADER.search(soname) is not None
        or MUSL.match(soname) is not None
    )


def nodes(elf: Elf, library: str, versions: Iterable[str]) -> Iterator[Requirement]:
    """The version nodes that a file needs of one library, but for the loader's."""
    if LOADER.search(library):
        return
    for version in versions:
        if match := VERSION_NODE.fullmatch(version):
            yield Requirement(file=elf.name, family=match["family"], version=match["version"])


@cache
def knows_node(node: str, arch: str) -> bool:
    """Whether a platform policy has a version node (``GLIBC_2.17``) on an architecture."""
    family, _, version = node.partition("_")
    return family in FAMILIES and any(
        version in policy.symbol_versions[arch].get(family, ())
        for policy in policies("glibc", arch)
    )


@cache
def is_allowed(soname: str) -> bool:
    """Whether some platform policy has a library, of whichever C library."""
    return LOADER.search(soname) is not None or any(policy.has(soname) for policy in _policies())


def requirements(elfs: Iterable[Elf]) -> list[Requirement]:
    """The version nodes that the files need of glibc and of the compiler's run-time libraries."""
    return [
        each
        for elf in elfs
        for library, versions in elf.version_needs
        if is_platform(library)
        for each in nodes(elf, library, versions)
        if each.family in FAMILIES
    ]


def platform_tags(elfs: Iterable[Elf], arch: str) -> list[str]:
    """The lowest platform tag that is true, then its legacy aliases.

    Args:
        elfs: every ELF file of the wheel.
        arch: ``x86_64`` or ``aarch64``.

    Raises:
        RepairError: a file needs a version node that no known policy has.
    """
    files = list(elfs)
    if any(MUSL.match(soname) for elf in files for soname in elf.needed):
        return [f"{MUSL_TAG}_{arch}"]
    known = policies("glibc", arch)
    if not known:
        raise RepairError(f"no policy is known for the architecture {arch}")
    needed = requirements(files)
    for policy in known:
        if next(policy.beyond(needed, arch), None) is None:
            return [f"{name}_{arch}" for name in (policy.name, *policy.aliases)]
    worst = next(known[-1].beyond(needed, arch))
    raise RepairError(
        f"needs {worst}, which no known platform policy has",
        where=worst.file,
        hint="build on an older distribution, or regenerate the policies with a newer auditwheel: "
        "nox -s gen",
    )
