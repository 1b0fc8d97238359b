"""A finished tree → a library wheel, byte for byte the same from the same tree."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from commonwheel import __version__
from commonwheel.backend.finish import Finished
from commonwheel.backend.runtime import (
    LibraryFacts,
    ProviderFacts,
    library_init,
    pyinstaller_hook,
    tool_function,
)
from commonwheel.backend.staged import JobFile, StagedProject
from commonwheel.errors import BuildError
from commonwheel.names import MANIFEST_SCHEMA, Names, release_pin
from commonwheel.recipe.resolved import LibraryBuild
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name
from commonwheel.wheel.write import Content, write_wheel

PYTHON = ">=3.9"
TAG = "py3-none-linux_{arch}"


def write_library_wheel(
    finished: Finished, job: JobFile, project: StagedProject, wheel_directory: Path, arch: str
) -> str:
    """Write the raw wheel: its platform tag and its requirements are for repair to find out.

    Returns:
        The wheel's file name.
    """
    recipe = job.build
    assert isinstance(recipe, LibraryBuild)
    names = Names(prefix=recipe.prefix)
    facts = _facts(recipe, finished, names)
    tag = TAG.format(arch=arch)
    name = make_wheel_name(facts.distribution, facts.version, tag)
    licenses = dict(_licenses(project.source, recipe))
    members: dict[str, Content] = {
        f"{_folder(facts)}/{path}": content for path, content in _package(finished.tree, facts)
    }
    info: dict[str, Content] = {
        "METADATA": _metadata(recipe, facts, list(licenses)),
        "WHEEL": make_wheel_file([tag], purelib=False, generator=f"commonwheel {__version__}"),
        "entry_points.txt": _entry_points(facts, finished.tree).encode(),
        names.manifest: _manifest(finished, job, facts),
        f"sboms/{recipe.prefix}.cdx.json": project.sbom,
        **{f"licenses/{path}": file for path, file in licenses.items()},
    }
    members |= {f"{name.dist_info}/{path}": content for path, content in info.items()}
    write_wheel(wheel_directory / str(name), members, epoch=job.epoch)
    return str(name)


def _folder(facts: LibraryFacts) -> str:
    return facts.module.replace(".", "/")


def _facts(recipe: LibraryBuild, finished: Finished, names: Names) -> LibraryFacts:
    used = {manifest["line"]: manifest for manifest in finished.providers}
    return LibraryFacts(
        prefix=recipe.prefix,
        module=names.module(recipe.line),
        line=recipe.line,
        distribution=names.distribution(recipe.line),
        version=recipe.wheel_version,
        libraries=tuple(library.soname for library in finished.libraries),
        providers=tuple(
            ProviderFacts(
                module=each.module,
                distribution=each.distribution,
                floor=each.version,
                exact=release_pin(each.version, each.stability),
            )
            for each in recipe.provided
            if each.line in used
        ),
        data=recipe.data,
        tools=recipe.products.tools,
    )


def _package(tree: Path, facts: LibraryFacts) -> Iterator[tuple[str, Content]]:
    yield "__init__.py", library_init(facts).encode()
    path, source = pyinstaller_hook(facts)
    yield path, source.encode()
    for file in sorted(tree.rglob("*")):
        if file.is_file():
            yield file.relative_to(tree).as_posix(), file


def _licenses(source: Path, recipe: LibraryBuild) -> Iterator[tuple[str, Path]]:
    files = [file for file in sorted(source.rglob("*")) if file.is_file()]
    for pattern in recipe.license_files:
        matching = [f for f in files if fnmatchcase(f.relative_to(source).as_posix(), pattern)]
        if not matching:
            raise BuildError(
                f"{recipe.name}: no file of the source matches license-files '{pattern}'"
            )
        for file in matching:
            yield file.relative_to(source).as_posix(), file


def _metadata(recipe: LibraryBuild, facts: LibraryFacts, licenses: list[str]) -> bytes:
    description = (
        f"{recipe.name} {recipe.version} as a wheel that Python packages share: libraries, headers "
        f"and data below `{facts.module}`.\n\nBuilt by commonwheel from unmodified upstream sources"
        + (f" with {len(recipe.patches)} patches" if recipe.patches else "")
        + ".\n"
    )
    return make_metadata(
        name=facts.distribution,
        version=facts.version,
        summary=recipe.summary,
        license_expression=recipe.license,
        license_files=licenses,
        requires_python=PYTHON,
        project_urls={"Homepage": recipe.homepage},
        description=description,
    )


def _entry_points(facts: LibraryFacts, tree: Path) -> str:
    package = facts.module.rpartition(".")[2]
    groups: dict[str, Mapping[str, str]] = {
        "cmake.prefix": {package: facts.module},
        "pyinstaller40": {"hook-dirs": f"{facts.module}:_hook_dirs"},
        "console_scripts": {tool: f"{facts.module}:{tool_function(tool)}" for tool in facts.tools},
    }
    folders = [f for f in ("lib/pkgconfig", "share/pkgconfig") if (tree / f).is_dir()]
    groups["pkg_config"] = {
        f"{package}_{folder.partition('/')[0]}": f"{facts.module}.{folder.replace('/', '.')}"
        for folder in folders
    }
    return "\n".join(
        "\n".join([f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()), ""])
        for group, entries in groups.items()
        if entries
    )


def _manifest(finished: Finished, job: JobFile, facts: LibraryFacts) -> bytes:
    recipe = job.build
    assert isinstance(recipe, LibraryBuild)
    data: dict[str, Any] = {
        "schema": MANIFEST_SCHEMA,
        "name": recipe.name,
        "line": facts.line,
        "distribution": facts.distribution,
        "module": facts.module,
        "version": facts.version,
        "upstream-version": recipe.version,
        "stability": recipe.stability,
        "singleton": recipe.singleton,
        "libraries": [
            {key: value for key, value in asdict(each).items() if key != "aliases"}
            for each in finished.libraries
        ],
        "data": list(facts.data),
        "tools": list(facts.tools),
        "providers": [provider.module.rpartition(".")[2] for provider in facts.providers],
        "source": job.source,
        "patches": list(recipe.patches),
        "key": job.key,
        "engine": job.engine,
        **({"image": job.image} if job.image else {}),
        "toolkit": __version__,
    }
    return (json.dumps(data, indent=2) + "\n").encode()
