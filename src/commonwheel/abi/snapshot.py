"""The binary interface of a release as data: what is recorded, compared and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

SCHEMA = 1

Libc: TypeAlias = Literal["glibc", "musl", ""]
Role: TypeAlias = Literal["public", "private"]
Evidence: TypeAlias = Literal["role", "exports", "headers", "nothing"]
"""What tells a public symbol from a private one; see :mod:`commonwheel.abi.public`."""

# Objects that programs copy (R_*_COPY), or reach by a fixed offset: their size is a promise.
DATA = frozenset({"object", "tls", "common"})
FUNCTIONS = frozenset({"func", "ifunc"})


class Exported(NamedTuple):
    """One exported symbol.

    A tuple and not a dataclass: there are thousands.
    """

    name: str
    version: str | None
    """Its version node."""
    default: bool
    """What a linker binds to by the bare name (``name@@version``)."""
    binding: str
    """global, weak or unique."""
    type: str
    """func, object, tls, ifunc, notype…"""
    size: int | None
    """Bytes, of data objects alone."""
    public: bool

    @property
    def shown(self) -> str:
        """``name``, ``name@version``, ``name@@version``: as binutils write it."""
        if self.version is None:
            return self.name
        return f"{self.name}{'@@' if self.default else '@'}{self.version}"


@dataclass(frozen=True, kw_only=True)
class Need:
    """A library that is needed.

    Args:
        soname: upstream's SONAME of it.
        versions: the version nodes needed of it, sorted.
    """

    soname: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Library:
    """The binary interface of one shared library.

    Args:
        soname: upstream's, without the tag or the hash that a repair tool gave it.
        tagged: the SONAME that the file has, where that is another.
        member: the file.
        role: ``private`` where only libraries of the same release may use it.
        hashed: a repair tool has renamed it after its file: ``soname`` is the file's real name,
            of which the SONAME is a beginning.
        evidence: how public symbols were told from private ones; the strongest that was there.
        needs: the libraries needed, in the order of DT_NEEDED.
        nodes: the version nodes that it defines, sorted.
        symbols: what it exports, sorted.
    """

    soname: str
    tagged: str | None = None
    member: str = ""
    role: Role = "public"
    hashed: bool = False
    evidence: tuple[Evidence, ...] = ("nothing",)
    needs: tuple[Need, ...] = ()
    nodes: tuple[str, ...] = ()
    symbols: tuple[Exported, ...] = ()

    @property
    def stem(self) -> str:
        """What stays the same when the SONAME's version changes: ``libproj``."""
        return self.soname.partition(".so")[0]

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Exported, ...]]:
        """Symbols by name; of one name there may be several versions."""
        found: dict[str, list[Exported]] = {}
        for symbol in self.symbols:
            found.setdefault(symbol.name, []).append(symbol)
        return {name: tuple(each) for name, each in found.items()}

    @property
    def public(self) -> int:
        """How many names are public."""
        return len({symbol.name for symbol in self.symbols if symbol.public})


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The recorded binary interface of one release.

    Args:
        name: of what was read: a wheel's file name, a folder's, a library's.
        release: upstream's version; empty where it is not known.
        version: of a library wheel, where it is another: a packaging fix's, or in PEP 440's words.
        line: the ABI line of a library wheel; empty for anything else.
        arch: as in wheel platform tags.
        libc: that its libraries were linked with; empty where they need none.
        source: sha256 of the source that it was built from; empty where it is not known.
        key: the build key of a library wheel.
        headers: sha256 over the public headers; empty where there are none.
        types_since: the oldest release of the line from which on the types of each release were
            compared with those of the one before, up to this one, and nothing broke; empty where
            nobody has compared them.
        libraries: by SONAME, sorted.
    """

    name: str
    release: str = ""
    version: str = ""
    line: str = ""
    arch: str = ""
    libc: Libc = ""
    source: str = ""
    key: str = ""
    headers: str = ""
    types_since: str = ""
    libraries: tuple[Library, ...] = ()

    @property
    def number(self) -> str:
        """What a requirement has to name: its version, or upstream's."""
        return self.version or self.release

    @property
    def shown(self) -> str:
        """The line or the name, and the release: ``proj-so25 9.1.1``."""
        return f"{self.line} {self.number}" if self.line else self.name
