"""Snapshots made by hand, and of any shape."""

from typing import Any

from hypothesis import strategies as st

from commonwheel.abi.encoding import order
from commonwheel.abi.snapshot import DATA, Exported, Library, Need, Snapshot

NAMES = st.sampled_from(["a", "b", "c", "_ZN1n1fEv"])
NODES = ("V_1", "V_2", "V_3")
TYPES = st.sampled_from(["func", "object", "tls", "ifunc", "notype"])


def symbol(
    name: str,
    version: str | None = None,
    *,
    default: bool = True,
    kind: str = "func",
    size: int | None = None,
    public: bool = True,
    binding: str = "global",
) -> Exported:
    return Exported(name, version, default, binding, kind, size, public)


def library(*symbols: Exported, soname: str = "libx.so.1", **facts: Any) -> Library:
    nodes = tuple(sorted({s.version for s in symbols if s.version is not None}))
    known = {"nodes": nodes, "evidence": ("headers",), **facts}
    return Library(soname=soname, symbols=tuple(sorted(symbols, key=order)), **known)


def snapshot(*libraries: Library, release: str = "1.0", name: str = "x") -> Snapshot:
    return Snapshot(name=name, release=release, arch="x86_64", libc="glibc", libraries=libraries)


@st.composite
def symbols(draw: st.DrawFn) -> Exported:
    kind = draw(TYPES)
    version = draw(st.sampled_from([None, *NODES]))
    return symbol(
        draw(NAMES),
        version,
        default=version is None or draw(st.booleans()),
        kind=kind,
        size=draw(st.integers(0, 99)) if kind in DATA else None,
        public=draw(st.booleans()),
        binding=draw(st.sampled_from(["global", "weak", "unique"])),
    )


@st.composite
def libraries(draw: st.DrawFn, soname: str = "libx.so.1") -> Library:
    found = draw(st.lists(symbols(), unique_by=lambda s: s[:2], max_size=8))
    needs = draw(st.lists(st.sampled_from(["libc.so.6", "liby.so.2", "libz.so.1"]), unique=True))
    versions = st.lists(st.sampled_from(["GLIBC_2.5", "GLIBC_2.17", "Y_1"]), unique=True)
    return library(
        *found,
        soname=soname,
        needs=tuple(Need(soname=n, versions=tuple(sorted(draw(versions)))) for n in needs),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    sonames = draw(st.lists(st.sampled_from(["libx.so.1", "libx.so.2", "libw.so.1"]), unique=True))
    release = draw(st.sampled_from(["1.0", "2.0", ""]))
    return snapshot(*(draw(libraries(soname)) for soname in sorted(sonames)), release=release)
