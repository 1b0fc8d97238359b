"""``commonwheel recipe outdated``: what the indexes of sources have that recipes do not list."""

import argparse
import os

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_folder_option,
    add_output_options,
    load_recipes,
    make_console,
    show,
    source_settings,
)
from commonwheel.errors import SourceError
from commonwheel.source.apt_config import MOVING, RELEASES

SUMMARY = "compare the releases that recipes list with those that their sources' indexes have"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("names", metavar="RECIPE", nargs="*", help="default: all of your own")
    add_output_options(parser, "table", "json")
    parser.add_argument(
        "--debian-suite",
        metavar="SUITE",
        action="append",
        help="ask these suites of Debian's; may be repeated "
        f"(default: {', '.join((*RELEASES, *MOVING))})",
    )
    parser.add_argument(
        "--exit-code", action="store_true", help="exit with 1 where something newer is there"
    )
    add_folder_option(parser)
    parser.set_defaults(run=run, offline=False)


def run(options: argparse.Namespace) -> int:
    """Ask every index, and say what it has.

    Raises:
        SourceError: an index could not be asked; what the others say is printed before.
    """
    # Clients of indexes: slow to import, and only here.
    from commonwheel.author.folders import own_names  # noqa: PLC0415
    from commonwheel.author.outdated import find_outdated  # noqa: PLC0415
    from commonwheel.author.render import outdated_json, outdated_table  # noqa: PLC0415

    recipes, console = load_recipes(options), make_console(options, os.environ)
    settings = source_settings(options)
    with in_use(settings.cache), console.step("ask the indexes") as step:
        report = find_outdated(
            recipes,
            options.names or own_names(recipes),
            suites=options.debian_suite or (*RELEASES, *MOVING),
            settings=settings,
            progress=step,
        )
    render = outdated_json if options.format == "json" else outdated_table
    show(options, render(report), console)
    for problem in report.problems:
        console.note(problem)
    if failed := [status for status in report.statuses if status.problem]:
        said = dict.fromkeys(f"- {status.kind}: {status.problem}" for status in failed)
        raise SourceError(
            "\n  ".join([f"{len(failed)} of these could not be compared:", *said]),
            hint="indexes are asked over the network: is there one, and may it be used?",
        )
    return 1 if options.exit_code and report.outdated else 0
