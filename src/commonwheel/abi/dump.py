"""Take a snapshot of what has been read."""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from commonwheel.abi.encoding import order
from commonwheel.abi.material import Material
from commonwheel.abi.public import Headers, judge, read_headers
from commonwheel.abi.snapshot import DATA, Exported, Libc, Library, Need, Snapshot
from commonwheel.abi.soname import is_hashed, upstream
from commonwheel.elf import Elf, Symbol, exported, is_elf, read_elf
from commonwheel.errors import SnapshotError
from commonwheel.names import Names

# Marks that linkers set, and what the C library's start files have.
MARKS = frozenset({"_init", "_fini", "_end", "_edata", "_etext", "end", "edata", "etext"})
MARKS |= frozenset({"__bss_start", "__bss_start__", "__bss_end__", "_bss_end__", "__end__"})
MUSL = ("libc.musl-", "libc.so")


def dump(
    material: Material,
    names: Names,
    *,
    exports: Mapping[str, Sequence[str]] | None = None,
    only: Sequence[str] = (),
) -> Snapshot:
    """The binary interface of a release.

    Args:
        material: its libraries and headers.
        names: whose tags are ours.
        exports: what the recipe exports, by tagged SONAME; None where no recipe is known.
        only: stems of the libraries that are wanted (``libgdal``); none for all.

    Raises:
        ElfError: a library is malformed.
        SnapshotError: no library is left, or they are of several architectures.
    """
    headers = read_headers(material.headers.values())
    facts = material.manifest or {}
    roles = {each["soname"]: each.get("role") for each in facts.get("libraries", ())}
    elves = _libraries(material)
    found = [
        library_of(
            member,
            elf,
            names,
            headers,
            exports=(exports or {}).get(elf.soname or "", ()),
            private=roles.get(elf.soname) == "private",
        )
        for member, elf in elves.items()
    ]
    libraries = [each for each in found if not only or each.stem in only]
    if not libraries:
        wanted = f" of {', '.join(only)}" if only else " with a SONAME"
        raise SnapshotError(f"holds no shared library{wanted}", where=material.name)
    return Snapshot(
        # Of a library wheel, its file name would say which tags it has before and after repair.
        name=f"{facts['distribution']}-{facts['version']}" if facts else material.name,
        release=material.release,
        version=_version(facts, material.release),
        line=str(facts.get("line", "")),
        arch=_only_one(material, {elf.machine for elf in elves.values()}),
        libc=_libc(need.soname for library in libraries for need in library.needs),
        source=_source(facts),
        key=str(facts.get("key", "")),
        headers=_digest(material.headers),
        libraries=tuple(sorted(libraries, key=lambda each: (each.soname, each.member))),
    )


def _libraries(material: Material) -> dict[str, Elf]:
    """Shared libraries; extension modules and plug-ins, which nothing links to, have no SONAME."""
    found = {}
    for member, content in material.libraries.items():
        if not is_elf(content[:4]):  # a linker script
            continue
        elf = read_elf(content, name=material.where(member))
        if elf.type == "shared" and (elf.soname or material.named):
            found[member] = elf
    return found


def library_of(
    member: str,
    elf: Elf,
    names: Names,
    headers: Headers | None,
    *,
    exports: Sequence[str] = (),
    private: bool = False,
) -> Library:
    """The binary interface of one shared library.

    Args:
        member: where it lies in its release.
        elf: its facts.
        names: whose tags are ours.
        headers: of the release.
        exports: the recipe's patterns for it; none where it has none.
        private: only libraries of the same release may use it.

    Raises:
        ElfError: its symbol table is malformed.
    """
    own = elf.soname or posixpath.basename(member)
    is_public, evidence = judge(headers, exports, private=private)
    symbols = (_symbol(s, public=is_public(s)) for s in exported(elf) if not _is_mark(s))
    soname = upstream(own, names)
    return Library(
        soname=soname,
        tagged=own if own != soname else None,
        member=member,
        role="private" if private else "public",
        hashed=is_hashed(own),
        evidence=evidence,
        needs=tuple(_needs(elf, names)),
        nodes=tuple(sorted(elf.version_definitions)),
        symbols=tuple(sorted(symbols, key=order)),
    )


def _is_mark(symbol: Symbol) -> bool:
    return symbol.name in MARKS and symbol.type not in {"func", "object"}


def _symbol(symbol: Symbol, *, public: bool) -> Exported:
    size = symbol.size if symbol.type in DATA else None
    # Without versions the word "default" says nothing.
    default = symbol.default or symbol.version is None
    return Exported(symbol.name, symbol.version, default, symbol.binding, symbol.type, size, public)


def _needs(elf: Elf, names: Names) -> Iterator[Need]:
    versions = {file: tuple(sorted(nodes)) for file, nodes in elf.version_needs}
    for soname in dict.fromkeys(elf.needed):
        yield Need(soname=upstream(soname, names), versions=versions.get(soname, ()))


def _libc(needed: Iterable[str]) -> Libc:
    sonames = set(needed)
    if any(soname == "libc.so.6" for soname in sonames):
        return "glibc"
    return "musl" if any(soname.startswith(MUSL) for soname in sonames) else ""


def _version(facts: Mapping[str, Any], release: str) -> str:
    version = str(facts.get("version", ""))
    return "" if version == release else version


def _source(facts: Mapping[str, Any]) -> str:
    source = facts.get("source")
    return str(source.get("sha256", "")) if isinstance(source, dict) else ""


def _digest(headers: Mapping[str, bytes]) -> str:
    if not headers:
        return ""
    digest = hashlib.sha256()
    for member in sorted(headers):
        # Wheels of ours have the line in the path, which changes when the rest does not.
        place = member.rpartition("include/")[2]
        digest.update(f"{place}\0{hashlib.sha256(headers[member]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _only_one(material: Material, machines: set[str]) -> str:
    if len(machines) != 1:
        several = ", ".join(sorted(machines))
        raise SnapshotError(
            f"has libraries of several architectures: {several}", where=material.name
        )
    return machines.pop()
