"""What the GDAL packages cost, shared and as upstream publishes them: bytes, memory, seconds.

``nox -s bench -- bench_gdal``. The five packages that the index has wheels of (rasterio, fiona,
pyogrio, shapely, pyproj) are installed from a wheelhouse and from the index, in the same releases;
what both need beside them (NumPy, click and so on) is left out of all rows but the last. GDAL's own
bindings, which are on the index as a source only, are in the last row alone. Options of
``commonwheel build`` choose where the stack is built: ``--engine docker --image stand-in``.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from ci.gdal import environments
from ci.gdal.environments import PUBLISHED, Environment

# AWS Lambda: function and layers, unzipped (quota "Deployment package size").
LAMBDA = 262_144_000
GOAL = 0.45
RUNS = 5
IMPORT = f"""
import time
began = time.perf_counter()
import {", ".join(PUBLISHED)}
import rasterio.warp, rasterio.features, fiona.transform
seconds = time.perf_counter() - began
with open("/proc/self/status") as status:
    (rss,) = (line.split()[1] for line in status if line.startswith("VmRSS"))
print(seconds, int(rss) * 1024)
"""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What the five packages, and the libraries that they bring, cost in one environment."""

    wheels: int
    installed: int
    native: int
    files: int
    rss: float
    seconds: float


def parts(environment: Environment) -> Iterator[Distribution]:
    """The distributions that are compared."""
    for each in distributions(path=[str(environment.site)]):
        name = canonicalize_name(each.name)
        if name in PUBLISHED or name.startswith("commonwheel-"):
            yield each


def bill(environment: Environment, wheels: Path) -> Bill:
    """Measure one environment; ``wheels`` holds the files that it was made from."""
    found = list(parts(environment))
    names = {canonicalize_name(each.name): each.version for each in found}
    sizes = [
        (path, environment.site.joinpath(path).stat().st_size)
        for each in found
        for path in map(str, each.files or ())
        if not path.endswith(".pyc")
    ]
    native = [size for path, size in sizes if ".so" in Path(path).name]
    runs = [_import(environment) for _ in range(RUNS + 1)][1:]
    return Bill(
        wheels=sum(
            file.stat().st_size
            for file in wheels.glob("*.whl")
            for name, version, *_ in [parse_wheel_filename(file.name)]
            if names.get(name) == str(version)
        ),
        installed=sum(size for _, size in sizes),
        native=sum(native),
        files=len(native),
        rss=statistics.median(rss for _, rss in runs),
        seconds=statistics.median(seconds for seconds, _ in runs),
    )


def _import(environment: Environment) -> tuple[float, float]:
    done = subprocess.run(
        [environment.python, "-I", "-c", IMPORT], env={}, check=True, capture_output=True, text=True
    )
    seconds, rss = done.stdout.split()
    return float(seconds), float(rss)


def whole(folder: Path) -> int:
    """Bytes of all files below a folder that are not pip's or compiled Python."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and path.relative_to(folder).parts[0].partition("-")[0]
        not in {"pip", "setuptools", "wheel"}
    )


def main() -> None:
    """Print a table, ours beside upstream's, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheelhouse", type=Path, help="a filled one; nothing is built")
    options, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="bench-gdal-") as text:
        folder = Path(text)
        wheelhouse = (options.wheelhouse or folder / "wheelhouse").absolute()
        if options.wheelhouse is None:
            environments.build(wheelhouse, "--no-test", *words)
        ours = environments.ours(folder / "ours", wheelhouse, names=PUBLISHED)
        theirs = environments.upstreams(folder / "upstreams")
        published = folder / "published"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
        wanted = [f"{name}=={environments.release(name)}" for name in PUBLISHED]
        subprocess.run([*pip, "-d", published, *wanted], check=True)
        mine, upstream = bill(ours, wheelhouse), bill(theirs, published)
        everything = environments.ours(folder / "everything", wheelhouse)
        total = whole(everything.site)
    rows: list[tuple[str, float, float, str]] = [
        ("wheels, MB", mine.wheels / 1e6, upstream.wheels / 1e6, ".1f"),
        ("installed, MB", mine.installed / 1e6, upstream.installed / 1e6, ".1f"),
        ("native libraries, MB", mine.native / 1e6, upstream.native / 1e6, ".1f"),
        ("native files", mine.files, upstream.files, ".0f"),
        ("RSS after importing all, MB", mine.rss / 1e6, upstream.rss / 1e6, ".1f"),
        ("seconds to import all", mine.seconds, upstream.seconds, ".2f"),
    ]
    print(f"{'':30}{'ours':>10}{'upstream':>10}{'ratio':>8}")
    for title, our, their, shape in rows:
        print(f"{title:30}{our:>10{shape}}{their:>10{shape}}{our / their:>8.2f}")
    ratio = mine.native / upstream.native
    print(f"native libraries: {ratio:.2f} of upstream's; goal: at most {GOAL}")
    print(f"all six, NumPy and what they need: {total:,} bytes; Lambda's limit: {LAMBDA:,}")
    if ratio > GOAL or total > LAMBDA:
        sys.exit("a goal is missed")


if __name__ == "__main__":
    main()
