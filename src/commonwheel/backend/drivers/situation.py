"""What a driver is told, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commonwheel.backend.prefix import Prefix
from commonwheel.backend.toolchain import Toolchain
from commonwheel.recipe.resolved import BuildSteps


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that a driver needs to know.

    Args:
        source: folder with the build files.
        build: empty folder to build in.
        destination: DESTDIR of the installation.
        install_prefix: absolute prefix that is compiled in and exists nowhere.
        steps: what the recipe says.
        prefix: the providers of this build.
        toolchain: the confined compilers.
        jobs: parallel compilations.
        jobserver: MAKEFLAGS of the jobserver that counts them over all builds; may be empty.
    """

    source: Path
    build: Path
    destination: Path
    install_prefix: str
    steps: BuildSteps
    prefix: Prefix
    toolchain: Toolchain
    jobs: int
    jobserver: str = ""

    @property
    def parallel(self) -> tuple[str, ...]:
        """``-jN`` for make and ninja; nothing where it would make them ignore the jobserver."""
        return () if self.jobserver else (f"-j{self.jobs}",)

    @property
    def shared(self) -> dict[str, str]:
        """Variables of a step that takes part in the jobserver, where there is one."""
        return {"MAKEFLAGS": self.jobserver} if self.jobserver else {}


@dataclass(frozen=True, kw_only=True)
class Command:
    """One step of a build.

    Args:
        words: program and arguments.
        preview: a dry run of it, which prints the commands that it would run and changes nothing.
        logs: files in ``Situation.build`` that say more when it fails.
        environment: variables of this step alone.
    """

    words: tuple[str, ...]
    preview: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The program, or the script that a shell runs."""
        return Path(self.words[self.words[0] == "sh"]).name


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A build system.

    Args:
        tools: requirements from the package index.
        programs: programs of the system, with the package that brings each.
        commands: what to run in ``Situation.build``, in order; the environment has DESTDIR.
    """

    tools: tuple[str, ...]
    programs: Mapping[str, str]
    commands: Callable[[Situation], Sequence[Command]]
