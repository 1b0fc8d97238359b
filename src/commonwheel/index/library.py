"""What an index keeps of a library wheel: its ABI as a snapshot, and where it comes from."""

from collections.abc import Mapping
from typing import Any

from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import WheelError
from commonwheel.index.state import Origin
from commonwheel.names import Names
from commonwheel.repair.snapshot import snapshot_of
from commonwheel.wheel.read import Wheel

AGAIN = "build the library wheel again"


def read_library(
    wheel: Wheel, manifest: Mapping[str, Any], names: Names
) -> tuple[Origin, Snapshot]:
    """Read the snapshot that a library wheel carries; an older wheel's is taken from its libraries.

    Args:
        wheel: the wheel.
        manifest: its own.
        names: whose tags are ours.

    Raises:
        WheelError: the manifest lacks something, or the snapshot is of another release.
        SnapshotError: the snapshot is damaged, or the wheel holds no library.
        ElfError: a library is malformed.
    """
    try:
        origin = Origin(
            source=str(manifest["source"]["origin"]),
            patches=tuple(map(str, manifest["patches"])),
        )
        said = str(manifest["line"]), str(manifest["upstream-version"])
        sonames = {str(each["soname"]) for each in manifest["libraries"]}
        snapshot = snapshot_of(wheel.path, manifest, names)
    except (KeyError, TypeError, AttributeError) as error:
        raise WheelError(
            f"its manifest is incomplete: {error}", where=wheel.path.name, hint=AGAIN
        ) from None
    missing = sonames - {each.tagged or each.soname for each in snapshot.libraries}
    if (snapshot.line, snapshot.release) != said or missing:
        raise WheelError(
            f"its manifest is of {' '.join(said)} with {', '.join(sorted(sonames)) or 'nothing'}, "
            f"its snapshot of {snapshot.line} {snapshot.release} with "
            f"{', '.join(each.tagged or each.soname for each in snapshot.libraries)}",
            where=wheel.path.name,
            hint=AGAIN,
        )
    return origin, snapshot
