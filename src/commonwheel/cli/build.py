"""``commonwheel build``: recipes → wheelhouse."""

import argparse
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_plan_options,
    add_source_options,
    add_with_option,
    cache_folder,
    environment,
    job_arguments,
    load_recipes,
    make_console,
    make_engine,
    make_plan,
    positive,
    source_settings,
)
from commonwheel.console import Console
from commonwheel.constraints import read_constraints
from commonwheel.errors import UsageError
from commonwheel.pipeline import Pipeline, Report, Settings
from commonwheel.pipeline.given import given_wheels
from commonwheel.plan import ConsumerJob, Job, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.render import failures_table, results_table
from commonwheel.wheelhouse import Wheelhouse

# How the line of a log begins from which scripts/reproduce runs a job again.
REPRODUCTION = "commonwheel-job: "
SUMMARY = "build library wheels and consumer wheels, repair and test them, fill the wheelhouse"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("build", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
    add_build_options(parser)
    add_with_option(
        parser,
        "given",
        "a library wheel that is finished already, or a folder of them: what of the plan is there "
        "is not built",
    )
    parser.add_argument("--no-test", action="store_true", help="do not run the consumers' tests")
    parser.add_argument(
        "--only",
        metavar="JOB",
        help="of the plan, build this job and what it needs, nothing else",
    )
    parser.add_argument(
        "--anew",
        action="store_true",
        help="with --only: build and test the job although results of it are stored",
    )
    parser.add_argument(
        "--shell",
        action="store_true",
        help="with --only, in containers: where a step of the job fails, open a shell there",
    )
    parser.set_defaults(run=run)


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """How and where to build, for every command that may have to."""
    add_source_options(parser)
    parser.set_defaults(only=None, anew=False, shell=False, names=())
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
    if options.only:
        planned = planned.only(options.only)
    if options.anew and not options.only:
        raise UsageError("--anew is for one job", hint="add --only JOB")
    if options.shell and (options.engine == "host" or not options.only):
        raise UsageError(
            "--shell is for one job in a container",
            hint="add --only JOB --engine docker; on the host, --keep keeps the folders of builds",
        )
    given = given_wheels(planned, options.given, options.configuration.names)
    test = not options.no_test
    report = build(options, recipes, planned, wheelhouse, console, given=given, test=test)
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
    given: Mapping[str, Path] | None = None,
    test: bool,
) -> Report:
    """Run a plan as :func:`add_build_options` says, and show the wheels that came out."""
    environ = environment(options)
    cache = cache_folder(environ)
    pipeline = Pipeline(
        plan=planned,
        recipes=recipes,
        constraints=read_constraints(recipes.folders),
        engine=make_engine(options, recipes, console),
        wheelhouse=wheelhouse,
        settings=Settings(
            cache=cache,
            sources=source_settings(options),
            environ=environ,
            names=options.configuration.names,
            test=test,
            keep=options.keep,
            given=given or {},
            anew=frozenset([options.only] if options.anew else []),
            reproduction=partial(reproduction, options) if options.names else None,
        ),
        console=console,
    )
    with in_use(cache):
        report = pipeline.run()
    console.show(results_table(report.results))
    return report


def reproduction(options: argparse.Namespace, job: Job, image: str) -> str:
    """The line in the log of a job that ``scripts/reproduce`` reads.

    An image that comes from a registry is named with its digest.
    """
    arguments = job_arguments(options, job, image if "@" in image else options.image)
    return f"{REPRODUCTION}{json.dumps({'id': job.id, 'arguments': arguments})}"


def say_failures(report: Report, console: Console) -> int:
    """Say what failed, each error whole; returns the exit code of the first one."""
    if report.failures:
        console.show(failures_table(report.failures))
    for error in report.errors:
        console.error(error)
    return report.errors[0].exit_code if report.errors else 0
