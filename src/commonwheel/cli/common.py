"""Options that several subcommands share, and what they stand for."""

import argparse
import os
import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import RenderableType

from commonwheel import configuration
from commonwheel.configuration import Configuration
from commonwheel.console import Console, plain
from commonwheel.engine.host import libc_version
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import UsageError
from commonwheel.files import write_atomically
from commonwheel.plan import Plan, plan
from commonwheel.recipe.load import FOLDER, RecipeSet, holds_recipes, load, shipped
from commonwheel.recipe.resolve import Platform
from commonwheel.source.settings import SourceSettings, settings_from_environment

# Options that commonwheel.toml has defaults of, and what counts where it says nothing, either.
DEFAULTS = {
    "python": running_version(),
    "wheelhouse": Path("wheelhouse"),
    "jobs": 0,
    "engine": "host",
}


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


def add_folder_option(parser: argparse.ArgumentParser) -> None:
    """``--recipes`` and ``--config``."""
    parser.set_defaults(overrides=[])
    parser.add_argument(
        "--recipes",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="a folder of more recipes, beside the toolkit's own and those in ./recipes; "
        "may be repeated",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the commonwheel.toml that counts (default: the current folder's, else the one in or "
        "beside a folder that --recipes names)",
    )


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """``--recipes``, ``--config`` and ``--set``."""
    add_folder_option(parser)
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
        help="versions of Python that consumer wheels are built for (default: the running one)",
    )
    add_recipe_options(parser)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """``--offline``."""
    parser.add_argument(
        "--offline", action="store_true", help="use only sources that are in the cache already"
    )


def add_output_options(parser: argparse.ArgumentParser, *formats: str) -> None:
    """``--format`` and ``-o``; the first format is the default."""
    parser.add_argument("--format", choices=formats, default=formats[0])
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write there instead")


def show(options: argparse.Namespace, rendering: RenderableType, console: Console) -> None:
    """What a command with :func:`add_output_options` was asked for, where it was asked for."""
    if options.output is not None:
        text = rendering if isinstance(rendering, str) else plain(rendering)
        write_atomically(options.output, text)
    elif isinstance(rendering, str):
        console.write(rendering)
    else:
        console.write_table(rendering)


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


def configure(options: argparse.Namespace) -> None:
    """Read the ``commonwheel.toml`` that counts; options that are not given become what it says."""
    if not hasattr(options, "config"):
        return  # a command that reads no recipes
    found = configuration.find(options.config, options.recipes)
    options.configuration = found
    for name, value in {**DEFAULTS, **found.options}.items():
        if getattr(options, name, value) is None:
            setattr(options, name, value)


def environment(options: argparse.Namespace) -> dict[str, str]:
    """This process's environment, with the indexes that ``commonwheel.toml`` names."""
    found: Configuration = options.configuration
    return found.environment(os.environ)


def source_settings(options: argparse.Namespace) -> SourceSettings:
    """How sources are fetched in this run."""
    environ = environment(options)
    return settings_from_environment(environ, cache_folder(environ), options.offline)


def load_recipes(options: argparse.Namespace) -> RecipeSet:
    """The toolkit's recipes and the caller's."""
    found: Configuration = options.configuration
    base = shipped()
    folders = {folder.resolve(): folder for folder in _own_folders(found, options.recipes)}
    if base is not None:
        # In the toolkit's own repository it is one of these, and shown as such.
        base = folders.pop(base.resolve(), base)
    loaded = load(list(folders.values()), options.overrides, base=base)
    console = make_console(options, os.environ)
    for other in found.passed_over:
        console.note(f"{other} does not count: {found.file} does")
    for file in loaded.replacing:
        console.note(f"{file} takes the place of the toolkit's")
    if loaded.unfit:
        console.note(f"left out, since they do not fit: the toolkit's {', '.join(loaded.unfit)}")
    return loaded


def _own_folders(found: Configuration, named: Sequence[Path]) -> Iterator[Path]:
    here, beside = Path(FOLDER), found.folder / FOLDER
    # Of the current folder, its own commonwheel.toml decides; another one's may be far away.
    implied = [] if here.resolve() == beside.resolve() else [here]
    implied += [beside] if found.recipes is None else []
    # Nobody named these: they need not be there, and such a folder may hold something else.
    yield from filter(holds_recipes, implied)
    yield from found.recipes or ()
    for folder in named:
        if not folder.is_dir():
            raise UsageError(
                f"there is no recipe folder {folder}",
                hint="name one that has libraries/ or consumers/ in it",
            )
        yield folder


def command(*words: str, options: argparse.Namespace) -> str:
    """A command line to copy, with the recipe folders of this one."""
    folders = [word for folder in options.recipes or () for word in ("--recipes", str(folder))]
    return shlex.join(["commonwheel", *words, *folders])


def make_plan(options: argparse.Namespace, recipes: RecipeSet, *, consumers: bool = True) -> Plan:
    """The plan that the options ask for, on this host's platform.

    Args:
        options: with those of :func:`add_plan_options`.
        recipes: all recipes.
        consumers: False leaves those out that libraries list.
    """
    machine = platform.machine()
    libc = libc_version().partition(" ")[0]
    pythons = [version.strip() for version in options.python.split(",") if version.strip()]
    return plan(
        recipes,
        options.names,
        platform=Platform(arch=machine, libc=libc),
        pythons=pythons,
        names=options.configuration.names,
        consumers=consumers,
    )
