"""Options that several subcommands share, and what they stand for."""

import argparse
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from commonwheel.console import Console
from commonwheel.engine.host import libc_version
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import UsageError
from commonwheel.names import Names
from commonwheel.plan import Plan, plan
from commonwheel.recipe.load import RecipeSet, load
from commonwheel.recipe.resolve import Platform
from commonwheel.source.settings import SourceSettings, settings_from_environment

RECIPES = Path("recipes")
# The one place that says the prefix.
NAMES = Names()


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def verbosity_options() -> argparse.ArgumentParser:
    """``-v`` and ``-q``."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "-v",
        "--verbose",
        dest="verbosity",
        action="store_const",
        const="verbose",
        default="normal",
        help="show every line of every log",
    )
    group.add_argument(
        "-q",
        "--quiet",
        dest="verbosity",
        action="store_const",
        const="quiet",
        default="normal",
        help="show errors and results only",
    )
    return parser


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """``--recipes`` and ``--set``."""
    parser.add_argument(
        "--recipes",
        metavar="DIR",
        type=Path,
        action="append",
        help="a folder of more recipes, beside those in ./recipes; may be repeated",
    )
    parser.add_argument(
        "--set",
        metavar="RECIPE.KEY=VALUE",
        dest="overrides",
        action="append",
        default=[],
        help="override anything of a recipe: proj.version=9.1.1, tiff.build.options+=-Dx=ON",
    )


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Recipe names and ``--python``, beside the recipe options."""
    parser.add_argument("names", metavar="RECIPE", nargs="+", help="what to build")
    parser.add_argument(
        "--python",
        metavar="X.Y[,X.Y]",
        default=running_version(),
        help="versions of Python that consumer wheels are built for (default: the running one)",
    )
    add_recipe_options(parser)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """``--offline``."""
    parser.add_argument(
        "--offline", action="store_true", help="use only sources that are in the cache already"
    )


def make_console(options: argparse.Namespace, environ: Mapping[str, str]) -> Console:
    """The console of a run."""
    github = environ.get("GITHUB_ACTIONS") == "true"
    return Console(verbosity=options.verbosity, github=github)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """``COMMONWHEEL_CACHE``, or ``commonwheel`` below ``XDG_CACHE_HOME``."""
    if own := environ.get("COMMONWHEEL_CACHE"):
        return Path(own).absolute()
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "commonwheel"


def source_settings(options: argparse.Namespace) -> SourceSettings:
    """How sources are fetched in this run."""
    return settings_from_environment(os.environ, cache_folder(os.environ), options.offline)


def load_recipes(options: argparse.Namespace) -> RecipeSet:
    """The recipes that the options name."""
    own = [RECIPES] if RECIPES.is_dir() or not options.recipes else []
    folders = list(
        {folder.resolve(): folder for folder in [*own, *(options.recipes or [])]}.values()
    )
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                f"there is no recipe folder {folder}",
                hint="run this in a folder with recipes/, or name one with --recipes DIR",
            )
    return load(folders, options.overrides)


def make_plan(options: argparse.Namespace, recipes: RecipeSet) -> Plan:
    """The plan that the options ask for, on this host's platform."""
    machine = platform.machine()
    libc = libc_version().partition(" ")[0]
    pythons = [version.strip() for version in options.python.split(",") if version.strip()]
    return plan(
        recipes,
        options.names,
        platform=Platform(arch=machine, libc=libc),
        pythons=pythons,
        names=NAMES,
    )
