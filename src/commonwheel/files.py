"""Files that are never seen half written, and lists of files."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commonwheel.errors import UsageError


def each_file(paths: Iterable[Path], suffixes: tuple[str, ...], what: str) -> Iterator[Path]:
    """Files that are named, and those of a kind in folders that are named, sorted.

    Args:
        paths: files, whatever they are called, and folders.
        suffixes: of the files that count in a folder.
        what: a word for them.

    Raises:
        UsageError: a path does not exist, or a folder holds none.
    """
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if each.name.endswith(suffixes))
            if not found:
                raise UsageError(f"there is no {what} in {path}")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"{path}: no such file or folder")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A hidden sibling of ``target`` to write to; it takes the target's place at the end.

    An error leaves the target as it was, and no sibling behind.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(3)}.part")
    try:
        yield part
        part.replace(target)
    except OSError as error:
        # The sibling's name would tell a user nothing.
        raise type(error)(error.errno, error.strerror, str(target)) from None
    finally:
        part.unlink(missing_ok=True)


def write_atomically(target: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    What stands for something else (``/dev/stdout``, a pipe) is written to, and never replaced.
    """
    if target.is_symlink() or (target.exists() and not target.is_file()):
        target.write_text(text, encoding="utf-8")
        return
    with replacing(target) as part:
        part.write_text(text, encoding="utf-8")
