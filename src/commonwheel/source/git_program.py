"""The git program, free of the caller's own repository and of the host's configuration."""

import shutil
from pathlib import Path

from commonwheel.errors import MissingProgramError

_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_PLAIN = ("GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1")


def git_command(
    *arguments: str | Path, ceiling: Path | None = None, configured: bool = False
) -> list[str | Path]:
    """A command line for :func:`commonwheel.process.run`.

    Args:
        arguments: what follows ``git``.
        ceiling: folder that git does not look for a repository in, nor above.
        configured: let the user's and the host's git configuration count (proxies, credentials).

    Raises:
        MissingProgramError: there is no git here.
    """
    if shutil.which("git") is None:
        msg = "the program 'git' is not there"
        raise MissingProgramError(msg, hint="install the package that brings it: git")
    unset = [word for name in _FOREIGN for word in ("-u", name)]
    fixed = ["LC_ALL=C", "GIT_TERMINAL_PROMPT=0", *(() if configured else _PLAIN)]
    if ceiling is not None:
        fixed.append(f"GIT_CEILING_DIRECTORIES={ceiling}")
    return ["env", *unset, *fixed, "git", *arguments]
