"""The command as it is started: pipes, terminals, ``python -m``."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.unit.recipe.kit import consumer, library, write

COMMAND = [sys.executable, "-m", "commonwheel"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    releases = [f"1.{number}" for number in range(60)]
    uses = {f"lib{number}": f"{{build-against: '1.{number}'}}" for number in range(40)}
    write(
        tmp_path / "recipes",
        {name: library(name, releases) for name in uses},
        {"user": consumer("user", uses=uses)},
    )
    return tmp_path


def environment() -> dict[str, str]:
    dropped = ("GITHUB_ACTIONS", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS")
    return {key: value for key, value in os.environ.items() if key not in dropped}


@pytest.mark.parametrize("form", ["json", "table", "dot"])
@pytest.mark.parametrize("read", [0, 10])
def test_a_reader_that_goes_away_is_no_traceback(folder: Path, form: str, read: int) -> None:
    with subprocess.Popen(
        [*COMMAND, "plan", "user", "--format", form],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(read)
        process.stdout.close()
        error = process.stderr.read().decode()
    assert error == ""
    assert process.returncode in {0, 1}


def test_an_error_goes_to_standard_error(folder: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "plan", "usr"],
        cwd=folder,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no recipe 'usr'\n  perhaps you meant 'user'\n"


def on_a_terminal(command: Sequence[str], folder: Path, more: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and what a terminal received."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**environment(), "TERM": "xterm", **more},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        received = b""
        while True:
            try:
                block = os.read(leader, 65536)
            except OSError:  # how Linux tells that the other end is closed
                break
            if not block:
                break
            received += block
        process.wait()
    os.close(leader)
    return process.returncode, received.decode()


def test_steps_on_a_terminal(folder: Path) -> None:
    write(
        folder / "recipes",
        {"lib0": library("lib0").replace("https://example.org/1.0", "file:///x")},
    )
    words = [*COMMAND, "fetch", "lib0", "--offline"]
    cache = {"COMMONWHEEL_CACHE": str(folder / "cache")}
    code, received = on_a_terminal(words, folder, cache)
    assert code == 5
    assert "✗" in received
    assert "error:" in received
    assert "Traceback" not in received


def test_colours_are_for_terminals(folder: Path) -> None:
    words = [*COMMAND, "plan", "nothing"]
    assert "\x1b[31m" in on_a_terminal(words, folder, {})[1]
    assert "\x1b[31m" not in on_a_terminal(words, folder, {"NO_COLOR": "1"})[1]


def test_full_output_that_cannot_be_written_is_told(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "plan", "user", "--format", "json"],
            cwd=folder,
            env=environment(),
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
