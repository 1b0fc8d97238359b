"""Unit tests build and reach nothing: what starts a process or opens a connection fails.

An audit hook (PEP 578) sees all ways to do so, those of other libraries included.
"""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent

PROCESSES = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.system",
    "subprocess.Popen",
}
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyaddr", "socket.gethostbyname"}

_guarded = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guarded:
        return
    if event in PROCESSES:
        pytest.fail(f"a unit test starts a process ({event} {arguments[:2]}); move it elsewhere")
    if event in LOOKUPS or (event == "socket.connect" and arguments[0].family != socket.AF_UNIX):
        pytest.fail(f"a unit test uses the network ({event} {arguments[1:]}); move it elsewhere")


sys.addaudithook(_audit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Guard the tests of this folder, with the fixtures that they set up."""
    global _guarded  # noqa: PLW0603
    # pytest calls this hook for the tests of all folders.
    _guarded = item.path.is_relative_to(FOLDER)
    try:
        return (yield)
    finally:
        _guarded = False
