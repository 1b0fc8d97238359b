"""A security release of tiff, in an environment of the whole stack: one wheel is built."""

from pathlib import Path

from ci.gdal import environments
from tests.e2e.conftest import Venv
from tests.e2e.upgrade import built, digests, repository, said_by, upgrade

JOBS = ["proj-9.1.1", "gdal-3.10.3", "netcdf-4.9.3", "geos-3.11.1", "tiff-4.7.0", "tiff-4.7.2"]


def test_a_security_release_costs_one_wheel(tmp_path: Path) -> None:
    wheelhouse, ours = tmp_path / "wheelhouse", repository(tmp_path / "recipes")
    ours.build(wheelhouse, "gdal")
    before = digests(wheelhouse)
    made = environments.ours(tmp_path / "v", wheelhouse, names=["rasterio", "pyproj"])
    venv = Venv(folder=made.folder)
    modules = ["rasterio._base", "pyproj._transformer"]
    for module in modules:
        code, answer = said_by(module, "4.7.0")
        assert venv.run(code) == answer

    ours.bump("4.7.2", "forky")
    # The command asks whether what `set` says holds for the new release, too.
    head, new, tail = ours.tiff.read_text(encoding="utf-8").partition('"4.7.2":')
    tail = tail.replace("config: TiffConfig", "config: tiff-config", 1)
    ours.tiff.write_text(head + new + tail, encoding="utf-8")
    said = ours.build(wheelhouse, "gdal")

    after = digests(wheelhouse)
    (new,) = after.keys() - before.keys()
    assert new.startswith("commonwheel_tiff_so6-4.7.2-py3-none-")
    assert {name: after[name] for name in before} == before
    assert built(said, JOBS) in ([], ["tiff-4.7.2"])
    assert upgrade(venv, wheelhouse, "commonwheel-tiff-so6") == {
        "commonwheel-tiff-so6": ("4.7.0", "4.7.2")
    }
    for module in modules:
        code, answer = said_by(module, "4.7.2")
        assert venv.run(code) == answer
