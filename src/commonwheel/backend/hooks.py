"""PEP 517 hooks of a staged project, of a library or a consumer alike.

Runs inside the build environment, wherever that is; few dependencies, none outside of the standard
library but the programs that a recipe names.
"""

import io
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from commonwheel.backend import consumer, library
from commonwheel.backend.messages import tell_error
from commonwheel.backend.orphan import end_with_parent
from commonwheel.backend.pause import pause
from commonwheel.backend.staged import StagedProject
from commonwheel.errors import CommonwheelError

T = TypeVar("T")


def get_requires_for_build_wheel(_config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """What the build needs besides ``build-system.requires`` (PEP 517)."""
    project = _project()
    if project.prebuilt.is_dir() or project.job().kind == "library":
        return []
    return _reporting(lambda: consumer.requires(project))


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,
    _metadata_directory: str | None = None,
) -> str:
    """Build the raw wheel (PEP 517).

    Config settings: ``jobs``, the number of parallel compilations, and ``jobserver``, the named
    pipe that counts them over all builds.
    """
    project, target = _project(), Path(wheel_directory).resolve()
    for wheel in project.prebuilt.glob("*.whl"):
        shutil.copy2(wheel, target)
        return wheel.name
    if project.job().kind == "library":
        return _reporting(lambda: library.build(project, target, config_settings or {}))
    return _reporting(lambda: consumer.build(project, target, config_settings or {}))


def build_sdist(sdist_directory: str, _config_settings: Mapping[str, Any] | None = None) -> str:
    """The staged project as an archive (PEP 517), so that ``python -m build`` works on it."""
    project = _project()
    job = project.job()
    stem = f"{job.build.name.replace('-', '_')}-{job.build.version}"
    name = f"{stem}.tar.gz"
    information = f"Metadata-Version: 2.2\nName: {job.build.name}\nVersion: {job.build.version}\n"
    with tarfile.open(Path(sdist_directory) / name, "w:gz") as archive:
        for path in sorted(project.root.iterdir()):
            if path != project.build:
                archive.add(path, f"{stem}/{path.name}")
        entry = tarfile.TarInfo(f"{stem}/PKG-INFO")
        entry.size, entry.mtime = len(information), job.epoch
        archive.addfile(entry, io.BytesIO(information.encode()))
    return name


def _project() -> StagedProject:
    # PEP 517: a hook runs in the root of the source tree.
    return StagedProject(root=Path.cwd())


def _reporting(work: Callable[[], T]) -> T:
    """Send an error to the engine; a hook can only end with a traceback."""
    end_with_parent()
    try:
        return work()
    except CommonwheelError as error:
        tell_error(error)
        pause("build")
        raise SystemExit(error.exit_code) from None
    except BaseException:
        pause("build")
        raise
