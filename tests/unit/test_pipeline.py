"""What the pipeline decides without building: from warm caches, no process starts at all."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.cache.keys import file_digest, key_of
from commonwheel.cache.store import Stored
from commonwheel.console import Console
from commonwheel.constraints import Constraints
from commonwheel.engine.host import HostEngine
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import BuildError, MissingProgramError, SourceError, WheelhouseError
from commonwheel.pipeline import Pipeline, Settings, _with_log
from commonwheel.recipe.load import RecipeSet
from commonwheel.repair.claimed import claimed_sonames
from commonwheel.source.settings import SourceSettings
from commonwheel.wheelhouse import Wheelhouse
from tests.unit.recipe.kit import SHA, consumer, library, make_plan, read

TAG = f"cp{running_version().replace('.', '')}"
WHEELS = {
    "zlib-1.2": "commonwheel_zlib_so1-1.2-py3-none-linux_x86_64.whl",
    "zlib-1.3": "commonwheel_zlib_so1-1.3-py3-none-linux_x86_64.whl",
    f"user-1.0-{TAG}": f"user-1.0+commonwheel.1-{TAG}-{TAG}-linux_x86_64.whl",
}


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
    known, environ = recipes(folder, overrides, releases), dict(os.environ)
    cache = folder / "cache"
    return Pipeline(
        plan=make_plan(known, "user", pythons=[running_version()]),
        recipes=known,
        constraints=Constraints(pins={"cmake": ("cmake==3",)}),
        engine=HostEngine(environments=cache / "envs", environ=environ),
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
        made = folder / "made" / job.id
        made.mkdir(parents=True, exist_ok=True)
        (made / WHEELS[job.id]).write_bytes(content + job.id.encode())
        facts = {"epoch": 1, "source": {"origin": "here", "sha256": SHA}}
        raw = filled.raw.put(made, filled._inputs(job, SHA), facts, job=job.id)
        filled.done[job.id] = filled.repaired.put(
            made, filled.inputs.repair(job, raw), facts, job=job.id
        )
    return filled


def test_a_warm_run_builds_nothing_and_fills_the_wheelhouse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path)
    results = run.run()
    assert {result.job.id: result.wheel.name for result in results} == WHEELS
    assert all(result.cached for result in results)
    assert all(result.sha256 == file_digest(result.wheel) for result in results)
    assert sorted(file.name for file in run.wheelhouse.root.glob("*.whl")) == sorted(
        WHEELS.values()
    )
    assert run.wheelhouse.constraints.read_text().splitlines() == [
        "commonwheel-zlib-so1===1.3",
        "user==1.0+commonwheel.1",
    ]
    assert capsys.readouterr().err.count("cached") == len(WHEELS)


def test_provenance_says_what_each_wheel_was_made_of(tmp_path: Path) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path)
    run.run()
    entry = run.wheelhouse.entries()[WHEELS[f"user-1.0-{TAG}"]]
    oldest = run.wheelhouse.root / WHEELS["zlib-1.2"]
    assert entry["built-against"] == {oldest.name: file_digest(oldest)}
    assert entry["source"] == {"origin": "here", "sha256": SHA}
    assert entry["python"] == running_version()
    assert entry["tests"] == []


def test_tests_that_have_run_do_not_run_again(tmp_path: Path) -> None:
    filled = warm(tmp_path)
    user = filled.plan.by_id[f"user-1.0-{TAG}"]
    recipe = filled.recipes["user"]
    for provider in ("zlib-1.2", "zlib-1.3"):
        wheels = [filled.done[user.id].wheel, filled.done[provider].wheel]
        inputs = {
            "wheels": {path.name: file_digest(path) for path in wheels},
            "python": file_digest(filled.inputs.interpreter(user).resolve()),
            "test": recipe.test.model_dump(mode="json"),  # type: ignore[union-attr]
        }
        (tmp_path / "empty").mkdir(exist_ok=True)
        filled.tests.put(tmp_path / "empty", inputs, {"summary": f"5 passed with {provider}"})
    run = pipeline(tmp_path, test=True)
    results = {result.job.id: result.tested for result in run.run()}
    assert results[user.id] == ("5 passed with zlib-1.2", "5 passed with zlib-1.3")
    tests = run.wheelhouse.entries()[WHEELS[user.id]]["tests"]
    assert [list(each["with"]) for each in tests] == [[WHEELS["zlib-1.2"]], [WHEELS["zlib-1.3"]]]


@pytest.mark.parametrize(
    "override", ["zlib.build.options=-DX=1", "zlib.license-files+=AUTHORS", "user.build=2"]
)
def test_a_changed_recipe_is_built_anew(tmp_path: Path, override: str) -> None:
    warm(tmp_path)
    with pytest.raises(SourceError):  # offline: as far as a build gets here
        pipeline(tmp_path, override).run()


def test_a_new_release_of_a_library_rebuilds_no_consumer(tmp_path: Path) -> None:
    warm(tmp_path)
    run = pipeline(tmp_path, releases=["1.2", "1.3", "1.4"])
    assert "zlib-1.4" in run.plan.by_id
    for job_id in ("zlib-1.2", f"user-1.0-{TAG}"):
        job = run.plan.by_id[job_id]
        raw = run.raw.find(key_of(run._inputs(job, SHA)))
        assert raw is not None
        stored = run.repaired.find(run._repair_key(job, raw))
        assert stored is not None
        run.done[job_id] = stored


def test_other_bytes_under_a_name_name_the_number_to_raise(tmp_path: Path) -> None:
    warm(tmp_path)
    house = tmp_path / "wheelhouse"
    house.mkdir()
    (house / WHEELS[f"user-1.0-{TAG}"]).write_bytes(b"published")
    with pytest.raises(WheelhouseError, match="raise 'build' in the recipe of user"):
        pipeline(tmp_path).run()
    (house / WHEELS["zlib-1.2"]).write_bytes(b"published")
    with pytest.raises(
        WheelhouseError, match=r"release 1\.2 of zlib a 'wheel-version' with \.postN"
    ):
        pipeline(tmp_path).run()


def test_the_inputs_of_a_key_are_kept_with_the_wheel(tmp_path: Path) -> None:
    stored: Stored = warm(tmp_path).done["zlib-1.3"]
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
    assert run._find_done() == []
    assert set(run.done) == set(WHEELS)


def test_a_library_with_a_recipe_is_never_the_platforms(tmp_path: Path) -> None:
    zlib = library("zlib").replace("libzlib.so.1", "libz.so.1")
    recipes = read(tmp_path, zlib, library("geos"), consumer("user", uses={"geos": ""}))
    # libgeos_c is in no policy: that somebody else's copy is foreign needs no recipe to say so.
    assert claimed_sonames(recipes) == {"libz.so.1"}


def test_a_failed_build_shows_the_lines_that_matter_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "geos.log"
    log.write_text("fine\na.c:1:1: error: no\nfine\n")
    error = _with_log(MissingProgramError("it failed", where="geos", hint="look"), log)
    assert isinstance(error, MissingProgramError)
    assert str(error).splitlines() == [
        "geos: it failed",
        "  look",
        "  a.c:1:1: error: no",
        "  fine",
        f"  log: {log}",
    ]
    assert isinstance(_with_log(BuildError("x"), log), BuildError)
