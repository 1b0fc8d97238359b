"""``commonwheel lock``: a set of wheels, and what it needs, in one file to install from."""

import argparse
import os
from pathlib import Path
from typing import Any

from packaging.pylock import is_valid_pylock_path

from commonwheel.cli.common import (
    add_folder_option,
    add_output_options,
    cache_folder,
    environment,
    make_console,
    show,
    wheels_of,
)
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import UsageError
from commonwheel.lock import (
    as_constraints,
    as_requirements,
    as_toml,
    below,
    beside,
    lock,
    members,
)
from commonwheel.plan import PYTHON
from commonwheel.source.settings import settings_from_environment

SUMMARY = "lock a set of wheels with all that they need: pylock.toml, or files for pip"
DESCRIPTION = (
    "Lock the newest release of each distribution among these wheels, and what they need of the "
    "package index, so that a deployer pins one thing. pylock.toml (PEP 751) has the sha256 of "
    "every file; pip and uv install from it."
)
RENDERINGS = {
    "pylock": as_toml,
    "requirements": as_requirements,
    "constraints": as_constraints,
}


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("lock", help=SUMMARY, description=DESCRIPTION, parents=parents)
    parser.add_argument(
        "wheels",
        metavar="WHEEL",
        nargs="*",
        type=Path,
        help="a wheel, or a folder of wheels (default: the wheelhouse)",
    )
    parser.add_argument(
        "--python",
        metavar="X.Y",
        help="the oldest Python that the lock is for (default: the running one)",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        help="where the wheels are, or will be, published; without, the lock has their paths",
    )
    parser.add_argument(
        "-c",
        "--constraint",
        metavar="FILE",
        type=Path,
        help="constraints for the packages that come from the package index",
    )
    parser.add_argument("--wheelhouse", metavar="DIR", type=Path, help=argparse.SUPPRESS)
    add_folder_option(parser)
    add_output_options(parser, *RENDERINGS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Resolve, and write the lock."""
    python = options.python.split(",")[0] if options.python else running_version()
    if not PYTHON.fullmatch(python):
        raise UsageError(f"'{python}' is not a version of Python", hint="for example 3.13")
    output: Path | None = options.output
    if output and options.format == "pylock" and not is_valid_pylock_path(output):
        raise UsageError(
            f"{output.name}: installers know a lock by its name",
            hint="call it pylock.toml or pylock.NAME.toml",
        )
    if options.constraint and not options.constraint.is_file():
        raise UsageError(f"{options.constraint}: no such file")
    environ = environment(options)
    data = lock(
        members(list(wheels_of(options.wheels or [options.wheelhouse])), python),
        python=python,
        pip=settings_from_environment(environ, cache_folder(environ), offline=False).pip,
        environ=environ,
        place=below(options.url) if options.url else beside(output),
        constraints=options.constraint,
    )
    show(options, RENDERINGS[options.format](data), make_console(options, os.environ))
