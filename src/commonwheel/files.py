"""Files that are never seen half written."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
