"""Job → staged project: a PEP 517 project with all that one build needs, and nothing else."""

import importlib.resources
import json
import os
import shutil
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from commonwheel.backend.drivers import requirements
from commonwheel.backend.staged import JobFile, StagedProject
from commonwheel.constraints import Constraints
from commonwheel.errors import SourceError
from commonwheel.plan import Job, LibraryJob
from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild, SourceFact
from commonwheel.sbom import library_sbom
from commonwheel.source.patch import apply_patches
from commonwheel.source.unpack import unpack
from commonwheel.wheel.name import parse_wheel_name

# Everything that the backend imports; the standard library apart, nothing else is needed.
TOOLKIT = (
    "__init__.py",
    "errors.py",
    "names.py",
    "process.py",
    "template.py",
    "recipe/__init__.py",
    "recipe/resolved.py",
    "elf",
    "wheel",
    "backend",
)
# A sdist without [build-system] is built so (PEP 517).
LEGACY: dict[str, Any] = {
    "build-backend": "setuptools.build_meta:__legacy__",
    "requires": ["setuptools"],
}

PYPROJECT = """\
# Written by commonwheel: `python -m build` on this folder builds the raw wheel.
[build-system]
requires = [
{requires}]
build-backend = "commonwheel.backend"
backend-path = ["toolkit"]

[project]
name = "{name}"
version = "{version}"
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a stage is made of, beside the job.

    Args:
        source: the verified source file, and what it is.
        fact: origin and sha256 of that file.
        patches: files, in order.
        providers: library wheels that the build sees.
        constraints: pins of the build tools.
        key: build key.
        engine: name of the engine that will build.
        image: what its container is made of; empty where there is none.
    """

    source: Path
    fact: SourceFact
    patches: Sequence[Path]
    providers: Sequence[Path]
    constraints: Constraints
    key: str
    engine: str
    image: str = ""


def stage(job: Job, inputs: Inputs, root: Path) -> StagedProject:
    """Write the staged project of a job into the empty folder ``root``.

    Raises:
        SourceError: the source cannot be unpacked or patched.
    """
    project = StagedProject(root=root)
    unpack(inputs.source, project.source)
    epoch = newest(project.source)
    apply_patches(project.source, inputs.patches)
    file = JobFile(
        kind="library" if isinstance(job, LibraryJob) else "consumer",
        build=job.build,
        key=inputs.key,
        engine=inputs.engine,
        image=inputs.image,
        epoch=epoch,
        source={"origin": inputs.fact.origin, "sha256": inputs.fact.sha256},
    )
    if isinstance(job.build, LibraryBuild):
        requires = requirements(job.build)
        sbom = library_sbom(job.build, inputs.fact, epoch=epoch)
        project.sbom.write_text(sbom, encoding="utf-8")
    else:
        system = build_system(project.source)
        file = replace(
            file,
            backend=system["build-backend"],
            backend_path=tuple(system.get("backend-path", ())),
        )
        requires = [*_from_index(system["requires"], job.build), *job.build.needs.tools]
    project.job_file.write_text(file.dump(), encoding="utf-8")
    _write_pyproject(project, job, inputs.constraints.pinned(requires))
    _copy_toolkit(project.toolkit / "commonwheel")
    project.providers.mkdir()
    for wheel in inputs.providers:
        shutil.copy2(wheel, project.providers)
    return project


def stage_prebuilt(wheel: Path, providers: Iterable[Path], root: Path) -> StagedProject:
    """Write a staged project whose wheel is there already: it is finished, or tested.

    Args:
        wheel: raw or repaired.
        providers: library wheels beside it.
        root: an empty folder.
    """
    project = StagedProject(root=root)
    for folder, wheels in ((project.prebuilt, (wheel,)), (project.providers, providers)):
        folder.mkdir(parents=True)
        for each in wheels:
            shutil.copy2(each, folder)
    name = parse_wheel_name(wheel.name)
    text = PYPROJECT.format(requires="", name=name.distribution, version=name.version)
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    _copy_toolkit(project.toolkit / "commonwheel")
    return project


def newest(tree: Path) -> int:
    """Time of the newest file of an unpacked source: its release, for SOURCE_DATE_EPOCH."""
    files = (file for file in tree.rglob("*") if file.is_file() and not file.is_symlink())
    return max((int(file.stat().st_mtime) for file in files), default=0)


def build_system(source: Path) -> Mapping[str, Any]:
    """``[build-system]`` of a sdist, with the defaults of PEP 517 and PEP 518."""
    file = source / "pyproject.toml"
    if not file.is_file():
        return LEGACY
    where = f"{source.name}/pyproject.toml"
    try:
        system = tomllib.loads(file.read_text(encoding="utf-8")).get("build-system", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"not TOML: {error}", where=where) from None
    if not isinstance(system, dict):
        raise SourceError("[build-system] is not a table", where=where)
    return LEGACY | system


def _from_index(requires: Iterable[str], build: ConsumerBuild) -> list[str]:
    """The build requirements of a sdist without those that the staged project brings.

    An index may have a newer wheel of a provider's name: none is ever asked for one.

    Raises:
        SourceError: the sdist names a library wheel that its recipe does not use.
    """
    provided = {each.distribution for each in build.provided}
    wanted = []
    for text in requires:
        name = canonicalize_name(Requirement(text).name)
        if not name.startswith(f"{build.prefix}-"):
            wanted.append(text)
        elif name not in provided:
            raise SourceError(
                f"{build.name}: its build-system.requires names {name}",
                hint="add that library to the recipe's 'uses'",
            )
    return wanted


def _write_pyproject(project: StagedProject, job: Job, requires: Iterable[str]) -> None:
    # A JSON string is a TOML one; markers hold quotation marks of either kind.
    quoted = (json.dumps(requirement, ensure_ascii=False) for requirement in requires)
    lines = "".join(f"    {text},\n" for text in quoted)
    text = PYPROJECT.format(requires=lines, name=job.build.name, version=job.build.wheel_version)
    (project.root / "pyproject.toml").write_text(text, encoding="utf-8")


def _copy_toolkit(target: Path) -> None:
    with importlib.resources.as_file(importlib.resources.files("commonwheel")) as package:
        for part in TOOLKIT:
            place = target / part
            place.parent.mkdir(parents=True, exist_ok=True)
            if (package / part).is_dir():
                shutil.copytree(package / part, place, ignore=_caches, copy_function=_copy)
            else:
                _copy(package / part, place)


def _caches(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


def _copy(source: str | Path, target: str | Path) -> None:
    # Content alone: an installed package may be read-only.
    shutil.copyfile(source, target)
    os.chmod(target, 0o644)  # noqa: PTH101 -- shutil passes text
