"""``commonwheel recipe new``: a recipe written from a source."""

import argparse
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from commonwheel.cache.usage import in_use
from commonwheel.cli.common import (
    add_folder_option,
    cache_folder,
    command,
    environment,
    load_recipes,
    make_console,
    positive,
    source_settings,
)
from commonwheel.console import Console
from commonwheel.engine.host import HostEngine, libc_version
from commonwheel.recipe.resolve import Platform
from commonwheel.source.apt_config import MOVING, RELEASES

if TYPE_CHECKING:
    from commonwheel.author.new import NewRecipe

SUMMARY = "write a recipe from a source: what it says of itself, and what a trial build installs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", help="of the new recipe")
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="SOURCE",
        required=True,
        help="the source: debian:PACKAGE[=VERSION], pypi:PROJECT[==VERSION], a URL, or an "
        "archive's path; an sdist gives a consumer recipe",
    )
    parser.add_argument("--url", help="where others find the archive that --from names by its path")
    parser.add_argument(
        "--release",
        metavar="VERSION",
        help="upstream's version, where the archive's name is silent",
    )
    parser.add_argument(
        "--driver",
        choices=("autotools", "cmake", "configure", "make", "meson"),
        help="build system, where the source has several",
    )
    for name, key in (("option", "options"), ("target", "targets"), ("install", "install")):
        parser.add_argument(
            f"--{name}",
            dest=key,
            metavar=name.upper(),
            action="append",
            default=[],
            help=f"goes into a library's `build.{key}`; may be repeated (--{name}=…)",
        )
    parser.add_argument(
        "--trial",
        action=argparse.BooleanOptionalAction,
        help="build a library once, to see what it installs (default: where there is a compiler)",
    )
    parser.add_argument("-j", "--jobs", type=positive, metavar="N", help="parallel compilations")
    parser.add_argument("--stdout", action="store_true", help="print the recipe, write nothing")
    add_folder_option(parser)
    parser.set_defaults(run=run, offline=False)


def run(options: argparse.Namespace) -> None:
    """Fetch, look, try, and write the recipe into the last recipe folder."""
    console = make_console(options, os.environ)
    found = _draft(options, console)
    if options.stdout:
        console.write(found.text)
    else:
        found.write()
    for note in found.notes:
        console.show(f"note: {note}")
    for line in found.todos:
        console.show(f"look at {line}")
    for problem in found.problems:
        console.show(f"fill in {problem}")
    if not options.stdout:
        words = command("build", options.name, options=options)
        console.note(f"wrote {found.file}; when nothing is left to fill in: {words}")


def _draft(options: argparse.Namespace, console: Console) -> "NewRecipe":
    # A client for each kind of index, and all that builds: slow to import, and only here.
    from commonwheel.author.acquire import Acquired, Acquirer  # noqa: PLC0415
    from commonwheel.author.new import check_name, find_source, new  # noqa: PLC0415
    from commonwheel.author.trial import Installed, Workshop, build_trial  # noqa: PLC0415
    from commonwheel.pipeline import Settings  # noqa: PLC0415
    from commonwheel.recipe.load import RecipeSet  # noqa: PLC0415

    environ, recipes = environment(options), load_recipes(options)
    check_name(recipes, options.name)
    cache, sources = cache_folder(environ), source_settings(options)
    names = options.configuration.names
    work = cache / "work"
    work.mkdir(parents=True, exist_ok=True)
    with in_use(cache), tempfile.TemporaryDirectory(prefix="new-", dir=work) as scratch:

        def trial(drafted: RecipeSet, name: str, acquired: Acquired) -> Installed:
            libc = libc_version().partition(" ")[0]
            workshop = Workshop(
                engine=HostEngine(cache=cache, environ=environ, jobs=options.jobs),
                settings=Settings(cache=cache, sources=sources, environ=environ, names=names),
                platform=Platform(arch=platform.machine(), libc=libc),
                console=console,
                scratch=Path(scratch),
            )
            return build_trial(drafted, name, acquired, workshop)

        with console.step(f"fetch {options.origin}") as step:
            acquirer = Acquirer(
                settings=sources,
                progress=step,
                suites=(*RELEASES, *MOVING),
                scratch=Path(scratch),
            )
            origin = find_source(options.origin, acquirer, url=options.url, version=options.release)
            step.verdict = origin.acquired.source.describe()
        wanted = shutil.which("gcc") is not None if options.trial is None else options.trial
        return new(
            recipes,
            options.name,
            origin,
            acquirer=acquirer,
            build={key: getattr(options, key) for key in ("options", "targets", "install")},
            driver=options.driver,
            trial=trial if wanted else None,
        )
