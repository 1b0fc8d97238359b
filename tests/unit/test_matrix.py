import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.errors import PlanError
from commonwheel.matrix import MAX_CELLS, MAX_LEVELS, Matrix, Settings, github_outputs, matrix
from commonwheel.names import Names
from commonwheel.plan import plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.resolve import Platform
from tests.unit.recipe.kit import consumer, library, read

X86, ARM = Platform(arch="x86_64"), Platform(arch="aarch64", libc="musl")
SETTINGS = Settings(
    artifact="mine",
    names=Names(),
    image=lambda name, platform: f"{name or 'any'}:{platform.arch}",
    arguments=lambda platform, job: ["user", "--only", job.id, "--arch", platform.arch],
)


def made(
    recipes: RecipeSet,
    *requested: str,
    platforms: Sequence[Platform] = (X86,),
    pythons: Sequence[str] = ("3.11",),
) -> Matrix:
    plans = [
        plan(recipes, requested, platform=p, pythons=pythons, names=Names()) for p in platforms
    ]
    return matrix(plans, recipes, SETTINGS)


@pytest.fixture
def recipes(tmp_path: Path) -> RecipeSet:
    return read(
        tmp_path,
        library("zlib", ["1.2", "1.3"]),
        library("png", ["2.0"], uses={"zlib": ""}),
        consumer("user", ["1.0"], uses={"png": "", "zlib": ""}),
    )


def test_a_cell_says_all_that_a_runner_needs(recipes: RecipeSet) -> None:
    result = made(recipes, "user")
    assert [[cell.job for cell in level] for level in result.levels] == [
        ["zlib-1.2", "zlib-1.3"],
        ["png-2.0"],
        ["user-1.0-cp311"],
    ]
    cell = result.levels[2][0]
    assert cell.id == "user-1.0-cp311-manylinux_x86_64"
    assert cell.recipes == "user"
    assert cell.identifier == "cp311-manylinux_x86_64"
    assert cell.runner == "ubuntu-24.04"
    assert cell.image == "user:x86_64"
    assert cell.artifact == "mine-wheels-user-1.0-cp311-manylinux_x86_64"
    assert cell.wheels == "*-1.0+commonwheel.1-cp3*.whl"
    assert cell.arguments.splitlines() == ["user", "--only", cell.job, "--arch", "x86_64"]
    assert cell.providers.splitlines() == [
        "commonwheel_png_so1-2.0-py3-none-*.whl",
        "commonwheel_zlib_so1-1.2-py3-none-*.whl",
        "commonwheel_zlib_so1-1.3-py3-none-*.whl",
    ]
    first = result.levels[0][0]
    assert first.providers == ""
    assert first.identifier == "py3-manylinux_x86_64"
    assert first.wheels == "commonwheel_zlib_so1-1.2-py3-none-*.whl"
    assert result.count == 4


def test_what_a_consumer_is_tested_with_is_built_before_it(tmp_path: Path) -> None:
    # The newest zlib needs more than the one that the consumer is built against.
    known = read(
        tmp_path,
        library("deep"),
        library("zlib", ["1.2", "1.3"], uses={"deep": ""}),
        library("late", ["1.0", "1.1"], uses={"zlib": ""}),
        consumer("user", uses={"late": ""}),
    )
    result = made(known, "user")
    levels = {cell.job: number for number, level in enumerate(result.levels) for cell in level}
    assert levels["user-1.0-cp311"] > max(levels["late-1.0"], levels["late-1.1"])


def test_platforms_stand_side_by_side(recipes: RecipeSet) -> None:
    result = made(recipes, "user", platforms=[X86, ARM], pythons=["3.11", "3.13"])
    assert len(result.levels) == 3
    ids = [cell.id for level in result.levels for cell in level]
    assert len(ids) == len(set(ids)) == 10
    assert {(cell.runner, cell.platform) for cell in result.levels[0]} == {
        ("ubuntu-24.04", "manylinux_x86_64"),
        ("ubuntu-24.04-arm", "musllinux_aarch64"),
    }
    assert [(check.id, check.libc, check.tag) for check in result.checks] == [
        ("cp311-manylinux_x86_64", "glibc", "cp311"),
        ("cp313-manylinux_x86_64", "glibc", "cp313"),
        ("cp311-musllinux_aarch64", "musl", "cp311"),
        ("cp313-musllinux_aarch64", "musl", "cp313"),
    ]
    assert result.checks[0].modules == ("commonwheel_libs.zlib_so1 commonwheel_libs.png_so1 user")


def test_libraries_alone_are_checked_with_one_python(recipes: RecipeSet) -> None:
    (check,) = made(recipes, "png").checks
    assert check.python == "3.13"
    assert check.modules == "commonwheel_libs.zlib_so1 commonwheel_libs.png_so1"


def test_outputs_are_a_line_for_each_level(recipes: RecipeSet) -> None:
    lines = dict(line.split("=", 1) for line in github_outputs(made(recipes, "user")).splitlines())
    assert list(lines) == [*(f"level-{n}" for n in range(MAX_LEVELS)), "checks", "count"]
    assert [len(json.loads(lines[f"level-{n}"])) for n in range(MAX_LEVELS)] == [
        *(2, 1, 1),
        *[0] * (MAX_LEVELS - 3),
    ]
    assert lines["level-3"] == "[]"
    assert lines["count"] == "4"


def test_given_wheels_need_no_cell_and_no_level(recipes: RecipeSet) -> None:
    planned = plan(recipes, ["user"], platform=X86, pythons=["3.11"], names=Names())
    given = replace(SETTINGS, given={X86: {"zlib-1.2", "zlib-1.3"}})
    result = matrix([planned], recipes, given)
    assert [[cell.job for cell in level] for level in result.levels] == [
        ["png-2.0"],
        ["user-1.0-cp311"],
    ]
    # They are needed all the same, and checked with the rest.
    assert "commonwheel_zlib_so1-1.2-py3-none-*.whl" in result.levels[1][0].providers
    assert "commonwheel_zlib_so1" not in result.levels[0][0].wheels
    assert result.checks == made(recipes, "user").checks
    assert result.count == 2


def test_nothing_planned_is_an_error(recipes: RecipeSet) -> None:
    with pytest.raises(PlanError, match="nothing is left to build"):
        matrix([], recipes, SETTINGS)


def test_a_plan_deeper_than_the_workflow_is_refused(tmp_path: Path) -> None:
    chain = [library(f"l{n}", uses={f"l{n - 1}": ""} if n else None) for n in range(MAX_LEVELS + 1)]
    known = read(tmp_path, *chain)
    with pytest.raises(PlanError, match=rf"{MAX_LEVELS + 1} levels, and the workflow has"):
        made(known, f"l{MAX_LEVELS}")
    assert len(made(known, f"l{MAX_LEVELS - 1}").levels) == MAX_LEVELS


def test_a_matrix_larger_than_github_allows_is_refused(tmp_path: Path) -> None:
    known = read(tmp_path, *(library(f"l{n}") for n in range(MAX_CELLS + 1)))
    names = [f"l{n}" for n in range(MAX_CELLS + 1)]
    with pytest.raises(PlanError, match=f"{MAX_CELLS + 1} jobs, and GitHub allows {MAX_CELLS}"):
        made(known, *names)
    assert made(known, *names[1:]).count == MAX_CELLS


def test_an_architecture_without_a_runner_is_refused(recipes: RecipeSet) -> None:
    with pytest.raises(PlanError, match="no runner with the architecture s390x"):
        made(recipes, "user", platforms=[Platform(arch="s390x")])
