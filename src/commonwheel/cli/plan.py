"""``commonwheel plan``: what would be built, in which order."""

import argparse
import os
import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from commonwheel.cli.common import (
    add_output_options,
    add_plan_options,
    job_arguments,
    load_recipes,
    make_console,
    make_plan,
    recipe_arguments,
    show,
)
from commonwheel.engine.images import default_image
from commonwheel.errors import UsageError
from commonwheel.matrix import Words, github_outputs, matrix
from commonwheel.pipeline.given import given_wheels
from commonwheel.plan import Job, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.resolve import Platform
from commonwheel.render import plan_dot, plan_json, plan_markdown, plan_table

SUMMARY = "show what would be built, in which order"
RENDERINGS: Mapping[str, Callable[[Plan, argparse.Namespace], RenderableType]] = {
    "table": lambda planned, _: plan_table(planned),
    "json": lambda planned, options: plan_json(
        planned, lambda job: job_arguments(options, job, options.image)
    ),
    "dot": lambda planned, _: plan_dot(planned),
    "markdown": lambda planned, _: plan_markdown(planned),
}
GITHUB = "github"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("plan", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser, several=True)
    add_output_options(parser, *RENDERINGS, GITHUB)
    parser.add_argument(
        "--artifact",
        metavar="NAME",
        default="commonwheel",
        type=_artifact,
        help="for --format github: what the names of artifacts begin with (default: commonwheel)",
    )
    parser.add_argument(
        "--with",
        metavar="PATH",
        dest="given",
        type=Path,
        action="append",
        default=[],
        help="for --format github: library wheels that are finished already, or folders of them, "
        "which no cell is to build; may be repeated",
    )
    parser.set_defaults(run=run)


def _artifact(text: str) -> str:
    # In names of artifacts, and in patterns for them.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} has more in it than letters, digits, '.-_'")
    return text


def run(options: argparse.Namespace) -> None:
    """Render the plan."""
    recipes, console = load_recipes(options), make_console(options, os.environ)
    targets = list(_targets(options))
    if options.format == GITHUB:
        show(options, _github(options, targets, recipes), console)
        return
    if options.given:
        raise UsageError("--with is for --format github", hint="commonwheel build has one, too")
    if len(targets) > 1:
        raise UsageError(
            f"--format {options.format} shows the plan of one platform",
            hint="name one --arch and one --libc; --format github takes several",
        )
    show(options, RENDERINGS[options.format](make_plan(targets[0], recipes), targets[0]), console)


def _targets(options: argparse.Namespace) -> list[argparse.Namespace]:
    """The options for each platform."""
    lists = [(getattr(options, name) or "").split(",") for name in ("arch", "libc")]
    return [
        argparse.Namespace(**{**vars(options), "arch": arch or None, "libc": libc or None})
        for libc, arch in product(dict.fromkeys(lists[1]), dict.fromkeys(lists[0]))
    ]


def _github(
    options: argparse.Namespace, targets: list[argparse.Namespace], recipes: RecipeSet
) -> str:
    if options.engine == "host" and options.image:
        raise UsageError("--image is for containers", hint="add --engine docker or podman")
    plans = [make_plan(target, recipes) for target in targets]
    by_platform = {planned.platform: target for planned, target in zip(plans, targets, strict=True)}

    def image(name: str | None, platform: Platform) -> str:
        if options.engine == "host":
            return ""
        own = recipes[name].image if name else None
        return options.image or own or default_image(platform)

    def arguments(platform: Platform, job: Job) -> list[str]:
        return job_arguments(by_platform[platform], job, options.image)

    names = options.configuration.names
    given = {each.platform: set(given_wheels(each, options.given, names)) for each in plans}
    words = Words(
        artifact=options.artifact,
        names=names,
        image=image,
        arguments=arguments,
        check=recipe_arguments(options),
        given=given,
    )
    return github_outputs(matrix(plans, recipes, words))
