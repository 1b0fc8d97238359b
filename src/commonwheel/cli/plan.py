"""``commonwheel plan``: what would be built, in which order."""

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

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
    wheels_of,
)
from commonwheel.console import Console
from commonwheel.engine.images import default_image
from commonwheel.errors import UsageError
from commonwheel.matrix import Settings, github_outputs, matrix
from commonwheel.pipeline.given import given_wheels
from commonwheel.plan import Job, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.resolve import Platform
from commonwheel.render import plan_dot, plan_json, plan_markdown, plan_table

if TYPE_CHECKING:
    from commonwheel.abi.consumers import Consumer
    from commonwheel.pipeline.changed import Changed

SUMMARY = "show what would be built, in which order"
Render: TypeAlias = Callable[[Plan, argparse.Namespace, "Changed | None"], RenderableType]
RENDERINGS: Mapping[str, Render] = {
    "table": lambda planned, _, part: plan_table(planned, part.reasons if part else None),
    "json": lambda planned, options, part: plan_json(
        planned, lambda job: job_arguments(options, job, options.image), part
    ),
    "dot": lambda planned, _, _part: plan_dot(planned),
    "markdown": lambda planned, _, part: plan_markdown(planned, part.reasons if part else None),
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
    parser.add_argument(
        "--changed",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="a wheel that is published, or a folder of them: only the jobs that have to run are "
        "shown, whose wheel is not there, or breaks with what is planned, or excludes it; may be "
        "repeated",
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
        show(options, _github(options, chosen, recipes, console), console)
        return
    if options.given:
        raise UsageError("--with is for --format github", hint="commonwheel build has one, too")
    if len(chosen) > 1 and options.format not in SEVERAL:
        raise UsageError(
            f"--format {options.format} shows the plan of one platform",
            hint=f"name one --arch and one --libc; several are for {', '.join(SEVERAL)}",
        )
    render = RENDERINGS[options.format]
    parts = []
    wheels = _published(options)
    for each in chosen:
        planned = make_plan(each, recipes)
        part = _changed(options, planned, recipes, wheels, console)
        parts.append(render(part.left if part else planned, each, part))
    shown = "".join(map(str, parts)) if isinstance(parts[0], str) else Group(*parts)
    show(options, shown, console)


def _published(options: argparse.Namespace) -> "list[Consumer]":
    if not options.changed:
        return []
    # No other plan pays for reading wheels.
    from commonwheel.abi.consumers import read_consumer  # noqa: PLC0415

    files: dict[Path, None] = {}
    for path in options.changed:
        # Before the first release, there is a folder with nothing in it.
        found = path.glob("*.whl") if path.is_dir() else wheels_of([path])
        files |= dict.fromkeys(sorted(found))
    return [read_consumer(path, options.configuration.names) for path in files]


def _changed(
    options: argparse.Namespace,
    planned: Plan,
    recipes: RecipeSet,
    wheels: "Sequence[Consumer]",
    console: Console,
) -> "Changed | None":
    """What of a plan has to run; None where all of it is asked for."""
    if not options.changed:
        return None
    from commonwheel.abi.records import read_records  # noqa: PLC0415
    from commonwheel.pipeline.changed import changed  # noqa: PLC0415

    records = read_records(recipes.own_first, planned.platform.arch, planned.platform.libc)
    part = changed(planned, wheels, recipes, records, options.configuration.names)
    for note in part.notes:
        console.note(note)
    if not part.reasons:
        console.note(f"nothing has to run for {planned.platform}: every wheel is there, and fits")
    return part


def _github(
    options: argparse.Namespace,
    chosen: list[argparse.Namespace],
    recipes: RecipeSet,
    console: Console,
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
    wheels = _published(options)
    for each in plans:
        if (part := _changed(options, each, recipes, wheels, console)) is not None:
            given[each.platform] |= part.given
    settings = Settings(
        artifact=options.artifact,
        names=names,
        image=image,
        arguments=arguments,
        check=recipe_arguments(options),
        given=given,
    )
    return github_outputs(matrix(plans, recipes, settings))
