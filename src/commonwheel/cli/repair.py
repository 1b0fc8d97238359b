"""``commonwheel repair``: make one wheel share its libraries."""

import argparse
import os
import platform
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from commonwheel.cli.common import (
    add_recipe_options,
    add_with_option,
    load_recipes,
    make_console,
    positive,
)
from commonwheel.console import Console
from commonwheel.errors import UsageError
from commonwheel.names import Names
from commonwheel.repair.claimed import claimed_sonames
from commonwheel.repair.providers import Providers, load_providers, read_manifest
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
    providers = load_providers(options.providers, names)
    known = claimed_sonames(load_recipes(options))
    house = Wheelhouse(root=options.wheelhouse, replace=options.replace)
    for wheel in options.wheels:
        chosen = RepairOptions(
            names=names,
            arch=platform.machine(),
            version=_version(wheel, options.build, names),
            grafts=tuple(options.grafts),
            dlopen=tuple(options.dlopen),
            known=known,
        )
        _repair(wheel, house, providers, chosen, console)


def _repair(
    wheel: Path, house: Wheelhouse, providers: Providers, chosen: RepairOptions, console: Console
) -> None:
    if chosen.version is None:
        remedy = "give this release a 'wheel-version' with .postN in its recipe, and build it"
    else:
        remedy = "raise --build"
    with console.step(wheel.name) as step, house.scratch() as work:
        done = repair(wheel, work / "wheel", providers, chosen, scratch=work)
        for note in done.notes:
            step.note(note)
        path = house.add(done.path, remedy=remedy)
    console.write(f"{path}\n")


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
