"""What a consumer takes of its providers, beside the dynamic linker's own answer.

rasterio's extension modules against the releases of the library wheels that it is installed with,
in one process: the wheel is read, each undefined symbol is attributed to a library, and looked up
in each admitted release. The library wheels have been read before, as they are where a set is
checked. Beside it ``ldd -r`` over the same modules, which resolves the same symbols, once, against
the one set that is installed. Limits: 0.3 s, and as fast as ldd.

    python -m bench.bench_consumer WHEELHOUSE
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.bench_abi import best
from bench.common import say_load
from commonwheel.abi.records import Records
from commonwheel.abi.uses import lacks
from commonwheel.check.admitted import admitted
from commonwheel.check.company import company, releases_beside
from commonwheel.check.inspect import Inspected, inspect
from commonwheel.elf.tools import find_program
from commonwheel.names import Names
from commonwheel.wheel.read import read_wheel

SECONDS = 0.3
PACKAGE = "rasterio"


def ours(path: Path, known: Sequence[Inspected]) -> tuple[int, int, int]:
    """(symbols taken, releases looked at, what lacks) of one wheel."""
    wheel, _ = inspect(path, Names())
    found = admitted(wheel, company(wheel, known), releases_beside(wheel, known), Records())
    taken = found.all_uses
    releases = lost = 0
    for name, provider in found.providers.items():
        for release in provider.known.releases:
            releases += 1
            lost += sum(1 for uses in taken.get(name, ()) for _ in lacks(uses, release))
    return sum(len(each.symbols) for uses in taken.values() for each in uses), releases, lost


def unpacked(paths: Sequence[Path], folder: Path) -> None:
    """Install wheels, as far as the dynamic linker cares."""
    for path in paths:
        wheel = read_wheel(path)
        for member in wheel.members:
            if ".so" in member:
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(wheel.read(member))


def ldd(modules: Sequence[Path], libraries: Sequence[Path]) -> None:
    """The linker's answer for each module."""
    program = find_program("ldd", hint="the system package of the C library")
    environ = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))}
    for module in modules:
        subprocess.run([program, "-r", module], check=False, env=environ, capture_output=True)


def main() -> None:
    """Print the comparison."""
    say_load()
    house = Path(sys.argv[1] if len(sys.argv) > 1 else "wheelhouse")
    path = next(house.glob(f"{PACKAGE}-*.whl"), None)
    if path is None:
        sys.exit(f"{house} holds no wheel of {PACKAGE}: scripts/nox -s build-gdal, or name another")
    libraries = sorted(house.glob("commonwheel_*.whl"))
    known = [inspect(each, Names())[0] for each in libraries]
    first = best(lambda: [each.snapshot.libraries for each in known], 1)
    symbols, releases, lost = ours(path, known)
    mine = best(lambda: ours(path, known))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        unpacked([*libraries, path], folder)
        modules = sorted((folder / PACKAGE).rglob("*.so"))
        places = sorted({each.parent for each in folder.glob("commonwheel_libs/*/lib/*.so*")})
        ldd(modules, places)  # so that all files are in memory
        theirs = best(lambda: ldd(modules, places))
    print(f"{path.name}: {len(modules)} modules, {symbols} symbols of {len(known)} library wheels")
    print(f"  {releases} admitted releases looked at, {lost} symbols or nodes lack")
    print(f"  snapshots of the library wheels, once  {first:7.3f} s")
    print(f"  commonwheel                            {mine:7.3f} s   limit {SECONDS}")
    print(f"  ldd -r                                 {theirs:7.3f} s   {theirs / mine:5.1f} times")
    if mine > min(SECONDS, theirs):
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
