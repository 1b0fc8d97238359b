"""How long tasks took in earlier runs, and what follows for this one."""

import json
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonwheel.files import write_atomically

SCHEMA = 1
MOST = 1000
# A running task that takes longer than expected has at least this part of it still to go.
REST = 0.05
# Before so many seconds, and where more than this part of what is left was never measured, nothing
# follows.
EARLY = 5.0
GUESSED = 0.5


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Seconds by task, in one file; damaged or missing, it is empty."""

    file: Path

    def read(self) -> dict[str, float]:
        """Seconds of each known task, those noted last at the end."""
        try:
            data: Any = json.loads(self.file.read_bytes())
            seconds = {str(task): float(each) for task, each in data["seconds"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {task: each for task, each in seconds.items() if math.isfinite(each) and each >= 0}

    def note(self, seconds: Mapping[str, float]) -> None:
        """Add what was measured; of more than :data:`MOST` tasks, the oldest are dropped."""
        kept = {task: each for task, each in self.read().items() if task not in seconds}
        known = {**kept, **{task: round(each, 1) for task, each in seconds.items()}}
        newest = dict(list(known.items())[-MOST:])
        text = json.dumps({"schema": SCHEMA, "seconds": newest}, indent=1)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.file, f"{text}\n")


class Forecast:
    """What is expected of the tasks of one run.

    Args:
        needs: the tasks, each after those that it needs.
        known: seconds of tasks in earlier runs.
        kinds: a word for each task; those of one kind take more or less as long.
        clock: seconds from anywhere.
    """

    def __init__(
        self,
        needs: Mapping[str, Sequence[str]],
        known: Mapping[str, float],
        kinds: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.needs = needs
        self.kinds = kinds
        self.clock = clock
        self.known = {task: known[task] for task in needs if task in known}
        self.measured: dict[str, float] = {}
        self.began: dict[str, float] = {}
        self.over: set[str] = set()
        self.start = clock()

    def begin(self, task: str) -> None:
        """A task is at work now."""
        self.began[task] = self.clock()

    def end(self, task: str) -> float:
        """Its work is done; the seconds that it took."""
        self.measured[task] = self.clock() - self.began[task]
        return self.measured[task]

    def expected(self, task: str) -> float:
        """Seconds that a task takes; an unknown one the mean of its kind, or else of all."""
        known = {**self.measured, **self.known}
        if task in known:
            return known[task]
        alike = [known[each] for each in known if self.kinds[each] == self.kinds[task]]
        others = alike or list(known.values()) or [1.0]
        return sum(others) / len(others)

    def paths(self) -> dict[str, float]:
        """Seconds from the start of each task to the end of the last one that waits for it."""
        return self._paths(self.expected)

    def _paths(self, cost: Callable[[str], float]) -> dict[str, float]:
        after = dict.fromkeys(self.needs, 0.0)
        found: dict[str, float] = {}
        for task in reversed(tuple(self.needs)):
            found[task] = cost(task) + after[task]
            for need in self.needs[task]:
                if need in after:
                    after[need] = max(after[need], found[task])
        return found

    def left(self, over: Collection[str]) -> float | None:
        """Seconds until all is done, or None where nothing useful can be said.

        The work that is left at the pace so far, which tells of the machine and of how much runs
        at once; but not less than the longest chain of tasks that wait for one another.

        Args:
            over: tasks that have ended, well or not, or will never start.
        """
        elapsed = self.clock() - self.start
        ahead = [task for task in self.needs if task not in over]
        guessed = sum(task not in self.known for task in ahead)
        if not ahead or elapsed < EARLY or guessed > GUESSED * len(ahead):
            return None
        rest = {task: 0.0 if task in over else self._rest(task) for task in self.needs}
        done = sum(self.expected(task) - rest[task] for task in tuple(self.began))
        if done <= 0:
            return None
        chain = max(self._paths(rest.__getitem__).values(), default=0.0)
        return max(sum(rest.values()) * elapsed / done, chain)

    def _rest(self, task: str) -> float:
        expected = self.expected(task)
        if task in self.measured:
            return 0.0
        if task not in self.began:
            return expected
        return max(expected - (self.clock() - self.began[task]), REST * expected)
