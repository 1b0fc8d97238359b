"""Which recipe a wheel is held to."""

import zipfile
from pathlib import Path

import pytest

from commonwheel.check.expected import expectations
from commonwheel.check.inspect import inspect
from commonwheel.names import Names
from tests.unit.recipe.kit import SHA, consumer, library, read

SDIST = f"sources: [{{pypi: gdal, version: '1.0', sha256: {SHA}}}]"


def wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel of no content; a local version of ours makes it a consumer's."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


@pytest.mark.parametrize(
    ("name", "version", "found"),
    [
        ("gdal", "1.0+commonwheel.1", "gdal-python"),  # by its sdist's name
        ("user", "1.0+commonwheel.1", "user"),
        ("gdal_python", "1.0+commonwheel.1", None),  # the recipe's name is not the wheel's
        ("gdal", "2.0+commonwheel.1", None),
        ("gdal", "1.0", None),
    ],
)
def test_a_consumer_is_known_by_what_its_sdist_is_called(
    tmp_path: Path, name: str, version: str, found: str | None
) -> None:
    bindings = consumer("gdal-python", uses={"gdal": ""})
    first, _, rest = bindings.partition("    sources: ")
    bindings = "".join([first, f"    {SDIST}\n", rest.partition("\n")[2]])
    recipes = read(
        tmp_path / "recipes", library("gdal"), bindings, consumer("user", uses={"gdal": ""})
    )
    inspected, _ = inspect(wheel(tmp_path, name, version), Names())
    expected = expectations(recipes, Names())(inspected)
    assert (expected.recipe if expected else None) == found
