"""The run-time libraries of compilers: what is needed of them, and what a copy has."""

import re
from collections.abc import Iterable, Iterator

from commonwheel.check.inspect import Binary, Inspected
from commonwheel.repair.platform import Policy, nodes

# With the hashes that repair tools put into the names of what they graft.
RUNTIME = re.compile(
    r"lib(?P<name>stdc\+\+|gcc_s|gfortran|quadmath|gomp|atomic)(-[0-9a-f]{8})*\.so\.(?P<major>\d+)"
    r"(\.[\d.]+)?"
)


def needs(binary: Binary) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(library, version nodes) of each run-time library that a file needs versions of."""
    for library, versions in binary.elf.version_needs:
        if RUNTIME.fullmatch(library):
            yield library, versions


def missing(
    library: str,
    versions: Iterable[str],
    copy: Binary | None,
    policy: Policy | None,
    binary: Binary,
) -> list[str]:
    """The nodes that are not in the copy that serves a file, or else in its platform's."""
    if copy is not None:
        return [each for each in versions if each not in copy.elf.version_definitions]
    arch = binary.elf.machine
    if policy is None or arch not in policy.symbol_versions:
        return []
    return [str(each) for each in policy.beyond(nodes(binary.elf, library, versions), arch)]


def fortran_majors(wheels: Iterable[Inspected]) -> dict[str, tuple[str, str]]:
    """(wheel, member) of the first file that needs each major of libgfortran."""
    found: dict[str, tuple[str, str]] = {}
    for wheel in wheels:
        for binary in wheel.binaries:
            for library in binary.elf.needed:
                match = RUNTIME.fullmatch(library)
                if match and match["name"] == "gfortran":
                    found.setdefault(match["major"], (wheel.name, binary.member))
    return found
