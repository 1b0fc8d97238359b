"""Library wheels that are given in place of builds: an artifact of CI, a release of somebody's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from commonwheel.errors import RepairError, UsageError, WheelError
from commonwheel.names import Names
from commonwheel.plan import LibraryJob, Plan
from commonwheel.recipe.resolve import Platform
from commonwheel.repair.providers import ProviderWheel, read_provider
from commonwheel.wheel.name import SUFFIX, parse_wheel_name

GLIBC, MUSL = ("manylinux", "linux_"), ("musllinux",)


def given_wheels(plan: Plan, paths: Sequence[Path], names: Names) -> dict[str, Path]:
    """By library job, the wheel that takes the place of its build.

    Args:
        plan: what is built.
        paths: library wheels, and folders of wheels; what a folder holds beside them is passed
            over.
        names: the names that follow from the prefix.

    Raises:
        UsageError: a path does not exist, or two wheels with other bytes are given for one job.
        RepairError: a wheel named by itself is no library wheel, or nothing in the plan is of its
            line, release and platform.
        WheelError: a library wheel is damaged.
    """
    jobs = {_key(job): job.id for job in plan.jobs if isinstance(job, LibraryJob)}
    found: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"--with {path}: no such file or folder")
        for wheel in sorted(path.glob("*.whl")) if path.is_dir() else [path]:
            provider = read_provider(wheel, names)
            job = _job(provider, wheel, jobs, plan.platform)
            if job is not None:
                _add(found, job, wheel)
            elif not path.is_dir():
                raise _unfit(provider, wheel, plan)
    return found


def _key(job: LibraryJob) -> tuple[str, Version]:
    return job.build.line, Version(job.build.wheel_version)


def _job(
    provider: ProviderWheel | None,
    wheel: Path,
    jobs: Mapping[tuple[str, Version], str],
    platform: Platform,
) -> str | None:
    if provider is None or not is_for(wheel.name, platform):
        return None
    return jobs.get((provider.line, Version(provider.version)))


def is_for(filename: str, platform: Platform) -> bool:
    """Whether a file is a wheel for a platform, by its name."""
    kinds = MUSL if platform.libc == "musl" else GLIBC
    return filename.endswith(SUFFIX) and any(
        tag.startswith(kinds) and tag.endswith(f"_{platform.arch}")
        for tag in parse_wheel_name(filename).platform
    )


def _add(found: dict[str, Path], job: str, wheel: Path) -> None:
    other = found.setdefault(job, wheel)
    if other.read_bytes() != wheel.read_bytes():
        raise UsageError(
            f"--with gives two wheels for {job}: {other} and {wheel}",
            hint="name the one that counts, or take the other one out of its folder",
        )


def _unfit(provider: ProviderWheel | None, wheel: Path, plan: Plan) -> RepairError | WheelError:
    if provider is None:
        return RepairError("not a library wheel: it has no manifest", where=wheel.name)
    wanted = [each.id for each in plan.jobs if isinstance(each, LibraryJob)]
    return RepairError(
        f"nothing in this plan is {provider.line} {provider.version} for {plan.platform}",
        where=wheel.name,
        hint=f"it would build {', '.join(wanted)}; --set RECIPE.version=… chooses another release",
    )
