"""The one way a subprocess starts."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from commonwheel.errors import CommonwheelError

TAIL_LINES = 200
SHOWN_WORDS = 6

# Those that lead a group of their own, of all threads.
_groups: set["subprocess.Popen[str]"] = set()


class ProcessError(CommonwheelError):
    """A subprocess failed; ``output`` holds the last lines that it printed."""

    def __init__(self, command: Sequence[str], *, code: int, output: str, hint: str = "") -> None:
        self.code = code
        self.output = output
        shown = " ".join(command[:SHOWN_WORDS]) + (" …" if len(command) > SHOWN_WORDS else "")
        super().__init__(f"'{shown}' ended with exit code {code}", hint=hint or last_lines(output))


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What a finished subprocess said: exit code, and stdout with stderr folded into it."""

    code: int
    output: str


def last_lines(text: str, count: int = 20) -> str:
    """The last ``count`` non-empty lines of ``text``, joined for an error's hint."""
    return "\n  ".join([line for line in text.splitlines() if line.strip()][-count:])


# What compilers, linkers, configure scripts and build tools begin a complaint with.
COMPLAINT = re.compile(
    r"\berror:|\bfatal error\b|undefined reference|cannot find -l|^CMake Error|^FAILED:|"
    r"\*\*\* \[?|^configure: error|^E  |Error: |No such file or directory",
    re.IGNORECASE,
)
CONTEXT = 2
LAST = 6


def significant_lines(log: str, most: int = 25) -> list[str]:
    """The lines of a build's log that say what went wrong, in order; its end where none does."""
    lines = log.splitlines()
    hits = [index for index, line in enumerate(lines) if COMPLAINT.search(line)]
    if not hits or hits[0] == len(lines) - 1:
        # Nothing is said to be wrong but that it failed.
        return [line for line in lines if line.strip()][-most:]
    near = {index for hit in hits for index in range(hit, min(hit + CONTEXT + 1, len(lines)))}
    shown = sorted(near)
    if len(shown) > most:
        # A configure script complains of much that is harmless; how the log ends says more.
        end = range(len(lines) - LAST, len(lines))
        shown = sorted({*sorted(near - set(end))[: most - LAST], *end})
    return [lines[index] for index in shown]


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: IO[str] | None = None,
    on_line: Callable[[str], None] | None = None,
    check: bool = True,
    timeout: float | None = None,
    own_group: bool = True,
) -> Completed:
    """Run ``command`` with stdin closed and stderr folded into stdout.

    Args:
        command: program and arguments; never a shell line.
        cwd: working folder.
        env: the whole environment; the caller's own when None.
        log: an open text file that receives every line as it comes.
        on_line: called with every line (without its newline) as it comes.
        check: raise on a non-zero exit.
        timeout: seconds, for programs that print nothing and may hang (no log, no on_line).
        own_group: start a process group, which is killed as a whole when the caller is interrupted.
            Inside a build that was started so itself, False keeps compilers in the outer group.

    Raises:
        ProcessError: the program is missing (code 127) or cannot be started (126), timed out (124),
            or failed and ``check``.
    """
    words = [str(word) for word in command]
    with _start(words, cwd, env, own_group=own_group) as process:
        if own_group:
            _groups.add(process)
        try:
            output = _follow(process, log, on_line, timeout)
            code = process.wait()
        except subprocess.TimeoutExpired:
            _kill(process, group=own_group)
            raise ProcessError(words, code=124, output=f"no answer in {timeout:g} s") from None
        except BaseException:
            _kill(process, group=own_group)
            raise
        finally:
            _groups.discard(process)
    if check and code != 0:
        raise ProcessError(words, code=code, output=output)
    return Completed(code=code, output=output)


def _start(
    words: list[str], cwd: Path | None, env: Mapping[str, str] | None, *, own_group: bool
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=own_group,
        )
    except FileNotFoundError as error:
        missing = error.filename or words[0]
        raise ProcessError(words, code=127, output=f"{missing}: no such file or program") from None
    except OSError as error:
        # Not executable, a folder, for another machine, too many arguments.
        raise ProcessError(words, code=126, output=f"{words[0]}: {error.strerror}") from None


def _follow(
    process: subprocess.Popen[str],
    log: IO[str] | None,
    on_line: Callable[[str], None] | None,
    timeout: float | None,
) -> str:
    if log is None and on_line is None:
        return process.communicate(timeout=timeout)[0]
    tail: list[str] = []
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            tail.append(line)
            if len(tail) > 2 * TAIL_LINES:
                del tail[:TAIL_LINES]
            if log is not None:
                log.write(line)
                log.flush()
            if on_line is not None:
                on_line(line.rstrip("\n"))
    return "".join(tail)


def interact(command: Sequence[str | Path], *, env: Mapping[str, str]) -> int:
    """Run a command on this process's own terminal; returns its exit code.

    Raises:
        ProcessError: there is no such program.
    """
    words = [str(word) for word in command]
    try:
        return subprocess.run(words, env=dict(env), check=False).returncode
    except OSError as error:
        raise ProcessError(words, code=127, output=f"{words[0]}: {error.strerror}") from None


def kill_all() -> None:
    """Kill every process group that :func:`run` follows at this moment, in whatever thread.

    Only the main thread is interrupted; in the others, :func:`run` sees its process fail.
    """
    for process in _groups.copy():
        # Even where its leader has ended: the others hold the pipe that is read.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill(process: subprocess.Popen[str], *, group: bool) -> None:
    # The whole group: a killed make or ninja would leave its compilers running.
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
