import tomllib
from pathlib import Path
from typing import Any

import nox
import nox.project
import pytest

import noxfile

ROOT = Path(noxfile.__file__).parent


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    folder = tmp_path / "libraries"
    folder.mkdir()
    (folder / "proj.yaml").write_text("schema: 1\nname: proj\nsummary: Cartography\nbuild: {}\n")
    (folder / "geos.yaml").write_text('name: geos\nabi:\n  summary: no\nsummary: "Geometry: C++"\n')
    (folder / "odd.yaml").write_text("name: odd\n")
    (folder / "notes.txt").write_text("summary: none\n")
    return tmp_path


def test_recipes_are_sorted_with_their_summaries(recipes: Path) -> None:
    found = noxfile.recipe_summaries(recipes, "libraries")
    assert list(found.items()) == [
        ("geos", "Geometry: C++"),
        ("odd", ""),
        ("proj", "Cartography"),
    ]
    assert noxfile.recipe_summaries(recipes, "consumers") == {}


def test_a_session_for_each_recipe() -> None:
    files = [*ROOT.glob("recipes/libraries/*.yaml"), *ROOT.glob("recipes/consumers/*.yaml")]
    sessions = {f"build-{file.stem}" for file in files}
    registered = {name for name in nox.registry.get() if name.startswith("build-")}
    assert registered == sessions


@pytest.mark.parametrize("name", ["tests", "fuzz", "lint", "docs", "bench", "gen"])
def test_sessions_say_what_they_do(name: str) -> None:
    text = nox.registry.get()[name].__doc__ or ""
    assert text.endswith(".")
    assert "\n" not in text


def test_nox_is_required_at_one_version_everywhere() -> None:
    header = nox.project.load_toml(ROOT / "noxfile.py")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requirement = f"nox{nox.needs_version}"
    assert header["dependencies"] == [requirement]
    assert project["dependency-groups"]["nox"] == [requirement]
    assert header["requires-python"] == project["project"]["requires-python"]


PROJECT = {"project": {"dependencies": ["rich"]}, "tool": {"hatch": {"a": 1}, "ruff": {"b": 2}}}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"tool": {"hatch": {"a": 1}, "ruff": {"b": 3}}}, True),
        ({"tool": {"hatch": {"a": 2}, "ruff": {"b": 2}}}, False),
        ({"project": {"dependencies": ["rich", "attrs"]}}, False),
        ({"build-system": {"requires": ["hatchling"]}}, False),
    ],
)
def test_the_stamp_follows_what_is_installed(changed: dict[str, Any], same: bool) -> None:
    before = noxfile.stamp(PROJECT, ["pytest"], Path("/a"))
    assert (noxfile.stamp({**PROJECT, **changed}, ["pytest"], Path("/a")) == before) is same


def test_the_stamp_follows_place_and_requirements() -> None:
    stamps = {
        noxfile.stamp(PROJECT, requirements, Path(place))
        for requirements in (["pytest"], ["pytest", "nox"])
        for place in ("/a", "/b")
    }
    assert len(stamps) == 4
