"""The platform tag that is true of a wheel, whoever made it.

Source: PEP 600, and auditwheel's policies (``repair/policy.json``).
"""

from collections.abc import Iterator

from commonwheel.check.inspect import Inspected
from commonwheel.repair.platform import lowest_policy


def external(wheel: Inspected) -> set[str]:
    """What its files need and it does not hold."""
    own = wheel.by_soname
    return {soname for b in wheel.binaries for soname in b.elf.needed if soname not in own}


def architectures(wheel: Inspected) -> list[str]:
    """Of its ELF files."""
    return sorted({binary.elf.machine for binary in wheel.binaries})


def true_tag(wheel: Inspected) -> str | None:
    """The lowest platform tag that every file of the wheel meets.

    Returns:
        ``manylinux_2_28_x86_64``; ``linux_x86_64`` where no policy is met, for it needs libraries
        that no platform has; None without binaries, or with those of several architectures.
    """
    found = architectures(wheel)
    if len(found) != 1:
        return None
    name = lowest_policy((b.elf for b in wheel.binaries), external(wheel), found[0])
    return f"{name or 'linux'}_{found[0]}"


def aliases(tag: str) -> Iterator[str]:
    """A tag and the legacy names of the same."""
    yield tag
