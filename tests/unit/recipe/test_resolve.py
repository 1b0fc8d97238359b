import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.names import Names
from commonwheel.recipe import resolve
from commonwheel.recipe.model import ConsumerRecipe
from commonwheel.recipe.resolve import Platform
from commonwheel.recipe.resolved import (
    BuildSteps,
    ConsumerBuild,
    Library,
    LibraryBuild,
    Needs,
    Products,
    Provided,
    SourceFact,
    fill,
    from_json,
    to_json,
)
from tests.unit.recipe.kit import LINUX, consumer, library, read

MUSL = Platform(arch="aarch64", libc="musl")


def built(folder: Path, text: str, version: str, platform: Platform = LINUX) -> LibraryBuild:
    return resolve.library(read(folder, text).library("zlib"), version, platform, (), Names())


def test_the_line_is_name_and_soname(tmp_path: Path) -> None:
    recipe = read(tmp_path, library("zlib", {"1.0": "1", "2.0": "2.3"})).library("zlib")
    assert resolve.line(recipe, "1.0") == "zlib-so1"
    assert resolve.line(recipe, "2.0") == "zlib-so2.3"


def test_the_first_public_library_gives_the_label(tmp_path: Path) -> None:
    more = "    - {soname: libfirst.so.7}\n    - {soname: libsecond.so.8}\nbuild:"
    text = library("zlib").replace("libzlib.so.1\n", "libprivate.so.9\n      role: private\n")
    recipe = read(tmp_path, text.replace("build:", more)).library("zlib")
    assert resolve.line(recipe, "1.0") == "zlib-so7"


@pytest.mark.parametrize(("label", "line"), [("c3", "zlib-c3"), ("c{so}", "zlib-c1")])
def test_a_label_of_its_own(tmp_path: Path, label: str, line: str) -> None:
    text = library("zlib", {"1.0": "1"}).replace("abi:\n", f"abi:\n  label: {label}\n")
    assert resolve.line(read(tmp_path, text).library("zlib"), "1.0") == line


def test_c_is_always_one_of_the_languages(tmp_path: Path) -> None:
    text = library("zlib", more="  languages: [fortran, c++]\n")
    assert built(tmp_path, text, "1.0").build.languages == ("c", "fortran", "c++")


def test_releases_are_ordered_as_versions(tmp_path: Path) -> None:
    text = library("zlib", ["1.10", "1.9", "1.10rc1", "1.9.post1", "2.0"])
    recipe = read(tmp_path, text).library("zlib")
    assert resolve.admitted(recipe, "") == ("1.9", "1.9.post1", "1.10rc1", "1.10", "2.0")
    assert resolve.admitted(recipe, ">=1.9.post1,<2") == ("1.9.post1", "1.10rc1", "1.10")
    assert resolve.admitted(recipe, ">3") == ()


def test_a_wheel_version_orders_compares_and_is_normalised(tmp_path: Path) -> None:
    text = library("zlib", ["1.1.1w", "1.1.2", "2024.01"]).replace(
        '"1.1.1w":\n', '"1.1.1w":\n    wheel-version: 1.1.1.post23\n'
    )
    recipe = read(tmp_path, text).library("zlib")
    assert resolve.admitted(recipe, "") == ("1.1.1w", "1.1.2", "2024.01")
    assert resolve.admitted(recipe, ">1.1.1,<1.1.2") == ()  # PEP 440: > excludes post releases
    assert resolve.admitted(recipe, ">=1.1.1,<1.1.2") == ("1.1.1w",)
    build = resolve.library(recipe, "1.1.1w", LINUX, (), Names())
    assert (build.version, build.wheel_version) == ("1.1.1w", "1.1.1.post23")
    assert resolve.library(recipe, "2024.01", LINUX, (), Names()).wheel_version == "2024.1"


def test_conditions_add_for_some_releases_and_platforms(tmp_path: Path) -> None:
    more = (
        "  options: [-DA]\n  environment: {X: base, Y: base}\n  when:\n"
        "    - {version: '>=2', options: [-DNEW], environment: {X: new}}\n"
        "    - {platform: '*-musl', options: [-DMUSL], environment: {X: musl}}\n"
        "    - {platform: 'linux-aarch64-*', version: '<2', options: [-DBOTH]}\n"
    )
    text = library("zlib", ["1.0", "2.0"], more=more)
    assert built(tmp_path, text, "1.0").build.options == ("-DA",)
    assert built(tmp_path, text, "1.0").build.environment == {"X": "base", "Y": "base"}
    assert built(tmp_path, text, "2.0").build.options == ("-DA", "-DNEW")
    musl = built(tmp_path, text, "2.0", MUSL).build
    assert musl.options == ("-DA", "-DNEW", "-DMUSL")
    assert musl.environment == {"X": "musl", "Y": "base"}
    assert built(tmp_path, text, "1.0", MUSL).build.options == ("-DA", "-DMUSL", "-DBOTH")


def test_a_release_is_named_for_databases(tmp_path: Path) -> None:
    text = library("zlib", ["1.0"])
    assert (built(tmp_path, text, "1.0").purl, built(tmp_path, text, "1.0").cpe) == (None, None)
    names = "purl: pkg:github/madler/zlib\ncpe: cpe:2.3:a:zlib:zlib\n"
    build = built(tmp_path, text + names, "1.0")
    assert build.purl == "pkg:github/madler/zlib@1.0"
    assert build.cpe == "cpe:2.3:a:zlib:zlib:1.0:*:*:*:*:*:*:*"


def test_placeholders_are_filled_but_those_of_the_build(tmp_path: Path) -> None:
    more = (
        "  options: ['-DV={version}', '-DP={xz.prefix}', '-DC=${version}']\n"
        "  environment: {N: '{name}-{so}'}\n"
        "products: {data: '{name}.txt', headers: 'v{so}.h'}\n"
        "data: [{path: 'share/{name}-{version}'}]\n"
        "requires: {libraries: {xz: }}\n"
    )
    recipes = read(tmp_path, library("xz"), library("zlib", {"1.0": "7"}, more=more))
    provided = resolve.provided(recipes.library("xz"), "1.0", Names())
    build = resolve.library(recipes.library("zlib"), "1.0", LINUX, [provided], Names())
    assert build.libraries == (Library(soname="libzlib.so.7", role="public"),)
    assert build.build.options == ("-DV=1.0", "-DP={xz.prefix}", "-DC=${version}")
    assert build.build.environment == {"N": "zlib-7"}
    assert (build.products.data, build.products.headers) == (("zlib.txt",), ("v7.h",))
    assert build.data == ("share/zlib-1.0",)
    assert build.provided == (
        Provided(
            name="xz",
            line="xz-so1",
            distribution="commonwheel-xz-so1",
            module="commonwheel_libs.xz_so1",
            version="1.0",
            upstream="1.0",
            stability="line",
        ),
    )


def test_a_consumer_gets_the_local_label(tmp_path: Path) -> None:
    more = "build: 3\nconfig-settings: {v: '{version} {zlib.lib}'}\n"
    recipes = read(tmp_path, library("zlib"), consumer("user", uses={"zlib": ""}, more=more))
    recipe = recipes["user"]
    assert isinstance(recipe, ConsumerRecipe)
    build = resolve.consumer(recipe, "1.0", (), Names(prefix="acme"))
    assert build.wheel_version == "1.0+acme.3"
    assert build.config_settings == {"v": "1.0 {zlib.lib}"}


@pytest.mark.parametrize(
    ("stability", "series"),
    [("line", "zlib-so1"), ("minor", "zlib-so1 1.2.*"), ("exact", "zlib-so1 1.2.3.*")],
)
def test_stability_narrows_the_series(tmp_path: Path, stability: str, series: str) -> None:
    text = library("zlib", ["1.2.3"]).replace("abi:\n", f"abi:\n  stability: {stability}\n")
    assert resolve.series(read(tmp_path, text).library("zlib"), "1.2.3") == series


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{a}{a}-{b}", "11-{b}"),
        ("${a} ${a:-x} {a }", "${a} ${a:-x} {a }"),
        ("{{a}}", "{1}"),
        ("{A}", "{A}"),
        ("{x.lib}", "{x.lib}"),
    ],
)
def test_filling(text: str, filled: str) -> None:
    assert fill(text, {"a": "1", "A": "never"}) == filled


def test_filling_is_done_once() -> None:
    assert fill("{a}", {"a": "{b}", "b": "x"}) == "{b}"


# --- JSON ---------------------------------------------------------------------------------------

WORDS = st.text(max_size=6)
LISTS = st.lists(WORDS, max_size=3).map(tuple)
MAPS = st.dictionaries(WORDS, WORDS, max_size=3)
PROVIDED = st.builds(Provided, stability=st.sampled_from(["line", "exact"]))
SHARED = {
    "provided": st.lists(PROVIDED, max_size=2).map(tuple),
    "needs": st.builds(Needs, tools=LISTS, programs=MAPS),
    "sources": st.lists(st.builds(SourceFact), max_size=2).map(tuple),
    "patches": LISTS,
}
LIBRARIES = st.builds(
    Library, soname=WORDS, role=st.sampled_from(["public", "private"]), exports=LISTS
)
LIBRARY_BUILDS = st.builds(
    LibraryBuild,
    license_files=LISTS,
    libraries=st.lists(LIBRARIES, max_size=2).map(tuple),
    stability=st.sampled_from(["line", "minor"]),
    build=st.builds(
        BuildSteps,
        driver=st.sampled_from(["cmake", "autotools"]),
        languages=LISTS,
        options=LISTS,
        environment=MAPS,
        targets=LISTS,
        install=LISTS,
    ),
    products=st.builds(Products, headers=LISTS, data=LISTS, tools=LISTS, exclude=LISTS),
    data=LISTS,
    **SHARED,
)
CONSUMER_BUILDS = st.builds(
    ConsumerBuild, environment=MAPS, config_settings=MAPS, grafts=LISTS, dlopen=LISTS, **SHARED
)


@given(LIBRARY_BUILDS | CONSUMER_BUILDS)
def test_what_travels_as_json_arrives_as_it_was(build: LibraryBuild | ConsumerBuild) -> None:
    text = json.dumps(to_json(build))
    assert from_json(type(build), json.loads(text)) == build


def test_json_that_lacks_a_value_is_refused() -> None:
    with pytest.raises(TypeError, match="sha256"):
        from_json(SourceFact, {"origin": "x"})


def test_recipes_of_one_name_do_not_share_answers(tmp_path: Path) -> None:
    # As --set makes them: two recipes of one name in one process.
    first = read(tmp_path / "a", library("geos", {"3.9": "1"})).library("geos")
    same = read(tmp_path / "b", library("geos", {"3.9": "1"})).library("geos")
    other = read(tmp_path / "c", library("geos", {"3.9": "2"})).library("geos")
    assert (first == same, hash(first) == hash(same)) == (True, True)
    assert [resolve.line(each, "3.9") for each in (first, same, other)] == [
        "geos-so1",
        "geos-so1",
        "geos-so2",
    ]
