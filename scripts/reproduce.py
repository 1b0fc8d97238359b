"""Run a job of a plan again, as another machine ran it, in the same image.

Which job that is, a file says: the log of a job, or of a whole CI run; or what ``commonwheel plan
--format json`` prints, or one entry of it. Everything else is done by ``commonwheel build``, which
ran the job in the first place.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commonwheel.cli import main as commonwheel
from commonwheel.cli.build import REPRODUCTION
from commonwheel.errors import CommonwheelError, UsageError

WHEELHOUSE = Path("wheelhouse/reproduced")


def entries(text: str) -> Iterator[dict[str, Any]]:
    """Every job that a text tells how to build, each with ``id`` and ``arguments``."""
    try:
        data = json.loads(text)
    except ValueError:
        for line in text.splitlines():
            # CI puts the time, or a job's name, before a line.
            _, found, entry = line.partition(REPRODUCTION)
            if found:
                yield json.loads(entry)
        return
    if isinstance(data, dict):
        levels = [[data]] if "arguments" in data else data.get("levels", [])
        yield from (entry for level in levels for entry in level)


def choose(text: str, job: str | None) -> list[str]:
    """The arguments of ``commonwheel build`` for one job.

    Raises:
        UsageError: the text tells of no job, of several, or not of the one that is asked for.
    """
    found = {entry["id"]: entry["arguments"] for entry in entries(text)}
    if not found:
        raise UsageError(
            "this file tells of no job",
            hint="name a log from wheelhouse/logs, or what 'commonwheel plan --format json' prints",
        )
    if job is None and len(found) == 1:
        (job,) = found
    if job not in found:
        what = "there are several jobs" if job is None else f"there is no job '{job}'"
        raise UsageError(f"{what} in this file", hint=f"name one with --job: {', '.join(found)}")
    return [str(word) for word in found[job]]


def main() -> int:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=__doc__)
    parser.add_argument(
        "file", metavar="FILE", help="a log, or a plan in JSON; - is standard input"
    )
    parser.add_argument("--job", help="which job of it, where there are several")
    parser.add_argument("--shell", action="store_true", help="open a shell where a step fails")
    options, others = parser.parse_known_args()
    try:
        text = sys.stdin.read() if options.file == "-" else _read(Path(options.file))
        words = choose(text, options.job)
    except CommonwheelError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    words += ["--anew", "--wheelhouse", str(WHEELHOUSE), "--replace"]
    words += ["--shell"] if options.shell else []
    return commonwheel(["build", *words, *others])


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
