"""Fixed cost: seconds of a whole zlib library wheel beyond configure, build and install by hand.

The peers are cmeel and scikit-build-core under ``pip wheel``, with build isolation, as their users
run them: the same zlib, each beyond its own CMake commands by hand. Sources are fetched, pip's
cache and our build environment are filled, there is no compiler cache. Ours is ``commonwheel
build``: what it does beyond the peers is to repair and check the wheel. Medians; CPU seconds tell
better where others use the machine. Limit: 4 s.
"""

import os
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.common import ENVIRONMENT, Cost, by_hand, execute, kitchen, say_load, total, version
from commonwheel.engine.environments import create, install, python_of

RUNS = 2
LIMIT = 4.0
# zlib takes absolute folders for granted, which lie outside of a wheel.
FOLDERS = {"BIN": "bin", "LIB": "lib", "INC": "include", "MAN": "share/man", "PKGCONFIG": "lib"}
OPTIONS = (
    "-DZLIB_BUILD_EXAMPLES=OFF",
    *(f"-DINSTALL_{key}_DIR:STRING={place}" for key, place in FOLDERS.items()),
)
PYPROJECT = """\
[build-system]
requires = ["{requires}"]
build-backend = "{backend}"

[project]
name = "zlib-in-a-wheel"
version = "1.3.1"
description = "zlib"
license = "Zlib"

[tool.{table}]
{settings} = [{options}]
"""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another way from a CMake project to a wheel.

    Args:
        name: of the distribution.
        requires: what its users name in ``build-system.requires``.
        backend: the ``build-backend``.
        table: its table in pyproject.toml, with the key for CMake's options.
        configure: what it tells CMake by itself.
        build: arguments of ``cmake --build``.
    """

    name: str
    requires: str
    backend: str
    table: tuple[str, str]
    configure: tuple[str, ...]
    build: tuple[str, ...]


PEERS = (
    Peer(
        name="cmeel",
        requires="cmeel[build]",
        backend="cmeel",
        table=("cmeel", "run-tests = false\nconfigure-args"),
        configure=("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF"),
        build=("-j4",),
    ),
    Peer(
        name="scikit-build-core",
        requires="scikit-build-core",
        backend="scikit_build_core.build",
        table=("scikit-build", 'cmake.version = ">=3.15"\ncmake.args'),
        configure=("-DCMAKE_BUILD_TYPE=Release", "-GNinja"),
        build=(),
    ),
)
# What a frontend installs beside build-system.requires: nothing if CMake and Ninja are there.
ASK = """
import sys, {0} as backend
needs = getattr(backend, 'get_requires_for_build_wheel', list)()
open(sys.argv[1], 'w').write('\\n'.join(needs))
"""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One peer at work, in folders of its own."""

    peer: Peer
    folder: Path
    source: Path

    @property
    def project(self) -> Path:
        """The source of zlib with a pyproject.toml."""
        return self.folder / "project"

    @property
    def tools(self) -> Path:
        """An environment with what pip would put into an isolated one."""
        return self.folder / "tools"

    @property
    def environment(self) -> dict[str, str]:
        """What its CMake commands run in by hand."""
        return {**ENVIRONMENT, "PATH": f"{self.tools / 'bin'}{os.pathsep}{ENVIRONMENT['PATH']}"}

    def prepare(self) -> None:
        """Install its tools for the build by hand."""
        self.folder.mkdir()
        self.fresh()
        create(self.tools, Path(sys.executable), os.environ)
        install(self.tools, [self.peer.requires], os.environ, self.peer.name)
        needs = self.folder / "needs.txt"
        ask = ASK.format(self.peer.backend)
        command: list[str | Path] = [python_of(self.tools), "-c", ask, needs]
        execute(command, cwd=self.project, env=self.environment)
        install(self.tools, ["-r", needs], os.environ, self.peer.name)

    def fresh(self) -> None:
        """A project as it comes out of an archive: builds leave things in it."""
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(self.source, self.project)
        # CMake asks for it on Linux too, and Debian's tarball lacks it.
        (self.project / "win32").mkdir(exist_ok=True)
        (self.project / "win32/zlib1.rc").touch()
        table, settings = self.peer.table
        text = PYPROJECT.format(
            requires=self.peer.requires,
            backend=self.peer.backend,
            table=table,
            settings=settings,
            options=", ".join(f'"{option}"' for option in OPTIONS),
        )
        (self.project / "pyproject.toml").write_text(text, encoding="utf-8")

    def wheel(self) -> Cost:
        """``pip wheel``."""
        pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir")
        return execute([*pip, self.folder / "wheels", self.project], env=ENVIRONMENT)

    def hand(self) -> Cost:
        """Configure, build and install with the same CMake."""
        build = self.folder / "build"
        prefix = f"-DCMAKE_INSTALL_PREFIX={self.folder / 'installed'}"
        steps: list[Sequence[str | Path]] = [
            ["cmake", "-S", ".", "-B", build, prefix, *self.peer.configure, *OPTIONS],
            ["cmake", "--build", build, *self.peer.build],
            ["cmake", "--install", build],
        ]
        took = total(
            execute(["env", *step], cwd=self.project, env=self.environment) for step in steps
        )
        shutil.rmtree(build)
        return took

    def versions(self) -> str:
        """Its own version and its CMake's."""
        path = self.environment["PATH"]
        found = next(self.tools.glob(f"lib/*/site-packages/{self.peer.name.replace('-', '_')}-*"))
        return f"{found.name.split('-')[1].removesuffix('.dist')}, cmake {version('cmake', path)}"


def medians(works: Sequence[tuple[Callable[[], None], Callable[[], Cost]]]) -> list[Cost]:
    """Median cost of each work, all of them in turn; before each its preparation, not timed."""
    costs: list[list[Cost]] = [[] for _ in works]
    for _ in range(RUNS):
        for (prepare, work), found in zip(works, costs, strict=True):
            prepare()
            found.append(work())
    return [
        Cost(
            wall=statistics.median(each.wall for each in found),
            cpu=statistics.median(each.cpu for each in found),
        )
        for found in costs
    ]


def main() -> None:
    """Print the seconds of each, by hand and as a wheel, and the differences."""
    say_load()
    with kitchen() as place:
        place.build("zlib", "--keep")
        project = place.kept("zlib-1.3.1")
        hand = by_hand(place, project)
        rivals = [
            Rival(peer=peer, folder=place.folder / peer.name, source=project.source)
            for peer in PEERS
        ]
        works = [(place.forget, lambda: place.build("zlib")), (lambda: None, hand.run)]
        for rival in rivals:
            rival.prepare()
            rival.wheel()
            works += [(rival.fresh, rival.wheel), (rival.fresh, rival.hand)]
        found = medians(works)
        names = [f"commonwheel ({hand.versions()})"]
        names += [f"{each.peer.name} {each.versions()}" for each in rivals]
    print(f"medians of {RUNS} runs                                  seconds            CPU seconds")
    print(f"{'':44} {'wheel':>6} {'hand':>6} beyond   {'wheel':>6} {'hand':>6} beyond")
    for name, whole, by in zip(names, found[::2], found[1::2], strict=True):
        wall = f"{whole.wall:6.1f} {by.wall:6.1f} {whole.wall - by.wall:6.1f}"
        print(f"{name:44} {wall}   {whole.cpu:6.1f} {by.cpu:6.1f} {whole.cpu - by.cpu:6.1f}")
    print(f"limit for commonwheel: {LIMIT:.1f} s beyond the build by hand")
    if found[0].wall - found[1].wall > LIMIT:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
