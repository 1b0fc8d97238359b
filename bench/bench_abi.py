"""Reading and comparing symbols, beside the tools that do it elsewhere.

First, all dynamic symbols of the libraries and modules in eight large wheels, in one process,
beside one call of ``nm -D`` on all files, and pyelftools. Limits: 1.3 times nm's time, and 15 times
as fast as pyelftools.

Second, ``commonwheel abi diff`` of two releases of libgdal, as rasterio's and fiona's wheels have
them, beside ``abidiff``: both are stripped and come without headers, so that both compare symbols.
Processes as a user starts them, Python's start included. Limit: as fast.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from bench.bench_check import wheels
from bench.common import ROOT, say_load
from commonwheel.elf import is_elf, read_elf
from commonwheel.elf.tools import find_program
from commonwheel.wheel.read import read_wheel

RUNS = 5
NM = 1.3
PYELFTOOLS = 15.0
ABIDIFF = 1.0


def best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of the fastest of some runs."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def unpacked(folder: Path) -> list[Path]:
    """Every ELF file of the wheels, in a folder."""
    found = []
    for path in wheels():
        wheel = read_wheel(path)
        for member in wheel.members:
            if ".so" in member and is_elf((content := wheel.read(member))[:4]):
                target = folder / path.stem / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                found.append(target)
    return found


def ours(files: Sequence[Path]) -> int:
    """How many dynamic symbols the files have, each of them read with its version."""
    return sum(len(read_elf(file).symbols) for file in files)


def pyelftools(files: Sequence[Path]) -> int:
    """The same with pyelftools, from the section of symbols, without versions."""
    count = 0
    for file in files:
        with file.open("rb") as stream:
            section: Any = ELFFile(stream).get_section_by_name(".dynsym")
            count += sum(1 for symbol in section.iter_symbols() if symbol.name)
    return count


def run(command: Sequence[str | Path]) -> None:
    """A process whose exit code says what it found."""
    subprocess.run(command, check=False, cwd=ROOT, capture_output=True)


def reading(files: Sequence[Path]) -> bool:
    """Print the first comparison; whether it is within its limits."""
    nm = find_program("nm", hint="the system package 'binutils'")
    ours(files)  # so that all files are in memory
    mine = best(lambda: ours(files))
    theirs = best(lambda: run([nm, "-D", *files]))
    slow = best(lambda: pyelftools(files), 1)
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"{ours(files)} symbols of {len(files)} files, {size:.0f} MB (best of {RUNS})")
    print(f"  commonwheel    {mine:7.2f} s")
    print(f"  nm -D          {theirs:7.2f} s   ratio {mine / theirs:6.2f}   limit {NM}")
    print(f"  pyelftools     {slow:7.2f} s   {slow / mine:6.1f} times   limit {PYELFTOOLS:.0f}")
    return mine <= NM * theirs and slow >= PYELFTOOLS * mine


def comparing(files: Sequence[Path]) -> bool:
    """Print the second comparison; whether it is within its limit."""
    old, new = (file for file in files if file.name.startswith("libgdal"))
    abidiff = find_program("abidiff", hint="the system package 'abigail-tools'")
    command = (sys.executable, "-m", "commonwheel", "abi", "diff", old, new)
    # Turn by turn: on a machine that others share, what a second is worth changes.
    turns = [
        (best(lambda: run(command), 1), best(lambda: run((abidiff, old, new)), 1))
        for _ in range(RUNS)
    ]
    mine, theirs = min(turn[0] for turn in turns), min(turn[1] for turn in turns)
    print(f"{old.name} and {new.name}, without debug information (best of {RUNS})")
    print(f"  commonwheel abi diff   {mine:7.2f} s")
    print(
        f"  abidiff                {theirs:7.2f} s   {theirs / mine:5.2f} times   limit {ABIDIFF}"
    )
    return theirs >= ABIDIFF * mine


def main() -> None:
    """Print both comparisons."""
    say_load()
    with tempfile.TemporaryDirectory() as folder:
        files = unpacked(Path(folder))
        # rasterio's GDAL and fiona's; pyogrio's is a third one.
        two = [file for file in files if "pyogrio" not in str(file)]
        within = [reading(files), comparing(two)]
    if not all(within):
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
