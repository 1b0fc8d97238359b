import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from commonwheel.configuration import Configuration, ConfigurationFile, find, read
from commonwheel.errors import ConfigurationError, UsageError
from commonwheel.names import Names
from commonwheel.recipe.schema import schema_of
from commonwheel.source.settings import pip_settings

WHOLE = """\
prefix = "acme"
recipes = ["native", "more"]

[defaults]
python = ["3.11", "3.12"]
wheelhouse = "dist"
jobs = 4
engine = "host"

[indexes]
url = "https://packages.example/simple"
extra-urls = ["https://more.example/simple"]
find-links = ["ready made", "https://pages.example/wheels"]
"""
# No pip configuration of this machine's.
BARE = {"PIP_CONFIG_FILE": "/dev/null"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, text: str = "") -> Path:
    for name in ("native", "more", "recipes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    file = folder / "commonwheel.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_nothing_changes() -> None:
    found = find(None, [])
    assert found == Configuration()
    assert (found.names, found.recipes, found.options) == (Names(), None, {"engine": "host"})
    assert found.environment({"PATH": "/bin", **BARE}) == {"PATH": "/bin", **BARE}


def test_all_that_a_file_can_say() -> None:
    write(Path(), WHOLE)
    found = find(None, [])
    assert found.names == Names(prefix="acme")
    assert found.recipes == [Path("native"), Path("more")]
    assert found.options == {
        "python": "3.11,3.12",
        "wheelhouse": Path("dist"),
        "jobs": 4,
        "engine": "host",
    }


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    found = read(write(tmp_path / "there", WHOLE))
    assert found.recipes == [tmp_path / "there/native", tmp_path / "there/more"]
    assert found.options["wheelhouse"] == tmp_path / "there/dist"
    links = found.environment(BARE)["PIP_FIND_LINKS"].split()
    assert links[0] == f"file://{tmp_path}/there/ready%20made"


def test_the_schema_admits_it() -> None:
    jsonschema.validate(tomllib.loads(WHOLE), schema_of(ConfigurationFile))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"prefx": "acme"}, schema_of(ConfigurationFile))


# --- which file counts --------------------------------------------------------------------------


def prefix(named: Path | None = None, recipes: Sequence[Path] = ()) -> str:
    return find(named, recipes).names.prefix


def test_the_current_folders_file_counts_before_one_beside_recipes(tmp_path: Path) -> None:
    other = write(tmp_path / "other", 'prefix = "other"')
    assert prefix(recipes=[other.parent / "recipes"]) == "other"
    write(Path(), 'prefix = "here"')
    found = find(None, [other.parent / "recipes", Path("recipes")])
    assert (found.names.prefix, found.passed_over) == ("here", (other,))


def test_the_named_file_counts_before_all(tmp_path: Path) -> None:
    write(Path(), 'prefix = "here"')
    file = write(tmp_path / "other", 'prefix = "other"').rename(tmp_path / "any.toml")
    assert prefix(file) == "other"


def test_a_file_in_a_recipe_folder_counts_before_one_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "other", 'prefix = "beside"')
    recipes = tmp_path / "other/recipes"
    assert prefix(recipes=[recipes]) == "beside"
    (recipes / "commonwheel.toml").write_text('prefix = "inside"')
    assert prefix(recipes=[recipes]) == "inside"


def test_two_files_beside_recipes_are_one_too_many(tmp_path: Path) -> None:
    files = [write(tmp_path / name) for name in "ab"]
    folders = [file.parent / "recipes" for file in files]
    with pytest.raises(UsageError, match="which one counts") as caught:
        find(None, folders)
    assert all(str(file) in str(caught.value) for file in files)
    assert "--config FILE" in str(caught.value)
    assert find(files[1], folders).file == files[1]


def test_two_recipe_folders_may_share_a_file(tmp_path: Path) -> None:
    write(tmp_path / "other", 'prefix = "shared"')
    (tmp_path / "link").symlink_to(tmp_path / "other")
    folders = [tmp_path / "other/recipes", tmp_path / "other/native", tmp_path / "link/recipes"]
    assert prefix(recipes=folders) == "shared"


def test_folders_above_are_not_searched(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, 'prefix = "above"')
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    assert prefix() == "commonwheel"


# --- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('prefx = "a"', "1:1: unknown key 'prefx' in commonwheel.toml; perhaps you meant 'prefix'"),
        ('[index]\nurl = "x"', "1:2: unknown key 'index' in commonwheel.toml; perhaps you meant"),
        ("[indexes]\nfind_links = []", "2:1: unknown key 'find_links' in indexes; perhaps you"),
        ('defaults."job s" = 3', "1:10: unknown key 'job s' in defaults; perhaps you meant 'jobs'"),
        (
            "defaults = { colour = 1 }",
            "1:14: unknown key 'colour' in defaults; it knows engine, im",
        ),
        ('prefix = "Acme"', "1:1: prefix: string should match pattern '^[a-z][a-z0-9]*$' (found '"),
        ("prefix = 1", "1:1: prefix: text is expected (found 1)"),
        ("recipes = [1]", "1:1: recipes.0: text is expected (found 1)"),
        ("\nrecipes = 'none'", "2:1: there is no recipe folder none"),
        ("defaults = 1", "1:1: defaults: a mapping of keys is expected (found 1)"),
        ("[defaults]\njobs = 0", "2:1: defaults.jobs: input should be greater than or equal to 1"),
        ("[defaults]\njobs = '4'", "2:1: defaults.jobs: a whole number is expected (found '4')"),
        ("[defaults]\njobs = true", "2:1: defaults.jobs: a whole number is expected (found True)"),
        ("[defaults]\nengine = 'vm'", "2:1: defaults.engine: input should be 'auto', 'docker', "),
        ("[defaults]\npython = 3.10", "2:1: defaults.python: a version stands in quotation marks"),
        ("[defaults]\npython = ['3.11', 3.12]", "2:1: defaults.python: a version stands in quota"),
        ("[defaults]\npython = '3'", "2:1: defaults.python.0: a version of Python is expected"),
        ("[indexes]\nurl = 'x.example'", "2:1: indexes.url: string should match pattern '^(https"),
        ("[indexes]\nurl = 'https:///'", "2:1: indexes.url: not a URL: it has no host"),
        ("[indexes]\nextra-urls = 'https://a b'", "2:1: indexes.extra-urls.0: an address has no b"),
        ("[indexes]\nfind-links = 'https://a b'", "2:1: indexes.find-links.0: an address has no b"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    write(Path(), text)
    with pytest.raises(ConfigurationError) as caught:
        find(None, [])
    assert str(caught.value).startswith(f"commonwheel.toml:{problem}")


def test_all_mistakes_are_told_at_once() -> None:
    write(Path(), 'prefx = "a"\n[defaults]\njobs = 0\n')
    with pytest.raises(ConfigurationError) as caught:
        find(None, [])
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "url",
    ["htps://me:secret@host.example/simple", "me:secret@packages.example", "me:se@cret@x"],
)
@pytest.mark.parametrize("key", ["url", "extra-urls", "find-links", "urls"])
def test_no_message_shows_a_password(key: str, url: str) -> None:
    write(Path(), f'[indexes]\n{key} = "{url} "\nnone = 1\n')
    with pytest.raises(ConfigurationError) as caught:
        find(None, [])
    assert "secret" not in str(caught.value)
    assert "cret@" not in str(caught.value)


# --- indexes as pip's own settings --------------------------------------------------------------


def environment(text: str, environ: dict[str, str]) -> dict[str, Any]:
    return read(write(Path(), text)).environment(environ)


def test_indexes_become_pips_own_settings() -> None:
    found = pip_settings(environment(WHOLE, BARE))
    assert found.index_url == "https://packages.example/simple"
    assert found.extra_index_urls == ("https://more.example/simple",)
    assert found.find_links[1] == "https://pages.example/wheels"


def test_what_pip_is_configured_for_stays(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://conf.example\nextra-index-url = https://conf-more.example\n"
        "find-links = /conf\nproxy = localhost:1\n"
    )
    environ = {"PIP_CONFIG_FILE": str(file)}
    found = pip_settings(environment(WHOLE, environ))
    assert found.index_url == "https://packages.example/simple"
    assert found.extra_index_urls == ("https://conf-more.example", "https://more.example/simple")
    assert found.find_links[0] == "/conf"
    # A file that names no index leaves pip's configuration alone.
    assert environment('prefix = "acme"', environ) == environ


def test_the_environments_index_wins() -> None:
    environ = {
        "PIP_INDEX_URL": "https://token@env.example",
        "PIP_EXTRA_INDEX_URL": "https://env-more.example",
        **BARE,
    }
    found = pip_settings(environment(WHOLE, environ))
    assert found.index_url == "https://token@env.example"
    assert found.extra_index_urls == ("https://env-more.example", "https://more.example/simple")
