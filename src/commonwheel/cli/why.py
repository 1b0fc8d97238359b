"""``commonwheel why``: what would be built anew, and because of what."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from commonwheel.cache.store import Store
from commonwheel.cli.common import (
    add_output_options,
    add_plan_options,
    cache_folder,
    environment,
    load_recipes,
    make_console,
    make_engine,
    make_plan,
    show,
)
from commonwheel.constraints import read_constraints
from commonwheel.inputs import JobInputs
from commonwheel.plan import Plan
from commonwheel.render import why_json, why_tree
from commonwheel.why import Explanation, explain

SUMMARY = "explain what would be built anew: what changed since the results that are stored"
RENDERINGS: Mapping[str, Callable[[Plan, Sequence[Explanation]], RenderableType]] = {
    "tree": why_tree,
    "json": why_json,
}


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("why", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
    add_output_options(parser, *RENDERINGS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Compare, and say what differs."""
    environ = environment(options)
    recipes, cache = load_recipes(options), cache_folder(environ)
    console = make_console(options, environ)
    planned = make_plan(options, recipes)
    inputs = JobInputs(
        plan=planned,
        recipes=recipes,
        constraints=read_constraints(recipes.folders),
        engine=make_engine(options, recipes, console),
        names=options.configuration.names,
    )
    found = explain(inputs, Store(root=cache / "raw"), Store(root=cache / "wheels"))
    rendering = RENDERINGS[options.format](planned, found)
    show(options, rendering, console)
