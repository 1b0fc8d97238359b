"""``commonwheel plan``: what would be built, in which order."""

import argparse
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Group, RenderableType

from commonwheel.cli.common import (
    add_output_options,
    add_plan_options,
    add_with_option,
    job_arguments,
    load_recipes,
    make_console,
    make_plan,
    recipe_arguments,
    show,
    targets,
)
from commonwheel.engine.images import default_image
from commonwheel.errors import UsageError
from commonwheel.matrix import Settings, github_outputs, matrix
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
SEVERAL = ("table", "markdown", GITHUB)


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
    add_with_option(
        parser,
        "given",
        "for --format github: a library wheel that is finished already, or a folder of them; what "
        "is there gets no cell",
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
    chosen = list(targets(options))
    if options.format == GITHUB:
        show(options, _github(options, chosen, recipes), console)
        return
    if options.given:
        raise UsageError("--with is for --format github", hint="commonwheel build has one, too")
    if len(chosen) > 1 and options.format not in SEVERAL:
        raise UsageError(
            f"--format {options.format} shows the plan of one platform",
            hint=f"name one --arch and one --libc; several are for {', '.join(SEVERAL)}",
        )
    render = RENDERINGS[options.format]
    parts = [render(make_plan(each, recipes), each) for each in chosen]
    shown = "".join(map(str, parts)) if isinstance(parts[0], str) else Group(*parts)
    show(options, shown, console)


def _github(
    options: argparse.Namespace, chosen: list[argparse.Namespace], recipes: RecipeSet
) -> str:
    if options.engine == "host" and options.image:
        raise UsageError("--image is for containers", hint="add --engine docker or podman")
    plans = [make_plan(target, recipes) for target in chosen]
    by_platform = {planned.platform: target for planned, target in zip(plans, chosen, strict=True)}

    def image(name: str | None, platform: Platform) -> str:
        if options.engine == "host":
            return ""
        own = recipes[name].image if name else None
        return options.image or own or default_image(platform)

    def arguments(platform: Platform, job: Job) -> list[str]:
        return job_arguments(by_platform[platform], job, options.image)

    names = options.configuration.names
    given = {each.platform: set(given_wheels(each, options.given, names)) for each in plans}
    settings = Settings(
        artifact=options.artifact,
        names=names,
        image=image,
        arguments=arguments,
        check=recipe_arguments(options),
        given=given,
    )
    return github_outputs(matrix(plans, recipes, settings))
