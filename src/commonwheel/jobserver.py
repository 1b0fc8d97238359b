"""One limit for the compilers of all builds that run at once: GNU make's jobserver.

A named pipe holds one byte for each compiler that may run. A build takes one before it starts, and
puts it back at its end; make and ninja take more for as long as there are some. So N compilers run
when one build is left as well as when there are many.

https://www.gnu.org/software/make/manual/html_node/POSIX-Jobserver.html
"""

import contextlib
import os
import select
import shutil
import tempfile
from bisect import insort
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Condition

TOKEN = b"+"


class ClosedError(Exception):
    """No more tokens are given out: the run ends."""


class JobServer:
    """The pipe.

    Args:
        folder: an existing folder, in which the pipe gets one of its own; flags must be able to
            name it, so its path has no space.
        tokens: how many compilers may run at once.
    """

    def __init__(self, folder: Path, tokens: int) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="jobs-", dir=folder))
        self.path = self.place / "tokens"
        os.mkfifo(self.path, 0o600)
        # Both ends, so that no reader sees an end of file. Non-blocking is this opening alone.
        self._pipe = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self._woken, self._wake = os.pipe()
        os.write(self._pipe, TOKEN * tokens)
        self._order = count()
        self._line: list[tuple[float, int]] = []
        self._turn = Condition()
        self._closed = False

    @contextlib.contextmanager
    def token(self, urgency: float = 0.0) -> Iterator[None]:
        """Wait for a token and hold it; of those that wait, the most urgent is served first.

        Raises:
            ClosedError: the run ends while this one waits.
        """
        ticket = (-urgency, next(self._order))
        with self._turn:
            insort(self._line, ticket)
            self._turn.wait_for(lambda: self._closed or self._line[0] == ticket)
        try:
            token = self._take()
        finally:
            with self._turn:
                self._line.remove(ticket)
                self._turn.notify_all()
        try:
            yield
        finally:
            os.write(self._pipe, token)

    def _take(self) -> bytes:
        waiting = select.poll()
        for end in (self._pipe, self._woken):
            waiting.register(end, select.POLLIN)
        while not self._closed:
            waiting.poll()
            # Whoever is faster has it: other processes read here, too.
            with contextlib.suppress(BlockingIOError):
                return os.read(self._pipe, 1)
        raise ClosedError

    def stop(self) -> None:
        """Let those that wait end, by an exception."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        os.write(self._wake, TOKEN)

    def close(self) -> None:
        """Remove the pipe."""
        ends = (self._pipe, self._woken, self._wake)
        # A thread that was left behind must not write to whatever gets the number next.
        self._pipe = self._woken = self._wake = -1
        for end in ends:
            os.close(end)
        shutil.rmtree(self.place, ignore_errors=True)
