"""The engine's jobserver, in the words of the tools that build: MAKEFLAGS.

GNU make since 4.4 and ninja since 1.13 are told the path of the named pipe; without ``-j``, which
would make them ignore it. An older make knows file descriptors alone.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from typing import Any

from commonwheel.process import ProcessError, run

VERSION = re.compile(r"GNU Make (\d+)\.(\d+)")
KNOWS_PIPES = (4, 4)

# Found before the host's make. What make starts inherits the descriptors and the changed flags.
SCRIPT = """\
#!/bin/sh
# GNU make before 4.4 wants the named pipe of its jobserver opened.
option=--jobserver-auth=
case $MAKEFLAGS in
*"$option"fifo:*)
    before=${{MAKEFLAGS%%"$option"fifo:*}}
    pipe=${{MAKEFLAGS#*"$option"fifo:}}
    after=${{pipe#"${{pipe%% *}}"}}
    pipe=${{pipe%% *}}
    exec 8<>"$pipe" 9>"$pipe"
    export MAKEFLAGS="$before${{option}}8,9$after"
    ;;
esac
exec {make} "$@"
"""


def jobs(settings: Mapping[str, Any]) -> int:
    """How many compilations the frontend's config settings ask for; without them, one per CPU."""
    return int(settings.get("jobs", 0)) or len(os.sched_getaffinity(0))


def make_flags(settings: Mapping[str, Any], folder: Path, path: str) -> str:
    """MAKEFLAGS of a build that takes part in the jobserver that its config settings name.

    Args:
        settings: ``jobserver`` is the path of the named pipe.
        folder: first on the PATH of the build; receives a ``make`` where the host's is too old.
        path: PATH of the build.

    Returns:
        The variable's value; empty where there is no jobserver.
    """
    pipe = settings.get("jobserver")
    if not pipe or not _can_open(pipe):
        return ""
    make = which("make", path=path)
    if make is not None and _is_old(make):
        script = folder / "make"
        script.write_text(SCRIPT.format(make=make), encoding="utf-8")
        script.chmod(0o755)
    return f"-j{jobs(settings)} --jobserver-auth=fifo:{pipe}"


def _can_open(pipe: str) -> bool:
    """Whether it is there: a container of an engine elsewhere has a folder in its place."""
    try:
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _is_old(make: str) -> bool:
    try:
        found = VERSION.search(run([make, "--version"], timeout=30, own_group=False).output)
    except ProcessError:
        return False
    return found is not None and (int(found[1]), int(found[2])) < KNOWS_PIPES
