import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from commonwheel.console import PLAIN_WIDTH, plain
from commonwheel.plan import Job, Plan
from commonwheel.render import (
    failures_table,
    plan_dot,
    plan_json,
    plan_markdown,
    plan_table,
    results_table,
)
from tests.unit.recipe.kit import consumer, library, make_plan, read


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    recipes = read(
        tmp_path, library("geos", ["3.11", "3.13"]), consumer("shapely", uses={"geos": ""})
    )
    return make_plan(recipes, "shapely")


def test_the_table_has_a_row_for_each_job(plan: Plan) -> None:
    shown = plain(plan_table(plan))
    assert shown.startswith("3 jobs for linux-x86_64-glibc")
    rows = {line.split("│")[2].strip(): line for line in shown.splitlines() if "│ " in line}
    assert {"geos-3.11", "geos-3.13", "shapely-1.0-cp311"} == set(rows)
    assert "commonwheel-geos-so1 3.11 (to build against)" in rows["geos-3.11"]
    assert "commonwheel-geos-so1 3.13 " in rows["geos-3.13"]
    assert "shapely 1.0+commonwheel.1" in rows["shapely-1.0-cp311"]
    assert rows["shapely-1.0-cp311"].rstrip(" │").endswith("geos 3.11")


def test_the_json_is_whole_and_stable(plan: Plan) -> None:
    text = plan_json(plan, lambda job: ["--only", job.id])
    assert text == plan_json(plan, lambda job: ["--only", job.id])
    data = json.loads(text)
    assert (data["schema"], data["requested"]) == (1, ["shapely"])
    jobs = {job["id"]: job for level in data["levels"] for job in level}
    assert jobs["geos-3.11"]["kind"] == "library"
    assert jobs["geos-3.13"]["shipped"]
    assert jobs["shapely-1.0-cp311"]["tested_with"] == [["geos-3.11"], ["geos-3.13"]]
    assert jobs["shapely-1.0-cp311"]["build"]["provided"][0]["line"] == "geos-so1"


def test_the_picture_has_a_node_for_each_job_and_an_arrow_to_each_user(plan: Plan) -> None:
    lines = [line.strip() for line in plan_dot(plan).splitlines()]
    assert lines[0] == "digraph plan {"
    assert lines[-1] == "}"
    assert '"geos-3.11" [shape=box];' in lines
    assert '"shapely-1.0-cp311" [shape=ellipse];' in lines
    assert [line for line in lines if "->" in line] == ['"geos-3.11" -> "shapely-1.0-cp311";']


@dataclass(frozen=True)
class Result:
    wheel: Path
    sha256: str
    seconds: float
    cached: bool


NAME = (
    "commonwheel_libjpeg_turbo_so62-2.1.5.post1-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64"
    ".whl"
)


def test_the_results_show_the_whole_name_of_a_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / NAME
    wheel.write_bytes(bytes(1_234_567))
    table = results_table(
        [
            Result(wheel=wheel, sha256="abcdef0123456789" * 4, seconds=12.34, cached=False),
            Result(wheel=wheel, sha256="0" * 64, seconds=12.34, cached=True),
        ]
    )
    built, cached = (line for line in plain(table).splitlines() if NAME in line)
    assert max(map(len, plain(table).splitlines())) <= PLAIN_WIDTH
    assert [cell.strip() for cell in built.split("│")[2:-1]] == [
        "1.23",
        "12.3",
        "built",
        "abcdef0123456789",
    ]
    assert [cell.strip() for cell in cached.split("│")[3:5]] == ["", "cached"]


@dataclass(frozen=True)
class Failure:
    job: Job
    how: str


def test_a_job_without_a_wheel_has_a_row_of_its_own(plan: Plan) -> None:
    failures = [
        Failure(plan.by_id["geos-3.11"], "failed"),
        Failure(plan.by_id["shapely-1.0-cp311"], "not built: needs geos-3.11"),
    ]
    title, *lines = plain(failures_table(failures)).splitlines()
    assert title.strip() == "2 jobs without a wheel"
    assert plain(failures_table(failures[:1])).strip().startswith("1 job without a wheel")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert rows == [
        ["geos-3.11", "failed"],
        ["shapely-1.0-cp311", "not built: needs geos-3.11"],
    ]


def test_a_summary_has_the_graph_and_a_table(tmp_path: Path) -> None:
    known = read(tmp_path, library("zlib"), consumer("user", uses={"zlib": ""}))
    text = plan_markdown(make_plan(known, "user"))
    assert 'j0["zlib-1.0"]' in text
    assert 'j1(["user-1.0-cp311"])' in text
    assert "j0 --> j1" in text
    assert "| 1 | user-1.0-cp311 | user 1.0+commonwheel.1 | zlib 1.0 |" in text
