"""``commonwheel build``: recipes → wheelhouse."""

import argparse
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
from commonwheel.constraints import read_constraints
from commonwheel.engine.host import HostEngine
from commonwheel.pipeline import Pipeline, Settings
from commonwheel.plan import ConsumerJob
from commonwheel.render import results_table
from commonwheel.wheelhouse import Wheelhouse

SUMMARY = "build library wheels and consumer wheels, repair and test them, fill the wheelhouse"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("build", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
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
    parser.add_argument("--no-test", action="store_true", help="do not run the consumers' tests")
    parser.add_argument(
        "--keep", action="store_true", help="keep the folders of builds, to look at"
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive,
        metavar="N",
        help="parallel compilations (default: CPUs)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the plan, then say what came out and how to install it."""
    environ = environment(options)
    recipes, console = load_recipes(options), make_console(options, environ)
    planned, cache = make_plan(options, recipes), cache_folder(environ)
    wheelhouse = Wheelhouse(root=options.wheelhouse, replace=options.replace)
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
            test=not options.no_test,
            keep=options.keep,
        ),
        console=console,
    )
    with in_use(cache):
        results = pipeline.run()
    console.show(results_table(results))
    if wheels := [each.wheel for each in results if isinstance(each.job, ConsumerJob)]:
        console.show(f"install: {wheelhouse.install_line(wheels)}")
