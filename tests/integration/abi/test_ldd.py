"""What older releases lack, by ``ldd -r``: the loader's word on each use. It needs a network.

Consumers are libraries of Debian's bookworm, and files that are linked here, one for each part of
what a newer release exports. They meet the libraries of older suites: every name and every version
node that the loader misses has to be one that the files alone tell of, and the reverse.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from ci.debian.agreement import Seen, snapshot_of
from ci.debian.archive import STABLE, Package, Suite
from commonwheel.abi.mangled import path as path_of
from commonwheel.abi.snapshot import FUNCTIONS, Library, Snapshot
from commonwheel.abi.uses import Uses, lacks, uses_of
from commonwheel.elf import read_elf
from commonwheel.process import run

LIBRARIES = (
    *("libgeos-c1v5", "libproj25", "libsqlite3-0", "zlib1g", "libtiff6", "libcurl4", "libpng16-16"),
    *("libxml2", "liblzma5", "libexpat1", "libopenjp2-7", "liblz4-1", "libdeflate0", "libzstd1"),
)
CONSUMERS = ("libtiff6", "libcurl4", "libproj25", "libpng16-16", "libxml2", "libgeos-c1v5")
PART = 60
MISSING = re.compile(r"undefined symbol: ([^\s,]+)(?:, version (\S+))?\s+\((\S+)\)")
NO_NODE = re.compile(r"version `([^']+)' not found \(required by (\S+)\)")

Gaps = tuple[frozenset[str], frozenset[tuple[str, str | None]]]
"""Version nodes that are missing, and symbols that are, but for those of such nodes."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A consumer and an older release of one library that it uses."""

    name: str
    symbols: int
    by_files: Gaps
    by_loader: Gaps


def seen(package: str, suite: str) -> Seen | None:
    where = Suite(name=suite)
    found = where.same(Package(name=package, version="", source=""))
    return Seen(suite=where, package=found) if found else None


def places(release: Seen) -> list[Path]:
    """The folders that hold its libraries."""
    libraries = release.snapshot.libraries if release.snapshot else ()
    return list(dict.fromkeys((release.folder / each.member).parent for each in libraries))


def by_files(uses: Uses, old: Snapshot) -> Gaps:
    found = list(lacks(uses, old))
    nodes = {each.what.removeprefix("the version node ") for each in found if each.use is None}
    uses_lacking = [each.use for each in found if each.use and "bytes" not in each.what]
    symbols = {(use.name, use.version) for use in uses_lacking}
    return frozenset(nodes), frozenset(symbols)


def by_loader(consumer: Path, uses: Uses, folders: Sequence[Path]) -> Gaps:
    """What ``ldd -r`` misses, of what is taken of this library."""
    path = ":".join(map(str, folders))
    done = run(["ldd", "-r", consumer], env={"LD_LIBRARY_PATH": path, "LC_ALL": "C"}, check=False)
    nodes = {n for n, by in NO_NODE.findall(done.output) if by == str(consumer)} & set(uses.nodes)
    symbols = {
        (name, node or None)
        for name, node, by in MISSING.findall(done.output)
        if by == str(consumer) and node not in nodes
    }
    return frozenset(nodes), frozenset(symbols & {tuple(use) for use in uses.symbols})


def compiled(new: Seen, library: Library, folder: Path) -> Iterator[Path]:
    """Consumers of a release, one for each part of its functions."""
    # Not the standard library's templates: others that are loaded define them as well.
    wanted = (s for s in library.symbols if s.type in FUNCTIONS and s.default)
    names = sorted({s.name for s in wanted if path_of(s.name)})
    target = new.folder / library.member
    for at in range(0, len(names), PART):
        path = folder / f"use-{new.suite.name}-{library.soname}-{at}.so"
        # Data references, which the loader binds at once; no C library is needed for them.
        lines = [f".globl {n}\n.quad {n}" for n in names[at : at + PART]]
        source = path.with_suffix(".s")
        source.write_text(
            ".data\n" + "\n".join(lines) + '\n.section .note.GNU-stack,"",@progbits\n'
        )
        words = ("-shared", "-nostdlib", "-Wl,--allow-shlib-undefined", "-Wl,--no-as-needed")
        run(["gcc", *words, source, target, "-o", path])
        yield path


def edge(consumer: Path, new: Sequence[Seen], package: str, old: Seen) -> Edge | None:
    providers = [each.snapshot for each in new if each.snapshot]
    elf = read_elf(consumer)
    sonames = old.sonames
    for uses in uses_of({consumer.name: elf}, providers):
        if uses.soname in sonames and uses.symbols:
            assert old.snapshot is not None
            others = [p for each in new if uses.soname not in each.sonames for p in places(each)]
            return Edge(
                name=f"{consumer.name} with {package} {old.release}",
                symbols=len(uses.symbols),
                by_files=by_files(uses, old.snapshot),
                by_loader=by_loader(consumer, uses, [*places(old), *others]),
            )
    return None


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Edge]:
    if shutil.which("ldd") is None:
        pytest.fail("ldd is part of the C library's programs")
    folder = tmp_path_factory.mktemp("ldd")
    releases: Mapping[str, Mapping[str, Seen]] = {
        suite: {name: found for name in LIBRARIES if (found := seen(name, suite))}
        for suite in STABLE
    }
    return [*_of_debian(releases), *_of_parts(releases, folder)]


def _of_debian(releases: Mapping[str, Mapping[str, Seen]]) -> Iterator[Edge]:
    new = releases["bookworm"]
    for name in CONSUMERS:
        snapshot = snapshot_of([new[name]])
        assert snapshot is not None
        for library in snapshot.libraries:
            consumer = new[name].folder / library.member
            others = [each for other, each in new.items() if other != name]
            for package, old in releases["bullseye"].items():
                found = edge(consumer, others, package, old)
                if found is not None:
                    yield found


def _of_parts(releases: Mapping[str, Mapping[str, Seen]], folder: Path) -> Iterator[Edge]:
    for before, after in combinations(STABLE, 2):
        for package, old in releases[before].items():
            new = releases[after].get(package)
            if new is None or new.release == old.release or new.snapshot is None:
                continue
            # What is new in trixie is linked here, but only older libraries are loaded.
            for library in new.snapshot.libraries:
                if library.soname in old.sonames:
                    for consumer in compiled(new, library, folder):
                        found = edge(consumer, [new], package, old)
                        if found is not None:
                            yield found


def test_the_loader_misses_what_the_files_tell(edges: Sequence[Edge]) -> None:
    assert {e.name: e.by_files for e in edges} == {e.name: e.by_loader for e in edges}


def test_there_are_enough_of_each_kind(edges: Sequence[Edge]) -> None:
    assert len(edges) >= 100
    lacking = [each for each in edges if any(each.by_files)]
    assert 20 <= len(lacking) <= len(edges) - 20
    assert any(each.by_files[0] for each in lacking), "a version node lacks somewhere"
    assert any(each.by_files[1] for each in lacking), "a symbol lacks somewhere"
    assert sum(not each.name.startswith("use-") for each in edges) >= 10, "Debian's own"
