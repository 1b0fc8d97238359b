"""``commonwheel plan``: what would be built, in which order."""

import argparse
from pathlib import Path
from typing import Any

from commonwheel.cli.common import add_plan_options, load_recipes, make_console, make_plan
from commonwheel.console import plain
from commonwheel.files import write_atomically
from commonwheel.render import plan_dot, plan_json, plan_table

SUMMARY = "show what would be built, in which order"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("plan", help=SUMMARY, description=SUMMARY, parents=parents)
    add_plan_options(parser)
    parser.add_argument("--format", choices=("table", "json", "dot"), default="table")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write there instead")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Render the plan."""
    planned = make_plan(options, load_recipes(options))
    if options.format == "table" and options.output is None:
        make_console(options, {}).write_table(plan_table(planned))
        return
    render = {"json": plan_json, "dot": plan_dot, "table": _plain_table}[options.format]
    text = render(planned)
    if options.output is None:
        make_console(options, {}).write(text)
    else:
        write_atomically(options.output, text)


def _plain_table(planned: Any) -> str:
    return plain(plan_table(planned))
