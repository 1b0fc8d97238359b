"""``commonwheel prefix``: library wheels as one prefix to build something else against."""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from commonwheel.cli.build import add_build_options, build, say_failures
from commonwheel.cli.common import (
    add_engine_options,
    add_recipe_options,
    add_with_option,
    load_recipes,
    make_console,
    make_plan,
)
from commonwheel.console import Console
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import UsageError
from commonwheel.pipeline import Report
from commonwheel.plan import Job, LibraryJob
from commonwheel.prefix import check_target, select, write_prefix
from commonwheel.text import counted
from commonwheel.wheelhouse import Wheelhouse

SUMMARY = "make one prefix of library wheels, to build something else against them"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("prefix", help=SUMMARY, description=SUMMARY, parents=parents)
    parser.add_argument(
        "target",
        metavar="DIR",
        type=Path,
        help="the prefix: a new or empty folder, or an earlier prefix, which is replaced",
    )
    parser.add_argument(
        "names",
        metavar="LIBRARY",
        nargs="*",
        help="what it holds, beside all that these require; with --with the default is all that "
        "is given",
    )
    add_with_option(
        parser,
        "given",
        "a library wheel, or a folder of them; nothing is built then",
    )
    add_engine_options(parser)
    add_build_options(parser)
    add_recipe_options(parser)
    # A plan of libraries is the same for all.
    parser.set_defaults(run=run, python=running_version())


def run(options: argparse.Namespace) -> int:
    """Build or find the library wheels, write the prefix, and say how a shell uses it.

    Returns:
        The exit code of the first failure.
    """
    console, names = make_console(options, os.environ), options.configuration.names
    check_target(options.target)
    if options.given:
        wheels = select(options.given, options.names, names)
    else:
        report = _built(options, console)
        if report.failures:
            return say_failures(report, console)
        wheels = [each.wheel for each in report.results if _is_shipped(each.job)]
    snippet = write_prefix(wheels, options.target, names)
    console.note(f"{counted(len(wheels), 'library wheel')} in {options.target}; for a shell:")
    # Alone on standard output, for: eval "$(commonwheel prefix DIR proj)"
    console.write(f". {shlex.quote(str(snippet))}\n")
    return 0


def _built(options: argparse.Namespace, console: Console) -> Report:
    if not options.names:
        raise UsageError("no library is named", hint="for example: commonwheel prefix DIR proj")
    recipes = load_recipes(options)
    for name in options.names:
        recipes.library(name)
    planned = make_plan(options, recipes, consumers=False)
    house = Wheelhouse(root=options.wheelhouse, replace=options.replace)
    return build(options, recipes, planned, house, console, test=False)


def _is_shipped(job: Job) -> bool:
    return isinstance(job, LibraryJob) and job.shipped
