"""The newest listed release of each recipe beside the newest that its sources' indexes have."""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

from commonwheel.author.versions import newest, parsed, tag_version, upstream_version
from commonwheel.errors import CommonwheelError, SourceError
from commonwheel.recipe.address import redacted
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import Recipe
from commonwheel.recipe.resolve import sort_key
from commonwheel.recipe.sources import DebianSource, GitSource, PypiSource, Source
from commonwheel.source.debian import DebianListing, list_debian
from commonwheel.source.git import list_tags
from commonwheel.source.progress import Progress
from commonwheel.source.pypi import list_sdists
from commonwheel.source.settings import SourceSettings

Kind = Literal["debian", "pypi", "git", "none"]


@dataclass(frozen=True, kw_only=True)
class Status:
    """A recipe beside one index.

    Args:
        recipe: its name.
        listed: the newest release that it lists.
        kind: of the index; ``none`` where its sources are plain addresses, which list nothing.
        index: the source package, project or repository there.
        newest: the newest release there, pre-releases left out; None where it has none.
        places: newest release by Debian suite.
        outdated: whether ``newest`` is newer than ``listed``.
        problem: why the index could not be asked.
    """

    recipe: str
    listed: str
    kind: Kind
    index: str
    newest: str | None
    places: Mapping[str, str]
    outdated: bool
    problem: str

    @property
    def where(self) -> str:
        """The suites that have the newest release."""
        return ", ".join(suite for suite, text in self.places.items() if text == self.newest)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the indexes say of recipes, and Debian suites that could not be asked."""

    statuses: tuple[Status, ...]
    problems: tuple[str, ...]

    @property
    def outdated(self) -> list[Status]:
        """Those for which an index has something newer."""
        return [status for status in self.statuses if status.outdated]


def find_outdated(
    recipes: RecipeSet,
    names: Sequence[str],
    *,
    suites: Sequence[str],
    settings: SourceSettings,
    progress: Progress,
) -> Report:
    """Ask the index of every source of the named recipes.

    Raises:
        UsageError: there is no such recipe.
    """
    wanted = {name: recipes[name] for name in names}
    sources = {name: _indexes(recipe) for name, recipe in wanted.items()}
    asking = _Asking(suites=suites, settings=settings, progress=progress)
    asking.ask_debian(source for found in sources.values() for source in found)
    statuses = [
        status for name, found in sources.items() for status in asking.statuses(wanted[name], found)
    ]
    return Report(statuses=tuple(statuses), problems=tuple(asking.problems))


def _indexes(recipe: Recipe) -> list[Source]:
    """One source for each index that the recipe's releases come from."""
    found: dict[tuple[str, str], Source] = {}
    for release in recipe.versions.values():
        for source in release.sources:
            match source:
                case DebianSource():
                    found["debian", source.debian] = source
                case PypiSource():
                    found["pypi", source.pypi] = source
                case GitSource():
                    found["git", source.git] = source
    return list(found.values())


class _Asking:
    """Debian's indexes are asked once for all recipes, the others one by one."""

    def __init__(
        self, *, suites: Sequence[str], settings: SourceSettings, progress: Progress
    ) -> None:
        self.suites, self.settings, self.progress = suites, settings, progress
        self.listing = DebianListing(releases={}, problems={})
        self.debian_problem = ""
        self.problems: list[str] = []

    def ask_debian(self, sources: Iterable[Source]) -> None:
        wanted = sorted({each.debian for each in sources if isinstance(each, DebianSource)})
        if not wanted:
            return
        try:
            self.listing = list_debian(wanted, self.suites, self.settings, self.progress)
        except SourceError as error:
            self.debian_problem = error.what
        for suite, said in self.listing.problems.items():
            self.problems.append(f"Debian's {suite}: {said}")

    def statuses(self, recipe: Recipe, sources: Sequence[Source]) -> list[Status]:
        if not sources:
            return [_compared(recipe, "none", "", None)]
        return [self._status(recipe, source) for source in sources]

    def _status(self, recipe: Recipe, source: Source) -> Status:
        match source:
            case DebianSource():
                places = self._suites(source.debian)
                found = newest(places.values())
                problem = self.debian_problem
                return _compared(
                    recipe, "debian", source.debian, found, places=dict(places), problem=problem
                )
            case PypiSource():
                return self._asked(recipe, "pypi", source.pypi, self._sdists)
            case GitSource():
                return self._asked(recipe, "git", source.git, _tags)
            case _:
                raise TypeError(source)

    def _suites(self, package: str) -> dict[str, str]:
        found = {}
        for suite, releases in self.listing.releases.items():
            listed = [upstream_version(r.upstream) for r in releases if r.package == package]
            if (version := newest(listed)) is not None:
                found[suite] = version
        return found

    def _asked(
        self, recipe: Recipe, kind: Kind, index: str, ask: Callable[[str], Iterable[str]]
    ) -> Status:
        try:
            return _compared(recipe, kind, index, newest(ask(index)))
        except CommonwheelError as error:
            return _compared(recipe, kind, index, None, problem=error.what)

    def _sdists(self, project: str) -> list[str]:
        return [sdist.version for sdist in list_sdists(project, self.settings)]


def _tags(url: str) -> list[str]:
    return [version for tag in list_tags(url) if (version := tag_version(tag)) is not None]


def _listed(recipe: Recipe) -> tuple[str, Version]:
    version = max(recipe.versions, key=lambda each: sort_key(recipe, each))
    return version, sort_key(recipe, version)


def _compared(
    recipe: Recipe,
    kind: Kind,
    index: str,
    found: str | None,
    *,
    places: Mapping[str, str] = types.MappingProxyType({}),
    problem: str = "",
) -> Status:
    listed, key = _listed(recipe)
    theirs = parsed(found) if found else None
    return Status(
        recipe=recipe.name,
        listed=listed,
        kind=kind,
        index=redacted(index),
        newest=found,
        places=dict(places),
        outdated=theirs is not None and theirs > key,
        problem=problem,
    )
