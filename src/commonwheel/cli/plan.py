"""``commonwheel plan``: what would be built, in which order."""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import RenderableType

from commonwheel.cli.common import (
    add_output_options,
    add_plan_options,
    job_arguments,
    load_recipes,
    make_console,
    make_plan,
    show,
)
from commonwheel.plan import Plan
from commonwheel.render import plan_dot, plan_json, plan_table

SUMMARY = "show what would be built, in which order"
RENDERINGS: Mapping[str, Callable[[Plan, argparse.Namespace], RenderableType]] = {
    "table": lambda planned, _: plan_table(planned),
    "json": lambda planned, options: plan_json(
        planned, lambda job: job_arguments(options, job, options.image)
    ),
    "dot": lambda planned, _: plan_dot(planned),
}


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("plan", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
    add_output_options(parser, *RENDERINGS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the plan."""
    planned = make_plan(options, load_recipes(options))
    rendering = RENDERINGS[options.format](planned, options)
    show(options, rendering, make_console(options, os.environ))
