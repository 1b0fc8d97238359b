"""Which platform and which engine the options ask for; what has no engine here is planned."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from commonwheel.cli import build_parser
from commonwheel.cli.common import configure, job_arguments, make_plan, target
from commonwheel.engine.oci import Oci
from commonwheel.errors import EngineError, UsageError
from tests.integration.kit import commonwheel
from tests.unit.recipe.kit import consumer, library, read


def parsed(*words: str) -> Any:
    options = build_parser().parse_args([*words])
    configure(options)
    return options


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    read(tmp_path / "recipes", library("zlib"), consumer("user", uses={"zlib": ""}))
    return tmp_path


@pytest.mark.parametrize(("arch", "libc"), [("aarch64", "glibc"), ("x86_64", "musl")])
def test_other_platforms_are_planned_for_containers(folder: Path, arch: str, libc: str) -> None:
    words = ("plan", "user", "--engine", "docker", "--arch", arch, "--libc", libc)
    outcome = commonwheel(*words, "--format", "json", "-o", folder / "plan.json")
    assert outcome.code == 0, outcome.text
    plan = json.loads((folder / "plan.json").read_text())
    assert plan["platform"] == f"linux-{arch}-{libc}"
    (job,) = plan["levels"][-1]
    arguments = job["arguments"]
    assert arguments[arguments.index("--arch") + 1] == arch
    assert arguments[arguments.index("--libc") + 1] == libc
    assert arguments[arguments.index("--only") + 1] == job["id"]


def test_several_platforms_are_planned_at_once(folder: Path) -> None:
    platforms = ("--arch", "x86_64,aarch64", "--libc", "glibc,musl")
    words = ("plan", "user", "--engine", "docker", *platforms)
    file = folder / "outputs"
    outcome = commonwheel(*words, "--format", "github", "--artifact", "mine", "-o", file)
    assert outcome.code == 0, outcome.text
    lines = dict(line.split("=", 1) for line in file.read_text().splitlines())
    cells = json.loads(lines["level-1"])
    assert [cell["platform"] for cell in cells] == [
        *("manylinux_x86_64", "manylinux_aarch64", "musllinux_x86_64", "musllinux_aarch64")
    ]
    assert cells[3]["image"] == "quay.io/pypa/musllinux_1_2_aarch64"
    assert cells[3]["artifact"].startswith("mine-wheels-user-1.0-")
    arguments = cells[3]["arguments"].splitlines()
    assert arguments[arguments.index("--libc") + 1] == "musl"
    commonwheel(*words, "--format", "markdown", "-o", file)
    assert file.read_text().count("flowchart LR") == 4
    assert "for linux-aarch64-musl" in commonwheel(*words).text
    outcome = commonwheel(*words, "--format", "json")
    assert outcome.code == 2
    assert "--format json shows the plan of one platform" in outcome.text


def test_an_unknown_architecture_in_a_list(folder: Path) -> None:
    outcome = commonwheel("plan", "user", "--engine", "docker", "--arch", "x86_64,arm64")
    assert outcome.code == 2
    assert "'arm64' is none of x86_64, aarch64" in outcome.text


def test_without_containers_a_cell_names_no_image(folder: Path) -> None:
    commonwheel("plan", "user", "--format", "github", "-o", folder / "outputs")
    line = (folder / "outputs").read_text().splitlines()[1]
    (cell,) = json.loads(line.removeprefix("level-1="))
    assert cell["image"] == ""


@pytest.mark.parametrize("name", ["", "a/b", "a b", "[a]", "!a", "-a"])
def test_names_of_artifacts_are_checked_before_anything_is_built(folder: Path, name: str) -> None:
    outcome = commonwheel("plan", "user", "--format", "github", f"--artifact={name}")
    assert outcome.code == 2
    assert "has more in it than letters" in outcome.text


def test_an_image_without_containers_is_refused_by_the_plan(folder: Path) -> None:
    outcome = commonwheel("plan", "user", "--format", "github", "--image", "foo")
    assert outcome.code == 2
    assert "--image is for containers" in outcome.text


def test_what_recipes_are_told_reaches_the_check(folder: Path) -> None:
    words = ("--set", "zlib.license=Zlib", "--format", "github", "-o", folder / "outputs")
    assert commonwheel("plan", "user", *words).code == 0
    lines = dict(line.split("=", 1) for line in (folder / "outputs").read_text().splitlines())
    (check,) = json.loads(lines["checks"])
    assert check["arguments"].splitlines() == ["--set", "zlib.license=Zlib"]


def test_anew_is_for_one_job(folder: Path) -> None:
    outcome = commonwheel("build", "user", "--anew")
    assert outcome.code == 2
    assert "--anew is for one job" in outcome.text


def test_the_host_builds_for_itself_alone(folder: Path) -> None:
    other = "aarch64" if platform.machine() != "aarch64" else "x86_64"
    outcome = commonwheel("plan", "user", "--arch", other)
    assert outcome.code == 2
    assert "other platforms are built for in containers: --engine docker" in outcome.text


def test_an_image_is_for_containers(folder: Path) -> None:
    outcome = commonwheel("build", "user", "--image", "stand-in")
    assert outcome.code == 2
    assert "--image is for containers" in outcome.text


def test_a_shell_is_for_one_job_in_a_container(folder: Path) -> None:
    for words in (("--shell",), ("--shell", "--only", "user-1.0-cp311")):
        outcome = commonwheel("build", "user", *words)
        assert outcome.code == 2
        assert "--shell is for one job in a container" in outcome.text


def test_what_a_job_is_told_gives_the_same_plan(folder: Path) -> None:
    recipes = read(folder / "recipes", library("zlib"), consumer("user", uses={"zlib": ""}))
    options = parsed("plan", "user", "--engine", "podman", "--arch", "aarch64", "--python", "3.11")
    planned = make_plan(options, recipes)
    job = planned.jobs[-1]
    again = parsed("build", *job_arguments(options, job, "an/image@sha256:1"))
    assert target(again) == target(options)
    assert (again.engine, again.image, again.only) == ("podman", "an/image@sha256:1", job.id)
    assert make_plan(again, recipes) == planned


def test_only_takes_what_the_job_is_built_and_tested_with(folder: Path) -> None:
    recipes = read(
        folder / "recipes",
        library("zlib", ("1.2", "1.3")),
        library("xz"),
        consumer("user", uses={"zlib": "", "xz": ""}),
    )
    planned = make_plan(parsed("plan", "user", "xz", "--python", "3.11"), recipes)
    assert {job.id for job in planned.only("xz-1.0").jobs} == {"xz-1.0"}
    everything = {"zlib-1.2", "zlib-1.3", "xz-1.0", "user-1.0-cp311"}
    assert {job.id for job in planned.only("user-1.0-cp311").jobs} == everything
    with pytest.raises(UsageError, match=r"no job 'x' in this plan"):
        planned.only("x")


def test_auto_says_which_engine_it_takes_and_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"docker": "docker is not installed"}

    def version(oci: Oci) -> str:
        if oci.name in refused:
            raise EngineError(refused[oci.name])
        return "4.3.1"

    monkeypatch.setattr(Oci, "version", property(version))
    assert parsed("plan", "user", "--engine", "auto").engine == "podman"
    assert "engine: podman 4.3.1 (docker is not installed)" in capsys.readouterr().err
    refused["podman"] = "podman is not installed"
    assert parsed("plan", "user", "--engine", "auto").engine == "host"
    said = capsys.readouterr().err
    assert "engine: host (docker is not installed; podman is not installed)" in said
