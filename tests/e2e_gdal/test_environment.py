"""One environment: each library once, the same answers in every order, all drivers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ci.gdal.__main__ import find_drivers
from ci.gdal.environments import PACKAGES, ROOT, Environment, release
from ci.gdal.orders import Answer, ask, libraries, pairs, sample
from ci.gdal.pages import LACKING
from ci.gdal.server import Server
from tests.e2e_gdal.conftest import Run

SHARED = {
    *("libLerc", "libblosc", "libcrypto", "libcurl", "libdeflate", "libexpat", "libgdal"),
    *("libgeos", "libgeos_c", "libgif", "libhdf5", "libhdf5_hl", "libjpeg", "libjson-c"),
    *("liblz4", "liblzma", "libnetcdf", "libnghttp2", "libopenjp2", "libpcre2-8", "libpng16"),
    *("libproj", "libqhull_r", "libsharpyuv", "libspatialite", "libsqlite3", "libssl", "libtiff"),
    *("libwebp", "libxml2", "libz", "libzstd"),
}


@pytest.fixture(scope="module")
def answers(ours: Environment, server: Server) -> list[Answer]:
    """After each ordered pair, and after 50 drawn permutations."""
    return list(ask(ours, server, [*pairs(), *sample()]))


def test_every_order_gives_the_same_right_answers(answers: list[Answer]) -> None:
    assert [each.problem for each in answers if each.problem] == []
    assert len(answers) == 80
    assert len({each.answers for each in answers}) == 1
    report = answers[0].report
    assert report is not None
    got = report["answers"]
    # EPSG:32633 of 14.42 E, 50.09 N, by the wheel of pyproj on the package index.
    places = set(map(tuple, got["reprojection"].values()))
    assert places == {(458510.87, 5548798.473)}
    own, osgeo, both = got["buffers"]
    assert own == osgeo == both == pytest.approx(313.654849)
    assert got["geopackage"] == {
        "crs": ["EPSG:4326", 4326],
        "fiona": [["Žďár 1", [1.0, 51.0]], ["Žďár 2", [2.0, 52.0]]],
        "indexed": 2,
        "osgeo": 2,
        "shapely": ["POINT (1 51)", "POINT (2 52)"],
    }
    assert set(got["geotiff"]["same"].values()) == {True}
    off = got["formats"]["off"]
    assert off.pop("JPEG") < 8
    assert off.keys() > {"HDF5", "JP2OpenJPEG", "WEBP", "netCDF"}
    assert set(off.values()) == {0}
    assert got["formats"]["qhull"] == 10
    assert got["formats"]["pcre2"] == 1
    sql = ["5.1.0", 1, 458510.87, 5548798.473, pytest.approx(313.654849), 1]
    assert got["spatialite"] == {"osgeo": sql, "pyogrio": sql, "fiona": [[1, 2]], "indexed": 1}
    assert got["https"] == {"rasterio": 10, "osgeo": 10, "fiona": ["one", "two"], "pyogrio": 2}
    for library in ("GDAL", "PROJ", "GEOS"):
        assert len(got["drivers"][library]) == 1, got["drivers"]
    counted = got["drivers"]["counted"]
    assert counted["osgeo"] == counted["rasterio"]
    assert counted["osgeo, vector"] == counted["pyogrio"] == counted["fiona"]


def test_each_library_is_mapped_once(answers: list[Answer], ours: Environment) -> None:
    for answer in answers:
        assert answer.report is not None
        found = libraries(answer.report["mapped"], ours.site)
        assert [paths for paths in found.values() if len(paths) > 1] == []
        mine = {name for name, (path,) in found.items() if path.startswith("commonwheel_libs/")}
        assert mine == SHARED
        # What the interpreter maps of the system it maps before, and imports add nothing.
        system = set(answer.report["system"])
        later = {
            Path(path).name.partition(".so")[0]
            for path in set(answer.report["mapped"]) - system
            if not path.startswith(str(ours.site))
        }
        assert not later & SHARED, later


def test_all_drivers_of_rasterio_and_fiona_are_there(
    ours: Environment, upstreams: Environment
) -> None:
    found = find_drivers(ours, upstreams)
    wanted = found["rasterio"]["drivers"].keys() | found["fiona"]["drivers"].keys()
    assert wanted - found["ours"]["drivers"].keys() == LACKING.keys()
    for name in wanted - LACKING.keys():
        does = {
            each
            for wheel in ("rasterio", "fiona")
            for each in found[wheel]["drivers"].get(name, {"does": []})["does"]
        }
        assert does <= set(found["ours"]["drivers"][name]["does"]), name


def test_the_programs_run_from_the_bin_folder(run: Run, tmp_path: Path, ours: Environment) -> None:
    formats = run("gdalinfo", "--formats") + run("ogrinfo", "--formats")
    assert "GTiff -raster-" in formats
    assert "GPKG -raster,vector-" in formats
    run(
        "gdal_create",
        "-outsize",
        "8",
        "8",
        "-bands",
        "1",
        "-burn",
        "7",
        "-a_srs",
        "EPSG:32633",
        "-a_ullr",
        "500000",
        "5000080",
        "500080",
        "5000000",
        "a.tif",
    )
    run("gdalwarp", "-t_srs", "EPSG:4326", "a.tif", "b.tif")
    run("gdal_translate", "-of", "PNG", "a.tif", "a.png")
    assert "WGS 84" in run("gdalinfo", "b.tif")
    run("gdal_polygonize.py", "a.tif", "a.gpkg")
    run("ogr2ogr", "-f", "GeoJSON", "a.json", "a.gpkg")
    assert re.search(r"Feature Count: 1\b", run("ogrinfo", "-al", "-so", "a.json"))
    # For builds, not for users: it is no program of the environment.
    config = ours.site / "commonwheel_libs/gdal_so36/bin/gdal-config"
    assert Path(run(str(config), "--datadir").strip()) == config.parents[1] / "share/gdal"


def test_data_are_found_without_the_environment(run: Run, tmp_path: Path) -> None:
    code = "from osgeo import gdal; print(gdal.FindFile('gdal', 'gdalvrt.xsd'))"
    found = Path(run("python", "-I", "-c", code).strip())
    assert found.parts[-3:] == ("share", "gdal", "gdalvrt.xsd")
    assert "commonwheel_libs" in found.parts
    # What the user says wins.
    own = tmp_path / "own"
    own.mkdir()
    (own / "gdalvrt.xsd").touch()
    env = {"GDAL_DATA": str(own)}
    assert run("python", "-I", "-c", code, env=env).strip() == str(own / "gdalvrt.xsd")


def test_a_change_of_one_recipe_rebuilds_what_depends_on_it(wheelhouse: Path) -> None:
    change = "giflib.build.options+=-DX"
    command = [sys.executable, "-m", "commonwheel", "why", "gdal", "--set", change]
    done = subprocess.run(
        [*command, "--format", "json"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    jobs = json.loads(done.stdout)["jobs"]
    anew = {each["job"].partition("-cp3")[0] for each in jobs if each["verdict"] != "cached"}
    users = {
        f"{PACKAGES[name]}-{release(name)}" for name in ("rasterio", "fiona", "pyogrio", "osgeo")
    }
    assert anew == {"giflib-5.2.2", "gdal-3.10.3", *users}
