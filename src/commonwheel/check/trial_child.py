"""Loads the files of a list, each in a fork, and says a JSON line for each.

Run by ``trial.py`` with the interpreter of the wheel, from Python 3.9 on: standard library only.
A line is ``[path, fault]``, and the fault is empty where the file loads.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

SHOWN = 500


def main(task: Path) -> None:
    """Try every file; what initialisers print goes to a file."""
    os.environ.clear()  # Python itself has set LC_CTYPE where there was nothing (PEP 538)
    seconds, said, paths = json.loads(task.read_text())
    for path in paths:
        fault = _try(path, seconds, said)
        sys.stdout.write(json.dumps([path, fault]) + "\n")
        sys.stdout.flush()


def _try(path: str, seconds: int, said: str) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _load(path, seconds, said, writer)
        finally:
            # No finalisers: what a library does at the end is not asked here.
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    fault = answer.decode("utf-8", "replace")
    if fault == "loaded":
        return ""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return f"no end after {seconds} seconds"
    if os.WIFSIGNALED(status):
        fault = f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    printed = Path(said).read_text("utf-8", "replace").strip()[-SHOWN:]
    return fault or f"ended by itself with exit code {os.WEXITSTATUS(status)}: {printed}"


def _load(path: str, seconds: int, said: str, writer: int) -> None:
    # By the kernel, for an initialiser that hangs lets no Python run.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        answer = "loaded"
    except OSError as error:
        answer = str(error)
    os.write(writer, answer.encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
