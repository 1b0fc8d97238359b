"""The log of a build: a PEP 517 backend's standard output is the frontend's to keep."""

import sys


def say(line: str) -> None:
    """Write one line to the build's log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
