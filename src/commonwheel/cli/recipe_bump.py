"""``commonwheel recipe bump``: a new upstream release in a recipe."""

import argparse
import os
import tempfile
from pathlib import Path

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_folder_option,
    command,
    load_recipes,
    make_console,
    source_settings,
)
from commonwheel.source.apt_config import MOVING, RELEASES

SUMMARY = "add a new upstream release to a recipe, with what its sources serve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="RECIPE", help="recipe that gets the release")
    parser.add_argument("version", metavar="VERSION", help="as upstream spells it")
    parser.add_argument(
        "--debian-suite",
        metavar="SUITE",
        action="append",
        help="look for `debian:` sources there only; may be repeated "
        f"(default: {', '.join((*RELEASES, *MOVING))})",
    )
    parser.add_argument(
        "--wheel-version",
        metavar="VERSION",
        help="version of the wheel, where upstream's is not a PEP 440 version",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the change, write nothing")
    add_folder_option(parser)
    parser.set_defaults(run=run, offline=False)


def run(options: argparse.Namespace) -> None:
    """Fetch, edit, lint, write, and show what changed."""
    # A client for each kind of index: slow to import, and only here.
    from commonwheel.author.acquire import Acquirer  # noqa: PLC0415
    from commonwheel.author.bump import bump  # noqa: PLC0415

    recipes, console = load_recipes(options), make_console(options, os.environ)
    recipe = recipes[options.name]
    settings = source_settings(options)
    with (
        in_use(settings.cache),
        tempfile.TemporaryDirectory(prefix="commonwheel-") as scratch,
        console.step(f"{recipe.name} {options.version}") as step,
    ):
        acquirer = Acquirer(
            settings=settings,
            progress=step,
            suites=tuple(options.debian_suite or (*RELEASES, *MOVING)),
            scratch=Path(scratch),
        )
        bumped = bump(
            recipes,
            options.name,
            options.version,
            acquirer=acquirer,
            wheel_version=options.wheel_version,
        )
    console.write(bumped.diff)
    if not options.dry_run:
        bumped.write()
    for note in bumped.notes:
        console.show(f"look at: {note}")
    if not options.dry_run:
        pin = f"{recipe.name}.version={options.version}"
        words = command("build", recipe.name, "--set", pin, options=options)
        console.note(f"{bumped.file} lists {options.version} now; try it: {words}")
