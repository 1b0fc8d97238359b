"""Builds that are killed, and builds that run at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools

LISTED = ({"soname": "libslow.so.1"},)
SECONDS = 120


def start(workshop: Workshop, *names: str) -> subprocess.Popen[str]:
    """A build in a process group of its own."""
    places = ("--recipes", workshop.recipes, "--wheelhouse", workshop.wheelhouse)
    return subprocess.Popen(
        [sys.executable, "-m", "commonwheel", "build", *names, "--jobs", "2", *places],
        env={**os.environ, "COMMONWHEEL_CACHE": str(workshop.cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background job, as CI may be, ignores SIGINT, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def wait_for(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not in {SECONDS} s"
        time.sleep(0.05)


def working_below(folder: Path) -> list[str]:
    """Command lines of the processes that work below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = (process / "cwd").readlink()
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if place.is_relative_to(folder) and line:
            found.append(line)
    return found


def compiling(flag: Path) -> Path:
    """Is there as soon as the project of a flag compiles."""
    return flag.with_name(f"{flag.name}-compiling")


def slow(flag: Path) -> dict[str, str]:
    """A project of which one file compiles for ever while the file ``flag`` is there."""
    hook = f"touch {compiling(flag)}; while test -e {flag}; do sleep 0.1; done\n"
    target = Target(soname="libslow.so.1", sources={"slow.c": "int slow(void) { return 1; }\n"})
    files = autotools(target)
    files["hook"] = hook
    rule = "\t$(CC) $(CPPFLAGS) $(CFLAGS) -I@src@ -c -o $@ $<\n"
    files["Makefile.in"] = files["Makefile.in"].replace(rule, f"\tsh @src@/hook\n{rule}", 1)
    return files


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_build_leaves_nothing_running_and_can_be_repeated(
    build_cache: Path, tmp_path: Path, how: signal.Signals
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    # A cache of its own, so that what works below it is this build's.
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "envs").symlink_to(build_cache / "envs")
    shop = Workshop(root=tmp_path / "shop", cache=cache)
    shop.library("slow", {"1.0": slow(flag)}, LISTED)
    other = tmp_path / "other"
    other.touch()
    shop.library("other", {"1.0": slow(other)}, LISTED)
    process = start(shop, "slow", "other")
    try:
        wait_for("one build compiles", compiling(flag).exists)
        wait_for("the other one, too", compiling(other).exists)
        assert working_below(cache)
        os.killpg(process.pid, how)
        code = process.wait(SECONDS)
        assert code == (130 if how == signal.SIGINT else -how)
        wait_for("every process ends", lambda: not working_below(cache))
        assert not list(shop.wheelhouse.glob("*.whl"))
    finally:
        flag.unlink()
        other.unlink()
        process.kill()
        process.communicate()
    shop.built("slow")
    shop.wheel("commonwheel_slow_so1").verify()


def test_two_builds_at_once_share(build_cache: Path, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    first = Workshop(root=tmp_path / "shop", cache=build_cache)
    first.library("slow", {"1.0": slow(flag)}, LISTED)
    processes = [start(first, "slow")]
    try:
        wait_for("a build compiles", compiling(flag).exists)
        processes += [start(first, "slow"), start(first, "slow")]
        for process in processes[1:]:
            assert process.stderr is not None
            assert "slow-1.0: another process builds it" in process.stderr.readline()
        # One that only waits can be interrupted, too.
        processes[-1].send_signal(signal.SIGINT)
        assert processes[-1].wait(SECONDS) == 130
    finally:
        flag.unlink()
        said = [process.communicate(timeout=SECONDS)[1] for process in processes]
    assert [process.returncode for process in processes[:2]] == [0, 0], said
    wheel = first.wheel("commonwheel_slow_so1")
    wheel.verify()
    # One of them compiled, the other one took what it found.
    assert len(list(build_cache.glob("work/slow-1.0*"))) == 0
    assert first.logs().count("commonwheel: 1 compilations") <= 1
