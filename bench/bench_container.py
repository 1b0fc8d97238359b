"""What a container job costs beyond the build commands in it: zlib in the stand-in image.

One ``commonwheel build`` of zlib alone, with the image and what is kept beside it (toolkit, source)
present. Its lines are timed as they come. The build commands are upstream's own: copy, configure,
make, install. Beyond them: containers and copies, cibuildwheel, the build environment; and what is
ours: staging, finishing, repair, gates and keeping. Limits: 20 s, of which 5 s are ours.

The peer is in the same run: cibuildwheel's share of it.
"""

import argparse
import os
import subprocess
import sys
import time

from bench.common import ENVIRONMENT, Kitchen, kitchen, say_load

LIMIT, OURS = 20.0, 5.0
RUNS = 3
# Lines of the log, in order; what begins with "+ " at the left margin is a command of the driver.
COMMANDS, INSTALLED = "+ cp -a", "Successfully built"
REPAIR, OUT = "Repairing wheel...", "Copying wheels back to host..."
FIRST, LAST = "cibuildwheel version", "1 wheel produced"


def timed(place: Kitchen, engine: str) -> list[tuple[float, str]]:
    """Seconds since the start, and line, of one build; the last line is its end."""
    words = [sys.executable, "-m", "commonwheel", "build", "zlib", "-v", "--engine", engine]
    words += ["--image", "stand-in", "--wheelhouse", str(place.folder / "wheelhouse")]
    environment = {**ENVIRONMENT, "COMMONWHEEL_CACHE": str(place.cache), "PYTHONUNBUFFERED": "1"}
    began, lines = time.perf_counter(), []
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text = line.rstrip("\n").removeprefix("zlib-1.3.1: ")
            lines.append((time.perf_counter() - began, text))
    if process.returncode:
        sys.exit("\n".join(text for _, text in lines[-30:]))
    return [*lines, (time.perf_counter() - began, "end")]


def at(lines: list[tuple[float, str]], start: str) -> int:
    """Index of the first line that begins so."""
    return next(i for i, (_, text) in enumerate(lines) if text.strip().startswith(start))


def shares(lines: list[tuple[float, str]]) -> dict[str, float]:
    """Seconds of each part of a build."""

    def when(index: int) -> float:
        return lines[index][0]

    built = at(lines, INSTALLED)
    # The last thing that the installation says comes before the library is finished.
    commands = when(built - 1) - when(at(lines, COMMANDS))
    finishing = when(built) - when(built - 1)
    repair = when(at(lines, OUT)) - when(at(lines, REPAIR))
    inside = when(at(lines, LAST)) - when(at(lines, FIRST))
    whole = when(len(lines) - 1)
    ours = whole - inside + finishing + repair
    return {
        "whole": whole,
        "commands": commands,
        "ours": ours,
        "cibuildwheel": whole - commands - ours,
    }


def main() -> None:
    """Print the shares of the quickest of some builds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("docker", "podman"), default="docker")
    engine = parser.parse_args().engine
    say_load()
    with kitchen() as place:
        timed(place, engine)  # makes ready what is kept
        found = []
        for _ in range(RUNS):
            place.forget()
            found.append(shares(timed(place, engine)))
    best = min(found, key=lambda each: each["whole"])
    beyond = best["whole"] - best["commands"]
    print(f"zlib in a container of {engine}, quickest of {RUNS}")
    print(f"  whole job           {best['whole']:7.1f} s")
    print(f"  build commands      {best['commands']:7.1f} s")
    print(f"  beyond them         {beyond:7.1f} s   limit {LIMIT:.0f} s")
    print(f"    cibuildwheel      {best['cibuildwheel']:7.1f} s")
    print(f"    ours              {best['ours']:7.1f} s   limit {OURS:.0f} s")
    print(f"  ours / cibuildwheel {best['ours'] / best['cibuildwheel']:7.2f}")
    if beyond > LIMIT or best["ours"] > OURS:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
