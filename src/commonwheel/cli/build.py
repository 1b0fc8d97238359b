"""``commonwheel build``: recipes → wheelhouse."""

import argparse
import os
from pathlib import Path
from typing import Any

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_plan_options,
    add_source_options,
    cache_folder,
    environment,
    load_recipes,
    make_console,
    make_plan,
    positive,
    source_settings,
)
from commonwheel.console import Console
from commonwheel.constraints import read_constraints
from commonwheel.engine.host import HostEngine
from commonwheel.pipeline import Pipeline, Report, Settings
from commonwheel.plan import ConsumerJob, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.render import failures_table, results_table
from commonwheel.wheelhouse import Wheelhouse

SUMMARY = "build library wheels and consumer wheels, repair and test them, fill the wheelhouse"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("build", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
    add_build_options(parser)
    parser.add_argument("--no-test", action="store_true", help="do not run the consumers' tests")
    parser.set_defaults(run=run)


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """How and where to build, for every command that may have to."""
    add_source_options(parser)
    parser.add_argument("--engine", choices=("host",), help="where to build (default: host)")
    parser.add_argument(
        "--wheelhouse",
        metavar="DIR",
        type=Path,
        help="output folder (default: wheelhouse)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="overwrite wheels of the same name with other bytes"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the folders of builds, to look at"
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive,
        metavar="N",
        help="how many compilations at once, over all builds (default: CPUs)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the plan, then say what came out, how to install it, and what failed.

    Returns:
        The exit code of the first failure.
    """
    recipes, console = load_recipes(options), make_console(options, os.environ)
    wheelhouse = Wheelhouse(root=options.wheelhouse, replace=options.replace)
    planned = make_plan(options, recipes)
    report = build(options, recipes, planned, wheelhouse, console, test=not options.no_test)
    if wheels := [each.wheel for each in report.results if isinstance(each.job, ConsumerJob)]:
        console.show(f"install: {wheelhouse.install_line(wheels)}")
    return say_failures(report, console)


def build(
    options: argparse.Namespace,
    recipes: RecipeSet,
    planned: Plan,
    wheelhouse: Wheelhouse,
    console: Console,
    *,
    test: bool,
) -> Report:
    """Run a plan as :func:`add_build_options` says, and show the wheels that came out."""
    environ = environment(options)
    cache = cache_folder(environ)
    pipeline = Pipeline(
        plan=planned,
        recipes=recipes,
        constraints=read_constraints(recipes.folders),
        engine=HostEngine(environments=cache / "envs", environ=environ, jobs=options.jobs),
        wheelhouse=wheelhouse,
        settings=Settings(
            cache=cache,
            sources=source_settings(options),
            environ=environ,
            names=options.configuration.names,
            test=test,
            keep=options.keep,
        ),
        console=console,
    )
    with in_use(cache):
        report = pipeline.run()
    console.show(results_table(report.results))
    return report


def say_failures(report: Report, console: Console) -> int:
    """Say what failed, each error whole; returns the exit code of the first one."""
    if report.failures:
        console.show(failures_table(report.failures))
    for error in report.errors:
        console.error(error)
    return report.errors[0].exit_code if report.errors else 0
