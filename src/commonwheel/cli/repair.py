"""``commonwheel repair``: make one wheel share its libraries."""

import argparse
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from commonwheel.abi.exports import exports_by_recipe
from commonwheel.abi.records import read_records
from commonwheel.cli.common import (
    add_recipe_options,
    add_with_option,
    load_recipes,
    make_console,
    positive,
)
from commonwheel.console import Console
from commonwheel.engine.host import libc_version
from commonwheel.errors import UsageError
from commonwheel.names import Names
from commonwheel.recipe.load import RecipeSet
from commonwheel.repair.claimed import claimed_sonames
from commonwheel.repair.providers import Providers, load_providers, read_manifest
from commonwheel.repair.ranges import highest
from commonwheel.repair.repair import RepairOptions, repair
from commonwheel.wheelhouse import Wheelhouse

SUMMARY = "make a wheel that was built against library wheels share them at run time"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("repair", help=SUMMARY, description=SUMMARY, parents=parents)
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path, help="wheels to repair")
    add_with_option(
        parser,
        "providers",
        "a library wheel, or a folder of them; a wheel beats what a folder has of its line",
    )
    parser.add_argument(
        "-w",
        "--wheel-dir",
        metavar="DIR",
        dest="wheelhouse",
        type=Path,
        help="where the repaired wheel goes (default: wheelhouse)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="overwrite wheels of the same name with other bytes"
    )
    parser.add_argument(
        "--build",
        metavar="N",
        type=positive,
        default=1,
        help="the N of the local version (default: 1)",
    )
    parser.add_argument(
        "--graft",
        metavar="PATTERN",
        dest="grafts",
        action="append",
        default=[],
        help="a library that may be copied into the wheel; may be repeated",
    )
    parser.add_argument(
        "--dlopen",
        metavar="LINE",
        action="append",
        default=[],
        help="an ABI line that the wheel opens by itself; may be repeated",
    )
    add_recipe_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Repair each wheel."""
    console, names = make_console(options, os.environ), options.configuration.names
    providers, recipes = load_providers(options.providers, names), load_recipes(options)
    common = RepairOptions(
        names=names,
        arch=platform.machine(),
        grafts=tuple(options.grafts),
        dlopen=tuple(options.dlopen),
        known=claimed_sonames(recipes),
        records=read_records(
            recipes.own_first, platform.machine(), libc_version().partition(" ")[0]
        ),
    )
    house = Wheelhouse(root=options.wheelhouse, replace=options.replace)
    for wheels in _releases(options.wheels):
        chosen = {
            wheel: replace(
                common,
                version=_version(wheel, options.build, names),
                exports=_exports(wheel, recipes, names),
            )
            for wheel in wheels
        }
        _repair(chosen, house, providers, console)


def _releases(wheels: Sequence[Path]) -> Iterator[list[Path]]:
    """Wheels of one version go together: they are to have the same requirements."""
    found: dict[tuple[str, ...], list[Path]] = {}
    for wheel in wheels:
        found.setdefault(tuple(wheel.name.split("-")[:2]), []).append(wheel)
    yield from found.values()


def _repair(
    chosen: Mapping[Path, RepairOptions], house: Wheelhouse, providers: Providers, console: Console
) -> None:
    with house.scratch() as work:
        done = {
            wheel: repair(wheel, work / "first", providers, options, scratch=work)
            for wheel, options in chosen.items()
        }
        mine = {
            wheel: {each.line: each.floor for each in one.ranges} for wheel, one in done.items()
        }
        wanted = highest(mine.values())
        for wheel, options in chosen.items():
            with console.step(wheel.name) as step:
                made = done[wheel]
                at_least = {line: wanted[line] for line in mine[wheel]}
                if at_least != mine[wheel]:
                    raised = replace(options, at_least=at_least)
                    made = repair(wheel, work / "raised", providers, raised, scratch=work)
                plain = (each.explained for each in made.ranges if not each.is_telling)
                for note in (*plain, *made.notes):
                    step.note(note)
                path = house.add(made.path, remedy=_remedy(options))
            console.write(f"{path}\n")


def _remedy(options: RepairOptions) -> str:
    if options.version is None:
        return "give this release a 'wheel-version' with .postN in its recipe, and build it"
    return "raise --build"


def _exports(wheel: Path, recipes: RecipeSet, names: Names) -> Mapping[str, tuple[str, ...]]:
    manifest = read_manifest(wheel, names)
    return {} if manifest is None else exports_by_recipe(manifest, recipes, names)


def _version(wheel: Path, build: int, names: Names) -> str | None:
    if not wheel.is_file():
        raise UsageError(f"{wheel}: no such wheel")
    try:
        version = parse_wheel_filename(wheel.name)[1]
    except InvalidWheelFilename as error:
        raise UsageError(str(error)) from None
    if read_manifest(wheel, names) is not None:
        return None
    if version.local and not version.local.startswith(f"{names.prefix}."):
        raise UsageError(f"{wheel.name} has a local version already: {version.local}")
    return names.local_version(version.public, build)
