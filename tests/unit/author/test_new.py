import io
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from commonwheel.author.acquire import Acquired, Acquirer
from commonwheel.author.library import _exports, export_patterns
from commonwheel.author.new import NewRecipe, check_name, find_source, new
from commonwheel.author.trial import Installed
from commonwheel.cli import main
from commonwheel.errors import BuildError, SourceError, UsageError
from commonwheel.recipe.load import RecipeSet, load
from commonwheel.recipe.yaml import parse
from commonwheel.source.progress import NullProgress
from commonwheel.source.settings import SourceSettings
from tests.unit.author.test_buildfiles import MIT
from tests.unit.recipe.kit import library, write

FOO = {
    "CMakeLists.txt": """\
project(foo VERSION 1.2 DESCRIPTION "Foos, quickly" LANGUAGES C CXX
  HOMEPAGE_URL "https://example.org/foo")
option(FOO_TESTS "x" ON)
find_package(zlib REQUIRED)
""",
    "LICENSE": MIT,
    "foo.c": "",
}
PKG_INFO = """\
Metadata-Version: 2.1
Name: Pyfoo
Version: 3.1
Summary: Foo for Python
Home-page: UNKNOWN
Project-URL: Documentation, https://docs.example.org
Project-URL: Homepage, https://example.org/pyfoo
Requires-Python: >=3.8
Classifier: Programming Language :: Python :: 3.9
Classifier: Programming Language :: Python :: 3.13
Provides-Extra: test
Requires-Dist: pytest; extra == "test"
Requires-Dist: numpy>=1.20; extra == "test"
Requires-Dist: pyfoo; extra == "test"
Requires-Dist: sphinx; extra == "docs"
"""
PYFOO = {
    "PKG-INFO": PKG_INFO,
    "LICENSE": MIT,
    "pyfoo/__init__.py": "",
    "pyfoo/_foo.c": "#include <Python.h>\n#include <zlib.h>\n",
    "tests/test_foo.py": "",
}


def pack(target: Path, files: Mapping[str, str]) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return target


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    more = "products: {headers: zlib.h}\n"
    return write(tmp_path / "recipes", {"zlib": library("zlib", more=more)})


@pytest.fixture
def acquirer(tmp_path: Path) -> Acquirer:
    (tmp_path / "scratch").mkdir()
    settings = SourceSettings(cache=tmp_path / "cache")
    return Acquirer(settings=settings, progress=NullProgress(), scratch=tmp_path / "scratch")


def made(
    recipes: Path,
    acquirer: Acquirer,
    name: str,
    archive: Path,
    *,
    release: str | None = None,
    build: Mapping[str, list[str]] | None = None,
) -> NewRecipe:
    origin = find_source(archive.as_uri(), acquirer, url=None, version=release)
    return new(load([recipes]), name, origin, acquirer=acquirer, build=build or {})


def test_a_library_as_its_files_tell(recipes: Path, acquirer: Acquirer, tmp_path: Path) -> None:
    found = made(recipes, acquirer, "foo", pack(tmp_path / "foo-1.2.tar.gz", FOO))
    value = parse(found.text, "x").value
    assert found.file == recipes / "libraries/foo.yaml"
    assert value["summary"] == "foo (Foos, quickly), shared by the Python wheels of one environment"
    assert (value["homepage"], value["license"]) == ("https://example.org/foo", "MIT")
    assert (value["purl"], value["license-files"]) == ("pkg:generic/foo", "LICENSE")
    assert list(value["versions"]) == ["1.2"]
    assert value["requires"] == {"libraries": {"zlib": None}}
    assert value["build"] == {
        "driver": "cmake",
        "languages": ["c", "c++"],
        "options": "-DFOO_TESTS=OFF",
    }
    # Nothing tells the SONAME: lint says so, whatever the author does first.
    assert len(found.problems) == 1
    assert "'soTODO' cannot be an ABI label" in found.problems[0]
    assert "TODO: the SONAME: no trial build has told it" in _without_lines(found.todos)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("-DFOO_TESTS=OFF", "-DFOO_TESTS=OFF"),
        ("-DFOO_TESTS=ON", "-DFOO_TESTS=ON"),
        ("-DFOO_X=ON", ["-DFOO_TESTS=OFF", "-DFOO_X=ON"]),
    ],
)
def test_a_given_option_takes_the_place_of_a_drafted_one(
    recipes: Path, acquirer: Acquirer, tmp_path: Path, given: str, written: str | list[str]
) -> None:
    archive = pack(tmp_path / "foo-1.2.tar.gz", FOO)
    found = made(recipes, acquirer, "foo", archive, build={"options": [given]})
    assert parse(found.text, "x").value["build"]["options"] == written


def test_a_consumer_as_its_metadata_tell(recipes: Path, acquirer: Acquirer, tmp_path: Path) -> None:
    found = made(recipes, acquirer, "pyfoo", pack(tmp_path / "pyfoo-3.1.tar.gz", PYFOO))
    value = parse(found.text, "x").value
    assert found.file == recipes / "consumers/pyfoo.yaml"
    assert found.problems == ()
    assert (value["summary"], value["homepage"]) == ("Foo for Python", "https://example.org/pyfoo")
    assert (value["license"], value["build"], value["python"]) == ("MIT", "1", ">=3.10,<3.14")
    assert value["uses"] == {"zlib": None}
    assert value["test"] == {
        "imports": "pyfoo",
        "requires": ["pytest", "numpy>=1.20"],
        "files": "tests",
        "command": ["-m", "pytest", "-q", "tests"],
    }
    assert "# zlib: header zlib.h in _foo.c" in found.text


@pytest.mark.parametrize(
    ("newest", "written"), [("3.9", ">=3.10"), ("3.10", ">=3.10,<3.11"), (None, ">=3.10")]
)
def test_pythons_that_its_classifiers_name(
    recipes: Path, acquirer: Acquirer, tmp_path: Path, newest: str | None, written: str
) -> None:
    lines = [line for line in PKG_INFO.splitlines() if not line.startswith("Classifier")]
    if newest:
        lines.append(f"Classifier: Programming Language :: Python :: {newest}")
    files = {**PYFOO, "PKG-INFO": "\n".join(lines)}
    found = made(recipes, acquirer, "pyfoo", pack(tmp_path / "pyfoo-3.1.tar.gz", files))
    assert parse(found.text, "x").value["python"] == written
    asked = "# TODO: its metadata name no Python from 3.10 on" in found.text
    assert asked == (written == ">=3.10")


def test_requirements_of_the_tests(recipes: Path, acquirer: Acquirer, tmp_path: Path) -> None:
    more = """\
Requires-Dist: coverage[toml]>=7; extra == 'tests'
Requires-Dist: pywin32; sys_platform == "win32" and extra == "test"
Requires-Dist: numpy>=1.20; extra == "tests"
Requires-Dist: psutil; sys_platform == "linux" and (extra == "docs" or extra == "testing")
Requires-Dist: attrs; python_version >= "3"
Requires-Dist: typing; python_version < "3" or extra != "test"
Requires-Dist: wrong; extra ==
Requires-Dist: wrong; sys_platform ~= "x" and extra == "test"
"""
    files = {**PYFOO, "PKG-INFO": PKG_INFO + more}
    found = made(recipes, acquirer, "pyfoo", pack(tmp_path / "pyfoo-3.1.tar.gz", files))
    requires = parse(found.text, "x").value["test"]["requires"]
    assert requires == ["pytest", "numpy>=1.20", "coverage[toml]>=7", "psutil"]


def test_a_consumer_of_nothing_known_must_be_filled_in(
    recipes: Path, acquirer: Acquirer, tmp_path: Path
) -> None:
    files = {**PYFOO, "pyfoo/_foo.c": ""}
    found = made(recipes, acquirer, "pyfoo", pack(tmp_path / "pyfoo-3.1.tar.gz", files))
    assert any(problem.partition(": ")[2].startswith("uses.TODO") for problem in found.problems)


def test_tests_inside_of_the_package(recipes: Path, acquirer: Acquirer, tmp_path: Path) -> None:
    files = {**PYFOO, "pyfoo/tests/test_x.py": ""}
    del files["tests/test_foo.py"]
    found = made(recipes, acquirer, "pyfoo", pack(tmp_path / "pyfoo-3.1.tar.gz", files))
    test = parse(found.text, "x").value["test"]
    assert test["command"] == ["-m", "pytest", "-q", "--pyargs", "pyfoo.tests"]
    assert "files" not in test


def test_a_failed_trial_still_leaves_a_recipe(
    recipes: Path, acquirer: Acquirer, tmp_path: Path
) -> None:
    origin = find_source(
        pack(tmp_path / "foo-1.2.tar.gz", FOO).as_uri(), acquirer, url=None, version=None
    )

    def trial(drafted: object, name: str, _acquired: object) -> None:
        # The draft is a right recipe, so that a plan can be made with it.
        assert drafted[name].requires.libraries.keys() == {"zlib"}  # type: ignore[index]
        raise BuildError("cmake failed", hint="log: x")

    found = new(load([recipes]), "foo", origin, acquirer=acquirer, build={}, trial=trial)  # type: ignore[arg-type]
    assert found.notes == ("the trial build failed: cmake failed\n  log: x",)
    assert "libfoo.so.TODO" in found.text


def test_a_trial_that_installs_no_shared_library(
    recipes: Path, acquirer: Acquirer, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "foo-1.2.tar.gz", FOO)
    origin = find_source(archive.as_uri(), acquirer, url=None, version=None)
    nothing = Installed(
        libraries=(),
        linkable=frozenset(),
        uses=(),
        headers=(),
        words=frozenset(),
        data=(),
        programs=(),
        folders=(),
        plugins=(),
    )

    def trial(_recipes: RecipeSet, _name: str, _acquired: Acquired) -> Installed:
        return nothing

    found = new(load([recipes]), "foo", origin, acquirer=acquirer, build={}, trial=trial)
    assert found.notes == ()
    todos = _without_lines(found.todos)
    assert "TODO: the SONAME: the trial installed no shared library" in todos
    asks = "the source asks for zlib (CMakeLists.txt), and the trial linked to none of it"
    assert f"TODO: {asks}: is there an option?" in todos


def _without_lines(todos: Iterable[str]) -> set[str]:
    return {todo.partition(": ")[2] for todo in todos}


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("foo-1.2.tar.gz", "1.2"),
        ("foo_1_2_3.tgz", "1.2.3"),
        ("v4.5.tar.xz", "4.5"),
        ("libfoo2-1.0rc1.zip", "1.0rc1"),
        ("foo.tar.gz", "1.2"),  # as project() says
    ],
)
def test_the_version_is_in_the_archives_name(
    recipes: Path, acquirer: Acquirer, tmp_path: Path, name: str, version: str
) -> None:
    found = made(recipes, acquirer, "foo", pack(tmp_path / name, FOO))
    assert list(parse(found.text, "x").value["versions"]) == [version]


def test_a_version_that_nothing_tells_is_asked_for(
    recipes: Path, acquirer: Acquirer, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "foo.tar.gz", {"CMakeLists.txt": "project(foo)", "LICENSE": MIT})
    with pytest.raises(UsageError, match="the source's version is not known") as caught:
        made(recipes, acquirer, "foo", archive)
    assert caught.value.hint == "name it: --release VERSION"
    found = made(recipes, acquirer, "foo", archive, release="7")
    assert list(parse(found.text, "x").value["versions"]) == ["7"]


def test_an_export_of_a_repository_is_told(
    recipes: Path, acquirer: Acquirer, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "foo-1.tar.gz", {"configure.ac": "AC_INIT"})
    with pytest.raises(SourceError, match="no build files are in it") as caught:
        made(recipes, acquirer, "foo", archive)
    assert "configure.ac without configure" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nonsense", "neither a file here nor a source"),
        ("debian:", "neither a file"),
        ("", "neither"),
    ],
)
def test_what_is_no_source(acquirer: Acquirer, spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_source(spec, acquirer, url=None, version=None)


def test_an_archive_here_wants_the_address_for_others(acquirer: Acquirer, tmp_path: Path) -> None:
    archive = pack(tmp_path / "foo-1.2.tar.gz", FOO)
    with pytest.raises(UsageError) as caught:
        find_source(str(archive), acquirer, url=None, version=None)
    assert caught.value.hint == "name the address that serves it: --url URL"
    url = "https://github.com/foo/foo/archive/v1.2.tar.gz"
    origin = find_source(str(archive), acquirer, url=url, version=None)
    assert (origin.version, origin.acquired.source.describe()) == ("1.2", url)
    assert archive.exists()


@pytest.mark.parametrize("url", ["example.org/foo-1.2.tar.gz", "https:///x", "https://[x/y.tar.gz"])
def test_an_address_that_is_none(acquirer: Acquirer, tmp_path: Path, url: str) -> None:
    archive = pack(tmp_path / "foo-1.2.tar.gz", FOO)
    with pytest.raises(UsageError, match=f"--url {re.escape(url)}: a recipe cannot") as caught:
        find_source(str(archive), acquirer, url=url, version=None)
    assert "for example https://example.org/" in caught.value.hint


def test_an_address_without_a_host(acquirer: Acquirer) -> None:
    with pytest.raises(UsageError, match=r"--from .* a recipe cannot have this as an address"):
        find_source("https://[x/y.tar.gz", acquirer, url=None, version=None)


@pytest.mark.parametrize(
    ("name", "said"),
    [("Foo", "cannot be a recipe's name"), ("../x", "cannot be"), ("zlib", "has a recipe already")],
)
def test_names_that_are_refused(recipes: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_name(load([recipes]), name)


def test_export_patterns() -> None:
    assert export_patterns({"yaml_a", "yaml_b", "yaml_c_d"}) == ["yaml_*"]
    assert export_patterns({"LZ4_a", "LZ4F_b", "one"}) == ["LZ4F_*", "LZ4_*", "one"]
    assert export_patterns({f"name{n}" for n in range(9)}) == []


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def here(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(recipes.parent)
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: None)
    monkeypatch.setenv("COMMONWHEEL_CACHE", str(recipes.parent / "cache"))
    return recipes


def test_the_command_writes_what_it_would_print(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["recipe", "new", "foo", "--no-trial", "--from"]
    words.append(pack(tmp_path / "foo-1.2.tar.gz", FOO).as_uri())
    assert main([*words, "--stdout"]) == 0
    out, err = capsys.readouterr()
    assert not (here / "libraries/foo.yaml").exists()
    assert "fill in recipes/libraries/foo.yaml:" in err
    assert "look at line " in err
    assert main(words) == 0
    assert (here / "libraries/foo.yaml").read_text() == out
    out, err = capsys.readouterr()
    assert out == ""
    assert "commonwheel build foo" in err
    assert not list((tmp_path / "cache/work").iterdir())


def test_a_callers_folder_gets_it(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine/libraries").mkdir(parents=True)
    archive = pack(tmp_path / "pyfoo-3.1.tar.gz", PYFOO)
    words = ["recipe", "new", "pyfoo", "--from", archive.as_uri(), "--recipes", "mine"]
    assert main(words) == 0
    assert (tmp_path / "mine/consumers/pyfoo.yaml").is_file()
    # It has no schema beside it, and names none.
    assert (tmp_path / "mine/consumers/pyfoo.yaml").read_text().startswith("schema: 1\n")
    assert main(["recipe", "lint", "--recipes", "mine"]) == 0
    assert main(words) == 2
    assert "'pyfoo' has a recipe already: mine/consumers/pyfoo.yaml" in capsys.readouterr().err


def test_the_toolkits_own_recipes_are_not_written_to(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = here.rename(tmp_path / "installed")
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: theirs)
    words = ["recipe", "new", "foo", "--no-trial", "--from"]
    words.append(pack(tmp_path / "foo-1.2.tar.gz", FOO).as_uri())
    assert main(words) == 2
    assert "'foo' would be written to the toolkit's own recipes" in capsys.readouterr().err
    assert main(["recipe", "bump", "zlib", "2.0"]) == 2
    assert "would be written to the toolkit's own" in capsys.readouterr().err
    # A checkout of the toolkit is its authors' own.
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: tmp_path / "recipes")
    theirs.rename(tmp_path / "recipes")
    assert main(words) == 0


def test_a_recipe_of_the_toolkits_may_be_replaced(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = here.rename(tmp_path / "installed")
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: theirs)
    (tmp_path / "mine/libraries").mkdir(parents=True)
    words = ["recipe", "new", "zlib", "--no-trial", "--recipes", "mine", "--from"]
    files = {**FOO, "CMakeLists.txt": "project(zlib VERSION 1.2 LANGUAGES C)\n"}
    words.append(pack(tmp_path / "zlib-1.2.tar.gz", files).as_uri())
    assert main(words) == 0
    assert (tmp_path / "mine/libraries/zlib.yaml").is_file()
    assert "fill in mine/libraries/zlib.yaml:" in capsys.readouterr().err


@pytest.mark.parametrize(("hidden", "warned"), [("_ZN3foo3barEv", True), ("internal", False)])
def test_patterns_that_hide_names_of_cpp_say_so(hidden: str, warned: bool) -> None:
    remarked = _exports({}, {"foo_open", hidden}, {"foo_open"})
    assert remarked.value == {"exports": ["foo_*"]}
    assert ("C++ headers" in " ".join(remarked.remarks)) is warned
