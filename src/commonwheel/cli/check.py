"""``commonwheel check``: hold wheels against the gates."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from commonwheel.abi.records import Records, read_records
from commonwheel.check.case import Tools
from commonwheel.check.company import providers_first
from commonwheel.check.expected import expectations
from commonwheel.check.finding import Report
from commonwheel.check.inspect import Inspected, inspect
from commonwheel.check.render import github, markdown, sarif, table
from commonwheel.check.report import as_json
from commonwheel.check.run import CheckOptions, check
from commonwheel.cli.common import (
    add_output_options,
    add_recipe_options,
    add_with_option,
    cache_folder,
    environment,
    load_recipes,
    make_console,
    show,
    wheels_of,
)
from commonwheel.errors import GateError
from commonwheel.names import Names
from commonwheel.recipe.load import RecipeSet
from commonwheel.repair.claimed import claimed_sonames
from commonwheel.text import counted

SUMMARY = "hold wheels against the gates: ours, and anybody's"
DESCRIPTION = (
    "Hold wheels against the gates: identity, closure, loading, hardening, portability, contents, "
    "leaks. Wheels that are named together are taken for one set, to be installed together."
)
RENDERINGS: Mapping[str, Callable[[Sequence[Report]], RenderableType]] = {
    "table": table,
    "json": as_json,
    "sarif": sarif,
    "github": github,
    "markdown": markdown,
}


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("check", help=SUMMARY, description=DESCRIPTION, parents=parents)
    parser.add_argument(
        "wheels", metavar="WHEEL", nargs="+", type=Path, help="a wheel, or a folder of wheels"
    )
    add_with_option(
        parser,
        "beside",
        "a wheel, or a folder of them, that is installed beside these or came before them: library "
        "wheels, earlier releases; it is not checked itself",
    )
    parser.add_argument(
        "--load",
        action="store_true",
        help="load each library and extension as well, which runs code of the wheels",
    )
    parser.add_argument(
        "--scan",
        action="store_true",
        help="look at the instructions of library wheels as well, which takes seconds to minutes",
    )
    parser.add_argument(
        "--no-types",
        dest="types",
        action="store_false",
        help="do not ask abidiff about the types of library wheels",
    )
    add_recipe_options(parser)
    add_output_options(parser, *RENDERINGS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Check each wheel, show what was found, and fail if a wheel does not pass."""
    console, names = make_console(options, os.environ), options.configuration.names
    recipes, cache = load_recipes(options), cache_folder(environment(options))
    chosen = CheckOptions(
        names=names,
        claimed=claimed_sonames(recipes),
        tools=Tools(
            load=options.load,
            scan=options.scan,
            types=options.types,
            cache=cache / "scans",
            environ=os.environ,
        ),
        expect=expectations(recipes, names),
        records=_recorded(recipes),
    )
    wheels = providers_first(list(wheels_of(options.wheels)))
    reports = list(check(wheels, chosen, beside=_beside(options.beside, wheels, names)))
    show(options, RENDERINGS[options.format](reports), console)
    failed = [report for report in reports if not report.passes]
    if failed:
        errors = sum(finding.fails for report in failed for finding in report.findings)
        raise GateError(
            f"{len(failed)} of {counted(len(reports), 'wheel')} did not pass: "
            f"{counted(errors, 'error')}",
            hint="what each gate asks for, why, and how to mend it: docs/reference/gates.md",
        )


def _recorded(recipes: RecipeSet) -> Callable[[Inspected], Records]:
    @cache
    def read(arch: str, libc: str) -> Records:
        return read_records(recipes.own_first, arch, libc)

    def records(wheel: Inspected) -> Records:
        return read(*wheel.platform)

    return records


def _beside(paths: Sequence[Path], wheels: Sequence[Path], names: Names) -> Iterator[Inspected]:
    checked = {wheel.resolve() for wheel in wheels}
    for path in wheels_of(paths):
        if path.resolve() not in checked:
            yield inspect(path, names)[0]
