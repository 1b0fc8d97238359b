"""``commonwheel.toml``: what a repository with recipes of its own sets once, for all its builds.

The JSON Schema and the reference page are generated from the models here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from commonwheel import toml
from commonwheel.errors import ConfigurationError, UsageError
from commonwheel.names import DEFAULT_PREFIX, PREFIX, Names
from commonwheel.recipe.fields import Model, Text, Texts, Url, as_list
from commonwheel.recipe.problems import problems
from commonwheel.source.settings import pip_settings

FILE = "commonwheel.toml"


def _quoted(value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    # TOML reads 3.10 as the number 3.1.
    if any(isinstance(each, int | float) for each in values):
        msg = 'a version stands in quotation marks: "3.12"'
        raise ValueError(msg)
    return values


def _is_minor(value: str) -> str:
    if not re.fullmatch(r"\d+\.\d+", value):
        msg = 'a version of Python is expected, such as "3.12"'
        raise ValueError(msg)
    return value


def _is_one_word(value: str) -> str:
    # Blanks part the values of pip's variables.
    if "://" in value and len(value.split()) > 1:
        msg = "an address has no blanks in it: write %20"
        raise ValueError(msg)
    return value


Version = Annotated[str, AfterValidator(_is_minor)]
Index = Annotated[Url, AfterValidator(_is_one_word)]
Link = Annotated[Text, AfterValidator(_is_one_word)]


class Defaults(Model):
    """Options of the command line that count where they are not given there."""

    python: Annotated[
        tuple[Version, ...],
        BeforeValidator(_quoted),
        Field(
            description="Versions of Python that consumer wheels are built for; by default the one "
            "that runs commonwheel."
        ),
    ] = ()
    wheelhouse: Annotated[
        Text | None,
        Field(description="Output folder; by default `wheelhouse` in the current folder."),
    ] = None
    jobs: Annotated[
        int | None,
        Field(ge=1, strict=True, description="Parallel compilations; by default one for each CPU."),
    ] = None
    engine: Annotated[
        Literal["auto", "docker", "podman", "host"],
        Field(
            description="Where to build: in containers of docker or podman, or on this host. "
            "`auto` takes the first of them that can be used."
        ),
    ] = "host"
    image: Annotated[
        Text | None,
        Field(
            description="Image of the containers; `stand-in` is one that is made from Debian. By "
            "default the recipe's, or else `manylinux_2_28` or `musllinux_1_2`."
        ),
    ] = None


class Indexes(Model):
    """Where build tools, sdists and the requirements of tests come from, beside pip's own settings.

    User names and passwords have no place in a file that is shared. They are taken from `~/.netrc`,
    or from an address in the environment's `PIP_INDEX_URL` or `PIP_EXTRA_INDEX_URL`.
    """

    url: Annotated[
        Index | None,
        Field(
            description="The package index, in place of the one in pip's configuration; "
            "`PIP_INDEX_URL` in the environment wins."
        ),
    ] = None
    extra_urls: Annotated[
        tuple[Index, ...],
        BeforeValidator(as_list),
        Field(description="Indexes that are asked as well."),
    ] = ()
    find_links: Annotated[
        tuple[Link, ...],
        BeforeValidator(as_list),
        Field(description="Folders, or addresses of pages, with wheels and sdists."),
    ] = ()


class ConfigurationFile(Model):
    """The keys of `commonwheel.toml`; paths are relative to the file's folder."""

    prefix: Annotated[
        str,
        Field(
            pattern=f"^{PREFIX}$",
            description="Owner of the wheels, in lower-case letters and digits: it begins the "
            "names of library wheels, and stands in their namespace, in SONAMEs and in local "
            "versions.",
        ),
    ] = DEFAULT_PREFIX
    recipes: Annotated[
        Texts | None,
        Field(description="Recipe folders; by default `recipes`, if there is such a folder."),
    ] = None
    defaults: Annotated[Defaults, Field(description="Options that are not given.")] = Defaults()
    indexes: Annotated[Indexes, Field(description="Where pip looks.")] = Indexes()


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What one ``commonwheel.toml`` says; with no file, what counts without one.

    Args:
        file: the file.
        written: its content.
        passed_over: other such files, which do not count.
    """

    file: Path | None = None
    written: ConfigurationFile = field(default_factory=ConfigurationFile)
    passed_over: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that paths in the file are relative to."""
        return self.file.parent if self.file else Path()

    @property
    def names(self) -> Names:
        """The names that follow from the prefix."""
        return Names(prefix=self.written.prefix)

    @property
    def recipes(self) -> list[Path] | None:
        """The recipe folders that the file names; None where it names none."""
        named = self.written.recipes
        return None if named is None else [self.folder / each for each in named]

    @property
    def options(self) -> dict[str, Any]:
        """Values for options of the command line, by their names there."""
        defaults = self.written.defaults
        values = {
            "python": ",".join(defaults.python) or None,
            "wheelhouse": self.folder / defaults.wheelhouse if defaults.wheelhouse else None,
            "jobs": defaults.jobs,
            "engine": defaults.engine,
            "image": defaults.image,
        }
        return {name: value for name, value in values.items() if value is not None}

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment with the indexes in it, as pip's own variables.

        pip lets a variable win over its files, so what those say is carried over.
        """
        indexes, known = self.written.indexes, pip_settings(environ)
        links = [_address(link, self.folder) for link in indexes.find_links]
        added = {
            "PIP_INDEX_URL": environ.get("PIP_INDEX_URL") or indexes.url or "",
            "PIP_EXTRA_INDEX_URL": _joined(known.extra_index_urls, indexes.extra_urls),
            "PIP_FIND_LINKS": _joined(known.find_links, links),
        }
        return {**environ, **{name: value for name, value in added.items() if value}}


def _joined(known: Sequence[str], more: Sequence[str]) -> str:
    # A variable is set only where there is something to add.
    return " ".join(dict.fromkeys([*known, *more])) if more else ""


def _address(link: str, folder: Path) -> str:
    # As an address a path may hold spaces, which part the values of pip's variables.
    return link if "://" in link else (folder / link).absolute().as_uri()


def find(named: Path | None, recipes: Sequence[Path]) -> Configuration:
    """Read the ``commonwheel.toml`` that counts.

    That is the named one, else the current folder's, else the one in or beside a folder of recipes
    that the command line names. Folders further up are not searched: a file there may be another
    user's, and this one says where packages are taken from.

    Args:
        named: by the command line.
        recipes: folders that the command line names.

    Raises:
        ConfigurationError: the file cannot be read or is wrong.
        UsageError: two files could be meant.
    """
    if named is not None:
        return read(named)
    beside = {file.resolve(): file for file in map(_beside, recipes) if file is not None}
    here = Path(FILE)
    if here.is_file():
        beside.pop(here.resolve(), None)
        return replace(read(here), passed_over=tuple(beside.values()))
    if len(beside) > 1:
        raise UsageError(
            f"which one counts: {' or '.join(map(str, beside.values()))}?",
            hint="name it with --config FILE",
        )
    return read(*beside.values()) if beside else Configuration()


def _beside(recipes: Path) -> Path | None:
    """The file in a recipe folder or, since that is where most stand, next to it."""
    own = recipes / FILE
    next_to = recipes.resolve().parent / FILE
    return next((file for file in (own, next_to) if file.is_file()), None)


def read(file: Path) -> Configuration:
    """Read one file.

    Raises:
        ConfigurationError: it cannot be read or is wrong, with every problem in it.
    """
    document = toml.read(file)
    try:
        written = ConfigurationFile.model_validate(document.value)
    except ValidationError as error:
        found = problems(error, ConfigurationFile, document.where, FILE)
        raise ConfigurationError("\n  ".join(found)) from None
    configuration = Configuration(file=file, written=written)
    for folder in configuration.recipes or ():
        if not folder.is_dir():
            where = document.where(["recipes"])
            raise ConfigurationError(f"there is no recipe folder {folder}", where=where)
    return configuration
