"""What the pipeline decides without building: from warm caches, no process starts at all."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from commonwheel.cache.keys import file_digest, key_of
from commonwheel.cache.store import Stored
from commonwheel.cache.usage import in_use
from commonwheel.console import Console
from commonwheel.constraints import Constraints
from commonwheel.engine.host import HostEngine
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import (
    BuildError,
    CommonwheelError,
    ConsumerTestError,
    MissingProgramError,
    RepairError,
    SourceError,
    WheelhouseError,
)
from commonwheel.inputs import JobInputs
from commonwheel.pipeline import Pipeline, Settings
from commonwheel.pipeline.building import check_use
from commonwheel.pipeline.checking import Checker
from commonwheel.pipeline.context import with_log
from commonwheel.pipeline.testing import Trial
from commonwheel.plan import ConsumerJob, Job
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.sources import UrlSource
from commonwheel.repair.claimed import claimed_sonames
from commonwheel.source.settings import SourceSettings
from commonwheel.wheelhouse import Wheelhouse
from tests.unit.recipe.kit import SHA, consumer, library, make_plan, read
from tests.unit.wheels import holding

TAG = f"cp{running_version().replace('.', '')}"
WHEELS = {
    "zlib-1.2": "commonwheel_zlib_so1-1.2-py3-none-linux_x86_64.whl",
    "zlib-1.3": "commonwheel_zlib_so1-1.3-py3-none-linux_x86_64.whl",
    f"user-1.0-{TAG}": f"user-1.0+commonwheel.1-{TAG}-{TAG}-linux_x86_64.whl",
}


@pytest.fixture(autouse=True)
def _all_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wheels that are none cannot be held against one another."""
    monkeypatch.setattr(Checker, "admitting", lambda *_: contextlib.nullcontext("rules"))


def recipes(folder: Path, overrides: Sequence[str], releases: Sequence[str]) -> RecipeSet:
    return read(
        folder / "recipes",
        library("zlib", releases),
        consumer("user", uses={"zlib": ""}),
        overrides=overrides,
    )


def pipeline(
    folder: Path,
    *overrides: str,
    test: bool = False,
    releases: Sequence[str] = ("1.2", "1.3"),
) -> Pipeline:
    return pipeline_of(folder, recipes(folder, overrides, releases), "user", test=test)


def pipeline_of(folder: Path, known: RecipeSet, *requested: str, test: bool) -> Pipeline:
    environ, cache = dict(os.environ), folder / "cache"
    return Pipeline(
        plan=make_plan(known, *requested, pythons=[running_version()]),
        recipes=known,
        constraints=Constraints(pins={"cmake": ("cmake==3",)}),
        engine=HostEngine(cache=cache, environ=environ),
        wheelhouse=Wheelhouse(root=folder / "wheelhouse"),
        settings=Settings(
            cache=cache,
            sources=SourceSettings(cache=cache, offline=True),
            environ=environ,
            test=test,
        ),
        console=Console(),
    )


def warm(folder: Path, content: bytes = b"wheel") -> Pipeline:
    """Fill the caches as a build would."""
    filled = pipeline(folder)
    for job in filled.plan.jobs:
        filled.context.done[job.id] = make(filled, job, WHEELS[job.id], folder / "made", content)
    return filled


def make(run: Pipeline, job: Job, wheel: str, folder: Path, content: bytes = b"wheel") -> Stored:
    """Store a job's wheel, raw and repaired, as a build would."""
    made = folder / job.id
    made.mkdir(parents=True, exist_ok=True)
    holding(made / wheel, content + job.id.encode())
    facts = {"epoch": 1, "source": {"origin": "here", "sha256": SHA}}
    raw = run.builder.raw.put(made, run.builder.inputs(job, SHA), facts, job=job.id)
    inputs = run.context.inputs.repair(job, raw)
    stored = run.builder.repaired.put(made, inputs, facts, job=job.id)
    passed(run, job, stored.wheel, folder.parent)
    return stored


def passed(run: Pipeline, job: Job, wheel: Path, folder: Path) -> None:
    """Store a report, as if a wheel had passed the gates."""
    (folder / "passed").mkdir(exist_ok=True)
    (folder / "passed/report.json").write_text("{}")
    run.checker.store.put(folder / "passed", run.checker.inputs(job, wheel), job=job.id)


def test_a_warm_run_builds_nothing_and_fills_the_wheelhouse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path)
    results = run.run().results
    assert {result.job.id: result.wheel.name for result in results} == WHEELS
    assert all(result.cached for result in results)
    assert all(result.sha256 == file_digest(result.wheel) for result in results)
    assert sorted(file.name for file in run.context.wheelhouse.root.glob("*.whl")) == sorted(
        WHEELS.values()
    )
    assert run.context.wheelhouse.constraints.read_text().splitlines() == [
        "commonwheel-zlib-so1===1.3",
        "user==1.0+commonwheel.1",
    ]
    assert capsys.readouterr().err.count("cached") == len(WHEELS)
    # Nothing was made ready for a build that there is not.
    assert not (tmp_path / "cache/work").exists()
    assert not (tmp_path / "cache/timings.json").exists()


def test_a_warm_run_starts_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm(tmp_path)
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread starts"))
    assert len(pipeline(tmp_path).run().results) == len(WHEELS)


def test_provenance_says_what_each_wheel_was_made_of(tmp_path: Path) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path)
    run.run()
    entry = run.context.wheelhouse.entries()[WHEELS[f"user-1.0-{TAG}"]]
    oldest = run.context.wheelhouse.root / WHEELS["zlib-1.2"]
    assert entry["built-against"] == {oldest.name: file_digest(oldest)}
    assert entry["source"] == {"origin": "here", "sha256": SHA}
    assert entry["python"] == running_version()
    assert entry["tests"] == []


def test_tests_that_have_run_do_not_run_again(tmp_path: Path) -> None:
    filled = warm(tmp_path)
    user = filled.plan.by_id[f"user-1.0-{TAG}"]
    assert isinstance(user, ConsumerJob)
    (tmp_path / "empty").mkdir()
    for trial in filled.tester.trials(user):
        summary = {"summary": f"5 passed with {trial.providers[0]}"}
        filled.tester.store.put(tmp_path / "empty", filled.tester.inputs(trial), summary)
    run = pipeline(tmp_path, test=True)
    results = {result.job.id: result.tested for result in run.run().results}
    assert results[user.id] == ("5 passed with zlib-1.2", "5 passed with zlib-1.3")
    tests = run.context.wheelhouse.entries()[WHEELS[user.id]]["tests"]
    assert [list(each["with"]) for each in tests] == [[WHEELS["zlib-1.2"]], [WHEELS["zlib-1.3"]]]


def test_tests_run_again_where_something_of_theirs_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = warm(tmp_path)
    user = filled.plan.by_id[f"user-1.0-{TAG}"]
    assert isinstance(user, ConsumerJob)
    trials = filled.tester.trials(user)
    keys = {key_of(filled.tester.inputs(trial)) for trial in trials}
    assert len(keys) == len(trials)
    # It may change upstream's tests, and no byte of the wheel.
    patch = tmp_path / "tests.patch"
    patch.write_text("--- a/tests/test_it.py\n")
    monkeypatch.setattr(JobInputs, "patches", lambda _, __: [patch])
    assert not keys & {key_of(filled.tester.inputs(trial)) for trial in trials}
    monkeypatch.undo()
    assert keys == {key_of(filled.tester.inputs(trial)) for trial in trials}
    moved = UrlSource(url="https://example.org/tests.tgz", sha256="f" * 64)
    monkeypatch.setattr(JobInputs, "test_sources", lambda _, __: [moved])
    assert not keys & {key_of(filled.tester.inputs(trial)) for trial in trials}


def test_a_build_has_the_same_folder_where_it_is_free(tmp_path: Path) -> None:
    context = pipeline(tmp_path).context
    with context.workplace("zlib-1.3") as first, context.workplace("zlib-1.3") as second:
        assert first == tmp_path / "cache/work/zlib-1.3"
        assert second.name.startswith("zlib-1.3-")
    with context.workplace("zlib-1.3") as third:
        assert third == first
    assert not list((tmp_path / "cache/work").iterdir())


def test_folders_of_running_builds_are_not_swept(tmp_path: Path) -> None:
    cache, days = tmp_path / "cache", 3 * 24 * 3600
    run = pipeline(tmp_path)
    (cache / "work" / "old").mkdir(parents=True)
    with in_use(cache):
        (running,) = cache.glob("running/[0-9]*.lock")
        for place, age in ((running, days), (cache / "work" / "old", days - 60)):
            os.utime(place, (time.time() - age,) * 2)
        assert (run.context.work() / "old").is_dir()
    assert not (run.context.work() / "old").exists()


@pytest.mark.parametrize(
    "override", ["zlib.build.options=-DX=1", "zlib.license-files+=AUTHORS", "user.build=2"]
)
def test_a_changed_recipe_is_built_anew(tmp_path: Path, override: str) -> None:
    warm(tmp_path)
    report = pipeline(tmp_path, override).run()
    # Offline: as far as a build gets here.
    assert report.errors
    assert {type(error) for error in report.errors} == {SourceError}


def test_a_new_release_of_a_library_rebuilds_no_consumer(tmp_path: Path) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path, releases=["1.2", "1.3", "1.4"])
    assert "zlib-1.4" in run.plan.by_id
    for job_id in ("zlib-1.2", f"user-1.0-{TAG}"):
        job = run.plan.by_id[job_id]
        raw, stored = run.builder.find(job)
        assert raw is not None
        assert stored is not None
        run.context.done[job_id] = stored


def test_other_bytes_under_a_name_name_the_number_to_raise(tmp_path: Path) -> None:
    warm(tmp_path)
    house = tmp_path / "wheelhouse"
    house.mkdir()
    (house / WHEELS[f"user-1.0-{TAG}"]).write_bytes(b"published")
    (error,) = pipeline(tmp_path).run().errors
    assert isinstance(error, WheelhouseError)
    assert "raise 'build' in the recipe of user" in str(error)
    (house / WHEELS["zlib-1.2"]).write_bytes(b"published")
    report = pipeline(tmp_path).run()
    assert "release 1.2 of zlib a 'wheel-version' with .postN" in str(report.errors[0])
    # What needs it is stored, and fits nothing that may be published.
    assert [failure.how for failure in report.failures] == ["failed", "not built: needs zlib-1.2"]
    assert [result.job.id for result in report.results] == ["zlib-1.3"]


def test_the_inputs_of_a_key_are_kept_with_the_wheel(tmp_path: Path) -> None:
    stored: Stored = warm(tmp_path).context.done["zlib-1.3"]
    inputs = json.loads((stored.folder / "inputs.json").read_text())
    assert key_of(inputs) == stored.key


def test_missing_programs_are_told_before_the_first_build(tmp_path: Path) -> None:
    # The list of zlib 1.3, which is built last: nothing was fetched or logged by then.
    programs = "zlib.requires.programs={cwnone: cw-package}"
    run = pipeline(tmp_path, programs, releases=("1.2", "1.3"))
    with pytest.raises(MissingProgramError, match="lacks cwnone") as caught:
        run.run()
    assert "cw-package" in str(caught.value)
    assert not list((tmp_path / "wheelhouse").glob("logs/*"))


def test_what_is_stored_needs_no_program(tmp_path: Path) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path)
    assert run.find_done() == []
    assert set(run.context.done) == set(WHEELS)


def test_a_library_with_a_recipe_is_never_the_platforms(tmp_path: Path) -> None:
    zlib = library("zlib").replace("libzlib.so.1", "libz.so.1")
    recipes = read(tmp_path, zlib, library("geos"), consumer("user", uses={"geos": ""}))
    # libgeos_c is in no policy: that somebody else's copy is foreign needs no recipe to say so.
    assert claimed_sonames(recipes) == {"libz.so.1"}


def test_a_failed_build_shows_the_lines_that_matter_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "geos.log"
    log.write_text("fine\na.c:1:1: error: no\nfine\n")
    error = with_log(MissingProgramError("it failed", where="geos", hint="look"), log)
    assert isinstance(error, MissingProgramError)
    assert str(error).splitlines() == [
        "geos: it failed",
        "  look",
        "  a.c:1:1: error: no",
        "  fine",
        f"  log: {log}",
    ]
    assert isinstance(with_log(BuildError("x"), log), BuildError)


# --- failures, in runs whose builds and tests are played ------------------------------------------


def played(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: Mapping[str, CommonwheelError],
) -> Pipeline:
    """A run of many jobs, whose builds and tests succeed at once but for those named.

    ::

        zlib ← png ← viewer     zlib 1.2 and 1.3 ← user     geos ← shaper
    """
    known = read(
        folder / "recipes",
        library("zlib", ["1.2", "1.3"]),
        library("png", uses={"zlib": ""}),
        library("geos"),
        consumer("viewer", uses={"png": ""}),
        consumer("user", uses={"zlib": ""}),
        consumer("shaper", uses={"geos": ""}),
    )
    run = pipeline_of(folder, known, "viewer", "user", "shaper", test=True)

    def work(task: str) -> None:
        with run.context.working(task):
            if task in broken:
                raise broken[task]

    def build(job: Job) -> Stored:
        work(job.id)
        is_consumer = isinstance(job, ConsumerJob)
        version = f"{job.build.version}+commonwheel.1" if is_consumer else job.build.version
        wheel = f"{job.build.name}-{version}-py3-none-any.whl"
        return make(run, job, wheel, folder / "made")

    def test(trial: Trial) -> None:
        work(trial.title)
        run.tester.summaries[trial.title] = "passed"

    monkeypatch.setattr(run.builder, "build", build)
    monkeypatch.setattr(run.tester, "run", test)
    monkeypatch.setattr(HostEngine, "require", lambda *_: None)
    return run


def test_independent_jobs_all_end_in_the_plans_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = played(tmp_path, monkeypatch, {})
    report = run.run()
    assert [result.job.id for result in report.results] == [job.id for job in run.plan.jobs]
    assert report.failures == ()
    tested = {result.job.build.name: result.tested for result in report.results}
    assert tested["user"] == ("passed", "passed")
    # The pipe is gone, and the next run knows how long things take.
    assert list((tmp_path / "cache/work").iterdir()) == []
    known = json.loads((tmp_path / "cache/timings.json").read_text())["seconds"]
    assert set(known) == {
        *run.plan.by_id,
        *(f"test user-1.0-{TAG} with zlib-{version}" for version in ("1.2", "1.3")),
        # PNG is the same in both: what differs stands below it.
        *(f"test viewer-1.0-{TAG} with png-1.0, zlib-{version}" for version in ("1.2", "1.3")),
        f"test shaper-1.0-{TAG} with geos-1.0",
    }


def test_a_library_that_fails_stops_its_dependants_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = BuildError("make failed", hint="log: here")
    run = played(tmp_path, monkeypatch, {"zlib-1.2": error})
    report = run.run()
    # PNG is built against zlib 1.2, and the user with it.
    assert {failure.job.id: failure.how for failure in report.failures} == {
        "zlib-1.2": "failed",
        "png-1.0": "not built: needs zlib-1.2",
        f"viewer-1.0-{TAG}": "not built: needs zlib-1.2",
        f"user-1.0-{TAG}": "not built: needs zlib-1.2",
    }
    assert [result.job.build.name for result in report.results] == ["geos", "zlib", "shaper"]
    assert report.errors == [error]
    assert len(list(run.context.wheelhouse.root.glob("*.whl"))) == len(report.results)


def test_a_consumer_that_cannot_be_tested_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = played(tmp_path, monkeypatch, {"zlib-1.3": BuildError("no")})
    report = run.run()
    failures = {failure.job.build.name: failure.how for failure in report.failures}
    # With zlib 1.2 it is tested all the same: the next run need not.
    assert failures == {
        "zlib": "failed",
        "user": "not tested: needs zlib-1.3",
        "viewer": "not tested: needs zlib-1.3",
    }
    assert f"test user-1.0-{TAG} with zlib-1.2" in run.tester.summaries
    assert not list(run.context.wheelhouse.root.glob("user-*"))


def test_all_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    title = f"test user-1.0-{TAG} with zlib-"
    errors = [ConsumerTestError("oldest"), ConsumerTestError("newest")]
    broken: dict[str, CommonwheelError] = {
        "geos-1.0": BuildError("make failed"),
        f"{title}1.3": errors[1],
        f"{title}1.2": errors[0],
    }
    report = played(tmp_path, monkeypatch, broken).run()
    failures = {failure.job.build.name: failure.how for failure in report.failures}
    assert failures["user"] == "tests failed"
    assert failures["geos"] == "failed"
    assert failures["shaper"] == "not built: needs geos-1.0"
    # In the plan's order, whatever came first.
    assert [error.what for error in report.errors] == ["make failed", "oldest", "newest"]
    assert report.errors[0].exit_code == BuildError.exit_code


def test_a_timing_of_a_failure_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(tmp_path, monkeypatch, {"geos-1.0": BuildError("no")}).run()
    known = json.loads((tmp_path / "cache/timings.json").read_text())["seconds"]
    assert "png-1.0" in known
    assert "geos-1.0" not in known


def test_a_wheel_that_uses_no_library_of_its_recipe_is_refused(tmp_path: Path) -> None:
    user = consumer("user", uses={"zlib": "", "xz": ""})
    planned = make_plan(read(tmp_path, library("zlib"), library("xz"), user), "user")
    (job,) = [each for each in planned.jobs if isinstance(each, ConsumerJob)]
    with pytest.raises(RepairError, match=r"uses none of the libraries .*: zlib, xz") as caught:
        check_use(job, [])
    assert caught.value.where == job.id
    # Of one the headers may be all that was needed.
    notes = check_use(job, ["zlib-so1"])
    assert notes == ["the wheel does not need xz, which its recipe names"]
    assert check_use(job, ["zlib-so1", "xz-so1"]) == []
    assert check_use(planned.by_id["zlib-1.0"], []) == []
