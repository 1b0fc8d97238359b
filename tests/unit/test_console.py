from collections.abc import Sequence
from threading import Thread
from typing import Any

import pytest
from rich.table import Table

from commonwheel import console as module
from commonwheel.console import PLAIN_WIDTH, Console, Step, Verbosity, duration, plain
from commonwheel.errors import BuildError

LONG = "commonwheel_libjpeg_turbo_so62-2.1.5-py3-none-manylinux_2_34_x86_64.whl"


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR", "COLUMNS", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    """A console that takes its stream for a terminal."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    console = Console()
    assert console.screen.is_terminal
    return console


def progress(step: Step, lines: Sequence[str]) -> list[tuple[float, float | None]]:
    """(completed, total) after each line."""
    found = []
    for line in lines:
        step.line(line)
        assert step.task is not None
        task = step.console.live.tasks[0]
        found.append((task.completed, task.total))
    return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["[1/12] Building C", "ld: note", "[12/12] Linking"], [(1, 12), (1, 12), (12, 12)]),
        (["[  7%] Building C object", "[100%] Built target z"], [(7, 100), (100, 100)]),
        (["[x/y] no", "[7 %] no", " [1/2] no", "see [1/2]"], [(0, None)] * 4),
        (
            [
                "commonwheel: 3 compilations",
                "  CC       a.lo",
                "  CXX      b.lo",
                "gcc -O2 -c c.c",
            ],
            [(0, None), (1, 3), (2, 3), (3, 3)],
        ),
        # libtool announces what it then runs, and a compilation more than counted is no progress.
        (
            [
                "commonwheel: 1 compilations",
                "libtool: compile:  gcc -c a.c",
                "gcc -c a.c",
                "gcc -c b.c",
            ],
            [(0, None), (0, None), (1, 1), (1, 1)],
        ),
        # Without a count, compilations say nothing of how far a build is.
        (["  CC       a.lo", "gcc -c a.c"], [(0, None), (0, None)]),
    ],
)
def test_progress_is_read_from_builds(
    lines: list[str], expected: list[tuple[float, float | None]]
) -> None:
    with Console().step("build") as step:
        assert progress(step, lines) == expected


def test_a_step_is_one_line_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().step("geos [3.11]") as step:
        step.line("[1/2] a")
        step.note("a [red]note[/red]")
        step.verdict = "cached"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["… geos [3.11]", "✓ geos [3.11]  cached", "  a [red]note[/red]"]


def test_a_step_tells_its_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().step("geos"):
        pass
    assert capsys.readouterr().err.splitlines()[-1] == "✓ geos  0.0 s"


def test_a_failed_step_has_a_cross_and_lets_the_error_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(BuildError), Console().step("geos"):
        raise BuildError("no")
    assert "✗ geos" in capsys.readouterr().err


def run_all(console: Console) -> None:
    with console.step("geos") as step:
        step.line("a log line")
        step.note("a note")
    console.note("a remark")
    console.show("a result")
    console.error(BuildError("no"))
    console.write("asked for\n")


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        ("quiet", {"a result", "error: no"}),
        ("normal", {"… geos", "✓ geos  0.0 s", "  a note", "a remark", "a result", "error: no"}),
        (
            "verbose",
            {
                "… geos",
                "a log line",
                "✓ geos  0.0 s",
                "  a note",
                "a remark",
                "a result",
                "error: no",
            },
        ),
    ],
)
def test_verbosity(
    verbosity: Verbosity, expected: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_all(Console(verbosity=verbosity))
    out, err = capsys.readouterr()
    assert out == "asked for\n"
    assert set(err.splitlines()) == expected


def test_github_folds_the_log_of_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(github=True)
    with console.step("geos") as step:
        step.line("a log line")
    with pytest.raises(BuildError), console.step("proj"):
        raise BuildError("no")
    lines = capsys.readouterr().err.splitlines()
    # Between these two a log's line is no command, whatever it looks like.
    token = lines[1].removeprefix("::stop-commands::")
    assert lines == [
        "::group::geos",
        f"::stop-commands::{token}",
        "a log line",
        f"::{token}::",
        "::endgroup::",
        "✓ geos  0.0 s",
        "::group::proj",
        f"::stop-commands::{token}",
        f"::{token}::",
        "::endgroup::",
        "✗ proj  0.0 s",
    ]
    assert len(token) == 16


def two_at_once(console: Console) -> None:
    """Two steps that overlap, of a run of three jobs."""
    with console.overall(3) as overall, console.step("geos") as geos:
        geos.line("[1/2] geos one")
        with console.step("proj") as proj:
            proj.line("[1/9] proj one")
            overall.show(1, 400)
            geos.line("[2/2] geos two")
            proj.line("[2/9] proj two")


def test_in_a_log_steps_at_once_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    two_at_once(Console())
    said = capsys.readouterr().err.splitlines()
    assert said == ["… geos", "… proj", "✓ proj  0.0 s", "✓ geos  0.0 s"]


def test_a_log_says_now_and_then_how_far_all_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.0)
    two_at_once(Console())
    console = Console()
    with console.overall(3) as overall:
        overall.show(2, None)
        with console.step("test proj"):
            overall.show(2, None)
    said = capsys.readouterr().err.splitlines()
    assert said[2] == "1 of 3 jobs, about 7 min left; geos (1/2), proj (1/9)"
    assert said[5:8] == ["2 of 3 jobs", "… test proj", "2 of 3 jobs; test proj"]


def test_lines_of_steps_at_once_name_their_step(capsys: pytest.CaptureFixture[str]) -> None:
    two_at_once(Console(verbosity="verbose"))
    said = capsys.readouterr().err.splitlines()
    assert said[1:6] == [
        "geos: [1/2] geos one",
        "… proj",
        "proj: [1/9] proj one",
        "geos: [2/2] geos two",
        "proj: [2/9] proj two",
    ]


def test_folds_of_steps_at_once_do_not_interleave(capsys: pytest.CaptureFixture[str]) -> None:
    two_at_once(Console(github=True))
    said = capsys.readouterr().err.splitlines()
    token = said[3].removeprefix("::stop-commands::")
    assert said == [
        "… geos",
        "… proj",
        "::group::proj",
        f"::stop-commands::{token}",
        "[1/9] proj one",
        "[2/9] proj two",
        f"::{token}::",
        "::endgroup::",
        "✓ proj  0.0 s",
        "::group::geos",
        f"::stop-commands::{token}",
        "[1/2] geos one",
        "[2/2] geos two",
        f"::{token}::",
        "::endgroup::",
        "✓ geos  0.0 s",
    ]


def test_a_step_that_fails_in_a_long_run_says_why_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = Console()

    def fail() -> None:
        with console.overall(2), console.step("geos"):
            raise BuildError("make failed", hint="many\n  lines")

    with pytest.raises(BuildError):
        fail()
    assert capsys.readouterr().err.splitlines() == ["… geos", "✗ geos  0.0 s", "  make failed"]


def test_what_ends_with_the_run_did_not_fail_by_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = Console()

    def stop() -> None:
        with console.overall(2) as overall, console.step("geos"):
            overall.stop()
            raise BuildError("killed")

    with pytest.raises(BuildError):
        stop()
    assert capsys.readouterr().err.splitlines() == ["… geos", "✗ geos  interrupted"]


def test_quiet_says_nothing_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    two_at_once(Console(verbosity="quiet"))
    assert capsys.readouterr().err == ""


def test_threads_do_not_break_one_anothers_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(verbosity="verbose")

    def work(name: str) -> None:
        with console.step(name) as step:
            for number in range(200):
                step.line(f"line {number}")

    with console.overall(4):
        threads = [Thread(target=work, args=(f"job{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    said = capsys.readouterr().err.splitlines()
    for name in ("job0", "job3"):
        lines = [line for line in said if line.startswith(f"{name}: ")]
        assert lines == [f"{name}: line {number}" for number in range(200)]
    assert len(said) == 4 * (200 + 2)


def test_a_terminal_shows_all_steps_and_the_whole_run(
    terminal: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal.overall(14) as overall, terminal.step("geos") as geos:
        with terminal.step("proj") as proj:
            geos.line("[3/7] x")
            proj.line("[40/200] x")
            overall.show(3, 400)
            capsys.readouterr()
            terminal.live.refresh()
            shown = capsys.readouterr().err
            for text in ("3 of 14 jobs, about 7 min left", "geos", "3/7", "proj", "40/200"):
                assert text in shown
            assert "3/14" not in shown  # it is said in words
        assert [task.description for task in terminal.live.tasks][1:] == ["geos"]
        started = terminal.live.live.is_started
    assert (started, terminal.live.live.is_started) == (True, False)
    assert not terminal.live.tasks
    # Lines of what ended stand above the bars, once.
    assert capsys.readouterr().err.count("✓") == 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "10 s"),
        (10, "10 s"),
        (11, "20 s"),
        (50, "50 s"),
        (51, "1 min"),
        (61, "2 min"),
        (59 * 60, "59 min"),
        (60 * 60, "1 h"),
        (61 * 60, "1 h 10 min"),
        (115 * 60, "2 h"),
    ],
)
def test_a_duration_is_as_exact_as_an_estimate(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_error_is_an_annotation_on_github(capsys: pytest.CaptureFixture[str]) -> None:
    Console(github=True).error(BuildError("100% [bad]", where="a:1:2", hint="one\n  two"))
    annotation, *shown = capsys.readouterr().err.splitlines()
    assert annotation == "::error::a:1:2: 100%25 [bad]%0A  one%0A  two"
    assert shown == ["error: a:1:2: 100% [bad]", "  one", "  two"]


def test_text_is_neither_markup_nor_broken(capsys: pytest.CaptureFixture[str]) -> None:
    line = "install: pip install --find-links /tmp/[red]x[/red] " + "word " * 60
    console = Console()
    console.show(line)
    console.note(line)
    shown = capsys.readouterr().err.splitlines()
    assert [each.rstrip() for each in shown] == [line.rstrip()] * 2


def wide() -> Table:
    table = Table()
    for heading in ("wheel", "sha256"):
        table.add_column(heading)
    table.add_row(LONG, "0" * 16)
    return table


def test_a_long_name_stays_whole_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    console = Console()
    console.write_table(wide())
    console.show(wide())
    out, err = capsys.readouterr()
    assert LONG in out
    assert LONG in err
    assert LONG in plain(wide())
    assert "\x1b" not in out + err + plain(wide())
    assert max(map(len, plain(wide()).splitlines())) <= PLAIN_WIDTH


def test_a_terminal_shows_a_bar_with_and_without_a_count(
    terminal: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal.step("geos") as step:
        terminal.live.refresh()
        step.line("[3/7] x")
        terminal.live.refresh()
        step.start("geos.tar", None)
        step.advance(1_500_000)
        terminal.live.refresh()
        step.start("geos.tar", 20_000_000)
        step.advance(5_000_000)
        terminal.live.refresh()
        step.done()
    shown = capsys.readouterr().err
    assert "geos: geos.tar" in shown
    for count in ("3/7", "1.5 MB", "5.0/20.0 MB"):
        assert count in shown
    assert "✓" in shown


def test_quiet_and_verbose_show_no_bar(monkeypatch: pytest.MonkeyPatch, terminal: Console) -> None:
    assert not terminal.live.disable
    settings: list[Any] = ["quiet", "verbose"]
    assert all(Console(verbosity=each).live.disable for each in settings)
