import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commonwheel.errors import RecipeError, UsageError
from commonwheel.recipe.load import load, parse_override, recipe_files, shipped
from commonwheel.recipe.model import ConsumerRecipe, LibraryRecipe
from tests.unit.recipe.kit import SHA, consumer, library, make_plan, read, write

SOURCE = f"[{{url: 'https://example.org/1.0.tgz', sha256: {SHA}}}]"


def problems_of(folder: Path, text: str, name: str = "zlib", kind: str = "libraries") -> list[str]:
    """The problems of one file, each without the folder's name."""
    write(folder, **{kind: {name: text}})
    with pytest.raises(RecipeError) as caught:
        load([folder])
    prefix = f"{folder}/{kind}/"
    assert all(each.startswith(prefix) for each in caught.value.problems)
    return [each.removeprefix(prefix) for each in caught.value.problems]


def changed(old: str, new: str) -> str:
    text = library("zlib")
    assert text.count(old) == 1
    return text.replace(old, new)


def test_both_kinds_are_read(tmp_path: Path) -> None:
    recipes = read(tmp_path, library("zlib"), consumer("pyzlib", uses={"zlib": ""}))
    assert recipes.names == ["pyzlib", "zlib"]
    assert isinstance(recipes["zlib"], LibraryRecipe)
    assert isinstance(recipes["pyzlib"], ConsumerRecipe)
    assert recipes.loaded["zlib"].patch("a.patch") == tmp_path / "patches/zlib/a.patch"


def test_shorthand_means_the_long_form(tmp_path: Path) -> None:
    uses = {"zlib": "", "xz": '">=1"', "zstd": "{range: '<9', build-against: '1.0'}"}
    recipes = read(
        tmp_path,
        library("zlib"),
        library("xz"),
        library("zstd"),
        consumer("user", uses=uses),
    )
    recipe = recipes["user"]
    assert isinstance(recipe, ConsumerRecipe)
    assert [(use.range, use.build_against) for use in recipe.uses.values()] == [
        ("", None),
        (">=1", None),
        ("<9", "1.0"),
    ]
    assert recipe.test.imports == ("user",)


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    wrong = (
        library("zlib")
        .replace("homepage: https", "homepage: ftp")
        .replace("  driver: cmake", "  driver: scons\n  opshuns: [x]")
        .replace("license: MIT\n", "")
    )
    write(tmp_path, {"zlib": wrong, "xz": "name: xz\n- b\n", "zstd": "[a, list]", "ok": ""})
    with pytest.raises(RecipeError) as caught:
        load([tmp_path])
    shown = str(caught.value)
    assert shown.startswith("7 problems in recipes:\n  ")
    where = f"{tmp_path}/libraries/"
    assert set(caught.value.problems) == {
        f"{where}ok.yaml:1:1: a recipe is a mapping of keys",
        f"{where}xz.yaml:2:1: not YAML: did not find expected key",
        f"{where}zlib.yaml:1:1: the key 'license' is missing in the recipe",
        (
            f"{where}zlib.yaml:4:1: homepage: string should match pattern '^https?://' "
            "(found 'ftp://example.org/')"
        ),
        (
            f"{where}zlib.yaml:13:3: build.driver: input should be 'autotools', 'cmake', "
            "'configure', 'make' or 'meson' (found 'scons')"
        ),
        f"{where}zlib.yaml:14:3: unknown key 'opshuns' in build; perhaps you meant 'options'",
        f"{where}zstd.yaml:1:1: a recipe is a mapping of keys",
    }


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "build:\n",
            "sumary: a\nbuild:\n",
            "zlib.yaml:13:1: unknown key 'sumary' in the recipe; perhaps you meant 'summary'",
        ),
        (
            "build:\n",
            "license_files: a\nbuild:\n",
            (
                "zlib.yaml:13:1: unknown key 'license_files' in the recipe; "
                "perhaps you meant 'license-files'"
            ),
        ),
        (
            "    - soname:",
            "    - qqq: 1\n      soname:",
            "zlib.yaml:12:7: unknown key 'qqq' in abi.libraries.0; it knows exports, role, soname",
        ),
        (
            "libzlib.so.1",
            "zlib.dll",
            "zlib.yaml:12:7: abi.libraries.0.soname: string should match pattern",
        ),
        ("schema: 1", "schema: 2", "zlib.yaml:1:1: schema: input should be less than or equal"),
        ("schema: 1", "schema: one", "zlib.yaml:1:1: schema: a whole number is expected"),
        (
            "schema: 1",
            "schema: " + "9" * 5000,
            "zlib.yaml:1:1: schema: a whole number of sane size is expected (found '999",
        ),
        ("summary: zlib for tests", "summary:", "zlib.yaml:3:1: summary: text is expected"),
        ("summary: zlib for tests", "summary: [a]", "zlib.yaml:3:1: summary: text is expected"),
        ("license: MIT", "license: {a: b}", "zlib.yaml:5:1: license: text is expected"),
        ("  driver: cmake", "  - driver", "zlib.yaml:13:1: build: a mapping of keys is expected"),
        ("license-files: COPYING", "license-files: {a: b}", "a list is expected"),
        ("license-files: COPYING", "license-files: []", "zlib.yaml:6:1: license-files: "),
        (
            "build:\n",
            "singleton: perhaps\nbuild:\n",
            "zlib.yaml:13:1: singleton: yes or no is expected (found 'perhaps')",
        ),
        ("name: zlib\n", "name: Zlib\n", "zlib.yaml:2:1: name: string should match pattern"),
        (
            "name: zlib\n",
            "name: zlib2\n",
            "zlib.yaml:2:1: the name is 'zlib2' but the file zlib.yaml",
        ),
        ("schema: 1\n", "1: 2\nschema: 1\n", "zlib.yaml:1:1: unknown key '1' in the recipe"),
    ],
)
def test_a_problem_says_where_what_and_the_nearest_key(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    (found,) = problems_of(tmp_path, changed(old, new))
    assert problem in found
    assert len(found) < 300


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (f"{{sha256: {SHA}}}", "a source needs one of the keys url, debian, pypi or git"),
        (
            f"{{url: 'https://e.org/a', pypi: a, sha256: {SHA}}}",
            "versions.1.0.sources.0 has 'url' already; 'pypi' is a source of its own",
        ),
        (
            f"{{pypi: a, version: '1', mirror: x, sha256: {SHA}}}",
            "unknown key 'mirror' in versions.1.0.sources.0; it knows pypi, sha256, version",
        ),
        ("{url: 'https://e.org/a', sha256: abc}", "versions.1.0.sources.0.sha256: string should"),
        (f"{{url: 'https://e.org/a', sha256: {SHA.upper()}}}", "sha256: string should match"),
        ("{url: 'https://e.org/a'}", "the key 'sha256' is missing in versions.1.0.sources.0"),
        (f"{{url: e.org/a, sha256: {SHA}}}", "versions.1.0.sources.0.url: string should match"),
        (f"{{url: 'htps://me:secret@e.org/a', sha256: {SHA}}}", "(found 'htps://e.org/a')"),
        (f"{{url: 'https://', sha256: {SHA}}}", "url: not a URL: it has no host"),
        (f"{{url: 'https://[::1/a', sha256: {SHA}}}", "url: not a URL: Invalid IPv6 URL"),
        (
            f"{{url: 'https://e.org/a', mirrors: ftp://b, sha256: {SHA}}}",
            "versions.1.0.sources.0.mirrors.0: string should match",
        ),
        (f"{{git: 'https://[', commit: {SHA[:40]}, sha256: {SHA}}}", "git: not a URL"),
        (
            f"{{git: '--upload-pack=x', commit: {SHA[:40]}, sha256: {SHA}}}",
            "sources.0.git: not a URL: git would take what begins with '-' for an option",
        ),
        (f"{{git: g@e.org:a, commit: abc, sha256: {SHA}}}", "sources.0.commit: string should"),
        (f"{{debian: a, sha256: {SHA}}}", "the key 'version' is missing"),
        ("text", "a source needs one of the keys"),
        ("", "versions.1.0.sources: at least one is needed"),
    ],
)
def test_wrong_sources(tmp_path: Path, source: str, problem: str) -> None:
    (found,) = problems_of(tmp_path, library("zlib").replace(SOURCE, f"[{source}]"))
    assert found.startswith("zlib.yaml:9:")
    assert problem in found


def test_wrong_sources_of_tests_are_told_as_well(tmp_path: Path) -> None:
    tests = f"    tests: [{{url: 'https://e.org/a', sha: {SHA}}}]\npython:"
    text = consumer("user", uses={"zlib": ""}).replace("python:", tests)
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, library("zlib"), text)
    told = "unknown key 'sha' in versions.1.0.tests.0; perhaps you meant 'sha256'"
    assert told in str(caught.value)


def test_the_position_of_a_problem_in_a_source_is_that_of_its_key(tmp_path: Path) -> None:
    source = f"\n      - sha256: {SHA}\n        url: gopher://e.org/a"
    (found,) = problems_of(tmp_path, library("zlib").replace(SOURCE, source))
    assert found.startswith("zlib.yaml:11:9: versions.1.0.sources.0.url: ")


def test_a_broken_recipe_is_not_missing_for_those_that_use_it(tmp_path: Path) -> None:
    user = consumer("pyzlib", uses={"zlib": "", "absent": ""})
    broken = library("zlib", more="consumers: [pyzlib]\n").replace("driver: cmake", "driver: x")
    write(tmp_path, {"zlib": broken}, {"pyzlib": user})
    with pytest.raises(RecipeError) as caught:
        load([tmp_path])
    first, second = caught.value.problems
    assert "build.driver" in first
    assert "'pyzlib' uses 'absent', which has no library recipe" in second


def test_one_name_in_two_folders_or_kinds(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"zlib": library("zlib")})
    two = write(tmp_path / "two", {"zlib": library("zlib"), "xz": library("xz")})
    with pytest.raises(RecipeError) as caught:
        load([one, two])
    assert caught.value.problems == (
        f"{two}/libraries/zlib.yaml:2:1: 'zlib' has a recipe already: {one}/libraries/zlib.yaml",
    )
    write(one, consumers={"zlib": consumer("zlib", uses={"zlib": ""})})
    with pytest.raises(RecipeError, match="'zlib' has a recipe already"):
        load([one])


def test_recipes_of_several_folders_stand_together(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"zlib": library("zlib")})
    own = write(tmp_path / "own", consumers={"user": consumer("user", uses={"zlib": ""})})
    recipes = load([one, own])
    assert recipes.names == ["user", "zlib"]
    assert recipes.folders == (one, own)


def test_own_recipes_take_the_place_of_those_of_the_base(tmp_path: Path) -> None:
    names = {name: library(name) for name in ("zlib", "xz")}
    base = write(tmp_path / "base", names, {"user": consumer("user", uses={"zlib": ""})})
    own = write(tmp_path / "own", {"zlib": library("zlib", ["1.0", "2.0"])})
    recipes = load([own], base=base)
    assert recipes.names == ["user", "xz", "zlib"]
    assert list(recipes["zlib"].versions) == ["1.0", "2.0"]
    assert recipes.loaded["zlib"].folder == own
    assert recipes.replacing == (f"{own}/libraries/zlib.yaml",)
    assert recipes.folders == (base, own)


def test_what_is_replaced_is_not_read_at_all(tmp_path: Path) -> None:
    base = write(tmp_path / "base", {"zlib": library("zlib")})
    # A consumer in a library's place, and an override that only fits the one that counts.
    own = write(
        tmp_path / "own", {"xz": library("xz")}, {"zlib": consumer("zlib", uses={"xz": ""})}
    )
    recipes = load([own], ["zlib.uses.xz.range='>=1'"], base=base)
    assert recipes["zlib"].uses["xz"].range == ">=1"  # type: ignore[union-attr]
    write(own, {"zlib": library("zlib")})
    with pytest.raises(RecipeError, match="'zlib' has a recipe already: ") as caught:
        load([own], base=base)
    assert str(base) not in str(caught.value)


def test_what_no_longer_fits_a_replaced_recipe_is_left_out(tmp_path: Path) -> None:
    uses = {"zlib": "{build-against: '1.0'}"}
    base = write(
        tmp_path / "base",
        {
            "zlib": library("zlib"),
            "png": library("png", uses=uses, more="consumers: [user]\n"),
            "xz": library("xz"),
        },
        {"user": consumer("user", uses={"png": ""})},
    )
    own = write(tmp_path / "own", {"zlib": library("zlib", ["2.0"])})
    recipes = load([own], base=base)
    assert recipes.names == ["user", "xz", "zlib"]
    with pytest.raises(RecipeError, match=r"png\.yaml:.* 'zlib' lists no release 1\.0") as caught:
        recipes["png"]
    assert "put a recipe of your own in its place" in caught.value.hint
    # What uses it says so when it is planned.
    with pytest.raises(RecipeError, match="'zlib' lists no release"):
        make_plan(recipes, "user")
    changed = load([own], ["png.requires.libraries.zlib.build-against='2.0'"], base=base)
    assert changed.names == ["png", "user", "xz", "zlib"]
    # --set of a version does not mend it, and is no mistake.
    assert load([own], ["png.version=1.0"], base=base).unfit.keys() == {"png"}


def test_a_wrong_recipe_of_the_base_itself_is_an_error(tmp_path: Path) -> None:
    base = write(tmp_path / "base", {"png": library("png", uses={"zlib": ""})})
    with pytest.raises(RecipeError, match="'png' uses 'zlib', which has no library recipe"):
        load([], base=base)


def test_the_toolkits_own_recipes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shipped()
    assert found is not None
    assert load([], base=found).names == sorted(file.stem for file in recipe_files(found))


def test_a_folder_without_recipes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no recipes"):
        load([tmp_path])


def test_files_that_look_like_recipes(tmp_path: Path) -> None:
    write(tmp_path, {"zlib": library("zlib"), ".zlib": "an editor's"})
    (tmp_path / "libraries" / "README.md").touch()
    assert recipe_files(tmp_path) == [tmp_path / "libraries" / "zlib.yaml"]
    (tmp_path / "libraries" / "xz.yml").touch()
    (tmp_path / "libraries" / "folder.yaml").mkdir()
    with pytest.raises(RecipeError) as caught:
        load([tmp_path])
    assert caught.value.problems == (
        f"{tmp_path}/libraries/xz.yml:1:1: a recipe's file ends in .yaml",
        f"{tmp_path}/libraries/folder.yaml: cannot be read: Is a directory",
    )


def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    recipes = read(tmp_path, library("zlib"), consumer("user", uses={"zlib": ""}))
    with pytest.raises(UsageError, match="perhaps you meant 'zlib'"):
        recipes["zlip"]
    with pytest.raises(UsageError, match="recipes: user, zlib"):
        recipes["something"]
    with pytest.raises(UsageError, match="'user' is a consumer recipe"):
        recipes.library("user")


# --- --set ------------------------------------------------------------------------------------


def test_set_a_version(tmp_path: Path) -> None:
    recipes = read(tmp_path, library("zlib", ["1.0", "1.1"]), overrides=["zlib.version=1.0"])
    assert recipes.versions == {"zlib": "1.0"}
    again = load([tmp_path], ["zlib.version=1.0", "zlib.version=1.1"])
    assert again.versions == {"zlib": "1.1"}


def test_set_and_append(tmp_path: Path) -> None:
    overrides = [
        "zlib.build.options=[-DA=1]",
        "zlib.build.options+=-DB=a=b",
        "zlib.build.options+=[-DC=1, -DD=1]",
        "zlib.build.environment.CFLAGS=-O3 -g",
        "zlib.license-files+=AUTHORS",
        'zlib.versions."1.0".set.so=7',
        "zlib.requires.tools+=meson",
    ]
    recipe = read(tmp_path, library("zlib"), overrides=overrides).library("zlib")
    assert recipe.build.options == ("-DA=1", "-DB=a=b", "-DC=1", "-DD=1")
    assert recipe.build.environment == {"CFLAGS": "-O3 -g"}
    assert recipe.license_files == ("COPYING", "AUTHORS")
    assert recipe.versions["1.0"].set == {"so": "7"}
    assert recipe.requires.tools == ("meson",)


def test_set_reaches_into_lists_and_shorthand(tmp_path: Path) -> None:
    texts = [library("zlib", uses={"xz": '">=1"'}), library("xz")]
    url, against = (
        "https://example.org/other.tar.gz",
        "zlib.requires.libraries.xz.build-against=1.0",
    )
    recipes = read(tmp_path, *texts, overrides=[f'xz.versions."1.0".sources.0.url={url}', against])
    (source, *_) = recipes["xz"].versions["1.0"].sources
    assert source.describe() == url
    use = recipes.library("zlib").requires.libraries["xz"]
    assert (use.range, use.build_against) == (">=1", "1.0")
    with pytest.raises(UsageError, match="the list has no item 9"):
        read(tmp_path / "again", *texts, overrides=['xz.versions."1.0".sources.9.url=x'])


def test_set_on_a_name_with_a_dot(tmp_path: Path) -> None:
    text = library("gtk4.0", ["1.0", "2.0"])
    recipes = read(tmp_path, text, overrides=['"gtk4.0".version=1.0'])
    assert recipes.versions == {"gtk4.0": "1.0"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("zlib.version=9", "--set zlib.version=9: the recipe does not list it"),
        ("zlib.version=", "a version is one text"),
        ("zlib.version=[1.0]", "a version is one text"),
        ("zlib.version+=1.0", "a version is one text"),
        ("zlip.version=1.0", "there is no recipe 'zlip'\n  perhaps you meant 'zlib'"),
        ("qqqq.version=1.0", "there is no recipe 'qqqq'"),
        ("zlib.build.driver.x=1", "'driver' holds no keys"),
        ("zlib.license-files.x.y=1", "'license-files' holds no keys"),
        ("zlib.build+=x", "'build' is not a list"),
        ("zlib.build.options=[a", "--set zlib.build.options=[a: value:2:1: not YAML"),
        ("zlib.build.options=*x", "the alias '*x'"),
        ("zlib.summary=\udcff", "not text"),
        *(
            (text, "not of the form RECIPE.KEY=VALUE")
            for text in ("", "=", "zlib", "zlib=1", "zlib.=1", ".a=1", "zlib..a=1", "zlib.a", "a.b")
        ),
        ('zlib.versions."1.0=1', "not of the form"),
    ],
)
def test_a_wrong_set_is_told_as_it_was_written(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, library("zlib"), overrides=[override])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("zlib.build.driver=scons", "build.driver: input should be 'autotools'"),
        ("zlib.buidl=1", "unknown key 'buidl' in the recipe; perhaps you meant 'build'"),
        ("zlib.build.options+={a: b}", "build.options.0: text is expected"),
        ("zlib.build={driver: cmake, optoins: x}", "unknown key 'optoins' in build"),
        ("zlib.license=Private", "'Private' is not an SPDX licence expression"),
        ("zlib.build.options+=-D{nope}", "unknown placeholder '{nope}'"),
    ],
)
def test_a_problem_that_set_brings_is_not_blamed_on_the_file(
    tmp_path: Path, override: str, problem: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, library("zlib"), overrides=[override])
    (found,) = caught.value.problems
    assert found.startswith(f"--set {override}: ")
    assert problem in found


def test_what_an_override_leaves_keeps_its_position(tmp_path: Path) -> None:
    text = library("zlib", more="  options: ['-D{nope}']\n")
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, text, overrides=["zlib.build.options+=-DA"])
    assert "zlib.yaml:15:13: unknown placeholder" in caught.value.problems[0]


@pytest.mark.parametrize(
    ("text", "path", "value", "append"),
    [
        ("a.b=1", ("b",), "1", False),
        ("a.b+=1", ("b",), "1", True),
        ('a."x.y"."z=w".c=[1, 2]', ("x.y", "z=w", "c"), ["1", "2"], False),
        ("a.config-settings.k+v=x", ("config-settings", "k+v"), "x", False),
        ("a.b=", ("b",), None, False),
        ("a.b='null'", ("b",), "null", False),
        ("a.b=x=y", ("b",), "x=y", False),
    ],
)
def test_the_forms_of_set(text: str, path: tuple[str, ...], value: object, append: bool) -> None:
    override = parse_override(text)
    assert (override.recipe, override.path, override.value, override.append) == (
        "a",
        path,
        value,
        append,
    )


# --- anything -----------------------------------------------------------------------------------


@given(st.text(max_size=40) | st.from_regex(r"[a-z\"]+\.[a-z.\"]+\+?=.{0,10}", fullmatch=True))
@example("a.b=[" * 50)
def test_any_text_for_set_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_override(text).path


KEYS = st.sampled_from(
    [
        *("schema", "name", "versions", "abi", "libraries", "soname", "requires", "build"),
        *("driver", "uses", "python", "test", "1.0", "sources", "url", "sha256", "set", "when"),
        *("", "<<", "1"),
    ]
)
VALUES = st.recursive(
    st.sampled_from(["", "~", "zlib", "1", "cmake", "libz.so.1", SHA, "'", "[", "{version}", ">=1"])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def as_yaml(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key or '~'}: {as_yaml(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return str(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60) | VALUES.map(as_yaml), whole=st.booleans())
def test_any_text_is_a_recipe_or_refused(tmp_path: Path, text: str, whole: bool) -> None:
    content = text if whole else library("zlib").replace("  driver: cmake", f"  {text}")
    file = write(tmp_path, {}) / "libraries" / "zlib.yaml"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        recipes = load([tmp_path])
    except RecipeError as error:
        told = str(error)
    else:
        told = recipes.loaded["zlib"].document.source
    assert str(file) in told
