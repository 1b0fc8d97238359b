"""CPU seconds of our GEOS and PROJ library wheels beside the same builds by hand.

Ours is all of ``commonwheel build``: source unpacked, staged, configured, built, installed,
finished, repaired, put into the wheelhouse; build tools are installed and providers are built
before. The peer is configure, build and install with CMake and Ninja: same source, options, flags,
prefix and programs, and the host's compilers without our scripts around them. No compiler cache.

Both run at the same time, with one compilation each: what a CPU second is worth changes by a third
within minutes on a machine that others share. User and system time of all processes are counted.
Limit: 1.05 times the peer's.

``--only geos`` or ``--only geos-3.11.1`` chooses; everything takes some 30 minutes on two
processors.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from bench.common import by_hand, kitchen, say_load

LIBRARIES = (("geos", "3.11.1"), ("geos", "3.13.1"), ("proj", "9.1.1"))
# Built before, with the build environment: what a library needs, or else something small.
BEFORE = {"geos": ("zlib",), "proj": ("sqlite3", "tiff", "curl")}
LIMIT = 1.05


def ratio(name: str, version: str) -> float:
    """Build one release both ways, and print what each took."""
    with kitchen() as place, ThreadPoolExecutor(max_workers=1) as pool:
        for other in BEFORE[name]:
            place.build(other)
        release = f"{name}.version={version}"
        running = pool.submit(place.build, name, "--jobs", "1", "--set", release)
        hand = by_hand(place, place.copied(f"{name}-{version}", running), jobs=1)
        theirs, ours = hand.run(), running.result()
        versions = hand.versions()
    times = ours.cpu / theirs.cpu
    print(f"{name} {version}")
    print(f"  commonwheel build   {ours.cpu:8.1f} s CPU   {ours.wall:7.1f} s")
    print(f"  by hand             {theirs.cpu:8.1f} s CPU   {theirs.wall:7.1f} s   ({versions})")
    print(f"  ratio               {times:8.3f}         limit {LIMIT}", flush=True)
    return times


def main() -> None:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="LIBRARY", help="geos, proj, or one release: geos-3.11.1")
    only = parser.parse_args().only
    chosen = [each for each in LIBRARIES if only in {None, each[0], "-".join(each)}]
    if not chosen:
        parser.error(f"--only {only}: there are {', '.join('-'.join(each) for each in LIBRARIES)}")
    say_load()
    if max([ratio(name, version) for name, version in chosen]) > LIMIT:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
