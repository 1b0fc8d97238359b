"""The main job's wheels in places other than one environment: a frozen program, the user's site."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Venv

APPLICATION = """\
import json, pyproj, shapely
t = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
maps = sorted({line.split()[-1] for line in open("/proc/self/maps") if "-commonwheel.so" in line})
area = shapely.Point(0, 0).buffer(1).area
data = pyproj.datadir.get_data_dir()
print(json.dumps({"y": t.transform(10, 50)[1], "area": area, "data": data, "maps": maps}))
"""


def check(said: str, root: Path) -> None:
    found = json.loads(said)
    assert round(found["y"]) == 6446276
    assert found["area"] > 3.1
    assert Path(found["data"]).is_relative_to(root)
    names = [Path(each).name for each in found["maps"]]
    assert {"libproj-commonwheel.so.25", "libgeos_c-commonwheel.so.1"} <= set(names)
    assert len(names) == len(set(names))
    assert all(Path(each).is_relative_to(root) for each in found["maps"])


def test_a_frozen_program_takes_libraries_and_data_along(
    wheelhouse: Path, make_venv: Callable[..., Venv], tmp_path: Path
) -> None:
    venv = make_venv("numpy", "certifi", "pyinstaller")
    venv.pip("--no-index", "--find-links", wheelhouse, "shapely", "pyproj")
    (tmp_path / "application.py").write_text(APPLICATION)
    freeze = [str(venv.folder / "bin/pyinstaller"), "--log-level", "ERROR", "application.py"]
    subprocess.run(freeze, cwd=tmp_path, check=True, capture_output=True)
    # Nothing of the environment that it was made in may be needed.
    shutil.rmtree(venv.folder)
    moved = (tmp_path / "dist/application").rename(tmp_path / "moved")
    done = subprocess.run(
        [moved / "application"], env={}, capture_output=True, text=True, check=True
    )
    check(done.stdout, moved)


def test_providers_in_the_users_site(
    wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The consumers' RPATHs lead to nothing here: the loader has to find the providers.
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("site") / "v"
    virtualenv = [sys.executable, "-m", "virtualenv", "-q", "--system-site-packages", str(folder)]
    subprocess.run(virtualenv, check=True)
    venv = Venv(folder=folder)
    venv.pip("numpy", "certifi")
    venv.pip("--no-index", "--no-deps", "--find-links", wheelhouse, "shapely", "pyproj")
    base = Path(os.path.realpath(venv.python))
    libraries = sorted(wheelhouse.glob("commonwheel_*.whl"))
    newest = {path.name.partition("-")[0]: path for path in libraries}
    install = [
        str(base),
        "-m",
        "pip",
        "install",
        "-q",
        "--user",
        "--no-deps",
        "--break-system-packages",
    ]
    environ = {**os.environ, "PYTHONUSERBASE": str(home), "PIP_NO_INDEX": "1"}
    subprocess.run(
        [*install, *map(str, newest.values())], env=environ, check=True, capture_output=True
    )
    check(venv.run(APPLICATION, {"PYTHONUSERBASE": str(home)}, "-X", "utf8"), home)
