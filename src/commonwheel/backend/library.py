"""Build one library wheel: assemble, configure, compile, install, finish."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commonwheel.backend import jobserver, toolchain
from commonwheel.backend import prefix as prefixes
from commonwheel.backend.drivers import DRIVERS, Command, Situation, programs
from commonwheel.backend.finish import finish
from commonwheel.backend.package import write_library_wheel
from commonwheel.backend.pause import pause
from commonwheel.backend.say import say
from commonwheel.backend.staged import JobFile, StagedProject
from commonwheel.errors import BuildError
from commonwheel.names import Names
from commonwheel.process import ProcessError, run
from commonwheel.recipe.resolved import LibraryBuild, fill

# The console counts the lines of the build itself in the same way.
COMPILATION = re.compile(r"^(?!libtool:).*\s-c\s")
LOG_LINES = 200


def build(project: StagedProject, wheel_directory: Path, settings: Mapping[str, Any]) -> str:
    """Build the staged library and write its raw wheel; debug files go to ``debug/`` beside it.

    Returns:
        The wheel's file name; with the setting ``until=installed`` the folder of what upstream
        installs, of which no wheel is made.
    """
    job = project.job()
    assert isinstance(job.build, LibraryBuild)
    recipe, names = job.build, Names(prefix=job.build.prefix)
    shutil.rmtree(project.build, ignore_errors=True)
    path = search_path()
    toolchain.require_programs(programs(recipe), path)
    prefix = prefixes.assemble(wheels(project), project.build / "prefix", names)
    tools = toolchain.make(
        project.build / "toolchain",
        prefix=prefix,
        languages=recipe.build.languages,
        libraries=recipe.libraries,
        root=project.root,
        path=f"{prefix.path / 'bin'}{os.pathsep}{path}",
    )
    tree = _compile(*situation(project, job, prefix, tools, settings), recipe)
    if settings.get("until") == "installed":
        return str(tree)
    finished = finish(tree, recipe, prefix, tools, project, debug=wheel_directory / "debug")
    return write_library_wheel(finished, job, project, wheel_directory, platform.machine())


def wheels(project: StagedProject) -> Sequence[Path]:
    """The provider wheels of a staged project."""
    return sorted(project.providers.glob("*.whl"))


def search_path() -> str:
    """PATH of a build: the build environment's own programs first, then the system's."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def environment(
    job: JobFile, tools: toolchain.Toolchain, extra: Mapping[str, str], values: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a build's steps.

    Args:
        job: gives the epoch.
        tools: gives compilers and flags.
        extra: the recipe's own variables; a flags variable is added to, not replaced.
        values: placeholders of the providers.
    """
    kept = toolchain.kept(os.environ)
    made = {**kept, **tools.environment, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    made |= {"SOURCE_DATE_EPOCH": str(job.epoch), "ZERO_AR_DATE": "1"}
    for key, value in extra.items():
        text = fill(value, values)
        made[key] = f"{made[key]} {text}" if key.endswith("FLAGS") and key in made else text
    return made


def situation(
    project: StagedProject,
    job: JobFile,
    prefix: prefixes.Prefix,
    tools: toolchain.Toolchain,
    settings: Mapping[str, Any],
) -> tuple[Situation, dict[str, str]]:
    """What a library's driver is told, and the environment of the commands that it answers.

    Args:
        project: the staged project.
        job: what is built.
        prefix: the providers.
        tools: the compilers.
        settings: of the frontend: ``jobs`` and ``jobserver``.
    """
    recipe = job.build
    assert isinstance(recipe, LibraryBuild)
    names = Names(prefix=recipe.prefix)
    install_prefix = f"/{names.namespace}/{names.package(recipe.line)}"
    values = prefix.placeholders(recipe.provided) | {"install.prefix": install_prefix}
    options = tuple(fill(option, values) for option in recipe.build.options)
    at = Situation(
        source=project.source / recipe.build.directory,
        build=project.build / "objects",
        destination=project.build / "installed",
        install_prefix=install_prefix,
        steps=recipe.build.with_options(options),
        prefix=prefix,
        toolchain=tools,
        jobs=jobserver.jobs(settings),
        jobserver=jobserver.make_flags(settings, project.build / "toolchain", search_path()),
    )
    variables = environment(job, tools, recipe.build.environment, values)
    return at, variables | {"DESTDIR": str(at.destination)}


def _compile(at: Situation, variables: Mapping[str, str], recipe: LibraryBuild) -> Path:
    at.build.mkdir(parents=True)
    for command in DRIVERS[recipe.build.driver].commands(at):
        _step(command, at.build, variables)
    tree = Path(f"{at.destination}{at.install_prefix}")
    if not tree.is_dir():
        msg = f"the installation left nothing below {at.install_prefix}"
        raise BuildError(msg, where=recipe.name)
    return tree


def _step(command: Command, folder: Path, step_environment: Mapping[str, str]) -> None:
    if command.preview:
        _say_compilations(command.preview, folder, step_environment)
    say(f"+ {' '.join(command.words)}")
    try:
        variables = {**step_environment, **command.environment}
        run(command.words, cwd=folder, env=variables, on_line=say, own_group=False)
    except ProcessError as error:
        # The folder goes away with the build; its log must not.
        for log in filter(Path.is_file, (folder / name for name in command.logs)):
            _say_end(log)
        pause(command.name, variables, folder)
        raise BuildError(f"{command.name} failed with exit code {error.code}") from None


def _say_compilations(
    preview: Sequence[str], folder: Path, step_environment: Mapping[str, str]
) -> None:
    """How many files will be compiled, for the console's bar; silent where a dry run fails."""
    done = run(preview, cwd=folder, env=step_environment, check=False, own_group=False)
    count = sum(1 for line in done.output.splitlines() if COMPILATION.search(line))
    if done.code == 0 and count:
        say(f"commonwheel: {count} compilations")


def _say_end(log: Path) -> None:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    say(f"--- the end of {log.name}:")
    for line in lines[-LOG_LINES:]:
        say(f"| {line}")
