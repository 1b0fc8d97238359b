"""``commonwheel fetch``: bring the sources of a plan into the cache."""

import argparse
import os
from typing import Any

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_plan_options,
    add_source_options,
    load_recipes,
    make_console,
    make_plan,
    source_settings,
)
from commonwheel.source.fetch import fetch

SUMMARY = "bring the sources of recipes, and of all that they need, into the cache, and print where"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("fetch", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
    add_source_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fetch every source of the plan, and write the files' paths on standard output."""
    recipes = load_recipes(options)
    console, settings = make_console(options, os.environ), source_settings(options)
    builds = {(job.build.name, job.build.version) for job in make_plan(options, recipes).jobs}
    for name, version in sorted(builds):
        with in_use(settings.cache), console.step(f"{name} {version}") as step:
            found = fetch(recipes[name].versions[version].sources, settings, step, name=name)
            step.verdict = "in the cache" if found.from_cache else found.source.describe()
        console.write(f"{found.path}\n")
