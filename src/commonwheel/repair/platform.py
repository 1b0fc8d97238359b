"""The platform tag that a wheel's ELF files have earned, and what the platform provides.

Source: PEP 600 (a tag names the glibc that suffices) and auditwheel's policies, kept as data in
``policy.json``.
"""

import importlib.resources
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from commonwheel.elf import Elf
from commonwheel.errors import RepairError

# Not every node is a number: GLIBC_ABI_DT_RELR, CXXABI_TM_1.
VERSION_NODE = re.compile(r"^(?P<family>GLIBC|GLIBCXX|CXXABI|GCC)_(?P<version>[A-Z0-9_.]+)$")
MUSL = re.compile(r"^libc\.musl-\w+\.so\.1$")
# musl has no symbol versions to tell by; 1.2 is the oldest that PyPA's images still have.
MUSL_TAG = "musllinux_1_2"
LOADERS = frozenset({"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"})


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One version node of the platform that a file needs."""

    file: str
    family: str
    version: str


@cache
def _policies() -> tuple[dict[str, Any], ...]:
    text = importlib.resources.files(__package__).joinpath("policy.json").read_text("utf-8")
    return tuple(json.loads(text)["policies"])


@cache
def platform_libraries() -> frozenset[str]:
    """SONAMEs that every manylinux platform has.

    A library that a recipe or a provider owns is never the platform's, whatever this list says
    (libz, libexpat).
    """
    common = frozenset.intersection(*(frozenset(policy["libraries"]) for policy in _policies()))
    return common | LOADERS


def is_platform(soname: str) -> bool:
    """Whether the platform provides a library."""
    return soname in platform_libraries() or MUSL.match(soname) is not None


@cache
def knows_node(node: str, arch: str) -> bool:
    """Whether a platform policy has a version node (``GLIBC_2.17``) on an architecture."""
    match = VERSION_NODE.match(node)
    return match is not None and any(
        match["version"] in policy["symbol_versions"].get(arch, {}).get(match["family"], ())
        for policy in _policies()
    )


def requirements(elfs: Iterable[Elf]) -> list[Requirement]:
    """The version nodes that the files need of glibc and of the compiler's run-time libraries."""
    return [
        Requirement(file=elf.name, family=match["family"], version=match["version"])
        for elf in elfs
        for library, versions in elf.version_needs
        if is_platform(library)
        for version in versions
        if (match := VERSION_NODE.match(version))
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
    needed = requirements(files)
    for policy in _policies():
        if arch in policy["symbol_versions"] and not _beyond(
            needed, policy["symbol_versions"][arch]
        ):
            return [f"{name}_{arch}" for name in (policy["name"], *policy["aliases"])]
    newest = _policies()[-1]
    if arch not in newest["symbol_versions"]:
        raise RepairError(f"no policy is known for the architecture {arch}")
    worst = _beyond(needed, newest["symbol_versions"][arch])[0]
    raise RepairError(
        f"needs {worst.family}_{worst.version}, which no known platform policy has",
        where=worst.file,
        hint="build on an older distribution, or regenerate the policies with a newer auditwheel: "
        "nox -s gen",
    )


def lowest_policy(elfs: Iterable[Elf], external: Collection[str], arch: str) -> str | None:
    """The oldest platform that has all that the files need (``manylinux_2_28``).

    Args:
        elfs: every ELF file of a wheel.
        external: SONAMEs that they need of others.
        arch: their architecture.

    Returns:
        None where no known platform has it.
    """
    if any(MUSL.match(soname) for soname in external):
        return MUSL_TAG
    needed = requirements(elfs)
    for policy in _policies():
        versions = policy["symbol_versions"].get(arch)
        has_all = versions and set(external) <= {*policy["libraries"], *LOADERS}
        if has_all and not _beyond(needed, versions):
            return str(policy["name"])
    return None


def _beyond(needed: Iterable[Requirement], versions: dict[str, list[str]]) -> list[Requirement]:
    return [each for each in needed if each.version not in versions.get(each.family, ())]
