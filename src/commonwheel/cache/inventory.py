"""Folders of the cache that list their own files, so that one with a loss is never used.

Caches are restored from archives, shared, and tidied by others. A folder that came back in part
does not look it: CMake without its modules still starts, and fails far from the cause.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

# Written by Python when it likes.
_BYTECODE = "__pycache__"


def take(folder: Path, name: str) -> None:
    """List the files below ``folder``, with their sizes, in a file of it, ``name``."""
    sizes = {place: os.path.getsize(folder / place) for place in _files(folder)}  # noqa: PTH202
    (folder / name).write_text(f"{json.dumps(sizes)}\n", encoding="utf-8")


def is_whole(folder: Path, name: str) -> bool:
    """Whether every file of the list ``name`` is there, with its size.

    Sizes alone: hashing 150 MB of CMake at each build would cost more than it finds.
    """
    try:
        sizes = json.loads((folder / name).read_text(encoding="utf-8"))
        return all(os.path.getsize(folder / place) == size for place, size in sizes.items())  # noqa: PTH202
    except (OSError, ValueError, AttributeError):
        return False


def _files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each != _BYTECODE]
        yield from (os.path.relpath(os.path.join(place, each), folder) for each in names)  # noqa: PTH118
