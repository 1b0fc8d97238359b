"""The order in which tasks run, and what a failure stops."""

import threading
from collections.abc import Callable, Sequence

import pytest

from commonwheel.errors import BuildError, SourceError
from commonwheel.schedule import Outcome, Task, run_tasks

SECONDS = 20.0


class Notes:
    """Who did something, in order, and in which thread."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.threads: dict[str, threading.Thread] = {}

    def task(
        self,
        name: str,
        needs: str = "",
        *,
        error: BaseException | None = None,
        inline: bool = False,
        work: Callable[[], object] = lambda: None,
    ) -> Task:
        def run() -> None:
            self.order.append(name)
            self.threads[name] = threading.current_thread()
            work()
            if error is not None:
                raise error

        return Task(id=name, needs=tuple(needs.split()), run=run, inline=inline)


@pytest.fixture
def notes() -> Notes:
    return Notes()


def test_each_task_starts_after_all_that_it_needs(notes: Notes) -> None:
    tasks = [notes.task("d", "b c"), notes.task("b", "a"), notes.task("c", "a"), notes.task("a")]
    outcome = run_tasks(tasks)
    assert outcome.done == {"a", "b", "c", "d"}
    assert (notes.order[0], notes.order[-1]) == ("a", "d")
    assert sorted(notes.order) == ["a", "b", "c", "d"]


def test_what_does_not_need_one_another_runs_at_the_same_time(notes: Notes) -> None:
    both = threading.Barrier(2, timeout=SECONDS)
    run_tasks([notes.task("a", work=both.wait), notes.task("b", work=both.wait)])
    assert not both.broken


def test_a_failure_stops_those_that_need_it_and_nobody_else(notes: Notes) -> None:
    no, neither = BuildError("no"), SourceError("neither")
    tasks = [
        notes.task("zlib", error=no),
        notes.task("png", "zlib"),
        notes.task("gdal", "png geos curl"),
        notes.task("curl", error=neither),
        notes.task("geos"),
        notes.task("shapely", "geos"),
    ]
    outcome = run_tasks(tasks)
    assert outcome.done == {"geos", "shapely"}
    assert outcome.failed == {"zlib": no, "curl": neither}
    # Each names what failed itself, not what stands between.
    assert outcome.skipped == {"png": ("zlib",), "gdal": ("zlib", "curl")}
    assert outcome.over == {task.id for task in tasks}
    assert not {"png", "gdal"} & set(notes.order)


def test_what_takes_no_time_needs_no_thread(notes: Notes) -> None:
    tasks = [
        notes.task("a", inline=True),
        notes.task("b", "a", inline=True, error=BuildError("no")),
        notes.task("c", "b", inline=True),
    ]
    outcome = run_tasks(tasks)
    assert set(notes.threads.values()) == {threading.main_thread()}
    assert (outcome.done, list(outcome.failed), list(outcome.skipped)) == ({"a"}, ["b"], ["c"])


def test_a_task_inline_waits_for_one_in_a_thread(notes: Notes) -> None:
    outcome = run_tasks([notes.task("keep", "make", inline=True), notes.task("make")])
    assert notes.order == ["make", "keep"]
    assert outcome.done == {"make", "keep"}
    assert notes.threads["make"] is not threading.main_thread()


def test_it_is_told_of_each_end(notes: Notes) -> None:
    seen: list[set[str]] = []

    def tick(outcome: Outcome) -> None:
        seen.append(outcome.over)

    run_tasks([notes.task("a"), notes.task("b", "a"), notes.task("c", "b")], tick=tick)
    assert seen[-1] == {"a", "b", "c"}
    assert {"a"} in seen


def test_nothing_to_do() -> None:
    assert run_tasks([]) == Outcome()


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("a mistake")])
def test_what_is_no_failure_of_a_task_ends_all(
    notes: Notes, error: BaseException, inline: bool
) -> None:
    stopped, started = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        assert stopped.wait(SECONDS)

    tasks: Sequence[Task] = [
        notes.task("waits", work=wait),
        notes.task("first", work=lambda: started.wait(SECONDS)),
        notes.task("fails", "first", error=error, inline=inline),
        notes.task("later", "fails"),
        notes.task("last", "waits"),
    ]
    with pytest.raises(type(error)) as caught:
        run_tasks(tasks, stop=stopped.set)
    assert caught.value is error
    assert not {"later", "last"} & set(notes.order)
    # No thread works on behind the caller's back.
    assert not notes.threads["waits"].is_alive()
