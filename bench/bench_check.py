"""Gates beside auditwheel: seconds for wheels from the package index, and for one library wheel.

First, ``commonwheel check`` of eight large wheels in one process, beside ``auditwheel show`` of
each of them; both must name the same platform tags. auditwheel reads symbol versions and DT_NEEDED;
ours asks every gate but those that run code or look at instructions. Limit: 10 times as fast.

Second, a library wheel with a library of 25 MB, made of one of those wheels: all gates but the CPU
scan, those that load the library included. Limit: 1 s, of which Python's start is not counted.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.common import ROOT, execute, say_load
from commonwheel.check.case import Tools
from commonwheel.check.run import CheckOptions, check
from commonwheel.cli.common import cache_folder
from commonwheel.names import MANIFEST_SCHEMA, Names
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name
from commonwheel.wheel.read import read_wheel
from commonwheel.wheel.write import write_wheel

WHEELS = (
    "fiona==1.10.1",
    "h5py==3.16.0",
    "netcdf4==1.7.5.1.post1",
    "numpy==2.3.5",
    "pyogrio==0.13.0",
    "pyproj==3.7.2",
    "rasterio==1.4.4",
    "scipy==1.17.1",
)
# For the Python that they were measured with, whichever one runs this.
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
CHOICE = (
    *("--python-version", "3.11"),
    *(word for platform in PLATFORMS for word in ("--platform", platform)),
)
RUNS = 3
FASTER = 10.0
LIMIT = 1.0
SIZE = 25_000_000
TAG = re.compile(r'consistent with the following\s+platform tag: "(\w+)"')


def wheels() -> list[Path]:
    """The wheels, downloaded once."""
    folder = cache_folder(os.environ) / "bench"
    pip = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:")
    if len(list(folder.glob("*.whl"))) != len(WHEELS):
        execute([*pip, *CHOICE, "-d", folder, *WHEELS], env=dict(os.environ))
    return sorted(folder.glob("*.whl"))


def ours(paths: list[Path]) -> tuple[float, dict[str, str]]:
    """Seconds of one ``commonwheel check``, and the tag of each wheel."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "commonwheel", "check", *map(str, paths)]
        began = time.perf_counter()
        # What it finds in them is no failure here.
        subprocess.run(
            [*command, "--format", "json", "-o", str(report)],
            check=False,
            cwd=ROOT,
            capture_output=True,
        )
        seconds = time.perf_counter() - began
        found = json.loads(report.read_text(encoding="utf-8"))["reports"]
    return seconds, {each["wheel"]: each["tag"] for each in found}


def auditwheels(paths: list[Path]) -> tuple[float, dict[str, str]]:
    """The same of ``auditwheel show``, which takes one wheel at a time."""
    began, tags = time.perf_counter(), {}
    for path in paths:
        command = [sys.executable, "-m", "auditwheel", "show", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        match = TAG.search(" ".join(done.stdout.split()))
        tags[path.name] = match[1] if match else "none"
    return time.perf_counter() - began, tags


def library_wheel(paths: list[Path], folder: Path) -> Path:
    """A library wheel of the library whose size is nearest to 25 MB."""
    found = ((abs(e.size - SIZE), w, e.name) for w in map(read_wheel, paths) for e in w.entries)
    _, wheel, member = min(found, key=lambda each: each[0])
    names, soname = Names(), "libbig-commonwheel.so.1"
    manifest = {
        "schema": MANIFEST_SCHEMA,
        "name": "big",
        "line": "big-so1",
        "distribution": names.distribution("big-so1"),
        "module": names.module("big-so1"),
        "version": "1.0",
        "upstream-version": "1.0",
        "stability": "line",
        "libraries": [{"soname": soname, "upstream": "libbig.so.1", "role": "public"}],
        "data": [],
    }
    tag = "py3-none-manylinux_2_28_x86_64"
    name = make_wheel_name(names.distribution("big-so1"), "1.0", tag)
    metadata = make_metadata(
        name=names.distribution("big-so1"),
        version="1.0",
        summary="of a benchmark",
        license_expression="MIT",
        license_files=[],
        project_urls={},
        description="",
    )
    members = {
        f"{names.module('big-so1').replace('.', '/')}/lib/{soname}": wheel.read(member),
        f"{name.dist_info}/METADATA": metadata,
        f"{name.dist_info}/WHEEL": make_wheel_file([tag], purelib=False, generator="a benchmark"),
        f"{name.dist_info}/{names.manifest}": json.dumps(manifest).encode(),
    }
    write_wheel(folder / str(name), members, epoch=0)
    return folder / str(name)


def main() -> None:
    """Print both comparisons."""
    say_load()
    paths = wheels()
    size = sum(path.stat().st_size for path in paths) / 1e6
    runs = [ours(paths) for _ in range(RUNS)]
    seconds, tags = min(run[0] for run in runs), runs[0][1]
    peer, its_tags = auditwheels(paths)
    print(f"{len(paths)} wheels, {size:.0f} MB")
    print(f"  commonwheel check   {seconds:7.2f} s   (best of {RUNS})")
    print(f"  auditwheel show     {peer:7.2f} s")
    print(f"  ratio               {peer / seconds:7.1f} times as fast   limit {FASTER:.0f}")
    differing = {
        name: (tags[name], its_tags[name]) for name in tags if tags[name] != its_tags[name]
    }
    print(f"  platform tags       {f'differ: {differing}' if differing else 'the same'}")
    with tempfile.TemporaryDirectory() as folder:
        wheel = library_wheel(paths, Path(folder))
        options = CheckOptions(tools=Tools(load=True, scratch=Path(folder)))
        took = []
        for _ in range(RUNS):
            began = time.perf_counter()
            (report,) = check([wheel], options)
            took.append(time.perf_counter() - began)
        print(f"{wheel.name}, {wheel.stat().st_size / 1e6:.0f} MB")
    print(f"  {len(report.outcomes)} gates            {min(took):7.2f} s   limit {LIMIT:.0f} s")
    if differing or peer / seconds < FASTER or min(took) > LIMIT:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
