"""Options that several subcommands share, and what they stand for."""

import argparse
import os
import platform
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from commonwheel import configuration
from commonwheel.configuration import Configuration
from commonwheel.console import Console, plain
from commonwheel.engine.host import HostEngine, libc_version
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import UsageError
from commonwheel.files import each_file, write_atomically
from commonwheel.plan import Job, Plan, plan
from commonwheel.recipe.load import FOLDER, RecipeSet, holds_recipes, load, shipped
from commonwheel.recipe.resolve import Platform
from commonwheel.source.settings import SourceSettings, settings_from_environment

if TYPE_CHECKING:
    from commonwheel.engine.protocol import Engine

# Options that commonwheel.toml has defaults of, and what counts where it says nothing, either.
DEFAULTS = {
    "python": running_version(),
    "wheelhouse": Path("wheelhouse"),
    "jobs": 0,
    "engine": "host",
    "image": "",
}
# Where containers are built for: what the host is, unless something else is asked for.
ARCHITECTURES = ("x86_64", "aarch64", "i686", "ppc64le", "s390x", "armv7l", "riscv64")
LIBCS = ("glibc", "musl")


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def address(text: str) -> str:
    """An address of the web, for argparse."""
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as https://example.org")
    return text


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


def add_plan_options(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Recipe names and ``--python``, beside the recipe options.

    Args:
        parser: of the subcommand.
        several: whether ``--arch`` and ``--libc`` may be lists.
    """
    parser.add_argument("names", metavar="RECIPE", nargs="+", help="what to build")
    parser.add_argument(
        "--python",
        metavar="X.Y[,X.Y]",
        help="versions of Python that consumer wheels are built for (default: the running one)",
    )
    add_engine_options(parser, several=several)
    add_recipe_options(parser)


def _listed(known: Sequence[str]) -> Callable[[str], str]:
    """An option's value with commas between, for argparse."""

    def check(text: str) -> str:
        for word in text.split(","):
            if word not in known:
                wanted = ", ".join(known)
                raise argparse.ArgumentTypeError(f"{word!r} is none of {wanted}")
        return text

    return check


def add_engine_options(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """``--engine``, ``--image``, and the platform to build for."""
    parser.add_argument(
        "--engine",
        choices=("auto", "docker", "podman", "host"),
        help="where to build: in containers of docker or podman, or on this host; auto takes the "
        "first of them that can be used (default: host)",
    )
    parser.add_argument(
        "--image",
        metavar="REF",
        help="image of the containers; stand-in is one that is made from Debian, where no registry "
        "can be reached (default: the recipe's, or manylinux_2_28 or musllinux_1_2)",
    )
    what = "architecture to build for, in containers (default: this machine's); another is emulated"
    for option, known, text in (
        ("arch", ARCHITECTURES, what),
        ("libc", LIBCS, "C library to build for, in containers (default: glibc)"),
    ):
        if several:
            parser.add_argument(
                f"--{option}",
                metavar=f"{option.upper()}[,{option.upper()}]",
                type=_listed(known),
                help=f"{text}; a list of {', '.join(known)}",
            )
        else:
            parser.add_argument(f"--{option}", choices=known, help=text)


def add_with_option(parser: argparse.ArgumentParser, dest: str, text: str) -> None:
    """``--with PATH``, which may be repeated.

    Args:
        parser: of the subcommand.
        dest: what the paths are to it.
        text: its help.
    """
    parser.add_argument(
        "--with",
        metavar="PATH",
        dest=dest,
        type=Path,
        action="append",
        default=[],
        help=f"{text}; may be repeated",
    )


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
    _settle_engine(options)


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


def wheels_of(paths: Sequence[Path]) -> Iterator[Path]:
    """Wheels, and the wheels in folders.

    Raises:
        UsageError: a path does not exist, or a folder holds no wheel.
    """
    return each_file(paths, (".whl",), "wheel")


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
    pythons = [version.strip() for version in options.python.split(",") if version.strip()]
    return plan(
        recipes,
        options.names,
        platform=target(options),
        pythons=pythons,
        names=options.configuration.names,
        consumers=consumers,
    )


def targets(options: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """The options for each platform, where ``--arch`` and ``--libc`` may be lists."""
    lists = [(getattr(options, name) or "").split(",") for name in ("arch", "libc")]
    for libc, arch in product(dict.fromkeys(lists[1]), dict.fromkeys(lists[0])):
        yield argparse.Namespace(**{**vars(options), "arch": arch or None, "libc": libc or None})


def target(options: argparse.Namespace) -> Platform:
    """The platform that the options ask for, by default this host's."""
    host_libc = libc_version().partition(" ")[0]
    # Containers of glibc images run on a host of either kind.
    own = Platform(arch=platform.machine(), libc=host_libc if options.engine == "host" else "glibc")
    wanted = Platform(arch=options.arch or own.arch, libc=options.libc or own.libc)
    if options.engine == "host" and wanted != own:
        raise UsageError(
            f"the engine 'host' builds for {own}, not {wanted}",
            hint="other platforms are built for in containers: --engine docker",
        )
    return wanted


def make_engine(options: argparse.Namespace, recipes: RecipeSet, console: Console) -> "Engine":
    """The engine that the options ask for; of ``auto``, which one it is and why is said."""
    # What is not used costs a warm run nothing.
    environ = environment(options)
    cache, jobs = cache_folder(environ), getattr(options, "jobs", 0)
    if options.engine == "host":
        if options.image:
            raise UsageError("--image is for containers", hint="add --engine docker or podman")
        return HostEngine(cache=cache, environ=environ, jobs=jobs)
    from commonwheel.engine.container import ContainerEngine  # noqa: PLC0415
    from commonwheel.engine.oci import Oci  # noqa: PLC0415
    from commonwheel.engine.shell import look  # noqa: PLC0415

    oci = Oci(name=options.engine, environ=environ)
    images = {n: e.recipe.image for n, e in recipes.loaded.items() if e.recipe.image is not None}
    return ContainerEngine(
        oci=oci,
        platform=target(options),
        cache=cache,
        environ=environ,
        images=images,
        reference=options.image or "",
        jobs=jobs,
        note=console.note,
        shell=look if getattr(options, "shell", False) else None,
    )


def _settle_engine(options: argparse.Namespace) -> None:
    """Put docker, podman or host in the place of ``auto``, and say which and why."""
    if getattr(options, "engine", None) != "auto":
        return
    from commonwheel.engine.oci import probe  # noqa: PLC0415

    console = make_console(options, os.environ)
    refusals: list[str] = []
    for answer in probe(environment(options)):
        if answer.usable:
            said = f" ({'; '.join(refusals)})" if refusals else ""
            console.note(f"engine: {answer.engine.name} {answer.engine.version}{said}")
            options.engine = answer.engine.name
            return
        refusals.append(answer.refusal)
    console.note(f"engine: host ({'; '.join(refusals)})")
    options.engine = "host"


def job_arguments(options: argparse.Namespace, job: Job, image: str) -> list[str]:
    """What ``commonwheel build`` is told to build one job of a plan as the options say.

    Args:
        options: with those of :func:`add_plan_options`.
        job: which.
        image: reference of its image; empty for the default, or where there is no container.
    """
    arguments = [*options.names, "--only", job.id, "--engine", options.engine]
    arguments += ["--python", options.python]
    for option in ("arch", "libc"):
        if value := getattr(options, option):
            arguments += [f"--{option}", value]
    arguments += ["--image", image] if image else []
    return [*arguments, *recipe_arguments(options)]


def recipe_arguments(options: argparse.Namespace) -> list[str]:
    """The options of :func:`add_recipe_options`, as they were given."""
    arguments = [word for each in options.overrides for word in ("--set", each)]
    arguments += [word for each in options.recipes for word in ("--recipes", str(each))]
    return [*arguments, *(["--config", str(options.config)] if options.config else [])]
