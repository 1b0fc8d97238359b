from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonwheel.errors import PlanError, UsageError
from commonwheel.plan import ConsumerJob, LibraryJob, Plan
from commonwheel.recipe.load import RecipeSet
from tests.unit.recipe.kit import consumer, library, make_plan, read

# One ABI line over three releases, then a break.
GEOS = library("geos", {"3.9": "1", "3.11": "1", "3.13": "1", "4.0": "2"})
GEOS_LINE = library("geos", ["3.9", "3.11", "3.13"])


def ids(plan: Plan) -> list[list[str]]:
    return [[job.id for job in level] for level in plan.levels]


def library_ids(plan: Plan) -> dict[str, bool]:
    """Library jobs, and whether each is shipped."""
    return {job.id: job.shipped for job in plan.jobs if isinstance(job, LibraryJob)}


def consumer_job(plan: Plan) -> ConsumerJob:
    (found,) = (job for job in plan.jobs if isinstance(job, ConsumerJob))
    return found


def against(plan: Plan, job_id: str) -> dict[str, str]:
    return {each.name: each.version for each in plan.by_id[job_id].build.provided}


def test_a_library_alone(tmp_path: Path) -> None:
    plan = make_plan(read(tmp_path, GEOS_LINE), "geos")
    assert ids(plan) == [["geos-3.13"]]
    assert library_ids(plan) == {"geos-3.13": True}
    assert plan.jobs[0].needs == ()


def test_the_closure_in_levels(tmp_path: Path) -> None:
    recipes = read(
        tmp_path,
        library("zlib"),
        library("xz"),
        library("unrelated"),
        library("tiff", uses={"zlib": "", "xz": ""}),
        library("proj", uses={"tiff": ""}, more="consumers: [pyproj]\n"),
        consumer("pyproj", uses={"proj": ""}),
    )
    plan = make_plan(recipes, "proj")
    assert ids(plan) == [["xz-1.0", "zlib-1.0"], ["tiff-1.0"], ["proj-1.0"], ["pyproj-1.0-cp311"]]
    assert [each.id for each in plan.providers(plan.by_id["pyproj-1.0-cp311"])] == [
        "xz-1.0",
        "zlib-1.0",
        "tiff-1.0",
        "proj-1.0",
    ]
    assert plan.by_id["pyproj-1.0-cp311"].needs == ("proj-1.0",)
    assert ids(make_plan(recipes, "tiff")) == [["xz-1.0", "zlib-1.0"], ["tiff-1.0"]]
    assert ids(make_plan(recipes, "pyproj")) == ids(plan)


def test_a_listed_consumer_that_cannot_use_the_chosen_release_stays_away(tmp_path: Path) -> None:
    texts = [
        library("proj", {"7": "19", "9": "25"}, more="consumers: [pyproj, other]\n"),
        consumer("pyproj", uses={"proj": '">=9"'}),
        consumer("other", uses={"proj": ""}),
    ]
    chosen = read(tmp_path, *texts, overrides=["proj.version=7"])
    assert ids(make_plan(chosen, "proj")) == [["proj-7"], ["other-1.0-cp311"]]
    # One that is asked for by name is not left out in silence.
    with pytest.raises(PlanError, match=r"pyproj wants proj>=9; .*--set asks for proj 7"):
        make_plan(chosen, "proj", "pyproj")


def test_a_library_brings_all_consumers_that_it_lists(tmp_path: Path) -> None:
    recipes = read(
        tmp_path,
        library("geos", more="consumers: [shapely, pygeos]\n"),
        consumer("shapely", uses={"geos": ""}),
        consumer("pygeos", ["0.9", "0.10"], uses={"geos": ""}),
        consumer("other", uses={"geos": ""}),
    )
    expected = [["geos-1.0"], ["pygeos-0.10-cp311", "shapely-1.0-cp311"]]
    assert ids(make_plan(recipes, "geos")) == expected
    assert ids(make_plan(recipes, "pygeos")) == [["geos-1.0"], ["pygeos-0.10-cp311"]]


def test_built_against_the_oldest_shipped_the_newest_tested_with_both(tmp_path: Path) -> None:
    plan = make_plan(read(tmp_path, GEOS_LINE, consumer("shapely", uses={"geos": ""})), "shapely")
    assert library_ids(plan) == {"geos-3.9": False, "geos-3.13": True}
    job = consumer_job(plan)
    assert job.needs == ("geos-3.9",)
    assert job.tested_with == (("geos-3.9",), ("geos-3.13",))


def test_what_a_job_needs_holds_no_release_that_is_only_shipped(tmp_path: Path) -> None:
    texts = [GEOS_LINE, library("zlib"), library("tiff", uses={"geos": "", "zlib": ""})]
    plan = make_plan(read(tmp_path, *texts, library("new", uses={"tiff": ""})), "new")
    assert "geos-3.13" in plan.by_id
    assert ids(plan.needed(plan.by_id["new-1.0"])) == [["geos-3.9", "zlib-1.0"], ["tiff-1.0"]]
    assert ids(plan.needed(plan.by_id["zlib-1.0"])) == []


def test_a_range_and_a_release_of_ones_own(tmp_path: Path) -> None:
    ranged = consumer("shapely", uses={"geos": "'>=3.10,<3.12'"})
    plan = make_plan(read(tmp_path / "a", GEOS_LINE, ranged), "shapely")
    assert library_ids(plan) == {"geos-3.11": True}
    assert consumer_job(plan).tested_with == (("geos-3.11",),)
    explicit = consumer("shapely", uses={"geos": "{build-against: '3.11'}"})
    plan = make_plan(read(tmp_path / "b", GEOS_LINE, explicit), "shapely")
    assert library_ids(plan) == {"geos-3.11": False, "geos-3.13": True}
    assert consumer_job(plan).needs == ("geos-3.11",)


def test_the_newest_line_unless_a_user_names_another(tmp_path: Path) -> None:
    any_line = consumer("shapely", uses={"geos": ""})
    plan = make_plan(read(tmp_path / "a", GEOS, any_line), "shapely")
    assert library_ids(plan) == {"geos-4.0": True}
    old = consumer("shapely", uses={"geos": "{build-against: '3.11'}"})
    plan = make_plan(read(tmp_path / "b", GEOS, old), "shapely")
    assert library_ids(plan) == {"geos-3.11": False, "geos-3.13": True}
    by_range = consumer("shapely", uses={"geos": "<4"})
    plan = make_plan(read(tmp_path / "c", GEOS, by_range), "shapely")
    assert library_ids(plan) == {"geos-3.9": False, "geos-3.13": True}


@pytest.mark.parametrize(
    ("stability", "shipped"), [("line", "3.11.2"), ("minor", "3.9.1"), ("exact", "3.9.0")]
)
def test_what_is_shipped_keeps_to_what_the_library_promises(
    tmp_path: Path, stability: str, shipped: str
) -> None:
    text = library("geos", ["3.9.0", "3.9.1", "3.11.2"])
    recipes = read(
        tmp_path,
        text.replace("abi:\n", f"abi:\n  stability: {stability}\n"),
        consumer("shapely", uses={"geos": "{build-against: 3.9.0}"}),
    )
    plan = make_plan(recipes, "shapely")
    assert [name for name, ships in library_ids(plan).items() if ships] == [f"geos-{shipped}"]


def test_ranges_of_several_users_are_met_together(tmp_path: Path) -> None:
    recipes = read(
        tmp_path,
        GEOS_LINE,
        consumer("one", uses={"geos": "<3.12"}),
        consumer("two", uses={"geos": "'>=3.10'"}),
    )
    plan = make_plan(recipes, "one", "two")
    assert library_ids(plan) == {"geos-3.9": False, "geos-3.11": True}
    assert against(plan, "one-1.0-cp311") == {"geos": "3.9"}
    assert against(plan, "two-1.0-cp311") == {"geos": "3.11"}


def test_a_clash_names_every_side(tmp_path: Path) -> None:
    recipes = read(
        tmp_path,
        GEOS_LINE,
        consumer("one", uses={"geos": "<3.10"}),
        consumer("two", uses={"geos": "'>=3.10'"}),
    )
    with pytest.raises(PlanError) as caught:
        make_plan(recipes, "one", "two")
    assert caught.value.what == (
        "no release of geos suits everybody: one wants geos<3.10; two wants geos>=3.10"
    )
    assert "3.9, 3.11, 3.13" in caught.value.hint
    assert library_ids(make_plan(recipes, "one")) == {"geos-3.9": True}


def test_two_lines_in_one_plan_are_refused(tmp_path: Path) -> None:
    recipes = read(
        tmp_path,
        GEOS,
        consumer("one", uses={"geos": "{build-against: '3.9'}"}),
        consumer("two", uses={"geos": "{build-against: '4.0'}"}),
    )
    with pytest.raises(PlanError, match=r"two lines of geos.*3\.9 \(geos-so1\).*4\.0 \(geos-so2\)"):
        make_plan(recipes, "one", "two")


def test_built_against_a_newer_release_than_is_shipped(tmp_path: Path) -> None:
    recipes = read(
        tmp_path,
        GEOS_LINE,
        consumer("one", uses={"geos": "{build-against: '3.13'}"}),
        consumer("two", uses={"geos": "<3.12"}),
    )
    with pytest.raises(PlanError, match=r"one is built against geos 3\.13, newer than 3\.11"):
        make_plan(recipes, "one", "two")


def test_set_chooses_the_release(tmp_path: Path) -> None:
    texts = (GEOS_LINE, consumer("shapely", ["2.0", "2.1"], uses={"geos": ""}))
    overrides = ["geos.version=3.11", "shapely.version=2.0"]
    plan = make_plan(read(tmp_path, *texts, overrides=overrides), "shapely")
    assert library_ids(plan) == {"geos-3.9": False, "geos-3.11": True}
    assert consumer_job(plan).id == "shapely-2.0-cp311"


def test_set_outside_of_a_users_range_is_a_clash(tmp_path: Path) -> None:
    texts = (GEOS_LINE, consumer("shapely", uses={"geos": "'>=3.10'"}))
    recipes = read(tmp_path, *texts, overrides=["geos.version=3.9"])
    with pytest.raises(PlanError, match=r"shapely wants geos>=3\.10; --set asks for geos 3\.9"):
        make_plan(recipes, "shapely")


def test_set_of_an_older_line(tmp_path: Path) -> None:
    texts = (GEOS, consumer("shapely", uses={"geos": ""}))
    plan = make_plan(read(tmp_path, *texts, overrides=["geos.version=3.11"]), "shapely")
    assert library_ids(plan) == {"geos-3.9": False, "geos-3.11": True}


ZLIB = library("zlib", ["1.1", "1.2", "1.3"])


def test_nothing_older_than_what_a_library_between_needs(tmp_path: Path) -> None:
    # tiff's wheel requires zlib >= 1.2: one built against 1.1 could not be installed with it.
    recipes = read(
        tmp_path,
        ZLIB,
        library("tiff", uses={"zlib": "{build-against: '1.2'}"}),
        consumer("user", uses={"tiff": "", "zlib": ""}),
        consumer("direct", uses={"zlib": ""}),
    )
    plan = make_plan(recipes, "user")
    assert against(plan, "user-1.0-cp311") == {"tiff": "1.0", "zlib": "1.2"}
    assert consumer_job(plan).tested_with == (("tiff-1.0", "zlib-1.2"), ("tiff-1.0", "zlib-1.3"))
    assert library_ids(plan) == {"zlib-1.2": False, "zlib-1.3": True, "tiff-1.0": True}
    assert against(make_plan(recipes, "direct"), "direct-1.0-cp311") == {"zlib": "1.1"}


def test_a_build_sees_one_release_of_each_library(tmp_path: Path) -> None:
    # tiff was built against zlib 1.1, the consumer is built against 1.3.
    recipes = read(
        tmp_path,
        ZLIB,
        library("tiff", uses={"zlib": ""}),
        consumer("user", uses={"tiff": "", "zlib": "{build-against: '1.3'}"}),
    )
    plan = make_plan(recipes, "user")
    seen = [each.id for each in plan.providers(consumer_job(plan))]
    assert sorted(seen) == ["tiff-1.0", "zlib-1.3"]
    assert [each.id for each in plan.providers(plan.by_id["tiff-1.0"])] == ["zlib-1.1"]


@pytest.mark.parametrize("requested", ["a", "user"])
def test_a_circle_is_refused_by_name(tmp_path: Path, requested: str) -> None:
    recipes = read(
        tmp_path,
        library("a", uses={"b": ""}),
        library("b", uses={"a": ""}),
        consumer("user", uses={"a": ""}),
    )
    with pytest.raises(PlanError, match=r"in a circle: (a → b → a|b → a → b)\n"):
        make_plan(recipes, requested)


def test_a_library_that_needs_itself(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="a → a"):
        make_plan(read(tmp_path, library("a", uses={"a": ""})), "a")


def test_an_empty_selection_and_an_unknown_name(tmp_path: Path) -> None:
    recipes = read(tmp_path, library("geos"))
    with pytest.raises(UsageError, match="nothing is requested\n  recipes: geos"):
        make_plan(recipes)
    with pytest.raises(UsageError, match="no recipe 'goes'\n  perhaps you meant 'geos'"):
        make_plan(recipes, "geos", "goes")


# --- Pythons ------------------------------------------------------------------------------------


@pytest.fixture
def shapely(tmp_path: Path) -> RecipeSet:
    return read(
        tmp_path, library("geos"), consumer("shapely", uses={"geos": ""}, python=">=3.10,<3.14")
    )


def test_a_wheel_for_each_python(shapely: RecipeSet) -> None:
    plan = make_plan(shapely, "shapely", pythons=["3.13", "3.11"])
    assert ids(plan)[1] == ["shapely-1.0-cp311", "shapely-1.0-cp313"]
    assert [job.python for job in plan.levels[1] if isinstance(job, ConsumerJob)] == [
        "3.11",
        "3.13",
    ]


def test_pythons_outside_of_the_range_are_left_out(shapely: RecipeSet) -> None:
    plan = make_plan(shapely, "shapely", pythons=["3.9", "3.11", "3.14"])
    assert ids(plan)[1] == ["shapely-1.0-cp311"]
    with pytest.raises(PlanError, match=r"shapely supports Python >=3\.10,<3\.14, not 3\.9, 3\.14"):
        make_plan(shapely, "shapely", pythons=["3.14", "3.9"])


def test_no_build_runs_on_a_python_that_the_toolkit_does_not_know(tmp_path: Path) -> None:
    recipes = read(tmp_path, GEOS, consumer("old", uses={"geos": ""}, python=">=3.8"))
    with pytest.raises(PlanError, match=r"old for Python 3\.9: commonwheel builds for 3\.10"):
        make_plan(recipes, "old", pythons=["3.9", "3.11"])


def test_a_library_wheel_fits_every_python(shapely: RecipeSet) -> None:
    assert ids(make_plan(shapely, "geos", pythons=["3.9"])) == [["geos-1.0"]]


@pytest.mark.parametrize("python", ["", "3", "3.11.4", "cp311", "three", "3.x", ">=3.9"])
def test_a_python_is_two_numbers(shapely: RecipeSet, python: str) -> None:
    with pytest.raises(UsageError, match="is not a version of Python"):
        make_plan(shapely, "geos", pythons=[python])


def test_some_python_must_be_named(shapely: RecipeSet) -> None:
    with pytest.raises(UsageError, match="no version of Python"):
        make_plan(shapely, "shapely", pythons=[])


def test_duplicates_change_nothing(shapely: RecipeSet) -> None:
    once = make_plan(shapely, "shapely", "geos", pythons=["3.11", "3.12"])
    twice = make_plan(
        shapely, "shapely", "geos", "shapely", "geos", pythons=["3.12", "3.11", "3.12"]
    )
    assert once == twice
    assert twice.requested == ("shapely", "geos")


# --- properties ---------------------------------------------------------------------------------


@st.composite
def recipe_texts(draw: st.DrawFn) -> list[str]:
    """Libraries that use only those before them, each with a few releases, and consumers."""
    texts = []
    listed: dict[str, list[str]] = {}

    def uses(names: list[str]) -> dict[str, str]:
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
        found = {}
        for name in chosen:
            release = draw(st.none() | st.sampled_from(listed[name]))
            found[name] = f"{{build-against: '{release}'}}" if release else ""
        return found

    for number in range(draw(st.integers(1, 6))):
        its_uses = uses(list(listed))
        listed[f"l{number}"] = [f"1.{n}" for n in range(draw(st.integers(1, 3)))]
        texts.append(library(f"l{number}", listed[f"l{number}"], uses=its_uses))
    for number in range(draw(st.integers(0, 3))):
        its_uses = uses(list(listed)) or {"l0": ""}
        texts.append(consumer(f"c{number}", uses=its_uses))
    return texts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(texts=recipe_texts(), data=st.data())
def test_properties_of_every_plan(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("recipes")
    recipes = read(folder, *texts)
    requested = data.draw(st.lists(st.sampled_from(recipes.names), min_size=1, max_size=4))
    plan = make_plan(recipes, *requested, pythons=["3.11", "3.12"])
    assert plan == make_plan(read(folder), *requested, pythons=["3.11", "3.12"])

    level = {job.id: number for number, jobs in enumerate(plan.levels) for job in jobs}
    assert len(level) == len(plan.jobs)
    shipped = [job.build.name for job in plan.jobs if isinstance(job, LibraryJob) and job.shipped]
    assert len(shipped) == len(set(shipped))
    assert {job.build.name for job in plan.jobs if isinstance(job, LibraryJob)} == set(shipped)
    for job in plan.jobs:
        assert all(level[need] < level[job.id] for need in job.needs)
        check_providers(plan, job)


def check_providers(plan: Plan, job: LibraryJob | ConsumerJob) -> None:
    """A build sees one release of each library: the one it names, no older than others need."""
    seen = {each.build.name: each for each in plan.providers(job)}
    assert len(seen) == len(plan.providers(job))
    for each in job.build.provided:
        assert seen[each.name].build.wheel_version == each.version
    for provider in seen.values():
        for each in provider.build.provided:
            assert each.version <= seen[each.name].build.wheel_version
    if isinstance(job, ConsumerJob):
        oldest, newest = job.tested_with[0], job.tested_with[-1]
        assert {plan.library(each).build.name for each in oldest} == set(seen)
        assert set(oldest) == {each.id for each in seen.values()}
        assert all(plan.library(each).shipped for each in newest)
