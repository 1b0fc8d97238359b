"""``commonwheel fetch``: bring the sources of a plan into the cache."""

import argparse
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_plan_options,
    add_source_options,
    address,
    load_recipes,
    make_console,
    make_plan,
    source_settings,
    targets,
)
from commonwheel.console import Console
from commonwheel.errors import UsageError
from commonwheel.files import replacing
from commonwheel.plan import LibraryJob, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRelease
from commonwheel.recipe.sources import Source, UrlSource
from commonwheel.source.fetch import fetch
from commonwheel.source.settings import SourceSettings
from commonwheel.text import counted

SUMMARY = "bring the sources of recipes, and of all that they need, into the cache, and print where"
DESCRIPTION = (
    "Bring the sources of recipes, and of all that they need, into the cache, and print where; or, "
    "with --published, the wheels of their libraries that an index has, for build --with."
)


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("fetch", help=SUMMARY, description=DESCRIPTION, parents=parents)
    add_plan_options(parser, several=True)
    add_source_options(parser)
    parser.add_argument(
        "--published",
        metavar="URL",
        type=address,
        help="fetch no sources, but the wheels of the plan's libraries that the index with this "
        "simple API has",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="with --published: where they are put"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fetch every source of the plan, and write the files' paths on standard output."""
    recipes = load_recipes(options)
    console, settings = make_console(options, os.environ), source_settings(options)
    if bool(options.published) != bool(options.output):
        raise UsageError("--published and --output go together", hint="name both, or none")
    plans = [make_plan(each, recipes) for each in targets(options)]
    if options.published:
        _fetch_published(options, plans, console, settings)
        return
    builds = {(job.build.name, job.build.version) for planned in plans for job in planned.jobs}
    wanted = [each for build in sorted(builds) for each in _sources(recipes, *build)]
    for title, name, sources in wanted:
        with in_use(settings.cache), console.step(title) as step:
            found = fetch(sources, settings, step, name=name)
            step.verdict = "in the cache" if found.from_cache else found.source.describe()
        console.write(f"{found.path}\n")


def _fetch_published(
    options: argparse.Namespace, plans: Sequence[Plan], console: Console, settings: SourceSettings
) -> None:
    # What reads pages of indexes: no other way of fetching pays for it.
    from commonwheel.index.mirror import upstream  # noqa: PLC0415
    from commonwheel.index.published import published  # noqa: PLC0415

    options.output.mkdir(parents=True, exist_ok=True)
    read = upstream(options.published, settings)
    found: dict[str, UrlSource] = {}
    for planned in plans:
        found |= published(planned, options.configuration.names, read)
    for name, source in found.items():
        with in_use(settings.cache), console.step(f"fetch {name}") as step:
            fetched = fetch([source], settings, step, name=name)
            with replacing(options.output / name) as part:
                shutil.copyfile(fetched.path, part)
        console.write(f"{options.output / name}\n")
    libraries = sum(isinstance(job, LibraryJob) for planned in plans for job in planned.jobs)
    console.note(f"{len(found)} of {counted(libraries, 'library wheel')} are published there")


def _sources(
    recipes: RecipeSet, name: str, version: str
) -> Iterator[tuple[str, str, Sequence[Source]]]:
    """(what it is, the recipe's name, where it is) of a release, and of its tests."""
    release = recipes[name].versions[version]
    yield f"{name} {version}", name, release.sources
    if isinstance(release, ConsumerRelease) and release.tests:
        yield f"tests of {name} {version}", name, release.tests
