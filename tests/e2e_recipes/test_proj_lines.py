"""Two ABI lines of PROJ in one environment: each with its own data, alone and in one process."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commonwheel.elf import exported, read_elf
from tests.e2e_recipes.conftest import ROOT, only, run_in

LINES = {"proj_so19": "7.2.1", "proj_so25": "9.1.1"}
# EPSG:3857 of 10° east, 50° north.
EAST, NORTH = 1113194.91, 6446275.84

USE = """
import ctypes, os
from importlib import import_module

class Info(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("major", "minor", "patch")),
        *((name, ctypes.c_char_p) for name in ("release", "version", "searchpath")),
        ("paths", ctypes.c_void_p),
        ("path_count", ctypes.c_size_t),
    ]

class Coordinate(ctypes.Structure):
    _fields_ = [("v", ctypes.c_double * 4)]

def use(line):
    wheel = import_module("commonwheel_libs." + line)
    proj = ctypes.CDLL(wheel.library_path("proj"), mode=os.RTLD_LOCAL)
    for name in ("proj_context_create", "proj_create_crs_to_crs"):
        getattr(proj, name).restype = ctypes.c_void_p
    proj.proj_context_get_database_path.restype = ctypes.c_char_p
    proj.proj_info.restype, proj.proj_trans.restype = Info, Coordinate
    proj.proj_trans.argtypes = [ctypes.c_void_p, ctypes.c_int, Coordinate]
    context = ctypes.c_void_p(proj.proj_context_create())
    made = ctypes.c_void_p(
        proj.proj_create_crs_to_crs(context, b"EPSG:4326", b"EPSG:3857", None)
    )
    point = proj.proj_trans(made, 1, Coordinate((50.0, 10.0, 0.0, 0.0)))
    info = proj.proj_info()
    return {
        "version": f"{info.major}.{info.minor}.{info.patch}",
        "database": proj.proj_context_get_database_path(context).decode(),
        "point": list(point.v)[:2],
    }
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with both lines, and pyproj, which uses the newer one."""
    folder = tmp_path_factory.mktemp("lines")
    build = [sys.executable, "-m", "commonwheel", "build", "proj", "--wheelhouse", "wheelhouse"]
    for choice in ([], ["--set", "proj.version=7.2.1"]):
        recipes = ["--recipes", str(ROOT / "recipes")]
        done = subprocess.run(
            [*build, *recipes, *choice], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", "venv"], cwd=folder, check=True)
    python = folder / "venv/bin/python"
    # certifi, which pyproj wants, is the index's.
    what = ["--find-links", "wheelhouse", "-r", "wheelhouse/constraints.txt"]
    pip = [str(python), "-I", "-m", "pip", "install", "-q", *what]
    subprocess.run(pip, cwd=folder, check=True, capture_output=True)
    return python


def check(line: str, found: dict[str, Any]) -> None:
    assert found["version"] == LINES[line]
    assert f"/commonwheel_libs/{line}/" in found["database"]
    assert Path(found["database"]).is_file()
    assert found["point"] == pytest.approx([EAST, NORTH], abs=0.01)


@pytest.mark.parametrize("line", LINES)
def test_a_line_alone(lines: Path, line: str) -> None:
    answer = run_in(lines, f"{USE}\nresult = use({line!r})")
    check(line, answer["result"])
    assert f"/commonwheel_libs/{line}/" in only(answer["mapped"], "libproj")


@pytest.mark.parametrize("order", [list(LINES), list(LINES)[::-1]], ids=" then ".join)
def test_both_in_one_process(lines: Path, order: list[str]) -> None:
    code = f"{USE}\nresult = {{line: use(line) for line in {[*order, order[0]]!r}}}"
    answer = run_in(lines, code)
    for line in LINES:
        check(line, answer["result"][line])
    assert len([path for path in answer["mapped"] if "/libproj-commonwheel.so." in path]) == 2
    for shared in ("libsqlite3", "libtiff"):
        only(answer["mapped"], shared)


@pytest.mark.parametrize("first", [True, False], ids=["pyproj first", "pyproj last"])
def test_pyproj_does_not_mind_the_other_line(lines: Path, *, first: bool) -> None:
    pyproj = """
import pyproj
point = list(pyproj.Transformer.from_crs(4326, 3857).transform(50, 10))
"""
    other = "\nother = use('proj_so19')\n"
    code = USE + (pyproj + other if first else other + pyproj)
    code += "result = [pyproj.__proj_version__, point, other]"
    result = run_in(lines, code)["result"]
    assert result[0] == LINES["proj_so25"]
    assert result[1] == pytest.approx([EAST, NORTH], abs=0.01)
    check("proj_so19", result[2])


def test_both_lines_export_the_same_kinds_of_symbols(lines: Path) -> None:
    names = {}
    for line in LINES:
        code = f"from commonwheel_libs import {line} as m; result = m.library_path('proj')"
        elf = read_elf(Path(run_in(lines, code)["result"]))
        names[line] = {symbol.name for symbol in exported(elf)}
    assert {"proj_create", "proj_trans", "geod_inverse", "pj_release"} <= names["proj_so19"]
    assert not [name for name in names["proj_so19"] if name.startswith(("_Z", "pj_init"))]
    # Nothing of proj.h went between the two but what its authors took out.
    lost = {n for n in names["proj_so19"] - names["proj_so25"] if n.startswith("proj_")}
    assert len(lost) < 10, lost
