"""The only module that prints: steps with ticks and seconds, progress, CI folds, tables.

On a terminal each running step shows a bar; elsewhere a step is a line when it begins and one when
it ends. On GitHub Actions the lines of a step's log are folded under its title.
"""

import math
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Literal

from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from commonwheel.errors import CommonwheelError

# Ninja: [12/345]; CMake's and others' makefiles: [ 12%].
NINJA = re.compile(r"^\[(\d+)/(\d+)\]")
PERCENT = re.compile(r"^\[ *(\d+)%\]")
# The autotools driver counts the compilations of a dry run, and says so first.
COUNTED = re.compile(r"^commonwheel: (\d+) compilations$")
COMPILATION = re.compile(r"^\s+(?:CC|CXX)\s|^(?!libtool:).*\s-c\s")

# Where no terminal wraps lines, a wheel's name should stay whole.
PLAIN_WIDTH = 160

# Seconds after which a log says again how far all is.
SILENCE = 60.0

SIXTY = 60

Verbosity = Literal["quiet", "normal", "verbose"]


@dataclass(kw_only=True)
class Step:
    """A running step; what it says of its progress, and how it ended."""

    console: "Console"
    title: str
    task: TaskID | None = None
    verdict: str = ""
    compilations: int = 0
    counted: int = 0
    reached: str = ""
    notes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def start(self, label: str, total: int | None) -> None:
        """A download begins (see :class:`commonwheel.source.progress.Progress`)."""
        self.console.begin_download(self, label, total)

    def advance(self, count: int) -> None:
        """More of it is done."""
        if self.task is not None:
            self.console.live.advance(self.task, count)

    def done(self) -> None:
        """The download is over."""

    def line(self, text: str) -> None:
        """A line of the step's log: shown if asked for, and read for progress."""
        self.console.log_line(self, text)
        if match := NINJA.match(text):
            self._reach(int(match[1]), int(match[2]))
        elif match := PERCENT.match(text):
            self._reach(int(match[1]), 100)
        elif match := COUNTED.match(text):
            self.counted = int(match[1])
        elif self.counted and COMPILATION.match(text):
            self.compilations = min(self.compilations + 1, self.counted)
            self._reach(self.compilations, self.counted)

    def _reach(self, completed: int, total: int) -> None:
        self.reached = f"{completed}/{total}"
        self.console.update(self, completed=completed, total=total)

    def note(self, text: str) -> None:
        """Something that a reader should know, shown below the step."""
        self.notes.append(text)


class Console:
    """Everything that a person sees; threads may share it.

    Args:
        verbosity: ``quiet`` shows errors and the final table only, ``verbose`` every line of every
            log.
        github: fold logs for GitHub Actions.

    Progress goes to standard error, what a command was asked for to standard output.
    """

    def __init__(self, *, verbosity: Verbosity = "normal", github: bool = False) -> None:
        self.verbosity = verbosity
        self.github = github
        self._resume = secrets.token_hex(8)
        self._lock = RLock()
        self._running: list[Step] = []
        self._overall: Overall | None = None
        self.screen = _rich(stderr=True)
        self.live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            _Count(),
            TimeElapsedColumn(),
            console=self.screen,
            transient=True,
            disable=not self.screen.is_terminal or verbosity != "normal",
        )

    @contextmanager
    def overall(self, total: int) -> Iterator["Overall"]:
        """Show how far all of a run is, of whose steps several run at once."""
        task = self.live.add_task("", total=total, counted=False)
        self._overall = Overall(console=self, total=total, task=task)
        self.live.start()
        try:
            yield self._overall
        finally:
            self.live.remove_task(task)
            self._overall = None
            self.live.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while it runs, and how it ended; an exception passes through with a cross."""
        step = Step(console=self, title=title)
        began = time.monotonic()
        self._begin(step)
        try:
            yield step
        except BaseException as error:
            if self._overall is not None and self._overall.stopped:
                step.verdict = "interrupted"
            elif self._overall is not None and isinstance(error, CommonwheelError):
                # The whole of it is shown at the end of the run, which may be far.
                step.note(error.what)
            self._finish(step, "[red]✗[/]", began)
            raise
        self._finish(step, "[green]✓[/]", began)

    def _begin(self, step: Step) -> None:
        with self._lock:
            self._running.append(step)
            if self.github and self._overall is None:
                self._raw(*self._fold(step.title))
            elif not self.screen.is_terminal and self.verbosity != "quiet":
                # In a log nothing moves: say what is being waited for.
                self._raw(f"… {step.title}")
            step.task = self.live.add_task(step.title, total=None)
            if self._overall is None:
                self.live.start()

    def _fold(self, title: str) -> tuple[str, str]:
        # A log's own lines are no commands: https://docs.github.com/actions (stop-commands).
        return f"::group::{title}", f"::stop-commands::{self._resume}"

    def _finish(self, step: Step, mark: str, began: float) -> None:
        with self._lock:
            self._running.remove(step)
            if step.task is not None:
                self.live.remove_task(step.task)
                step.task = None
            if self._overall is None:
                self.live.stop()
            elif self.github:
                # Folds cannot interleave: those of steps that run at once come whole.
                self._raw(*self._fold(step.title), *step.lines)
            if self.github:
                self._raw(f"::{self._resume}::", "::endgroup::")
            if self.verbosity != "quiet":
                self._report(step, mark, time.monotonic() - began)

    def _report(self, step: Step, mark: str, seconds: float) -> None:
        end = step.verdict or f"{seconds:.1f} s"
        line = Text.assemble(Text.from_markup(f"{mark} "), f"{step.title}  ", (end, "dim"))
        self.screen.print(line, soft_wrap=True)
        for note in step.notes:
            self.screen.print(Text(f"  {note}", style="dim"), soft_wrap=True)

    def update(self, step: Step, *, completed: int, total: int) -> None:
        """Move a step's bar."""
        if step.task is not None:
            self.live.update(
                step.task, completed=completed, total=total, description=step.title, unit=""
            )

    def begin_download(self, step: Step, label: str, total: int | None) -> None:
        """Give a step a bar that counts bytes."""
        if step.task is not None:
            # A task's total cannot become unknown again.
            self.live.remove_task(step.task)
            step.task = self.live.add_task(f"{step.title}: {label}", total=total, unit="MB")

    def log_line(self, step: Step, text: str) -> None:
        """A line of a subprocess, where every line is wanted."""
        if self._overall is None:
            if self.verbosity == "verbose" or self.github:
                self._raw(text)
        elif self.github:
            step.lines.append(text)
        elif self.verbosity == "verbose":
            self._raw(f"{step.title}: {text}")

    def show_overall(self, overall: "Overall", text: str, done: int) -> None:
        """Move the bar of all; in a log, a line now and then."""
        with self._lock:
            self.live.update(overall.task, completed=done, description=text)
            late = time.monotonic() - overall.said >= SILENCE
            if self.screen.is_terminal or self.verbosity == "quiet" or not late:
                return
            overall.said = time.monotonic()
            at_work = [
                f"{step.title} ({step.reached})" if step.reached else step.title
                for step in self._running
            ]
            self._raw("; ".join(filter(None, [text, ", ".join(at_work)])))

    def _raw(self, *lines: str) -> None:
        with self._lock:
            sys.stderr.write("".join(f"{line}\n" for line in lines))

    def show(self, renderable: RenderableType) -> None:
        """Show a table or a plain text on the side of progress."""
        if isinstance(renderable, str):
            # Neither markup nor hard line breaks: it may be a command to copy.
            self.screen.print(Text(renderable), soft_wrap=True)
        else:
            self.screen.print(renderable)

    def note(self, text: str) -> None:
        """A line of plain text."""
        if self.verbosity != "quiet":
            self.screen.print(Text(text), soft_wrap=True)

    def error(self, error: CommonwheelError) -> None:
        """An error, whole."""
        if self.github:
            self._raw(f"::error::{escaped(str(error))}")
        self.screen.print(Text.assemble(("error: ", "red"), str(error)), soft_wrap=True)

    @staticmethod
    def write(text: str) -> None:
        """What the command was asked for, on standard output."""
        sys.stdout.write(text)

    @staticmethod
    def write_table(renderable: RenderableType) -> None:
        """A table that the command was asked for, on standard output."""
        _rich(stderr=False).print(renderable)


class _Count(ProgressColumn):
    """``3/10`` and ``1.5/20.0 MB``; as much of it as is known."""

    def render(self, task: Task) -> Text:
        if not task.fields.get("counted", True):
            return Text()
        unit = task.fields.get("unit", "")
        known = [task.completed] if task.completed or task.total is not None else []
        if task.total is not None:
            known.append(task.total)
        shown = "/".join(f"{each / 1e6:.1f}" if unit else f"{each:.0f}" for each in known)
        return Text(f"{shown} {unit}".rstrip() if shown else "")


@dataclass(kw_only=True)
class Overall:
    """How far a run is."""

    console: Console
    total: int
    task: TaskID
    said: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def stop(self) -> None:
        """What fails from now on fails because the run ends."""
        self.stopped = True

    def show(self, done: int, left: float | None) -> None:
        """So many are done; ``left`` are the seconds that the others take, where that is known."""
        text = f"{done} of {self.total} jobs"
        if left is not None:
            text += f", about {duration(left)} left"
        self.console.show_overall(self, text, done)


def duration(seconds: float) -> str:
    """Rounded as an estimate deserves: ``40 s``, ``7 min``, ``1 h 20 min``."""
    tens = max(math.ceil(seconds / 10), 1) * 10
    minutes = math.ceil(seconds / SIXTY)
    if tens < SIXTY:
        return f"{tens} s"
    if minutes < SIXTY:
        return f"{minutes} min"
    hours, minutes = divmod(math.ceil(minutes / 10) * 10, SIXTY)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def escaped(text: str) -> str:
    """Text as the data of a workflow command of GitHub Actions."""
    # https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts, escapeData
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _rich(*, stderr: bool) -> RichConsole:
    console = RichConsole(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def plain(renderable: RenderableType) -> str:
    """A table as plain text, for a file."""
    console = RichConsole(width=PLAIN_WIDTH, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()
