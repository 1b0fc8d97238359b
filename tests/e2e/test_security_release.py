"""A security release of a library costs one wheel: tiff, below PROJ, below pyproj.

From the newest tiff of one stable Debian to that of the next, since CI takes sources from stable
suites alone. tests/e2e_gdal has the same with rasterio, and a release of this year.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import Venv
from tests.e2e.upgrade import built, digests, repository, said_by, upgrade

SOURCE = """\
  "4.5.0":
    sources:
      - debian: tiff
        version: 4.5.0
        suite: bookworm
        sha256: 638f43d7dea33948d5dee7f39572fc0194d9cc3c74195de9dd26a4388a1f880a
"""


def test_a_security_release_costs_one_wheel(tmp_path: Path, make_venv: Callable[..., Venv]) -> None:
    wheelhouse, ours = tmp_path / "wheelhouse", repository(tmp_path / "recipes")
    text = ours.tiff.read_text(encoding="utf-8")
    listed = re.compile(r'(?sm)(?<=^versions:\n)  "4.*?(?=\n\nabi:)')
    old = listed.sub(lambda _: SOURCE.rstrip(), text)
    # tiff had no files for CMake then.
    old = old.replace(', "lib/cmake/tiff/{config}.cmake"', "")
    assert old.count('  "4.') == 1
    ours.tiff.write_text(old, encoding="utf-8")
    ours.build(wheelhouse, "pyproj")
    venv = make_venv("certifi")
    venv.pip("--no-index", "--find-links", wheelhouse, "pyproj")
    before = digests(wheelhouse)
    code, answer = said_by("pyproj._transformer", "4.5.0")
    assert venv.run(code) == answer

    ours.bump("4.7.0", "trixie")
    said = ours.build(wheelhouse, "pyproj")

    after = digests(wheelhouse)
    (new,) = after.keys() - before.keys()
    assert new.startswith("commonwheel_tiff_so6-4.7.0-py3-none-")
    # The others are what they were, byte for byte; pyproj and PROJ among them.
    assert {name: after[name] for name in before} == before
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert built(said, ["proj-9.1.1", f"pyproj-3.6.1-{tag}", "tiff-4.5.0"]) == []
    report = json.loads((wheelhouse / "provenance.json").read_text(encoding="utf-8"))
    assert report["wheels"][new]["gates"]
    assert upgrade(venv, wheelhouse, "commonwheel-tiff-so6") == {
        "commonwheel-tiff-so6": ("4.5.0", "4.7.0")
    }
    code, answer = said_by("pyproj._transformer", "4.7.0")
    assert venv.run(code) == answer
    transform = (
        "import pyproj; print(pyproj.Transformer.from_crs(4326, 32633).transform(50.09, 14.42))"
    )
    assert venv.run(transform).startswith("(458510.86")
