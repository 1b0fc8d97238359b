"""What benchmarks of builds share: our build of one library, and the same build by hand.

By hand means the very commands of our driver, with the same source, options, flags, prefix and
programs, and with the compilers as the host has them: no scripts around them, no finishing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from build import ProjectBuilder

from commonwheel.backend import library, toolchain
from commonwheel.backend import prefix as prefixes
from commonwheel.backend.drivers import DRIVERS, Command, requirements
from commonwheel.backend.staged import StagedProject
from commonwheel.cli.common import cache_folder
from commonwheel.constraints import read_constraints
from commonwheel.engine.environments import BuildEnvironments
from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.names import Names
from commonwheel.recipe.resolved import LibraryBuild

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "recipes"
# Without a compiler cache, here and there.
ENVIRONMENT = {**os.environ, "CCACHE_DISABLE": "1", "SCCACHE_RECACHE": "1"}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What something took: seconds by the clock, and CPU seconds of all processes that it ran."""

    wall: float
    cpu: float


def total(costs: Iterable[Cost]) -> Cost:
    """What several things took one after the other."""
    every = list(costs)
    return Cost(wall=sum(each.wall for each in every), cpu=sum(each.cpu for each in every))


def execute(command: Sequence[str | Path], *, cwd: Path = ROOT, env: dict[str, str]) -> Cost:
    """Run a command in silence; what it said is shown when it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=said, stderr=said)
        # Of this child and all that it has waited for: others may run meanwhile.
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.stderr.write(said.read()[-4000:].decode(errors="replace"))
            words = " ".join(map(str, command))
            sys.exit(f"'{words}' ended with exit code {child.returncode}")
    return Cost(wall=time.perf_counter() - began, cpu=usage.ru_utime + usage.ru_stime)


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """A cache without results: sources and build environments are the user's own."""

    folder: Path

    @property
    def cache(self) -> Path:
        """COMMONWHEEL_CACHE."""
        return self.folder / "cache"

    def build(self, name: str, *options: str) -> Cost:
        """``commonwheel build`` of one library alone, without the consumers that it lists."""
        return execute(
            [
                *(sys.executable, "-m", "commonwheel", "build", name, *options),
                *("--set", f"{name}.consumers=[]", "--wheelhouse", self.folder / "wheelhouse"),
            ],
            env={**ENVIRONMENT, "COMMONWHEEL_CACHE": str(self.cache)},
        )

    def forget(self) -> None:
        """Drop what has been built."""
        for name in ("raw", "wheels"):
            shutil.rmtree(self.cache / name, ignore_errors=True)
        shutil.rmtree(self.folder / "wheelhouse", ignore_errors=True)

    def kept(self, job: str) -> StagedProject:
        """The staged project of a job that was built with ``--keep``."""
        (found,) = self.cache.glob(f"work/{job}*/project")
        return StagedProject(root=found)

    def copied(self, job: str, running: Future[Cost]) -> StagedProject:
        """A copy of the staged project of a job that is being built, as soon as it is whole."""
        project = self.cache / "work" / job / "project"
        # Made by the backend, which is started when all else is there.
        while not (project / "build/toolchain").exists():
            if running.done():
                running.result()
                sys.exit(f"{job} ended before anything was built")
            time.sleep(0.1)
        copy = self.folder / "by-hand"
        own = str(project)
        shutil.copytree(project, copy, ignore=lambda at, _: ["build"] if at == own else [])
        return StagedProject(root=copy)


@contextmanager
def kitchen() -> Iterator[Kitchen]:
    """A new one, gone at the end."""
    own = cache_folder(os.environ)
    own.mkdir(parents=True, exist_ok=True)
    # On the disk of the user's cache: /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=own) as text:
        made = Kitchen(folder=Path(text))
        made.cache.mkdir()
        for name in ("sources", "envs"):
            (own / name).mkdir(exist_ok=True)
            (made.cache / name).symlink_to(own / name)
        yield made


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """The commands that configure, build and install a library, and what they run in."""

    commands: Sequence[Command]
    folder: Path
    environment: dict[str, str]

    def run(self) -> Cost:
        """Run them in an emptied folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        return total(
            execute(command.words, cwd=self.folder, env=self.environment)
            for command in self.commands
        )

    def versions(self) -> str:
        """The programs in use, with their versions."""
        names = dict.fromkeys(Path(each.words[0]).name for each in self.commands)
        shown = [name for name in names if name in VERSION] + ["gcc"]
        if "cmake" in shown:
            shown.insert(1, "ninja")
        return ", ".join(f"{name} {version(name, self.environment['PATH'])}" for name in shown)


VERSION = {
    "cmake": "--version",
    "ninja": "--version",
    "make": "--version",
    "gcc": "-dumpfullversion",
}


def version(program: str, path: str) -> str:
    """The version of a program on PATH."""
    place = shutil.which(program, path=path) or program
    done = subprocess.run(
        [place, VERSION[program]], check=True, capture_output=True, text=True, env={"PATH": path}
    )
    return done.stdout.splitlines()[0].split()[-1]


def by_hand(kitchen: Kitchen, project: StagedProject, *, jobs: int = 0) -> ByHand:
    """The same build by hand, in a staged project that our own build has made.

    Args:
        kitchen: where that was.
        project: what it has made.
        jobs: how many compilations at once; 0 for as many as there are processors.
    """
    job = project.job()
    recipe = job.build
    assert isinstance(recipe, LibraryBuild)
    shutil.rmtree(project.build, ignore_errors=True)
    prefix = prefixes.assemble(
        library.wheels(project), project.build / "prefix", Names(prefix=recipe.prefix)
    )
    programs = _programs(kitchen, project, recipe)
    path = os.pathsep.join([f"{prefix.path}/bin", str(programs), os.environ["PATH"]])
    ours = toolchain.make(
        project.build / "toolchain",
        prefix=prefix,
        languages=recipe.build.languages,
        root=project.root,
        path=path,
    )
    compilers = {
        variable: shutil.which(toolchain.COMPILERS[language][0], path=path) or language
        for language in recipe.build.languages
        for variable in toolchain.VARIABLES[language]
    }
    tools = replace(ours, environment={**ours.environment, **compilers, "PATH": path})
    at, environment = library.situation(project, job, prefix, tools, {"jobs": str(jobs)})
    commands = DRIVERS[recipe.build.driver].commands(at)
    return ByHand(commands=commands, folder=at.build, environment=environment)


def _programs(kitchen: Kitchen, project: StagedProject, recipe: LibraryBuild) -> Path:
    """Folder of the CMake and the Ninja that our build has used."""
    environments = BuildEnvironments(root=kitchen.cache / "envs", environ=os.environ)
    needed = sorted(ProjectBuilder(project.root).build_system_requires)
    pins = read_constraints([RECIPES]).only(requirements(recipe)).text
    interpreter = find_interpreter(running_version(), os.environ)
    return environments.get(interpreter, needed, pins) / "bin"


def say_load() -> None:
    """Say how busy the machine is: what others compile meanwhile is in every figure."""
    print(f"load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
