"""The snapshot that a library wheel carries: taken when it is repaired, and read by who uses it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commonwheel.abi.dump import dump
from commonwheel.abi.encoding import from_json
from commonwheel.abi.material import read_material
from commonwheel.abi.snapshot import Snapshot
from commonwheel.names import Names
from commonwheel.wheel.read import Wheel, read_wheel


def take(
    path: Path, manifest: Mapping[str, Any], names: Names, exports: Mapping[str, Sequence[str]]
) -> Snapshot:
    """The ABI of a library wheel as its files have it.

    Args:
        path: the wheel.
        manifest: its own.
        names: whose tags are ours.
        exports: patterns of what its recipe exports, by tagged SONAME.

    Raises:
        ElfError: a library is malformed.
        SnapshotError: it holds none.
    """
    return dump(read_material(path, manifest=manifest), names, exports=exports)


def carried(wheel: Wheel, names: Names) -> Snapshot | None:
    """The snapshot in a wheel's dist-info; None where there is none.

    Raises:
        SnapshotError: it is damaged.
    """
    member = wheel.info(names.snapshot)
    if member not in wheel.by_name:
        return None
    return from_json(wheel.read(member), f"{wheel.path.name}:{member}")


def snapshot_of(path: Path, manifest: Mapping[str, Any], names: Names) -> Snapshot:
    """The snapshot that a library wheel carries; taken now of one that is older than that.

    Raises:
        ElfError: a library is malformed.
        SnapshotError: what it carries is damaged, or it holds no library.
    """
    return carried(read_wheel(path), names) or take(path, manifest, names, {})
