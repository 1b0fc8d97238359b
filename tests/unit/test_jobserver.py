"""The tokens of a run: never too many, most urgent first, shared with other processes."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commonwheel.jobserver import ClosedError, JobServer

SECONDS = 20.0


@pytest.fixture
def one(tmp_path: Path) -> Iterator[JobServer]:
    """A server with one token."""
    server = JobServer(tmp_path, 1)
    yield server
    server.close()


def start(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def waiting(server: JobServer) -> int:
    return len(server._line)


def test_no_more_hold_one_than_there_are(tmp_path: Path) -> None:
    server, lock = JobServer(tmp_path, 3), threading.Lock()
    held = most = 0

    def work() -> None:
        nonlocal held, most
        for _ in range(20):
            with server.token():
                with lock:
                    held += 1
                    most = max(most, held)
                time.sleep(0.001)
                with lock:
                    held -= 1

    threads = [start(work) for _ in range(8)]
    for thread in threads:
        thread.join(SECONDS)
    assert (held, most) == (0, 3)
    # All of them are back.
    assert os.read(server._pipe, 10) == b"+++"
    server.close()


def test_the_most_urgent_is_served_first(one: JobServer) -> None:
    order: list[float] = []

    def work(urgency: float) -> None:
        with one.token(urgency):
            order.append(urgency)

    with one.token():
        # Who asks while nobody waits reads at once; those behind it are sorted.
        threads = [start(lambda: work(9))]
        wait_until(lambda: waiting(one) == 1)
        for number, urgency in enumerate((1.0, 5.0, 3.0, 4.0), start=2):
            threads.append(start(lambda urgency=urgency: work(urgency)))  # type: ignore[misc]
            wait_until(lambda number=number: waiting(one) == number)  # type: ignore[misc]
    for thread in threads:
        thread.join(SECONDS)
    assert order == [9, 5, 4, 3, 1]


def test_a_token_that_make_holds_is_waited_for(one: JobServer) -> None:
    # As make does it: by the path, in an opening of its own, blocking.
    pipe = os.open(one.path, os.O_RDWR)
    assert os.read(pipe, 1) == b"+"
    got = threading.Event()

    def work() -> None:
        with one.token():
            got.set()

    thread = start(work)
    wait_until(lambda: waiting(one) == 1)
    assert not got.wait(0.05)
    # GNU make gives back the byte that it read, whatever that is.
    os.write(pipe, b"x")
    assert got.wait(SECONDS)
    thread.join(SECONDS)
    assert os.read(pipe, 1) == b"x"
    os.close(pipe)


def test_an_error_gives_the_token_back(one: JobServer) -> None:
    with pytest.raises(ZeroDivisionError), one.token():
        raise ZeroDivisionError
    with one.token():
        pass


def test_a_stop_ends_all_that_wait(one: JobServer) -> None:
    ended: list[str] = []

    def work() -> None:
        try:
            with one.token():
                ended.append("served")
        except ClosedError:
            ended.append("closed")

    with one.token():
        threads = [start(work) for _ in range(3)]
        wait_until(lambda: waiting(one) == 3)
        one.stop()
        for thread in threads:
            thread.join(SECONDS)
    assert ended == ["closed"] * 3
    with pytest.raises(ClosedError), one.token():
        pass


def test_nothing_is_left(tmp_path: Path) -> None:
    server = JobServer(tmp_path, 2)
    assert server.path.is_fifo()
    server.close()
    assert list(tmp_path.iterdir()) == []
