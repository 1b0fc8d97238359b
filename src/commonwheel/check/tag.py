"""The platform tag that is true of a wheel, whoever made it.

Source: PEP 600, PEP 656, and auditwheel's policies (``repair/policy.json``): what ``auditwheel
show`` says, but for libraries that a library wheel of this kit provides, which it cannot know of.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from commonwheel.check.inspect import Binary, Inspected
from commonwheel.errors import ElfError
from commonwheel.names import Names
from commonwheel.repair.platform import MUSL, MUSL_TAG, Libc, Policy, Requirement, nodes, policies

TAG = re.compile(r"(?P<family>manylinux|musllinux)_(?P<major>\d+)_(?P<minor>\d+)_(?P<arch>\w+)")
LEGACY = {"manylinux1": "2_5", "manylinux2010": "2_12", "manylinux2014": "2_17"}
MACHINES = (
    *("x86_64", "i686", "aarch64", "armv7l", "ppc64le", "ppc64", "s390x", "riscv64"),
    "loongarch64",
)
# Extensions of a CPython built with fpectl, which PEP 513 shuts out.
PYFPE = frozenset({"PyFPE_jbuf", "PyFPE_dummy", "PyFPE_counter"})


@dataclass(frozen=True, kw_only=True, order=True)
class PlatformTag:
    """A platform tag of PEP 600 or PEP 656.

    Args:
        libc: its C library, ``manylinux`` or ``musllinux`` for short.
        version: of the C library: ``(2, 28)``.
        arch: ``x86_64``.
    """

    libc: Libc
    version: tuple[int, int]
    arch: str

    def __str__(self) -> str:
        family = "manylinux" if self.libc == "glibc" else "musllinux"
        return f"{family}_{self.version[0]}_{self.version[1]}_{self.arch}"


def parse_tag(tag: str) -> PlatformTag | None:
    """A platform tag, legacy names by their PEP 600 name; None for any other (``any``, macOS)."""
    for legacy, version in LEGACY.items():
        if tag.startswith(f"{legacy}_"):
            tag = tag.replace(legacy, f"manylinux_{version}", 1)
    match = TAG.fullmatch(tag)
    if match is None:
        return None
    libc: Libc = "glibc" if match["family"] == "manylinux" else "musl"
    return PlatformTag(
        libc=libc, version=(int(match["major"]), int(match["minor"])), arch=match["arch"]
    )


def arch_of(tag: str) -> str | None:
    """The architecture that a platform tag of Linux names, ``linux_x86_64`` too."""
    if not tag.startswith(("linux_", "manylinux", "musllinux")):
        return None
    return next((each for each in MACHINES if tag.endswith(f"_{each}")), None)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the files of a wheel ask of a platform.

    Args:
        arch: their architecture.
        libc: their C library.
        needed: version nodes.
        external: by SONAME, the first file that needs a library which the wheel does not hold.
        roots: files that nothing in the wheel needs, and extension modules: of these, the symbols
            that they take count.
        never: why no platform will do, by file.
    """

    arch: str
    libc: Libc
    needed: tuple[Requirement, ...]
    external: dict[str, Binary]
    roots: tuple[Binary, ...]
    never: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something that a platform has not: the member that wants it, and what it is.

    ``soname`` is set where it is a whole library.
    """

    member: str
    what: str
    soname: str | None = None


def asked(wheel: Inspected, names: Names) -> Asked | None:
    """What a wheel asks of a platform; None without binaries.

    Files of another architecture than its tag names do not count, as for auditwheel.
    """
    arch = _arch(wheel)
    binaries = [binary for binary in wheel.binaries if binary.elf.machine == arch]
    if arch is None or not binaries:
        return None
    own = wheel.by_soname
    external: dict[str, Binary] = {}
    for binary in binaries:
        for soname in binary.elf.needed:
            if soname not in own and not names.is_tagged(soname):
                external.setdefault(soname, binary)
    wanted = {soname for binary in binaries for soname in binary.elf.needed}
    roots = tuple(b for b in binaries if b.file_name not in wanted or _is_extension(b))
    return Asked(
        arch=arch,
        libc=_libc(wheel, external),
        needed=tuple(_nodes(binaries, names)),
        external=external,
        roots=roots,
        never=_never(binaries, roots),
    )


def lacks(wants: Asked, policy: Policy) -> Iterator[Lack]:
    """What a platform has not of what a wheel asks for."""
    for each in policy.beyond(wants.needed, wants.arch):
        yield Lack(member=each.file, what=str(each))
    for soname, binary in wants.external.items():
        if not policy.has(soname):
            yield Lack(member=binary.member, what=soname, soname=soname)
    for binary in wants.roots:
        for soname in set(binary.elf.needed) & set(policy.blacklist):
            for symbol in sorted(imports(binary) & set(policy.blacklist[soname])):
                yield Lack(member=binary.member, what=f"{symbol} of {soname}")
    for member, what in wants.never.items():
        yield Lack(member=member, what=what)


def candidates(wants: Asked) -> Sequence[Policy]:
    """The platforms to choose of, the oldest first."""
    known = policies(wants.libc, wants.arch)
    # Nothing in a file tells one release of musl from another.
    return [p for p in known if p.name == MUSL_TAG] if wants.libc == "musl" else known


def true_tag(wheel: Inspected, names: Names | None = None) -> str | None:
    """The lowest platform tag that every file of the wheel meets.

    Args:
        wheel: the wheel.
        names: whose tagged libraries do not count as asked of the platform.

    Returns:
        ``manylinux_2_28_x86_64``; ``linux_x86_64`` where no policy is met, for it needs libraries
        that no platform has; None without binaries.
    """
    wants = asked(wheel, names or Names())
    return None if wants is None else lowest(wants)


def lowest(wants: Asked) -> str:
    """The lowest platform tag that is true."""
    for policy in candidates(wants):
        if next(lacks(wants, policy), None) is None:
            return f"{policy.name}_{wants.arch}"
    return f"linux_{wants.arch}"


@cache
def somewhere(libc: Libc, arch: str) -> frozenset[str]:
    """SONAMEs that some platform has."""
    return frozenset(soname for policy in policies(libc, arch) for soname in policy.libraries)


def imports(binary: Binary) -> frozenset[str]:
    """Names that a file takes from others; none where its symbol table is malformed."""
    try:
        return binary.imports
    except ElfError:
        return frozenset()


def _arch(wheel: Inspected) -> str | None:
    """The architecture that the name promises; of a name without, that of the first ELF file."""
    named = {arch_of(tag) for tag in wheel.wheel.name.platform if tag != "any"}
    if named:
        # Of several, or of a platform that is none of these, nothing can be told.
        return named.pop() if len(named) == 1 else None
    return next((binary.elf.machine for binary in wheel.binaries), None)


def _libc(wheel: Inspected, external: dict[str, Binary]) -> Libc:
    tags = wheel.wheel.name.platform
    if any(tag.startswith("manylinux") for tag in tags):
        return "glibc"
    # A module that takes nothing of the C library says by its name whose Python it is for.
    musl = (
        any(tag.startswith("musllinux") for tag in tags)
        or any(map(MUSL.match, external))
        or any("-linux-musl" in binary.file_name for binary in wheel.binaries)
    )
    return "musl" if musl else "glibc"


def _nodes(binaries: Sequence[Binary], names: Names) -> Iterator[Requirement]:
    for binary in binaries:
        for library, versions in binary.elf.version_needs:
            if not names.is_tagged(library):
                for each in nodes(binary.elf, library, versions):
                    yield Requirement(file=binary.member, family=each.family, version=each.version)


def _is_extension(binary: Binary) -> bool:
    tables = binary.elf.tables
    module = binary.file_name.partition(".")[0].encode()
    return tables is not None and b"PyInit_" + module + b"\0" in tables.strings


def _never(binaries: Sequence[Binary], roots: Sequence[Binary]) -> dict[str, str]:
    levels = {b.member: b.elf.isa_level for b in binaries}
    found = {member: f"the instructions of {level}" for member, level in levels.items() if level}
    for binary in roots:
        if _is_extension(binary) and (taken := imports(binary) & PYFPE):
            found[binary.member] = f"{min(taken)}, which no CPython has"
    return found
