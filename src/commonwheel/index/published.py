"""Library wheels of a plan that an index has already: they are taken instead of built again."""

from packaging.requirements import Requirement

from commonwheel.index.mirror import NotThereError, Upstream
from commonwheel.names import Names
from commonwheel.pipeline.given import is_for
from commonwheel.plan import LibraryJob, Plan
from commonwheel.recipe.sources import UrlSource


def published(plan: Plan, names: Names, read: Upstream) -> dict[str, UrlSource]:
    """Where the wheels are, by file name: one for each release of a library that is there.

    A yanked release is not taken: there was a reason.

    Args:
        plan: whose libraries are looked for.
        names: the names that follow from the prefix.
        read: the index.

    Raises:
        SourceError: the index cannot be read.
    """
    found: dict[str, UrlSource] = {}
    for job in plan.jobs:
        if not isinstance(job, LibraryJob):
            continue
        distribution = names.distribution(job.build.line)
        try:
            files = read(Requirement(f"{distribution}==={job.build.wheel_version}"))
        except NotThereError:
            continue
        for name, file in sorted(files.items()):
            if is_for(name, plan.platform) and file.yanked is None and file.url:
                found[name] = UrlSource(url=file.url, sha256=file.sha256)
                break
    return found
