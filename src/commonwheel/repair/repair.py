"""Make a wheel share the libraries of its providers.

Idempotent: what is repaired already comes out byte for byte the same.
"""

import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commonwheel.abi.ranges import Range
from commonwheel.abi.records import Records
from commonwheel.elf import is_elf, read_elf
from commonwheel.elf.edit import edit
from commonwheel.errors import RepairError
from commonwheel.names import Names
from commonwheel.repair.choose import choose
from commonwheel.repair.classify import FIXED_SCHEMES, Binary, Needs, check_foreign, classify
from commonwheel.repair.graft import graft
from commonwheel.repair.library import library_changes
from commonwheel.repair.metadata import metadata_changes
from commonwheel.repair.packages import loader_changes
from commonwheel.repair.platform import platform_tags
from commonwheel.repair.providers import Providers, ProviderWheel, read_manifest
from commonwheel.repair.ranges import (
    as_json,
    at_least,
    built_against,
    highest,
    ranges_of,
    requirement,
)
from commonwheel.repair.snapshot import take
from commonwheel.wheel.name import parse_wheel_name
from commonwheel.wheel.read import Wheel, read_wheel
from commonwheel.wheel.write import rewrite


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """What a repair is told beside the wheel and its providers.

    Args:
        names: the names that follow from the prefix.
        arch: architecture of the wheel.
        version: the new version (``3.6.1+commonwheel.1``); None keeps the wheel's own.
        grafts: patterns of libraries that auditwheel may copy into the wheel.
        dlopen: lines of the providers that the wheel opens by itself.
        known: upstream SONAMEs of all libraries that have a recipe.
        exports: of a library wheel, patterns of what its recipe exports, by tagged SONAME.
        records: the recorded releases of its providers' lines.
        at_least: line → a release below which no range may begin: another wheel of the set needs
            that one.
        epoch: time stamp of added members.
    """

    names: Names = field(default_factory=Names)
    arch: str
    version: str | None = None
    grafts: tuple[str, ...] = ()
    dlopen: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    records: Records = field(default_factory=Records)
    at_least: Mapping[str, str] = field(default_factory=dict)
    epoch: int = 0


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """The finished wheel, the providers that it requires, and what a reader should know.

    ``ranges`` tells which releases of them it accepts, and why.
    """

    path: Path
    providers: tuple[ProviderWheel, ...]
    ranges: tuple[Range, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Raw:
    """A wheel, the folder with its ELF files, what each of them needs, and who may give it."""

    wheel: Wheel
    folder: Path
    needs: Sequence[Needs]
    providers: Providers


def repair(
    path: Path,
    destination: Path,
    candidates: Providers,
    options: RepairOptions,
    *,
    scratch: Path | None = None,
) -> Repaired:
    """Write the shared wheel into the folder ``destination``.

    Args:
        path: the wheel.
        destination: receives the new one; what it holds under the same name is overwritten.
        candidates: what the wheel may share; several releases of a line, where it is known from
            the wheel which one it uses.
        options: what else there is to know.
        scratch: existing folder for a temporary folder; None means beside ``destination``.

    Raises:
        RepairError: the wheel needs what nobody owns, or cannot reach what it needs, or uses a
            line of which several releases are given.
        WheelError: the wheel is malformed.
        ElfError: one of its binaries is.
    """
    if scratch is None:
        scratch = destination.parent
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".repair-", dir=scratch) as folder:
        work = Path(folder)
        wheel = read_wheel(path)
        wheel.verify()
        raw = _open(wheel, work / "elf", candidates, options)
        grafted = check_foreign(raw.needs, options.grafts, raw.providers, path.name)
        if grafted:
            excluded = sorted({soname for need in raw.needs for soname in need.sonames})
            made = graft(
                path,
                work / "grafted",
                excluded=excluded,
                allowed=options.grafts,
                epoch=options.epoch,
            )
            raw = _open(read_wheel(made), work / "elf", candidates, options)
            check_foreign(raw.needs, (), raw.providers, path.name)
        repaired = _write(raw, destination, options)
        _verify(repaired.path, work / "verify", raw.providers, options)
        return repaired


def _open(wheel: Wheel, folder: Path, candidates: Providers, options: RepairOptions) -> _Raw:
    binaries = _unpack(wheel, folder)
    possible = classify(binaries, candidates, options.known)
    built = built_against(wheel, options.names)
    providers = choose(candidates, wheel, built, possible, options.dlopen)
    needs = classify(binaries, providers, options.known)
    return _Raw(wheel=wheel, folder=folder, needs=needs, providers=providers)


def _unpack(wheel: Wheel, folder: Path) -> list[Binary]:
    """Write every ELF member below ``folder`` and read it."""
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    for member in wheel.members:
        content = wheel.read(member)
        if not is_elf(content[:16]):
            continue
        file = folder / member
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        scheme, inside = wheel.install_path(member)
        installed = inside if scheme in FIXED_SCHEMES else None
        elf = read_elf(file, name=f"{wheel.path.name}:{member}")
        found.append(Binary(member=member, installed=installed, elf=elf))
    return found


def _write(raw: _Raw, destination: Path, options: RepairOptions) -> Repaired:
    wheel, needs = raw.wheel, raw.needs
    changed = dict(_write_rpaths(raw))
    used = _used(needs, raw.providers, options)
    ranges = _ranges(raw, used, options)
    accepted = {each.line: (each, ranges[each.line]) for each in used}
    manifest = read_manifest(wheel.path, options.names)
    notes = [each.explained for each in ranges.values() if each.is_telling]
    added: dict[str, bytes] = {}
    if used:
        added[wheel.info(options.names.ranges)] = as_json(ranges.values())
    if manifest is not None:
        snapshot = take(wheel.path, manifest, options.names, options.exports)
        modules = {each.module: ranges[each.line] for each in used}
        added |= library_changes(wheel, manifest, snapshot, modules, options.names)
    elif used:
        loading = loader_changes(wheel, needs, accepted, options.dlopen)
        changed |= loading.replaced
        added |= loading.added
        notes += loading.notes
    tags = platform_tags((need.binary.elf for need in needs), options.arch) if needs else []
    requirements = [requirement(*each) for each in accepted.values()]
    meta = metadata_changes(wheel, requirements, tags, options.version)
    target = destination / meta.file_name
    destination.mkdir(parents=True, exist_ok=True)
    existing = {name: content for name, content in added.items() if name in wheel.by_name}
    rewrite(
        wheel,
        target,
        replace={**changed, **existing, **meta.replaced},
        add={
            _renamed(name, meta.renamed): content
            for name, content in added.items()
            if name not in existing
        },
        rename=meta.renamed,
        epoch=options.epoch,
    )
    return Repaired(
        path=target, providers=tuple(used), ranges=tuple(ranges.values()), notes=tuple(notes)
    )


def _ranges(raw: _Raw, used: Sequence[ProviderWheel], options: RepairOptions) -> dict[str, Range]:
    binaries = {need.binary.member: need.binary.elf for need in raw.needs}
    # Nobody knows what is taken of a library that is opened by name.
    opened = {each.line: each.version for each in used if each.line in options.dlopen}
    lowest = highest([at_least(raw.wheel, options.names), options.at_least, opened])
    return ranges_of(binaries, used, options.records, options.names, at_least=lowest)


def _renamed(member: str, folders: Mapping[str, str]) -> str:
    for old, new in folders.items():
        if member.startswith(old):
            return new + member[len(old) :]
    return member


def rpath(need: Needs) -> list[str]:
    """DT_RPATH of one binary: its own wheel's folders, then each provider's, from ``$ORIGIN``.

    Raises:
        RepairError: the binary lies where no relative path leads to site-packages.
    """
    targets = [*need.own, *(provider.lib for provider in need.providers)]
    if targets and need.binary.installed is None:
        raise RepairError(
            "lies outside of site-packages, from where no relative path leads to "
            f"{', '.join(targets)}",
            where=need.binary.elf.name,
            hint="install the program inside the package, and reach it through a console script",
        )
    paths = (posixpath.relpath(target, need.binary.folder) for target in targets)
    return ["$ORIGIN" if path == "." else f"$ORIGIN/{path}" for path in dict.fromkeys(paths)]


def _write_rpaths(raw: _Raw) -> Iterator[tuple[str, bytes | Path]]:
    for need in raw.needs:
        file = raw.folder / need.binary.member
        if edit(file, rpath=rpath(need)):
            yield need.binary.member, file


def _used(
    needs: Iterable[Needs], providers: Providers, options: RepairOptions
) -> list[ProviderWheel]:
    used = {provider.line: provider for need in needs for provider in need.providers}
    for line in options.dlopen:
        if line not in providers.by_line:
            raise RepairError(f"the recipe opens {line} by itself, and no such provider is given")
        used.setdefault(line, providers.by_line[line])
    return [used[line] for line in sorted(used)]


def _verify(path: Path, folder: Path, providers: Providers, options: RepairOptions) -> None:
    """Read the finished file again: it must say what the repair meant to write."""
    wheel = read_wheel(path)
    wheel.verify()
    if str(parse_wheel_name(path.name)) != path.name:
        raise RepairError("the file's name is not in normal form", where=path.name)
    for need in classify(_unpack(wheel, folder), providers, options.known):
        elf = need.binary.elf
        if need.foreign:
            raise RepairError(f"still needs {', '.join(need.foreign)}", where=elf.name)
        if elf.runpath or list(elf.rpath) != rpath(need):
            raise RepairError(
                f"its DT_RPATH is {elf.rpath}, DT_RUNPATH {elf.runpath}, not {rpath(need)}",
                where=elf.name,
            )
