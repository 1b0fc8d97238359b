"""Tasks that need one another, each in a thread of its own as soon as it can start.

A task that fails stops those that need it; all others go on. What a task waits for beyond that (a
compilation slot, a lock) is its own business.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

from commonwheel.errors import CommonwheelError
from commonwheel.process import kill_all

TICK = 1.0
# Seconds until a thread that no killed process ends is left behind: one that downloads, or
# waits for another process.
PATIENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to do.

    Args:
        id: its name.
        needs: ids of the tasks that must have succeeded before.
        after: ids of the tasks that must be over before, well or not.
        run: does it.
        inline: it takes no time: it runs in the caller's thread.
    """

    id: str
    needs: tuple[str, ...]
    run: Callable[[], None]
    inline: bool = False
    after: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Outcome:
    """How tasks ended.

    Args:
        done: those that succeeded.
        failed: those that failed, with why.
        skipped: those that were never started, with the failed tasks that they need, directly or
            not.
    """

    done: set[str] = field(default_factory=set)
    failed: dict[str, CommonwheelError] = field(default_factory=dict)
    skipped: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def over(self) -> set[str]:
        """All that have ended, well or not, or will never start."""
        return {*self.done, *self.failed, *self.skipped}

    def decides(self, task: Task) -> bool:
        """Whether all that a task waits for is over."""
        return all(
            each in self.done or each in self.failed or each in self.skipped
            for each in (*task.needs, *task.after)
        )

    def causes(self, task: Task) -> tuple[str, ...]:
        """The failed tasks that a task needs, directly or not."""
        found: dict[str, None] = {}
        for need in task.needs:
            found |= dict.fromkeys([need] if need in self.failed else self.skipped.get(need, ()))
        return tuple(found)


def run_tasks(
    tasks: Sequence[Task],
    *,
    tick: Callable[[Outcome], None] = lambda _outcome: None,
    stop: Callable[[], None] = lambda: None,
) -> Outcome:
    """Run all tasks; those that can start at the same time start in the order given.

    Args:
        tasks: each after those that it needs.
        tick: called in the caller's thread about every second, and when a task ends.
        stop: called before this ends by an exception: lets waiting tasks end.

    Raises:
        Exception: what a task raised that is no CommonwheelError, or an interruption. Running
            processes are killed first, and their threads have ended.
    """
    run = _Run(tasks=tasks, tick=tick)
    try:
        run.follow()
    except BaseException:
        stop()
        run.end_threads()
        raise
    return run.outcome


class _Run:
    def __init__(self, *, tasks: Sequence[Task], tick: Callable[[Outcome], None]) -> None:
        self.waiting = {task.id: task for task in tasks}
        self.tick = tick
        self.outcome = Outcome()
        self.threads: dict[str, Thread] = {}
        self.ended: SimpleQueue[tuple[str, BaseException | None]] = SimpleQueue()

    def follow(self) -> None:
        self._start()
        while self.threads:
            try:
                task_id, error = self.ended.get(timeout=TICK)
            except Empty:
                self.tick(self.outcome)
                continue
            self.threads.pop(task_id).join()
            self._note(task_id, error)
            self._start()

    def _start(self) -> None:
        """Start all that can be; what is inline ends here, and lets others start."""
        while ready := [task for task in self.waiting.values() if self.outcome.decides(task)]:
            for task in ready:
                del self.waiting[task.id]
                self._start_one(task)

    def _start_one(self, task: Task) -> None:
        if causes := self.outcome.causes(task):
            self.outcome.skipped[task.id] = causes
        elif task.inline:
            self._note(task.id, _error_of(task))
        else:
            # A daemon: one that hangs must not keep an interrupted program alive.
            thread = Thread(target=self._work, args=(task,), name=task.id, daemon=True)
            self.threads[task.id] = thread
            thread.start()

    def _work(self, task: Task) -> None:
        self.ended.put((task.id, _error_of(task)))

    def _note(self, task_id: str, error: BaseException | None) -> None:
        if error is None:
            self.outcome.done.add(task_id)
        elif isinstance(error, CommonwheelError):
            self.outcome.failed[task_id] = error
        else:
            raise error
        self.tick(self.outcome)

    def end_threads(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for thread in self.threads.values():
            while thread.is_alive() and time.monotonic() < deadline:
                # Again and again: one that was between two processes starts the next.
                kill_all()
                thread.join(TICK / 10)


def _error_of(task: Task) -> BaseException | None:
    try:
        task.run()
    except BaseException as error:  # noqa: BLE001 -- the caller's thread decides
        return error
    return None
