"""The main job, end to end: GEOS → shapely and PROJ → pyproj, from recipes to what users run."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from commonwheel.wheel import read_wheel, rewrite
from commonwheel.wheel.metadata import with_version
from tests.e2e.conftest import ROOT, Venv, build, wheels

USE = {
    "shapely": "import shapely; assert shapely.Point(0, 0).buffer(1).area > 3.1",
    "pyproj": (
        "import pyproj; t = pyproj.Transformer.from_crs(4326, 3857, always_xy=True); "
        "assert round(t.transform(10, 50)[1]) == 6446276, t.transform(10, 50)"
    ),
}
MAPS = "print(open('/proc/self/maps').read())"
OURS = (
    *("libgeos_c", "libgeos", "libproj", "libsqlite3", "libtiff", "libz", "liblzma", "libzstd"),
    *("libLerc", "libwebp", "libcurl", "libssl", "libcrypto", "libnghttp2"),
)


def mapped(maps: str) -> list[str]:
    """Paths of the shared libraries that a process maps, each once."""
    return sorted({line.split()[-1] for line in maps.splitlines() if ".so" in line})


@pytest.mark.parametrize("order", list(permutations(USE)), ids=" then ".join)
def test_each_library_is_mapped_once_in_either_import_order(
    installed: Venv, order: tuple[str, ...]
) -> None:
    libraries = mapped(installed.run("; ".join([*(USE[name] for name in order), MAPS])))
    for stem in OURS:
        pattern = re.compile(rf"/{re.escape(stem)}(-[\w]+)?\.so")
        found = [path for path in libraries if pattern.search(path) and "commonwheel" in path]
        assert len(found) == 1, (stem, found)
        assert str(installed.site / "commonwheel_libs") in found[0]


def test_no_consumer_wheel_carries_a_library_of_its_own(wheelhouse: Path) -> None:
    found = wheels(wheelhouse, "shapely", "pyproj")
    assert [path.name.partition("-")[0] for path in found] == ["shapely", "pyproj"]
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        assert not [name for name in names if re.search(r"\.libs/|/lib[\w-]+\.so", name)]


def test_requirements_have_the_built_against_release_as_their_floor(wheelhouse: Path) -> None:
    wanted = {
        "shapely": 'commonwheel-geos-so1>=3.11.1; sys_platform == "linux"',
        "pyproj": 'commonwheel-proj-so25>=9.1.1; sys_platform == "linux"',
    }
    for name, requirement in wanted.items():
        (wheel,) = wheels(wheelhouse, name)
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
            fields = message_from_bytes(archive.read(member))
        assert requirement in fields.get_all("Requires-Dist", [])
        assert fields["Version"].endswith("+commonwheel.1")


def test_the_data_is_the_providers_without_any_variable(installed: Venv) -> None:
    where = installed.run("import pyproj; print(pyproj.datadir.get_data_dir())").strip()
    assert where == str(installed.site / "commonwheel_libs/proj_so25/share/proj")


def test_a_users_proj_data_wins(installed: Venv, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(installed.site / "commonwheel_libs/proj_so25/share/proj", own)
    code = "import pyproj; print(pyproj.datadir.get_data_dir())"
    assert installed.run(code, {"PROJ_DATA": str(own)}, "-s").strip() == str(own)


def test_a_proj_on_the_path_does_not_lend_its_data(installed: Venv, tmp_path: Path) -> None:
    share = tmp_path / "share/proj"
    share.mkdir(parents=True)
    (share / "proj.db").write_bytes(b"of another PROJ")
    program = tmp_path / "bin/proj"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    code = f"{USE['pyproj']}; print(pyproj.datadir.get_data_dir())"
    where = installed.run(code, {"PATH": str(program.parent)}, "-s").strip()
    assert "commonwheel_libs" in where


def test_it_works_after_the_environment_has_moved(installed: Venv, tmp_path: Path) -> None:
    site = tmp_path / "elsewhere"
    shutil.copytree(installed.site, site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); {USE['shapely']}; {USE['pyproj']}; {MAPS}"
    )
    python = Venv(folder=installed.folder)
    ours = [p for p in mapped(python.run(code)) if "commonwheel_libs" in p]
    assert ours
    assert all(path.startswith(str(site)) for path in ours), ours


def test_a_provider_in_another_site_folder_is_found(
    wheelhouse: Path, make_venv: Callable[..., Venv], tmp_path: Path
) -> None:
    venv = make_venv("numpy", "certifi")
    venv.pip("--no-index", "--no-deps", *wheels(wheelhouse, "shapely", "pyproj"))
    elsewhere = tmp_path / "providers"
    venv.pip("--no-index", "--target", elsewhere, *newest(wheelhouse))
    use = f"{USE['shapely']}; {USE['pyproj']}; {MAPS}"
    code = f"import sys; sys.path.append({str(elsewhere)!r}); {use}"
    ours = [path for path in mapped(venv.run(code)) if "commonwheel_libs" in path]
    assert ours
    assert all(path.startswith(str(elsewhere)) for path in ours), ours


def newest(wheelhouse: Path) -> list[Path]:
    """Every library wheel that is shipped: not the older GEOS that shapely is built against."""
    return [path for path in wheels(wheelhouse, "commonwheel_*") if "3.11.1" not in path.name]


def test_of_two_releases_on_a_path_the_first_serves(
    wheelhouse: Path, make_venv: Callable[..., Venv], tmp_path: Path
) -> None:
    venv = make_venv("numpy")
    (old,) = wheels(wheelhouse, "commonwheel_geos_so1-3.11.1")
    (new,) = wheels(wheelhouse, "commonwheel_geos_so1-3.13.1")
    venv.pip("--no-index", "--no-deps", *wheels(wheelhouse, "shapely"), old)
    newer = tmp_path / "newer"
    venv.pip("--no-index", "--no-deps", "--target", newer, new)
    use = f"{USE['shapely']}; {MAPS}"
    alone = [path for path in mapped(venv.run(use)) if "libgeos" in path]
    assert len(alone) == 2
    assert all(path.startswith(str(venv.site)) for path in alone), alone
    first = f"import sys; sys.path.insert(0, {str(newer)!r}); {use}"
    both = [path for path in mapped(venv.run(first)) if "libgeos" in path]
    assert len(both) == 2
    assert all(path.startswith(str(newer)) for path in both), both


def test_a_missing_provider_is_an_import_error_that_helps(
    wheelhouse: Path, make_venv: Callable[..., Venv]
) -> None:
    venv = make_venv("numpy")
    venv.pip("--no-index", "--no-deps", *wheels(wheelhouse, "shapely"))
    done = subprocess.run(
        [venv.python, "-I", "-c", "import shapely"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ImportError" in done.stderr
    assert "commonwheel-geos-so1>=3.11.1" in done.stderr
    assert "pip install" in done.stderr


def test_the_suites_ran_with_the_oldest_and_the_newest_release(provenance: dict[str, Any]) -> None:
    (shapely,) = [entry for name, entry in provenance.items() if name.startswith("shapely")]
    (pyproj,) = [entry for name, entry in provenance.items() if name.startswith("pyproj")]
    with_geos = [next(w for w in run["with"] if "geos" in w) for run in shapely["tests"]]
    assert ["3.11.1" in with_geos[0], "3.13.1" in with_geos[1]] == [True, True]
    for run in (*shapely["tests"], *pyproj["tests"]):
        assert int(re.search(r"(\d+) passed", run["result"])[1]) > 100  # type: ignore[index]
        assert not re.search(r"\d+ (failed|error)", run["result"])


def test_the_constraints_pin_what_is_shipped(wheelhouse: Path) -> None:
    pins = (wheelhouse / "constraints.txt").read_text().split()
    assert "commonwheel-geos-so1===3.13.1" in pins
    assert "pyproj==3.6.1+commonwheel.1" in pins
    assert len(pins) == len({pin.partition("==")[0] for pin in pins})


def test_a_decoy_of_a_provider_does_not_win(
    wheelhouse: Path, make_venv: Callable[..., Venv], tmp_path: Path
) -> None:
    (wheel,) = wheels(wheelhouse, "commonwheel_zlib_so1")
    decoys = tmp_path / "decoys"
    decoys.mkdir()
    for version in ("1.3.1+evil.1", "99.0"):
        opened = read_wheel(wheel)
        new = wheel.name.replace("-1.3.1-", f"-{version}-")
        rewrite(
            opened,
            decoys / new,
            replace={opened.info("METADATA"): with_version(opened.metadata, version)},
            rename={f"{opened.dist_info}/": f"commonwheel_zlib_so1-{version}.dist-info/"},
        )
    links = ("--no-index", "--find-links", wheelhouse, "--find-links", decoys)
    free, pinned = make_venv(), make_venv()
    free.pip(*links, "commonwheel-zlib-so1")
    pinned.pip(*links, "-c", wheelhouse / "constraints.txt", "commonwheel-zlib-so1")
    code = "from importlib.metadata import version; print(version('commonwheel-zlib-so1'))"
    # Without the constraints a decoy is taken: the test can fail.
    assert (free.run(code), pinned.run(code)) == ("99.0\n", "1.3.1\n")


def test_the_constraints_choose_ours_beside_the_index(
    wheelhouse: Path, make_venv: Callable[..., Venv]
) -> None:
    venv = make_venv()
    constraints = wheelhouse / "constraints.txt"
    venv.pip("--find-links", wheelhouse, "-c", constraints, "shapely", "pyproj")
    versions = venv.run(
        "from importlib.metadata import version as v; print(v('shapely'), v('pyproj'))"
    )
    assert versions.count("+commonwheel.1") == 2


def test_provenance_names_every_wheel_by_its_digest(
    wheelhouse: Path, provenance: dict[str, Any]
) -> None:
    present = {path.name: path for path in wheelhouse.glob("*.whl")}
    assert set(provenance) == set(present)
    for name, entry in provenance.items():
        assert entry["sha256"] == hashlib.sha256(present[name].read_bytes()).hexdigest()


def test_debug_files_stand_by_build_id(wheelhouse: Path) -> None:
    found = sorted((wheelhouse / "debug/.build-id").glob("*/*.debug"))
    assert len(found) >= len(OURS)


WARM = """
import sys
started = []
watched = "subprocess.Popen"
sys.addaudithook(lambda event, args: started.append(args[0]) if event == watched else None)
from commonwheel.cli import main
code = main(["build", "shapely", "pyproj", "--offline", "--wheelhouse", sys.argv[1]])
print(code, started)
"""


def test_a_warm_build_starts_no_process_at_all(wheelhouse: Path, tmp_path: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in wheelhouse.glob("*.whl")}
    done = subprocess.run(
        [sys.executable, "-c", WARM, str(wheelhouse)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith("0 []"), done.stdout + done.stderr
    assert before == {path.name: path.stat().st_mtime_ns for path in wheelhouse.glob("*.whl")}


def test_a_known_name_with_other_bytes_is_refused(wheelhouse: Path, tmp_path: Path) -> None:
    other = tmp_path / "wheelhouse"
    shutil.copytree(wheelhouse, other)
    (wheel,) = wheels(other, "commonwheel_zlib_so1")
    with wheel.open("ab") as file:
        file.write(b"x")
    command = [sys.executable, "-m", "commonwheel", "build", "zlib", "--wheelhouse", str(other)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 12
    assert ".postN" in done.stderr
    assert build(other, "zlib", "--replace").returncode == 0


def test_repair_of_a_shared_wheel_changes_nothing(wheelhouse: Path, tmp_path: Path) -> None:
    """Repair is idempotent on the real thing: the same bytes under the same name."""
    for wheel in wheels(wheelhouse, "shapely", "pyproj", "commonwheel_proj_so25"):
        command = [sys.executable, "-m", "commonwheel", "repair", str(wheel)]
        command += ["--with", str(wheelhouse), "-w", str(tmp_path / "again")]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_plan_is_a_picture_of_the_same_jobs() -> None:
    command = [sys.executable, "-m", "commonwheel", "plan", "shapely", "pyproj", "--format"]
    texts = {
        kind: subprocess.run(
            [*command, kind],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            env=dict(os.environ),
        ).stdout
        for kind in ("json", "dot", "table")
    }
    jobs = [job["id"] for level in json.loads(texts["json"])["levels"] for job in level]
    assert "geos-3.11.1" in jobs
    assert "geos-3.13.1" in jobs
    for job in jobs:
        assert f'"{job}"' in texts["dot"]
        assert job in texts["table"]
