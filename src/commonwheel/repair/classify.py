"""Whose is each DT_NEEDED of a wheel: its own, a provider's, the platform's, or nobody's."""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from commonwheel.elf import Elf
from commonwheel.errors import RepairError
from commonwheel.repair.platform import is_platform
from commonwheel.repair.providers import Providers, ProviderWheel

# Installation schemes that are site-packages, whichever of the two it is called.
FIXED_SCHEMES = ("platlib", "purelib")
# auditwheel puts a hash of the original into a grafted library's name, before the first dot.
GRAFTED = re.compile(r"^([^.]*)-[0-9a-f]{8}(?=\.)")


@dataclass(frozen=True, kw_only=True)
class Binary:
    """An ELF file of a wheel, and where it lies once installed, relative to site-packages.

    ``installed`` is None for a file whose place relative to site-packages is not fixed (scripts,
    data).
    """

    member: str
    installed: str | None
    elf: Elf

    @property
    def folder(self) -> str:
        """Folder in the installation."""
        assert self.installed is not None
        return posixpath.dirname(self.installed)


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The DT_NEEDED of one binary, by owner.

    ``own`` holds the folders, in the installation, of the wheel's own libraries.
    """

    binary: Binary
    own: tuple[str, ...]
    providers: tuple[ProviderWheel, ...]
    sonames: tuple[str, ...]
    foreign: tuple[str, ...]


def classify(binaries: Sequence[Binary], providers: Providers, known: Iterable[str]) -> list[Needs]:
    """Sort every DT_NEEDED of a wheel by its owner.

    Args:
        binaries: every ELF file of the wheel.
        providers: the library wheels that may be shared.
        known: SONAMEs, as upstream gives them, of libraries that have a recipe: never the
            platform's.
    """
    own = {binary.elf.soname or posixpath.basename(binary.member): binary for binary in binaries}
    taken = {*known, *providers.upstream}
    return [_needs(binary, own, providers, taken) for binary in binaries]


def _needs(
    binary: Binary, own: Mapping[str, Binary], providers: Providers, taken: set[str]
) -> Needs:
    folders: dict[str, None] = {}
    shared: dict[str, ProviderWheel] = {}
    sonames, foreign = [], []
    for soname in binary.elf.needed:
        if soname in own and own[soname].installed is not None:
            folders[own[soname].folder] = None
        elif soname in providers.by_soname:
            provider = providers.by_soname[soname]
            shared[provider.line] = provider
            sonames.append(soname)
        elif soname in taken or not is_platform(soname):
            foreign.append(soname)
    return Needs(
        binary=binary,
        own=tuple(folders),
        providers=tuple(shared.values()),
        sonames=tuple(sonames),
        foreign=tuple(foreign),
    )


def grafted_name(member: str) -> str | None:
    """SONAME of the library that was grafted as this member; None for any other member."""
    folder, _, name = member.rpartition("/")
    return GRAFTED.sub(r"\1", name) if folder.endswith(".libs") else None


def check_foreign(
    needs: Sequence[Needs], grafts: Sequence[str], providers: Providers, wheel: str
) -> list[str]:
    """The foreign libraries to graft; what was grafted before counts as wanted.

    Raises:
        RepairError: a library that the recipe does not name is needed, or a graft that it names is
            not.
    """
    wanted: dict[str, str] = {}
    for need in needs:
        for soname in need.foreign:
            wanted.setdefault(soname, need.binary.member)
    for soname, member in wanted.items():
        if not any(fnmatchcase(soname, pattern) for pattern in grafts):
            raise _from_host(soname, providers, f"{wheel}:{member}")
    grafted = filter(None, (grafted_name(need.binary.member) for need in needs))
    present = {*wanted, *grafted}
    for pattern in grafts:
        if not any(fnmatchcase(soname, pattern) for soname in present):
            raise RepairError(
                f"the recipe allows to graft '{pattern}', and nothing needs it",
                where=wheel,
                hint="remove it from 'grafts'",
            )
    return list(wanted)


def _from_host(soname: str, providers: Providers, where: str) -> RepairError:
    if soname in providers.upstream:
        provider = providers.upstream[soname]
        hint = (
            f"{provider.distribution} has it as {', '.join(provider.sonames)}: the build found "
            "another copy; is the library in the recipe's 'uses'?"
        )
    else:
        hint = (
            "a library of the build host: use a library recipe, switch the dependency off, or name "
            "it in 'grafts'"
        )
    return RepairError(f"needs {soname}, which no provider owns", where=where, hint=hint)
