"""A plan as matrices of GitHub Actions: a cell for each job, in levels, and a check per Python.

What ``.github/workflows/build-wheels.yml`` reads; the names of keys stand in its expressions.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest

from packaging.version import Version

from commonwheel.engine.images import POLICIES, identifier
from commonwheel.errors import PlanError
from commonwheel.names import Names
from commonwheel.plan import ConsumerJob, Job, LibraryJob, Plan
from commonwheel.recipe.graph import closure
from commonwheel.recipe.graph import levels as levels_of
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRecipe
from commonwheel.recipe.resolve import Platform
from commonwheel.recipe.resolved import to_json
from commonwheel.wheel.name import escape_name, escape_version

# A workflow cannot make jobs in a loop: build-wheels.yml spells them out, one for each level.
MAX_LEVELS = 8
# GitHub's own limit on the jobs of one matrix.
MAX_CELLS = 256
# Library wheels, which are for every Python, are tried with one where there is no consumer.
ANY_PYTHON = "3.13"
# Of GitHub's own, with their own architecture: a build under emulation takes hours.
RUNNERS = {"x86_64": "ubuntu-24.04", "aarch64": "ubuntu-24.04-arm"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One job of a plan on a runner of its own.

    Attributes:
        id: unique in the whole run, and good for the name of an artifact.
        recipes: what was requested, with blanks between.
        job: the job's id in its plan.
        identifier: cibuildwheel's name of the build; ``py3-…`` of a library.
        runner: label of the runner.
        image: reference of the container image; empty where there is no container.
        platform: which other cells' wheels go together with this one's.
        artifact: name of the artifact with the wheel.
        wheels: pattern of the wheel's file name.
        providers: patterns of the wheels of earlier levels that it needs, one on each line.
        arguments: of ``commonwheel build``, one on each line.
    """

    id: str
    recipes: str
    job: str
    identifier: str
    runner: str
    image: str
    platform: str
    artifact: str
    wheels: str
    providers: str
    arguments: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """The check of all wheels of one platform, installed for one Python.

    Attributes:
        id: unique in the whole run.
        runner: label of the runner.
        platform: whose wheels; what their artifacts' names end with.
        libc: ``glibc`` wheels run on the runner itself, ``musl`` ones in the image.
        image: reference of a container image for the platform.
        python: version, ``3.13``.
        tag: of its interpreter, ``cp313``.
        modules: what is imported once all is installed, with blanks between.
        arguments: of ``commonwheel check``, one on each line.
    """

    id: str
    runner: str
    platform: str
    libc: str
    image: str
    python: str
    tag: str
    modules: str
    arguments: str


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """All cells: each needs wheels of earlier levels only."""

    levels: tuple[tuple[Cell, ...], ...]
    checks: tuple[Check, ...]

    @property
    def count(self) -> int:
        """How many wheels there will be."""
        return sum(map(len, self.levels))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What of a matrix plans do not say.

    Attributes:
        artifact: what the names of artifacts begin with.
        names: the names that follow from the prefix.
        image: (recipe or None, platform) → reference of the image; empty where there is none.
        arguments: (platform, job) → arguments of ``commonwheel build``.
        check: arguments of ``commonwheel check``.
        given: by platform, ids of the jobs whose wheels are there already.
    """

    artifact: str
    names: Names
    image: Callable[[str | None, Platform], str]
    arguments: Callable[[Platform, Job], Sequence[str]]
    check: Sequence[str] = ()
    given: Mapping[Platform, Collection[str]] = field(default_factory=dict)


def matrix(plans: Sequence[Plan], recipes: RecipeSet, settings: Settings) -> Matrix:
    """The cells of plans that are alike but for their platforms.

    Raises:
        PlanError: nothing is planned, a platform has no runner, or it is more than the workflow or
            GitHub can do.
    """
    stacks = [
        [[_cell(plan, job, settings) for job in level] for level in _levels(plan, settings)]
        for plan in plans
    ]
    levels = tuple(tuple(chain(*level)) for level in zip_longest(*stacks, fillvalue=()))
    _admit(levels)
    checks = (check for plan in plans for check in _checks(plan, recipes, settings))
    return Matrix(levels=levels, checks=tuple(checks))


def _levels(plan: Plan, settings: Settings) -> list[list[Job]]:
    """What is to be built, so that each finds the wheels that it is tested with, too, made."""
    given = settings.given.get(plan.platform, ())
    order = levels_of(
        {
            job.id: [each for each in _direct(job) if each not in given]
            for job in plan.jobs
            if job.id not in given
        }
    )
    return [[plan.by_id[job_id] for job_id in level] for level in order]


def _admit(levels: Sequence[Sequence[Cell]]) -> None:
    if not levels:
        raise PlanError("nothing is left to build: every wheel is there already")
    if len(levels) > MAX_LEVELS:
        raise PlanError(
            f"the plan has {len(levels)} levels, and the workflow has {MAX_LEVELS}",
            hint="publish the libraries below in a run of their own, and let this one take them "
            "(the workflow's input published, or --with)",
        )
    if (widest := max(map(len, levels))) > MAX_CELLS:
        raise PlanError(
            f"a level has {widest} jobs, and GitHub allows {MAX_CELLS} in one matrix",
            hint="split the recipes, Pythons or architectures over several calls",
        )


def _cell(plan: Plan, job: Job, settings: Settings) -> Cell:
    platform = plan.platform
    label = _label(platform)
    return Cell(
        id=f"{job.id}-{label}",
        recipes=" ".join(plan.requested),
        job=job.id,
        identifier=_identifier(platform, job),
        runner=_runner(platform),
        image=settings.image(job.build.name, platform),
        platform=label,
        artifact=f"{settings.artifact}-wheels-{job.id}-{label}",
        wheels=_pattern(job, settings.names),
        providers="\n".join(_pattern(each, settings.names) for each in _below(plan, job)),
        arguments="\n".join(settings.arguments(platform, job)),
    )


def _below(plan: Plan, job: Job) -> list[Job]:
    """The library jobs that a job is built or tested with, and what those need."""
    below = closure(_direct(job), lambda each: plan.by_id[each].needs)
    return [plan.by_id[each] for each in below]


def _direct(job: Job) -> list[str]:
    tested = chain(*job.tested_with) if isinstance(job, ConsumerJob) else ()
    return list(dict.fromkeys([*job.needs, *tested]))


def _label(platform: Platform) -> str:
    """``manylinux_x86_64``."""
    return f"{POLICIES[platform.libc].partition('_')[0]}_{platform.arch}"


def _runner(platform: Platform) -> str:
    if platform.arch not in RUNNERS:
        raise PlanError(
            f"there is no runner with the architecture {platform.arch}",
            hint=f"--arch is of {', '.join(RUNNERS)}",
        )
    return RUNNERS[platform.arch]


def _identifier(platform: Platform, job: Job) -> str:
    python = job.python if isinstance(job, ConsumerJob) else None
    return identifier(platform, python) if python else f"py3-{_label(platform)}"


def _pattern(job: Job, names: Names) -> str:
    """What of its name is known before the build, which gives it its platform tag."""
    version = escape_version(job.build.wheel_version)
    if isinstance(job, LibraryJob):
        return f"{escape_name(names.distribution(job.build.line))}-{version}-py3-none-*.whl"
    # A recipe need not be named as its sdist is, nor is a wheel for the stable ABI of the Python
    # that built it. Beside this wheel there are library wheels alone.
    return f"*-{version}-cp3*.whl"


def _checks(plan: Plan, recipes: RecipeSet, settings: Settings) -> list[Check]:
    platform = plan.platform
    label, image = _label(platform), settings.image(None, platform)
    pythons = {job.python for job in plan.jobs if isinstance(job, ConsumerJob)}
    ordered = sorted(pythons, key=Version) or [ANY_PYTHON]
    return [
        Check(
            id=f"cp{python.replace('.', '')}-{label}",
            runner=_runner(platform),
            platform=label,
            libc=platform.libc,
            image=image,
            python=python,
            tag=f"cp{python.replace('.', '')}",
            modules=" ".join(_modules(plan, python, recipes, settings)),
            arguments="\n".join(settings.check),
        )
        for python in ordered
    ]


def _modules(plan: Plan, python: str, recipes: RecipeSet, settings: Settings) -> list[str]:
    found: dict[str, None] = {}
    given = settings.given.get(plan.platform, ())
    for job in plan.jobs:
        recipe = recipes[job.build.name]
        if isinstance(job, LibraryJob):
            found[settings.names.module(job.build.line)] = None
        # The libraries' wheels that are there come along, those of packages do not.
        elif job.id not in given and isinstance(recipe, ConsumerRecipe) and job.python == python:
            found |= dict.fromkeys(recipe.test.imports)
    return list(found)


def github_outputs(made: Matrix) -> str:
    """Lines for ``$GITHUB_OUTPUT``: ``level-0=[…]`` and so on, ``checks=[…]``, ``count=3``."""
    empty = ((),) * (MAX_LEVELS - len(made.levels))
    lines = {f"level-{number}": level for number, level in enumerate((*made.levels, *empty))}
    values: Mapping[str, Sequence[Cell | Check]] = {**lines, "checks": made.checks}
    outputs = {key: json.dumps([to_json(each) for each in value]) for key, value in values.items()}
    return "".join(f"{key}={value}\n" for key, value in {**outputs, "count": made.count}.items())
