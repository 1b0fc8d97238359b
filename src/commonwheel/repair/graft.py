"""Copy allowed libraries into a wheel, as auditwheel does it."""

import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from commonwheel.elf.tools import find_patchelf
from commonwheel.errors import RepairError
from commonwheel.process import ProcessError, run
from commonwheel.repair.classify import grafted_name
from commonwheel.wheel.read import read_wheel


def graft(
    wheel: Path, folder: Path, *, excluded: Sequence[str], allowed: Sequence[str], epoch: int
) -> Path:
    """Run ``auditwheel repair`` and return the new wheel.

    Args:
        wheel: the raw wheel.
        folder: receives the new one; its parent, which exists, has room for temporary files.
        excluded: SONAMEs of providers, which stay outside.
        allowed: patterns of what may come inside.
        epoch: time stamp of what auditwheel writes.

    Raises:
        RepairError: auditwheel refuses, or grafts something that is not allowed.
    """
    # What it may claim is for us to say, later: a grafted library can need a newer platform.
    command = [sys.executable, "-m", "auditwheel", "repair", "--plat", "auto", "-w", str(folder)]
    for soname in excluded:
        command += ["--exclude", soname]
    path = os.pathsep.join([str(find_patchelf().parent), os.defpath])
    environment = {
        "PATH": path,
        # In a container, the toolkit is installed nowhere.
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": str(epoch),
        "TMPDIR": str(folder.absolute().parent),
    }
    try:
        run([*command, str(wheel)], env=environment)
    except ProcessError as error:
        raise RepairError(
            "auditwheel cannot graft what the recipe allows", where=wheel.name, hint=error.hint
        ) from None
    made = sorted(folder.glob("*.whl"))
    if len(made) != 1:
        raise RepairError(f"auditwheel left {len(made)} wheels, not one", where=wheel.name)
    _check(made[0], allowed)
    return made[0]


def _check(wheel: Path, allowed: Sequence[str]) -> None:
    for member in read_wheel(wheel).members:
        plain = grafted_name(member)
        if plain and not any(fnmatchcase(plain, pattern) for pattern in allowed):
            raise RepairError(
                f"auditwheel grafted {plain}, which the recipe does not allow",
                where=f"{wheel.name}:{member}",
                hint="name it in 'grafts', or switch off what needs it",
            )
