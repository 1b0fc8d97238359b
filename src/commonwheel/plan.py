"""Recipes + platform + Pythons + versions → frozen jobs, in topological order. Pure.

Two releases of one library may stand in a plan: the *built-against* release, whose headers a build
uses, and the *shipped* one, the newest of the line that every user admits. A consumer is tested
with both.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from commonwheel.errors import PlanError, UsageError
from commonwheel.names import Names
from commonwheel.recipe import resolve
from commonwheel.recipe.graph import closure, levels
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRecipe, LibraryRecipe, LibraryUse
from commonwheel.recipe.resolve import Platform
from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild, Provided

PYTHON = re.compile(r"[0-9]+\.[0-9]+")


@dataclass(frozen=True, kw_only=True)
class LibraryJob:
    """One release of one library to build."""

    id: str
    build: LibraryBuild
    needs: tuple[str, ...]
    shipped: bool


@dataclass(frozen=True, kw_only=True)
class ConsumerJob:
    """One release of one consumer to build for one Python.

    ``tested_with`` holds sets of library jobs: those with the oldest releases that the wheel
    accepts, then those with the newest.
    """

    id: str
    build: ConsumerBuild
    python: str
    needs: tuple[str, ...]
    tested_with: tuple[tuple[str, ...], ...]


Job = LibraryJob | ConsumerJob


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Jobs in levels: each needs only jobs of earlier levels."""

    requested: tuple[str, ...]
    platform: Platform
    levels: tuple[tuple[Job, ...], ...]

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs, providers before their users."""
        return tuple(job for level in self.levels for job in level)

    @cached_property
    def by_id(self) -> Mapping[str, Job]:
        """Jobs by their id."""
        return {job.id: job for job in self.jobs}

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {job.id: place for place, job in enumerate(self.jobs)}

    def library(self, job_id: str) -> LibraryJob:
        """The library job of that id."""
        job = self.by_id[job_id]
        assert isinstance(job, LibraryJob)
        return job

    def needed(self, job: Job) -> "Plan":
        """The part of the plan that is built before a job: what it needs, and what that needs."""
        wanted = set(self._needs(job))
        levels = (tuple(each for each in level if each.id in wanted) for level in self.levels)
        return replace(self, levels=tuple(filter(None, levels)))

    def only(self, job_id: str) -> "Plan":
        """The part of the plan that one job is built and tested with, and the job.

        Raises:
            UsageError: the plan has no such job.
        """
        if job_id not in self.by_id:
            raise UsageError(
                f"there is no job '{job_id}' in this plan", hint=f"jobs: {', '.join(self.by_id)}"
            )
        job = self.by_id[job_id]
        tests = job.tested_with if isinstance(job, ConsumerJob) else ()
        first = [*job.needs, *(each for providers in tests for each in providers)]
        wanted = {job_id, *closure(first, lambda each: self.by_id[each].needs)}
        levels = (tuple(each for each in level if each.id in wanted) for level in self.levels)
        return replace(self, levels=tuple(filter(None, levels)))

    def without(self, job_ids: Collection[str]) -> "Plan":
        """The part of the plan that is left where some jobs' wheels are there already."""
        levels = (tuple(each for each in level if each.id not in job_ids) for level in self.levels)
        return replace(self, levels=tuple(filter(None, levels)))

    def _needs(self, job: Job) -> list[str]:
        return closure(job.needs, lambda job_id: self.by_id[job_id].needs)

    def providers(self, job: Job) -> list[LibraryJob]:
        """The library jobs that a job's build sees: what it needs, and what that needs, in order.

        One release of each library: the newest that one of them is built against suits the others.
        """
        newest: dict[str, LibraryJob] = {}
        for job_id in self._needs(job):
            each = self.library(job_id)
            other = newest.setdefault(each.build.name, each)
            newest[each.build.name] = max(other, each, key=_release)
        return sorted(newest.values(), key=lambda each: self._places[each.id])


def _release(job: LibraryJob) -> Version:
    return Version(job.build.wheel_version)


@dataclass(frozen=True, kw_only=True)
class Use:
    """One recipe's use of a library, with who it is for messages."""

    user: str
    library: str
    use: LibraryUse

    def __str__(self) -> str:
        return f"{self.user} wants {self.library}{self.use.range or ' (any release)'}"


def plan(
    recipes: RecipeSet,
    requested: Sequence[str],
    *,
    platform: Platform,
    pythons: Sequence[str],
    names: Names,
    consumers: bool = True,
) -> Plan:
    """Jobs that build what is requested, what it requires, and the consumers that libraries list.

    Args:
        recipes: all recipes, with the releases chosen by ``--set``.
        requested: recipe names.
        platform: what is built for.
        pythons: versions (``3.11``) that consumer wheels are built for.
        names: the names that follow from the prefix.
        consumers: False leaves those out that libraries list.

    Raises:
        UsageError: nothing is requested, a name is unknown, or a Python is not of the form X.Y.
        PlanError: a cycle, ranges that clash, a Python that no consumer supports.
    """
    if not requested:
        raise UsageError("nothing is requested", hint=f"recipes: {', '.join(recipes.names)}")
    wanted = tuple(dict.fromkeys(requested))
    chosen = _Choice(recipes=recipes, requested=wanted, consumers=consumers)
    builder = _Builder(recipes=recipes, choice=chosen, platform=platform, names=names)
    jobs = builder.jobs(_checked(pythons))
    order = levels({job.id: job.needs for job in jobs.values()})
    return Plan(
        requested=wanted,
        platform=platform,
        levels=tuple(tuple(jobs[job_id] for job_id in level) for level in order),
    )


# The toolkit's part inside a build is written for it.
OLDEST_PYTHON = Version("3.10")


def _checked(pythons: Sequence[str]) -> list[str]:
    for python in pythons:
        if not PYTHON.fullmatch(python):
            raise UsageError(f"'{python}' is not a version of Python", hint="for example 3.13")
    if not pythons:
        raise UsageError("no version of Python is named", hint="for example --python 3.13")
    return sorted(set(pythons), key=Version)


@cache
def _admits(specifiers: str, python: str) -> bool:
    return SpecifierSet(specifiers).contains(python)


def uses_of(recipe: LibraryRecipe | ConsumerRecipe) -> Mapping[str, LibraryUse]:
    """The libraries that a recipe uses."""
    return recipe.uses if isinstance(recipe, ConsumerRecipe) else recipe.requires.libraries


class _Choice:
    """Which release of each library is shipped, and which one each user is built against."""

    def __init__(self, *, recipes: RecipeSet, requested: tuple[str, ...], consumers: bool) -> None:
        self.recipes = recipes
        listed = [
            name
            for each in requested
            if consumers and isinstance(recipe := recipes[each], LibraryRecipe)
            for name in recipe.consumers
            if self._can_use(name, recipe)
        ]
        wanted = list(dict.fromkeys([*requested, *listed]))
        self.members = closure(wanted, lambda name: uses_of(recipes[name]))
        levels({name: uses_of(recipes[name]) for name in self.members})
        self.users: dict[str, list[Use]] = {name: [] for name in self.members}
        for name in self.members:
            for library, use in uses_of(recipes[name]).items():
                self.users[library].append(Use(user=name, library=library, use=use))
        # By user and library, what the user's own recipe asks for.
        self.against: dict[tuple[str, str], str] = {}
        self.shipped = {
            name: self._ship(recipe)
            for name in self.members
            if isinstance(recipe := recipes[name], LibraryRecipe)
        }

    def _can_use(self, consumer: str, recipe: LibraryRecipe) -> bool:
        """Whether a listed consumer admits the release that ``--set`` asks for, if it does."""
        pinned = self.recipes.versions.get(recipe.name)
        use = uses_of(self.recipes[consumer]).get(recipe.name)
        return not (pinned and use) or pinned in resolve.admitted(recipe, use.range)

    def _ship(self, recipe: LibraryRecipe) -> str:
        users = self.users[recipe.name]
        pinned = self.recipes.versions.get(recipe.name)
        fits: Sequence[str] = [pinned] if pinned else resolve.admitted(recipe, "")
        for use in users:
            allowed = set(resolve.admitted(recipe, use.use.range))
            fits = [version for version in fits if version in allowed]
        if not fits:
            raise self._clash(recipe, users, pinned)
        newest = self._in_line(recipe, fits, users)[-1]
        for use in users:
            self.against[use.user, recipe.name] = self._built_against(recipe, use, newest)
        return newest

    @staticmethod
    def _in_line(recipe: LibraryRecipe, fits: Sequence[str], users: Iterable[Use]) -> Sequence[str]:
        """Those of the line that users name by the release that they are built against."""
        named = {resolve.series(recipe, u.use.build_against) for u in users if u.use.build_against}
        if not named:
            return fits
        return [version for version in fits if {resolve.series(recipe, version)} == named] or fits

    def _clash(self, recipe: LibraryRecipe, users: Iterable[Use], pinned: str | None) -> PlanError:
        sides = [str(use) for use in users]
        if pinned:
            sides.append(f"--set asks for {recipe.name} {pinned}")
        return PlanError(
            f"no release of {recipe.name} suits everybody: {'; '.join(sides)}",
            hint=f"the recipe lists {', '.join(recipe.versions)}; build the clashing recipes "
            "apart, or add a release",
        )

    def _built_against(self, recipe: LibraryRecipe, use: Use, shipped: str) -> str:
        """The release that a user's own recipe asks to be built against."""
        ours = resolve.series(recipe, shipped)
        against = use.use.build_against or next(
            version
            for version in resolve.admitted(recipe, use.use.range)
            if resolve.series(recipe, version) == ours
        )
        theirs = resolve.series(recipe, against)
        if ours != theirs:
            raise PlanError(
                f"two lines of {recipe.name} in one plan: {use.user} is built against {against} "
                f"({theirs}), and {shipped} ({ours}) would be shipped",
                hint=f"--set {recipe.name}.version=… chooses one of a line for this plan",
            )
        if resolve.sort_key(recipe, against) > resolve.sort_key(recipe, shipped):
            raise PlanError(
                f"{use.user} is built against {recipe.name} {against}, newer than {shipped}, which "
                "would be shipped",
                hint=f"raise the release with --set {recipe.name}.version={against}",
            )
        return against


class _Builder:
    """Turns the choice into jobs."""

    def __init__(
        self, *, recipes: RecipeSet, choice: _Choice, platform: Platform, names: Names
    ) -> None:
        self.recipes, self.choice = recipes, choice
        self.platform, self.names = platform, names
        self.found: dict[str, Job] = {}
        self.floors: dict[str, Mapping[str, str]] = {}

    def jobs(self, pythons: Sequence[str]) -> dict[str, Job]:
        for name, version in self.choice.shipped.items():
            self.library(name, version)
        for name in self.choice.members:
            if isinstance(recipe := self.recipes[name], ConsumerRecipe):
                self.consumer(recipe, self._suited(recipe, pythons))
        return self.found

    @staticmethod
    def _suited(recipe: ConsumerRecipe, pythons: Sequence[str]) -> list[str]:
        fits = [python for python in pythons if _admits(recipe.python, python)]
        if not fits:
            raise PlanError(
                f"{recipe.name} supports Python {recipe.python}, not {', '.join(pythons)}",
                hint="name one with --python",
            )
        if Version(fits[0]) < OLDEST_PYTHON:
            what = f"commonwheel builds for {OLDEST_PYTHON} and newer"
            raise PlanError(f"{recipe.name} for Python {fits[0]}: {what}")
        return fits

    def library(self, name: str, version: str) -> str:
        job_id = f"{name}-{version}"
        if job_id not in self.found:
            recipe = self.recipes.library(name)
            provided, needs = self._against(recipe)
            self.found[job_id] = LibraryJob(
                id=job_id,
                build=resolve.library(recipe, version, self.platform, provided, self.names),
                needs=needs,
                shipped=version == self.choice.shipped[name],
            )
        return job_id

    def consumer(self, recipe: ConsumerRecipe, pythons: Iterable[str]) -> None:
        version = self.recipes.versions.get(recipe.name) or resolve.admitted(recipe, "")[-1]
        provided, needs = self._against(recipe)
        build = resolve.consumer(recipe, version, provided, self.names)
        tested_with = self._tested_with(recipe)
        for python in pythons:
            job_id = f"{recipe.name}-{version}-cp{python.replace('.', '')}"
            self.found[job_id] = ConsumerJob(
                id=job_id, build=build, python=python, needs=needs, tested_with=tested_with
            )

    def _against(
        self, user: LibraryRecipe | ConsumerRecipe
    ) -> tuple[tuple[Provided, ...], tuple[str, ...]]:
        provided, needs = [], []
        floors = self._floors(user.name)
        for name in uses_of(user):
            provided.append(resolve.provided(self.recipes.library(name), floors[name], self.names))
            needs.append(self.library(name, floors[name]))
        return tuple(provided), tuple(needs)

    def _tested_with(self, recipe: ConsumerRecipe) -> tuple[tuple[str, ...], ...]:
        oldest = self._floors(recipe.name)
        newest = {name: self.choice.shipped[name] for name in oldest}
        sets = dict.fromkeys(
            tuple(self.library(name, version) for name, version in chosen.items())
            for chosen in (oldest, newest)
        )
        return tuple(sets)

    def _floors(self, user: str) -> Mapping[str, str]:
        """The oldest release of each library below a recipe that it and all between them accept.

        A wheel requires at least what it is built against, so nothing older can be installed with
        it, and nothing older is built against.
        """
        if user not in self.floors:
            uses = uses_of(self.recipes[user])
            floors = {name: self.choice.against[user, name] for name in uses}
            for between in uses:
                for name, version in self._floors(between).items():
                    newer = partial(resolve.sort_key, self.recipes[name])
                    floors[name] = max(floors.get(name, version), version, key=newer)
            self.floors[user] = floors
        return self.floors[user]
