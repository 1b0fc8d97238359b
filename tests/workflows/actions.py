"""What GitHub's own actions do, with folders in the place of its services."""

import shutil
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path


class ActionError(Exception):
    """The action would fail."""


def checkout(source: Path, workspace: Path) -> None:
    """The caller's repository into the workspace."""
    shutil.copytree(source, workspace, dirs_exist_ok=True, symlinks=True)


def setup_python(given: Mapping[str, str]) -> dict[str, str]:
    """The Python that runs the tests, which must be the one that is asked for, or will do."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if given.get("update-environment") == "false" and given["python-version"] != own:
        raise ActionError(f"there is Python {own} here, not {given['python-version']}")
    return {"python-path": sys.executable}


def upload(given: Mapping[str, str], workspace: Path, artifacts: Path) -> None:
    """Files into an artifact: those of a folder, or those that fit a pattern."""
    target, path = artifacts / given["name"], workspace / given["path"]
    if target.exists():
        raise ActionError(f"an artifact is called {given['name']} already")
    if set(given["name"]) & set('":<>|*?\r\n\\/'):
        raise ActionError(f"an artifact cannot be called {given['name']!r}")
    if path.is_dir():
        is_empty = not any(file.is_file() for file in path.rglob("*"))
        if is_empty and given.get("if-no-files-found") == "ignore":
            return
        hidden = () if given.get("include-hidden-files") == "true" else (".*",)
        shutil.copytree(path, target, ignore=shutil.ignore_patterns(*hidden))
        return
    found = sorted(workspace.glob(given["path"]))
    if not found:
        if given.get("if-no-files-found") == "error":
            raise ActionError(f"no files were found: {given['path']}")
        return
    target.mkdir(parents=True)
    for file in found:
        shutil.copy2(file, target)


def download(given: Mapping[str, str], workspace: Path, artifacts: Path) -> None:
    """All artifacts that fit a pattern, into one folder; none is no failure."""
    if given["merge-multiple"] != "true":
        raise ActionError("only merge-multiple is known here")
    target = workspace / given["path"]
    for artifact in sorted(artifacts.iterdir()):
        if fnmatchcase(artifact.name, given["pattern"]):
            shutil.copytree(artifact, target, dirs_exist_ok=True)
