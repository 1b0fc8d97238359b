"""Job → the inputs of its keys: the pipeline looks results up by them, ``why`` compares them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonwheel.abi.exports import exports_of
from commonwheel.abi.records import Records, digest, read_records
from commonwheel.backend.drivers import requirements
from commonwheel.cache.keys import build_inputs, file_digest, repair_inputs
from commonwheel.cache.store import Stored
from commonwheel.constraints import Constraints
from commonwheel.names import Names
from commonwheel.plan import ConsumerJob, Job, Plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.model import ConsumerRecipe, LibraryRecipe
from commonwheel.recipe.resolved import LibraryBuild, to_json
from commonwheel.recipe.sources import Source
from commonwheel.repair.claimed import claimed_sonames
from commonwheel.repair.repair import RepairOptions

if TYPE_CHECKING:
    from commonwheel.engine.finishing import Finishing
    from commonwheel.engine.protocol import Engine


@dataclass(frozen=True, kw_only=True)
class JobInputs:
    """What decides the results of a plan's jobs; nothing here builds, fetches or stores."""

    plan: Plan
    recipes: RecipeSet
    constraints: Constraints
    engine: "Engine"
    names: Names

    @cached_property
    def known(self) -> frozenset[str]:
        """Upstream SONAMEs of all libraries that have a recipe."""
        return claimed_sonames(self.recipes)

    @cached_property
    def _records(self) -> Records:
        return read_records(
            self.recipes.own_first, self.plan.platform.arch, self.plan.platform.libc
        )

    def lines(self, job: Job) -> set[str]:
        """A job's own line, and those of all library wheels that it sees."""
        lines = {each.line for each in job.build.provided}
        lines |= {each.build.line for each in self.plan.providers(job)}
        return lines | {job.build.line} if isinstance(job.build, LibraryBuild) else lines

    def recorded(self, lines: Collection[str], *, types: bool) -> str:
        """A digest of what is recorded of these lines, with their types or without."""
        platform = self.plan.platform
        return digest(self.recipes.own_first, platform.arch, platform.libc, lines, types=types)

    def sources(self, job: Job) -> Sequence[Source]:
        """The sources that the recipe gives, in order of preference."""
        return self.recipes[job.build.name].versions[job.build.version].sources

    def test_sources(self, job: ConsumerJob) -> Sequence[Source]:
        """Where the files of its tests are, in order of preference; empty: in its sdist."""
        recipe = self.recipes[job.build.name]
        assert isinstance(recipe, ConsumerRecipe)
        return recipe.versions[job.build.version].tests

    def patches(self, job: Job) -> list[Path]:
        """The recipe's patches, in order."""
        entry = self.recipes.loaded[job.build.name]
        return [entry.patch(name) for name in job.build.patches]

    def pins(self, job: Job) -> Constraints:
        """The pins that may count in a build."""
        constraints = self.constraints.yielding_to(job.build.needs.tools)
        # What a consumer's build takes from the index stands in its sdist: every pin may count.
        if isinstance(job.build, LibraryBuild):
            return constraints.only(requirements(job.build))
        return constraints

    def build(self, job: Job, source: str, providers: Mapping[str, str]) -> dict[str, Any]:
        """The inputs of the raw wheel.

        Args:
            job: what is built.
            source: sha256 of the source file in use.
            providers: wheel file name → digest of what the build sees of each library wheel.
        """
        return build_inputs(
            build=to_json(job.build),
            source=source,
            patches={path.name: file_digest(path) for path in self.patches(job)},
            providers=providers,
            constraints=self.pins(job).pins,
            engine=self.engine.facts(job),
        )

    def finishing(
        self, job: Job, epoch: int, *, at_least: Mapping[str, str] | None = None
    ) -> "Finishing":
        """What there is to know of a job when its raw wheel is finished.

        Args:
            job: what was built.
            epoch: time stamp of what is added to the wheel.
            at_least: line → a release below which its range may not begin, where the recipe does
                not say so already.
        """
        # A warm run finishes nothing, and does not pay for importing the gates.
        from commonwheel.check.expected import of_consumer, of_library  # noqa: PLC0415
        from commonwheel.engine.finishing import Finishing  # noqa: PLC0415

        recipe = self.recipes[job.build.name]
        lines = {each.name: each.line for each in job.build.provided}
        uses = tuple(lines.values())
        if isinstance(recipe, LibraryRecipe):
            assert isinstance(job.build, LibraryBuild)
            expected = of_library(recipe, job.build, self.names, uses)
        else:
            dlopen = tuple(lines[name] for name in recipe.dlopen)
            expected = of_consumer(recipe, job.build.version, dlopen, uses)
        records = self._records.only(self.lines(job))
        direct = records.only({each.line for each in job.build.provided})
        return Finishing(
            repair=replace(self.repair_options(job, epoch, at_least), records=direct),
            claimed=self.known,
            expected=expected,
            records=records,
        )

    def repair_options(
        self, job: Job, epoch: int, at_least: Mapping[str, str] | None = None
    ) -> RepairOptions:
        """What a repair is told of a job."""
        recipe = self.recipes[job.build.name]
        uses = recipe.requires.libraries if isinstance(recipe, LibraryRecipe) else recipe.uses
        lines = {each.name: each.line for each in job.build.provided}
        common = RepairOptions(
            names=self.names,
            arch=self.plan.platform.arch,
            known=self.known,
            at_least={
                line: use.at_least
                for name, line in lines.items()
                if (use := uses.get(name)) is not None and use.at_least
            }
            | dict(at_least or {}),
            epoch=epoch,
        )
        if not isinstance(job, ConsumerJob):
            assert isinstance(job.build, LibraryBuild)
            return replace(common, exports=exports_of(job.build, self.names))
        return replace(
            common,
            version=job.build.wheel_version,
            grafts=job.build.grafts,
            dlopen=tuple(lines[name] for name in job.build.dlopen),
        )

    def repair(
        self, job: Job, raw: Stored, at_least: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The inputs of the repaired wheel."""
        options = to_json(self.repair_options(job, raw.facts["epoch"], at_least))
        options["known"] = sorted(options["known"])
        # Reading them takes longer than a warm run may.
        options["records"] = self.recorded({each.line for each in job.build.provided}, types=False)
        return repair_inputs(build_key=raw.key, options=options)
