"""The part of a plan that has to run, given the wheels that are there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from commonwheel.abi.consumers import Consumer
from commonwheel.abi.history import History, history
from commonwheel.abi.impact import beside, judge
from commonwheel.abi.records import Records
from commonwheel.abi.snapshot import Snapshot
from commonwheel.names import Names
from commonwheel.pipeline.given import is_for
from commonwheel.plan import ConsumerJob, Job, LibraryJob, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRecipe
from commonwheel.recipe.sources import PypiSource

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What of a plan has to run.

    Args:
        plan: the whole plan.
        reasons: by job that has to run, why.
        notes: what is not known.
    """

    plan: Plan
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @cached_property
    def given(self) -> frozenset[str]:
        """The jobs whose wheels are there, and will do."""
        return frozenset(self.plan.by_id) - self.reasons.keys()

    @property
    def left(self) -> Plan:
        """The jobs that have to run."""
        return self.plan.without(self.given)


def changed(
    plan: Plan, wheels: Sequence[Consumer], recipes: RecipeSet, records: Records, names: Names
) -> Changed:
    """The jobs whose wheels are not there, and those whose wheels do not fit what is planned.

    Args:
        plan: what there should be.
        wheels: what there is; wheels for other platforms are passed over.
        recipes: all recipes.
        records: the recorded releases, for the plan's platform.
        names: the names that follow from the prefix.
    """
    here = [wheel for wheel in wheels if _is_here(wheel, plan)]
    look = _Look(plan=plan, wheels=here, recipes=recipes, records=records, names=names)
    reasons: dict[str, str] = {}
    notes: dict[str, None] = {}
    for job in plan.jobs:
        found = [wheel for wheel in here if look.is_of(wheel, job)]
        if not found:
            reasons[job.id] = "is not there"
        for wheel in found:
            for reason, known in look.against(wheel, job):
                if known:
                    reasons.setdefault(job.id, reason)
                else:
                    notes[f"{job.id}: {reason}"] = None
    return Changed(plan=plan, reasons=reasons, notes=tuple(notes))


def _is_here(wheel: Consumer, plan: Plan) -> bool:
    return wheel.wheel.platform == ("any",) or is_for(wheel.name, plan.platform)


@dataclass(frozen=True, kw_only=True)
class _Look:
    plan: Plan
    wheels: Sequence[Consumer]
    recipes: RecipeSet
    records: Records
    names: Names

    def is_of(self, wheel: Consumer, job: Job) -> bool:
        """Whether a wheel is what a job builds."""
        if not _same(wheel.wheel.version, job.build.wheel_version):
            return False
        if isinstance(job, LibraryJob):
            return wheel.distribution == self.names.distribution(job.build.line)
        return wheel.distribution in self._projects(job) and _runs(wheel, job.python)

    def _projects(self, job: ConsumerJob) -> set[str]:
        """What it may be called: a recipe may have another name than its sdist."""
        recipe = self.recipes[job.build.name]
        assert isinstance(recipe, ConsumerRecipe)
        sources = recipe.versions[job.build.version].sources
        listed = [each.pypi for each in sources if isinstance(each, PypiSource)]
        return {canonicalize_name(name) for name in listed or [recipe.name]}

    def against(self, wheel: Consumer, job: Job) -> Iterator[tuple[str, bool]]:
        """(reason, whether it is known) of each planned release that does not suit a wheel."""
        for provider in self.plan.jobs:
            if not isinstance(provider, LibraryJob) or not provider.shipped:
                continue
            distribution = self.names.distribution(provider.build.line)
            if distribution not in wheel.requires or provider.id == job.id:
                continue
            yield from self._judge(wheel, job, provider)

    def _judge(self, wheel: Consumer, job: Job, provider: LibraryJob) -> Iterator[tuple[str, bool]]:
        version = provider.build.wheel_version
        distribution = self.names.distribution(provider.build.line)
        specifier = wheel.requires[distribution]
        if not specifier.contains(Version(version), prereleases=True):
            again = self._again(job)
            yield f"its range {distribution}{specifier} leaves {version} out{again}", True
            return
        known = self._known(provider.build.line)
        new, old = _of(known, version), self._old(known, job, provider)
        if new is None or old is None:
            which = version if new is None else "the release that it was built against"
            yield f"whether it works with {provider.id} is not known: no ABI of {which}", False
            return
        others = [s for s in beside(wheel, self.wheels) if s.line != provider.build.line]
        found = judge(wheel, old, new, others, self.names)
        if found.verdict == "breaks":
            lost = [each.what for each in found.lacks]
            more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
            what = ", ".join(lost[:SHOWN]) + more
            yield f"breaks with {provider.id}, which lacks {what}{self._again(job)}", True
        elif found.verdict == "not checked" and wheel.unread:
            yield f"whether it works with {provider.id} is not known: {found.reason}", False

    def _known(self, line: str) -> History:
        at_hand = [wheel.snapshot for wheel in self.wheels if wheel.snapshot.line == line]
        return history([*at_hand, *self.records.of(line).releases])

    @staticmethod
    def _old(known: History, job: Job, provider: LibraryJob) -> Snapshot | None:
        """The release that a wheel was built against."""
        versions = (p.version for p in job.build.provided if p.name == provider.build.name)
        return next(filter(None, (_of(known, each) for each in versions)), None)

    @staticmethod
    def _again(job: Job) -> str:
        # What is published never gets other bytes.
        field = "wheel-version" if isinstance(job, LibraryJob) else "build"
        return f"; raise `{field}` in its recipe"


def _of(known: History, version: str) -> Snapshot | None:
    fits = (
        each
        for each in known.releases
        if _same(each.number, version) or _same(each.release, version)
    )
    return next(fits, None)


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _runs(wheel: Consumer, python: str) -> bool:
    """Whether a wheel is for a version of Python, or for the stable ABI of an older one."""
    wanted = int(python.partition(".")[2])
    for tag in wheel.wheel.python:
        if tag.startswith("cp3") and tag[3:].isdecimal():
            stable = "abi3" in wheel.wheel.abi
            if int(tag[3:]) == wanted or (stable and int(tag[3:]) <= wanted):
                return True
        elif tag in {"py3", "py2.py3"}:
            return True
    return False
