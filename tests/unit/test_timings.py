"""What earlier runs say of this one; no clock but the test's own."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from commonwheel.timings import MOST, Forecast, Timings


@pytest.fixture
def timings(tmp_path: Path) -> Timings:
    return Timings(file=tmp_path / "cache" / "timings.json")


def test_what_was_noted_is_known(timings: Timings) -> None:
    assert timings.read() == {}
    timings.note({"geos": 318.84, "zlib": 4.0})
    timings.note({"proj": 90.0, "geos": 300.0})
    assert timings.read() == {"zlib": 4.0, "proj": 90.0, "geos": 300.0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"seconds": 1}',
        '{"seconds": {"a": "soon"}}',
        '{"seconds": {"a": null}}',
        "\x00",
        '{"seconds": {"a": NaN, "b": -1, "c": Infinity}}',
    ],
)
def test_a_damaged_file_is_an_empty_one(timings: Timings, text: str) -> None:
    timings.file.parent.mkdir()
    timings.file.write_text(text)
    assert timings.read() == {}
    timings.note({"geos": 1.0})
    assert timings.read() == {"geos": 1.0}


def test_it_does_not_grow_for_ever(timings: Timings) -> None:
    timings.note({f"job-{number}": 1.0 for number in range(MOST)})
    timings.note({"job-0": 2.0, "new": 3.0})
    known = timings.read()
    assert len(known) == MOST
    # What was not seen for longest goes.
    assert "job-1" not in known
    assert (known["job-0"], known["new"], known["job-2"]) == (2.0, 3.0, 1.0)
    assert json.loads(timings.file.read_text())["schema"] == 1


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def forecast_of(
    needs: Mapping[str, Sequence[str]],
    known: Mapping[str, float],
    clock: Callable[[], float] = time.monotonic,
) -> Forecast:
    """One whose tasks are all of one kind."""
    return Forecast(needs, known, dict.fromkeys(needs, "job"), clock)


#   zlib → tiff → proj        geos → shapely
NEEDS = {"zlib": (), "geos": (), "tiff": ("zlib",), "shapely": ("geos",), "proj": ("tiff",)}
KNOWN = {"zlib": 10.0, "geos": 300.0, "tiff": 20.0, "shapely": 40.0, "proj": 100.0}


def test_a_path_goes_to_the_end_of_the_last_that_waits() -> None:
    paths = forecast_of(NEEDS, KNOWN).paths()
    assert paths == {"zlib": 130, "geos": 340, "tiff": 120, "shapely": 40, "proj": 100}


def test_without_any_timing_the_longest_chain_goes_first() -> None:
    paths = forecast_of(NEEDS, {}).paths()
    assert paths == {"zlib": 3, "geos": 2, "tiff": 2, "shapely": 1, "proj": 1}


def test_an_unknown_task_takes_as_long_as_the_others_on_average(clock: Clock) -> None:
    needs: dict[str, tuple[str, ...]] = {"a": (), "b": (), "c": (), "test": ()}
    kinds = {"a": "library", "b": "library", "c": "library", "test": "test"}
    known = {"a": 10.0, "b": 30.0, "other": 999.0}
    forecast = Forecast(needs, known, kinds, clock)
    # Of its kind, where one of that is known.
    assert forecast.expected("c") == forecast.expected("test") == 20
    forecast = Forecast(needs, {**known, "test": 2.0}, kinds, clock)
    assert (forecast.expected("c"), forecast.expected("test")) == (20, 2)
    forecast.begin("c")
    clock.now += 5
    assert forecast.end("c") == 5
    assert forecast.expected("c") == 5


def test_the_pace_so_far_tells_what_is_left(clock: Clock) -> None:
    # This machine is half as fast as the earlier one, and runs one task after the other.
    jobs = [f"job{number}" for number in range(10)]
    forecast = forecast_of(dict.fromkeys(jobs, ()), dict.fromkeys(jobs, 10.0), clock)
    for job in jobs[:4]:
        forecast.begin(job)
        clock.now += 20
        forecast.end(job)
    assert forecast.left(jobs[:4]) == pytest.approx(6 * 20)


def test_two_at_once_take_half_the_time(clock: Clock) -> None:
    jobs = [f"job{number}" for number in range(8)]
    forecast = forecast_of(dict.fromkeys(jobs, ()), dict.fromkeys(jobs, 10.0), clock)
    for job in jobs[:2]:
        forecast.begin(job)
    clock.now += 5
    assert forecast.left(()) == pytest.approx(70 / 2)


def test_it_is_never_less_than_the_longest_chain(clock: Clock) -> None:
    forecast = forecast_of(NEEDS, KNOWN, clock)
    for task in ("zlib", "geos"):
        forecast.begin(task)
    clock.now += 10
    forecast.end("zlib")
    # At a pace of two at once 450 s of work would take 225 s; but geos and shapely wait in line.
    assert forecast.left({"zlib"}) == pytest.approx(290 + 40)


def test_what_takes_longer_than_expected_is_not_over(clock: Clock) -> None:
    forecast = forecast_of({"geos": ()}, {"geos": 100.0}, clock)
    forecast.begin("geos")
    clock.now += 500
    left = forecast.left(set())
    assert left is not None
    assert 5 <= left < 100


def test_what_will_not_run_takes_no_time(clock: Clock) -> None:
    forecast = forecast_of(NEEDS, KNOWN, clock)
    forecast.begin("zlib")
    clock.now += 10
    forecast.end("zlib")
    assert forecast.left({"zlib"}) == pytest.approx(460)
    # geos has failed: shapely is skipped with it.
    assert forecast.left({"zlib", "geos", "shapely"}) == pytest.approx(120)


def test_nothing_is_said_where_nothing_is_known(clock: Clock) -> None:
    def left(known: dict[str, float], seconds: float = 60) -> float | None:
        forecast = forecast_of(NEEDS, known, clock)
        forecast.begin("zlib")
        clock.now += seconds
        return forecast.left(set())

    assert left({}) is None
    assert left({"zlib": 10.0, "tiff": 20.0}) is None  # three of five are guesses
    assert left(KNOWN, seconds=1) is None  # too early
    found = left(KNOWN)
    assert found is not None
    assert math.isfinite(found)
    # Of the rest, half was measured before.
    assert left({"zlib": 10.0, "geos": 300.0, "tiff": 20.0}) is not None
    # Nothing has begun: there is no pace.
    idle = forecast_of(NEEDS, KNOWN, clock)
    clock.now += 60
    assert idle.left(set()) is None


def test_what_this_run_has_done_tells_nothing_of_what_is_new(clock: Clock) -> None:
    # A first run: small libraries first. PROJ and GEOS would be taken for the like of them.
    forecast = forecast_of(NEEDS, {}, clock)
    for task in ("zlib", "tiff"):
        forecast.begin(task)
        clock.now += 20
        forecast.end(task)
    assert forecast.left({"zlib", "tiff"}) is None
    assert forecast.left(set(NEEDS)) is None
