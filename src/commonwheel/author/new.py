"""A new recipe out of a source: what it says of itself, and what a trial build installs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from commonwheel.author import consumer, library
from commonwheel.author.acquire import Acquired, Acquirer
from commonwheel.author.buildfiles import BuildSystem, build_systems, survey
from commonwheel.author.folders import refuse_shipped
from commonwheel.author.known import Known
from commonwheel.author.licence import find_licence
from commonwheel.author.sdist import metadata
from commonwheel.author.trial import Installed
from commonwheel.author.versions import parsed, upstream_version
from commonwheel.errors import CommonwheelError, RecipeError, SourceError, UsageError
from commonwheel.files import write_atomically
from commonwheel.recipe.address import file_name, redacted
from commonwheel.recipe.fields import NAME, Url
from commonwheel.recipe.load import RecipeSet

# A trial: the recipes with the draft among them, the draft's name, its source.
Trial = Callable[[RecipeSet, str, Acquired], Installed]
SPEC = re.compile(r"(?P<index>debian|pypi):(?P<name>[^=]+)(?:={1,2}(?P<version>.+))?")
SUFFIX = re.compile(r"\.(?:tar(?:\.\w+)?|t[gbx]z\d?|zip)$")
VERSION = re.compile(r"(?:^|[-_])v?(?P<version>[0-9]+(?:[._][0-9]+)*(?:(?:a|b|rc)[0-9]+|[a-z])?)$")
SCHEMAS = {"libraries": "library", "consumers": "consumer"}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A source of a new recipe as it was acquired, with what its index says."""

    acquired: Acquired
    version: str
    homepage: str = ""


@dataclass(frozen=True, kw_only=True)
class NewRecipe:
    """A recipe that is not written yet.

    Args:
        file: where it belongs.
        text: of it.
        problems: what lint says of it: keys that only a person can fill in.
        notes: what became of the trial.
    """

    file: Path
    text: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def todos(self) -> list[str]:
        """What its author must look at, with the lines."""
        found: list[str] = []
        before = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            comment = line.strip().removeprefix("# ") if line.strip().startswith("# ") else ""
            if comment.startswith("TODO"):
                found.append(f"line {number}: {comment}")
            elif comment and before and found:
                found[-1] += f" {comment}"
            before = comment if comment.startswith("TODO") or before else ""
            before = before if comment else ""
        return found

    def write(self) -> None:
        """Write the file, whole or not at all.

        Raises:
            UsageError: there is one already.
        """
        if self.file.exists():
            raise UsageError(f"{self.file} exists already", hint="move it away first")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.file, self.text)


def check_name(recipes: RecipeSet, name: str) -> None:
    """Refuse a name that no recipe can have, or that one has; and the toolkit's own folder.

    Raises:
        UsageError: with the reason.
    """
    if not re.fullmatch(NAME, name):
        raise UsageError(
            f"'{name}' cannot be a recipe's name",
            hint="lower-case letters, digits, dots and dashes",
        )
    target = recipes.folders[-1]
    refuse_shipped(recipes, target, name)
    known = recipes.loaded.get(name)
    # One of the toolkit's may be taken the place of.
    if known is not None and (known.folder != recipes.base or target == recipes.base):
        raise UsageError(
            f"'{name}' has a recipe already: {known.file}",
            hint=f"a new release of it: commonwheel recipe bump {name} VERSION",
        )


def find_source(spec: str, acquirer: Acquirer, *, url: str | None, version: str | None) -> Origin:
    """Bring the source that ``spec`` names, from wherever it is.

    Args:
        spec: ``debian:PKG[=VERSION]``, ``pypi:NAME[==VERSION]``, a URL or a file.
        acquirer: that fetches.
        url: of a file, where others find it.
        version: upstream's, where the name of the file does not say it.

    Raises:
        UsageError: it is none of these, or a file without ``url``.
        SourceError: it cannot be had.
    """
    try:
        return _acquire(spec, acquirer, url=url, version=version)
    except SourceError as error:
        raise SourceError(error.what, where=f"--from {spec}", hint=error.hint) from None


def _acquire(spec: str, acquirer: Acquirer, *, url: str | None, version: str | None) -> Origin:
    if match := SPEC.fullmatch(spec):
        if match["index"] == "pypi":
            acquired = acquirer.pypi(match["name"], match["version"])
            return Origin(acquired=acquired, version=str(getattr(acquired.source, "version", "")))
        found = acquirer.debian(match["name"], match["version"])
        listed = upstream_version(found.release.upstream)
        return Origin(
            acquired=found.acquired, version=version or listed, homepage=found.release.homepage
        )
    if re.match(r"(?:https?|file)://", spec):
        _check_address("--from", spec)
        return Origin(acquired=acquirer.url(spec), version=version or _named_version(spec))
    if not Path(spec).is_file():
        raise UsageError(
            f"--from {spec}: neither a file here nor a source",
            hint="debian:PACKAGE[=VERSION], pypi:PROJECT[==VERSION], a URL, or an archive's path",
        )
    if url is None:
        raise UsageError(
            f"--from {spec}: a recipe says where others find this file",
            hint="name the address that serves it: --url URL",
        )
    _check_address("--url", url)
    return Origin(acquired=acquirer.local(Path(spec), url), version=version or _named_version(url))


def _check_address(option: str, text: str) -> None:
    try:
        TypeAdapter(Url).validate_python(text)
    except ValidationError:
        raise UsageError(
            f"{option} {redacted(text)}: a recipe cannot have this as an address",
            hint="for example https://example.org/foo-1.0.tar.gz; http:// and file:// will do",
        ) from None


def _named_version(address: str) -> str:
    match = VERSION.search(SUFFIX.sub("", file_name(address)))
    return match["version"].replace("_", ".") if match else ""


def new(
    recipes: RecipeSet,
    name: str,
    origin: Origin,
    *,
    acquirer: Acquirer,
    build: Mapping[str, Sequence[str]],
    driver: str | None = None,
    trial: Trial | None = None,
) -> NewRecipe:
    """A recipe for a source: of a consumer where it is an sdist, else of a library.

    Args:
        recipes: those that are there; the new one belongs to the last folder.
        name: of the new one; see :func:`check_name`.
        origin: the source.
        acquirer: that brought it.
        build: more of a library's ``build:``: options, targets, install.
        driver: how to build it, if not in the preferred way.
        trial: builds a library once; None: it is not tried.

    Raises:
        SourceError: nothing that the kit can build is in it.
        UsageError: it cannot be built with that driver.
    """
    tree = acquirer.unpacked(origin.acquired.path, origin.acquired.source.sha256)
    notes: tuple[str, ...] = ()
    if metadata(tree).get("name"):
        text = _consumer(recipes, name, origin, tree)
        file = recipes.folders[-1] / "consumers" / f"{name}.yaml"
    else:
        file = recipes.folders[-1] / "libraries" / f"{name}.yaml"
        text, notes = _library(recipes, file, origin, tree, build=build, driver=driver, trial=trial)
    try:
        recipes.with_draft(file, text)
        problems: tuple[str, ...] = ()
    except RecipeError as error:
        problems = error.problems
    return NewRecipe(file=file, text=text, problems=problems, notes=notes)


def _schema(recipes: RecipeSet, kind: str) -> str:
    """The JSON Schema for editors, where one lies beside the recipes."""
    name = f"{SCHEMAS[kind]}.schema.json"
    return f"../schema/{name}" if (recipes.folders[-1] / "schema" / name).is_file() else ""


def _consumer(recipes: RecipeSet, name: str, origin: Origin, tree: Path) -> str:
    return consumer.recipe(
        consumer.ConsumerFacts(
            name=name,
            acquired=origin.acquired,
            tree=tree,
            metadata=metadata(tree),
            uses=Known.of(recipes).uses(consumer.clues(tree)),
            licence=find_licence(tree),
            schema=_schema(recipes, "consumers"),
        )
    )


def _library(
    recipes: RecipeSet,
    file: Path,
    origin: Origin,
    tree: Path,
    *,
    build: Mapping[str, Sequence[str]],
    driver: str | None,
    trial: Trial | None,
) -> tuple[str, tuple[str, ...]]:
    name = file.stem
    systems = _systems(tree, driver)
    said = survey(tree, systems[0], name)
    version = origin.version or said.version
    if not version or parsed(version) is None:
        raise UsageError(
            f"the source's version is not known, or no PEP 440 version: '{version}'",
            hint="name it: --release VERSION",
        )
    facts = library.LibraryFacts(
        name=name,
        version=version,
        acquired=origin.acquired,
        homepage=origin.homepage,
        systems=systems,
        said=said,
        uses=Known.of(recipes).uses(said.clues),
        licence=find_licence(tree, systems[0].directory),
        installed=None,
        schema=_schema(recipes, "libraries"),
        build=build,
    )
    if trial is None:
        return library.recipe(facts), (
            "it was not tried: SONAMEs and products are for you to fill in",
        )
    try:
        drafted = recipes.with_draft(file, library.draft(facts))
        installed = trial(drafted, name, origin.acquired)
    except CommonwheelError as error:
        return library.recipe(facts), (f"the trial build failed: {error}",)
    return library.recipe(replace(facts, installed=installed)), ()


def _systems(tree: Path, driver: str | None) -> list[BuildSystem]:
    found = build_systems(tree)
    if not found:
        generated = [
            each
            for each in ("configure.ac", "configure.in", "autogen.sh")
            if (tree / each).is_file()
        ]
        raise SourceError(
            "no build files are in it that the kit knows",
            hint=f"{generated[0]} without configure: this is an export of the repository, and "
            "upstream's release tarball has it"
            if generated
            else "CMakeLists.txt, meson.build, configure or a makefile are looked for",
        )
    chosen = [each for each in found if driver in {None, each.driver}]
    if not chosen:
        ways = ", ".join(map(str, found))
        raise UsageError(
            f"it cannot be built with {driver}", hint=f"build files are there for {ways}"
        )
    return [chosen[0], *(each for each in found if each != chosen[0])]
