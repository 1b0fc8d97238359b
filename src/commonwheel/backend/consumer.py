"""Build a consumer: its own build backend, run inside the same confines as a library's build."""

import importlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commonwheel.backend import jobserver, toolchain
from commonwheel.backend import prefix as prefixes
from commonwheel.backend.library import environment, search_path, wheels
from commonwheel.backend.staged import JobFile, StagedProject
from commonwheel.names import Names
from commonwheel.recipe.resolved import ConsumerBuild, fill

# Build backends that take whatever ninja there is, and let it start as many compilers as there are
# CPUs; the host's may be too old for a jobserver. Others compile one file after the other.
USERS_OF_NINJA = frozenset({"mesonpy", "scikit_build_core"})
NINJA = "ninja>=1.13"


def requires(project: StagedProject) -> list[str]:
    """What the sdist's own backend wants besides ``build-system.requires``."""
    backend, settings = _enter(project, {})
    hook = getattr(backend, "get_requires_for_build_wheel", None)
    wanted = list(hook(settings)) if hook else []
    return [*wanted, NINJA] if _uses_ninja(project.job()) else wanted


def build(project: StagedProject, wheel_directory: Path, given: Mapping[str, Any]) -> str:
    """Build the staged consumer's raw wheel, under the frontend's config settings ``given``.

    Returns:
        The wheel's file name.
    """
    backend, settings = _enter(project, given)
    return str(backend.build_wheel(str(wheel_directory), settings))


def _uses_ninja(job: JobFile) -> bool:
    return re.split(r"[.:]", job.backend)[0] in USERS_OF_NINJA


def _enter(project: StagedProject, given: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """Prepare this process for the inner backend: environment, folder, import path.

    A PEP 517 hook has a process to itself, so that nothing needs to be put back.
    """
    job = project.job()
    recipe = job.build
    assert isinstance(recipe, ConsumerBuild)
    shutil.rmtree(project.build, ignore_errors=True)
    path = search_path()
    toolchain.require_programs(recipe.needs.programs, path)
    prefix = prefixes.assemble(
        wheels(project), project.build / "prefix", Names(prefix=recipe.prefix)
    )
    tools = toolchain.make(
        project.build / "toolchain",
        prefix=prefix,
        languages=toolchain.CONSUMER_LANGUAGES,
        root=project.root,
        path=f"{prefix.path / 'bin'}{os.pathsep}{path}",
        extensions=True,
    )
    values = prefix.placeholders(recipe.provided)
    # A build that names library wheels in its build-system.requires imports them, too.
    variables = environment(job, tools, recipe.environment, values)
    if _uses_ninja(job):
        flags = jobserver.make_flags(given, project.build / "toolchain", path)
        variables = {"MAKEFLAGS": flags, **variables}
    _replace_environment({"PYTHONPATH": str(prefix.root), **variables})
    os.chdir(project.source)
    own = [str(project.source / folder) for folder in job.backend_path]
    sys.path[:0] = [*own, str(prefix.root)]
    settings = {key: fill(value, values) for key, value in recipe.config_settings.items()}
    return _load(job), settings


def _replace_environment(wanted: dict[str, str]) -> None:
    # pyproject_hooks tells its process what to call through these.
    kept = {key: value for key, value in os.environ.items() if key.startswith("_PYPROJECT_HOOKS")}
    os.environ.clear()
    os.environ.update(wanted | kept)


def _load(job: JobFile) -> Any:
    module, _, attributes = job.backend.partition(":")
    backend: Any = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    return backend
