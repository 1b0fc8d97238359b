"""Folders of the cache that list their own files, so that one with a loss is never used.

Caches are restored from archives, shared, and tidied by others. A folder that came back in part
does not look it: CMake without its modules still starts, and fails far from the cause.
"""

import json
from pathlib import Path

# Written by Python when it likes.
_BYTECODE = "__pycache__"


def take(folder: Path, name: str) -> None:
    """List the files below ``folder``, with their sizes, in a file of it, ``name``."""
    files = (file for file in folder.rglob("*") if _BYTECODE not in file.parts and file.is_file())
    sizes = {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
    (folder / name).write_text(f"{json.dumps(sizes)}\n", encoding="utf-8")


def is_whole(folder: Path, name: str) -> bool:
    """Whether every file of the list ``name`` is there, with its size.

    Sizes alone: hashing 150 MB of CMake at each build would cost more than it finds.
    """
    try:
        sizes = json.loads((folder / name).read_text(encoding="utf-8"))
        return all((folder / place).stat().st_size == size for place, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False
