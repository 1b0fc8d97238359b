"""``commonwheel fetch``: bring the sources of a plan into the cache."""

import argparse
import os
from collections.abc import Iterator, Sequence
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
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRelease
from commonwheel.recipe.sources import Source
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
    wanted = [each for build in sorted(builds) for each in _sources(recipes, *build)]
    for title, name, sources in wanted:
        with in_use(settings.cache), console.step(title) as step:
            found = fetch(sources, settings, step, name=name)
            step.verdict = "in the cache" if found.from_cache else found.source.describe()
        console.write(f"{found.path}\n")


def _sources(
    recipes: RecipeSet, name: str, version: str
) -> Iterator[tuple[str, str, Sequence[Source]]]:
    """(what it is, the recipe's name, where it is) of a release, and of its tests."""
    release = recipes[name].versions[version]
    yield f"{name} {version}", name, release.sources
    if isinstance(release, ConsumerRelease) and release.tests:
        yield f"tests of {name} {version}", name, release.tests
