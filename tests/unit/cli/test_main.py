import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from commonwheel import __version__, errors
from commonwheel.cli import build_parser, main
from commonwheel.errors import CommonwheelError
from tests.unit.recipe.kit import consumer, library, write

Recipes = Path


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipes:
    """A folder to stand in, with right recipes in ``recipes/``."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "GITHUB_ACTIONS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMMONWHEEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    # Those of the toolkit are another test's: here names stand for what each test says.
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: None)
    return write(
        tmp_path / "recipes",
        {
            "geos": library("geos", ["3.11", "3.13"], more="consumers: [shapely]\n"),
            "zlib": library("zlib"),
        },
        {"shapely": consumer("shapely", ["2.1"], uses={"geos": ""})},
    )


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """The words of every subcommand."""
    yield list(path)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from commands(child, (*path, name))


COMMANDS = list(commands(build_parser()))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*words, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {' '.join(['commonwheel', *words])}")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_option_that_does_not_exist_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--no-such-option"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "--help" in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert (caught.value.code, capsys.readouterr().out) == (0, f"commonwheel {__version__}\n")


# --- plan ---------------------------------------------------------------------------------------


def test_plan_as_a_table(recipes: Recipes, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "geos", "--python", "3.11, 3.12"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "4 jobs for linux-" in out
    assert "shapely-2.1-cp312" in out


def test_plan_as_json(recipes: Recipes, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "geos", "--format", "json", "--set", "geos.version=3.11", "-q"]
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)
    names = [[job["build"]["name"] for job in level] for level in data["levels"]]
    assert names == [["geos"], ["shapely"]]
    assert data["levels"][0][0]["id"] == "geos-3.11"


def test_plan_as_a_picture(recipes: Recipes, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "geos", "--format", "dot"]) == 0
    assert '"geos-3.11" -> "shapely-2.1-cp3' in capsys.readouterr().out


@pytest.mark.parametrize(("form", "start"), [("table", "3 jobs"), ("json", "{"), ("dot", "digr")])
def test_plan_into_a_file(
    recipes: Recipes, form: str, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "geos", "--format", form, "-o", "plan.out"]) == 0
    assert Path("plan.out").read_text(encoding="utf-8").startswith(start)
    assert capsys.readouterr().out == ""


def test_recipes_of_another_folder(
    recipes: Recipes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write(tmp_path / "own", consumers={"mine": consumer("mine", uses={"zlib": ""})})
    words = ["plan", "mine", "--recipes", "recipes", "--recipes", str(own), "--format", "json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["requested"] == ["mine"]


def test_own_recipes_stand_beside_the_toolkits(
    recipes: Recipes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write(recipes.parent / "own", consumers={"mine": consumer("mine", uses={"zlib": ""})})
    monkeypatch.setattr("commonwheel.cli.common.shipped", recipes.absolute)
    assert main(["plan", "mine", "--recipes", str(own)]) == 0
    # In the toolkit's own folder its recipes are those of the current folder, and clash with none.
    assert "takes the place" not in capsys.readouterr().err
    write(own, {"zlib": library("zlib", ["1.0", "1.2"])})
    for command in (["plan", "mine"], ["recipe", "lint"], ["fetch", "geos", "--offline"]):
        main([*command, "--recipes", str(own)])
        err = capsys.readouterr().err
        assert "own/libraries/zlib.yaml takes the place of the toolkit's\n" in err


# --- commonwheel.toml ---------------------------------------------------------------------------


def test_the_file_changes_names_and_gives_defaults(
    recipes: Recipes, capsys: pytest.CaptureFixture[str]
) -> None:
    recipes.rename("native")
    Path("commonwheel.toml").write_text(
        'prefix = "acme"\nrecipes = "native"\n[defaults]\npython = ["3.12", "3.13"]\n'
    )
    assert main(["plan", "geos", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (shapely, *_), geos = data["levels"][-1], data["levels"][0][0]
    assert shapely["build"]["provided"][0]["distribution"] == "acme-geos-so1"
    assert shapely["build"]["wheel_version"] == "2.1+acme.1"
    assert geos["build"]["prefix"] == "acme"
    assert [job["python"] for job in data["levels"][-1]] == ["3.12", "3.13"]
    assert main(["plan", "geos", "--python", "3.11", "--format", "json"]) == 0
    levels = json.loads(capsys.readouterr().out)["levels"]
    assert [job["python"] for job in levels[-1]] == ["3.11"]


def test_the_file_beside_named_recipes_counts(
    recipes: Recipes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write(tmp_path / "other/recipes", {"mine": library("mine")})
    file = own.parent / "commonwheel.toml"
    file.write_text('prefix = "acme"')
    words = ["plan", "mine", "zlib", "--recipes", str(own), "--format", "json"]
    assert main(words) == 0
    assert '"prefix": "acme"' in capsys.readouterr().out
    # The current folder's file wins, and says so.
    Path("commonwheel.toml").touch()
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert '"prefix": "commonwheel"' in out
    assert err == f"{file} does not count: commonwheel.toml does\n"
    assert main([*words, "--config", str(file)]) == 0
    assert '"prefix": "acme"' in capsys.readouterr().out


def test_recipes_that_the_file_names_replace_the_usual_folder(
    recipes: Recipes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "native", {"mine": library("mine")})
    Path("commonwheel.toml").write_text("recipes = 'native'")
    assert main(["recipe", "lint"]) == 0
    assert "1 recipe is right" in capsys.readouterr().err
    Path("commonwheel.toml").write_text("")
    assert main(["recipe", "lint"]) == 0
    assert "3 recipes are right" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["plan", "zlib"], ["repair", "x.whl"], ["recipe", "lint"]])
def test_a_wrong_file_is_told_by_every_command(
    recipes: Recipes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("commonwheel.toml").write_text("\nprefx = 'acme'\n")
    assert main(words) == 13
    err = capsys.readouterr().err
    assert err.startswith("error: commonwheel.toml:2:1: unknown key 'prefx' in commonwheel.toml")


# --- why ----------------------------------------------------------------------------------------


def test_why_of_what_was_never_built(recipes: Recipes, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "geos", "--set", "geos.build.options+=-DX=1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "geos-3.11 would be built: never built before here"
    assert [line.split()[0].rpartition("-")[0] for line in lines] == ["geos", "geos", "shapely-2.1"]


def test_why_as_json_into_a_file(
    recipes: Recipes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", "zlib", "--format", "json", "-o", "why.json"]) == 0
    assert capsys.readouterr().out == ""
    (job,) = json.loads((tmp_path / "why.json").read_text())["jobs"]
    assert (job["job"], job["verdict"], job["compared-with"]) == ("zlib-1.0", "build", None)


# --- recipe -------------------------------------------------------------------------------------


def test_recipe_lint(recipes: Recipes, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "lint"]) == 0
    assert "3 recipes" in capsys.readouterr().err
    write(recipes, {"zlib": "a: 1\n", "geos": "[]"})
    assert main(["recipe", "lint"]) == 3
    err = capsys.readouterr().err
    assert "recipes/libraries/geos.yaml:1:1: a recipe is a mapping" in err
    assert "recipes/libraries/zlib.yaml:1:1: unknown key 'a'" in err


def test_recipe_show_has_all_defaults_and_what_was_set(
    recipes: Recipes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipe", "show", "zlib", "--set", "zlib.build.options+=-DX=1"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == 1
    assert data["build"]["options"] == ["-DX=1"]
    assert data["singleton"] is False
    assert data["license-files"] == ["COPYING"]


def test_recipe_show_tells_the_files(
    recipes: Recipes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = recipes.rename(recipes.parent / "installed")
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: theirs)
    geos = theirs / "libraries/geos.yaml"
    patches = [theirs / "patches/geos" / name for name in ("b.patch", "a.patch")]
    text = geos.read_text(encoding="utf-8")
    # Both releases name the second one.
    for version, named in (("3.11", "[b.patch, a.patch]"), ("3.13", "a.patch")):
        text = text.replace(f'"{version}":\n', f'"{version}":\n    patches: {named}\n')
    geos.write_text(text, encoding="utf-8")
    patches[0].parent.mkdir(parents=True)
    for patch in patches:
        patch.touch()
    assert main(["recipe", "show", "geos", "zlib", "--files"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [str(path) for path in (geos, *patches, theirs / "libraries/zlib.yaml")]


@pytest.mark.parametrize(
    ("kind", "key"), [("library", "abi"), ("consumer", "uses"), ("configuration", "prefix")]
)
def test_recipe_schema(kind: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert key in schema["properties"]


# --- exit codes ---------------------------------------------------------------------------------


def broken(recipes: Recipes) -> None:
    write(recipes, {"zlib": "a: [1, 2\n"})


def circle(recipes: Recipes) -> None:
    write(
        recipes, {"zlib": library("zlib", uses={"xz": ""}), "xz": library("xz", uses={"zlib": ""})}
    )


def binary(recipes: Recipes) -> None:
    (recipes / "libraries" / "zlib.yaml").write_bytes(b"\x00\xff\xfe")


def no_wheel(recipes: Recipes) -> None:
    Path("x-1-py3-none-any.whl").write_bytes(b"not a zip")


def same(_recipes: Recipes) -> None:
    """Leave the recipes as they are."""


# What is done before, the words, the exit code, and what is told.
Mistake = tuple[Callable[[Recipes], None], list[str], int, str]
MISTAKES: list[Mistake] = [
    (same, [], 2, "COMMAND"),
    (same, ["bild"], 2, "invalid choice: 'bild'"),
    (same, ["plan"], 2, "RECIPE"),
    (same, ["plan", "goes"], 2, "perhaps you meant 'geos'"),
    (same, ["plan", "geos", "--format", "xml"], 2, "invalid choice: 'xml'"),
    (same, ["plan", "geos", "--recipes", "nowhere"], 2, "there is no recipe folder nowhere"),
    (same, ["plan", "geos", "--recipes", "."], 2, "holds no recipes"),
    (same, ["plan", "geos", "--config", "none.toml"], 13, "none.toml: cannot be read: No such"),
    (same, ["plan", "geos", "--recipes", "recipes/libraries/zlib.yaml"], 2, "no recipe folder"),
    (same, ["plan", "geos", "--set", "geos"], 2, "not of the form RECIPE.KEY=VALUE"),
    (same, ["plan", "geos", "--set", "geos.version=9"], 2, "the recipe does not list it"),
    (same, ["plan", "geos", "--set", "goes.version=9"], 2, "perhaps you meant 'geos'"),
    (same, ["plan", "geos", "--set", "geos.build=[x"], 2, "not YAML"),
    (same, ["plan", "geos", "--set", "geos.buidl=x"], 3, "perhaps you meant 'build'"),
    (same, ["plan", "geos", "--python", "three"], 2, "'three' is not a version of Python"),
    (same, ["plan", "geos", "--python", ","], 2, "no version of Python"),
    (same, ["plan", "geos", "--python", "3.8"], 4, "shapely supports Python >=3.9, not 3.8"),
    (same, ["plan", "geos", "-o", "nowhere/plan.json"], 1, "nowhere/plan.json: "),
    (same, ["plan", "geos", "-o", "recipes"], 1, "recipes: Is a directory"),
    (same, ["plan", "geos", "-q", "-v"], 2, "not allowed with"),
    (broken, ["plan", "zlib"], 3, "zlib.yaml:2:1: not YAML"),
    (binary, ["plan", "zlib"], 3, "zlib.yaml:1:2: not UTF-8"),
    (circle, ["plan", "zlib"], 4, "in a circle: "),
    (same, ["why"], 2, "RECIPE"),
    (same, ["why", "goes"], 2, "perhaps you meant 'geos'"),
    (same, ["why", "geos", "--format", "dot"], 2, "invalid choice: 'dot'"),
    (broken, ["why", "zlib"], 3, "not YAML"),
    (same, ["recipe"], 2, "ACTION"),
    (same, ["recipe", "show"], 2, "RECIPE"),
    (same, ["recipe", "show", "nothing"], 2, "there is no recipe 'nothing'"),
    (same, ["recipe", "schema", "wheel"], 2, "invalid choice: 'wheel'"),
    (broken, ["recipe", "lint"], 3, "not YAML"),
    (same, ["repair"], 2, "WHEEL"),
    (same, ["repair", "nothing.whl"], 2, "nothing.whl: no such wheel"),
    (same, ["repair", "recipes"], 2, "recipes: no such wheel"),
    (same, ["repair", "recipes/libraries/zlib.yaml"], 2, "Invalid wheel filename"),
    (no_wheel, ["repair", "x-1-py3-none-any.whl"], 9, "x-1-py3-none-any.whl"),
    (same, ["fetch", "zlib", "--offline"], 5, "zlib"),
    (same, ["build", "zlib", "--engine", "vm"], 2, "invalid choice: 'vm'"),
    (same, ["build", "zlib", "-j", "many"], 2, "'many' is not a whole number from 1 on"),
    (same, ["build", "goes"], 2, "perhaps you meant 'geos'"),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_without_a_traceback(
    recipes: Recipes, mistake: Mistake, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare, words, code, message = mistake
    prepare(recipes)
    assert main(words) == code
    err = capsys.readouterr().err
    assert message in err
    assert "error: " in err
    assert "Traceback" not in err


def test_the_toolkits_recipes_are_there_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # What nobody named may be something else.
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "apple-pie.yaml").touch()
    assert main(["plan", "zlib"]) == 0
    assert main(["plan", "apple-pie"]) == 2
    assert "there is no recipe 'apple-pie'" in capsys.readouterr().err


def test_a_cache_that_cannot_be(
    recipes: Recipes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMMONWHEEL_CACHE", "/dev/null/cache")
    assert main(["fetch", "zlib", "--offline"]) in {1, 5}
    assert "Traceback" not in capsys.readouterr().err


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CommonwheelError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_of_error_ends_with_its_code(
    recipes: Recipes,
    kind: type[CommonwheelError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_options: argparse.Namespace) -> None:
        raise kind("it broke", where="here", hint="mend it")

    monkeypatch.setattr("commonwheel.cli.plan.run", fail)
    assert main(["plan", "geos"]) == kind.exit_code
    assert capsys.readouterr().err == "error: here: it broke\n  mend it\n"


def test_an_interruption_has_the_shells_code(
    recipes: Recipes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_options: argparse.Namespace) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("commonwheel.cli.plan.run", interrupt)
    assert main(["plan", "geos"]) == 130
    assert "interrupted" in capsys.readouterr().err
