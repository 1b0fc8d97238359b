"""Recipes written and bumped with real compilers, git, Debian's archive and the package index."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from commonwheel.process import run
from commonwheel.recipe.yaml import parse
from commonwheel.source.git_program import git_command
from tests.integration import projects
from tests.integration.kit import Outcome, Workshop, commonwheel, pack
from tests.integration.projects import FOO_LIBRARIES, FOO_SECTIONS

MIT = (Path(__file__).parents[3] / "LICENSE").read_text()
ZLIB = "60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb"
INICONFIG = "2d91e135bf72d31a410b17c16da610a82cb55f6b0477d1a902134b24a455b8b3"


def recipe(shop: Workshop, *words: str) -> Outcome:
    return commonwheel(
        "recipe",
        *words,
        "--recipes",
        str(shop.recipes),
        environ={"COMMONWHEEL_CACHE": str(shop.cache)},
    )


@pytest.fixture
def empty(workshop: Workshop) -> Workshop:
    """A workshop whose recipe folder holds none yet."""
    (workshop.recipes / "libraries").mkdir(parents=True)
    return workshop


def with_source(shop: Workshop, source: Mapping[str, str], patches: Mapping[str, str]) -> Path:
    """A recipe of ``thing`` 1.0 with that source and these patches."""
    shop.library("thing", {"1.0": {}}, [{"soname": "libthing.so.1"}])
    file = shop.recipes / "libraries/thing.yaml"
    data = json.loads(file.read_text())
    data["versions"] = {"1.0": {"sources": [source], "patches": list(patches)}}
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    for name, text in patches.items():
        (shop.recipes / "patches/thing").mkdir(parents=True, exist_ok=True)
        (shop.recipes / "patches/thing" / name).write_text(text)
    return file


def diff(old: str, new: str) -> str:
    return f"--- a/code\n+++ b/code\n@@ -1,3 +1,3 @@\n-{old}\n+{new}\n two\n three\n"


def test_patches_are_tried(workshop: Workshop) -> None:
    pack(workshop.root / "thing-2.0.tar.gz", {"LICENSE": MIT, "code": "one\ntwo\nthree\n"})
    address = (workshop.root / "thing-1.0.tar.gz").as_uri()
    patches = {
        "1-fits.patch": diff("one", "ONE"),
        "2-gone.patch": diff("before", "after"),
        "3-fits-behind.patch": diff("ONE", "1"),
    }
    file = with_source(workshop, {"url": address, "sha256": ZLIB}, patches)
    outcome = recipe(workshop, "bump", "thing", "2.0")
    assert outcome.code == 0, outcome.text
    assert "left out the patch 2-gone.patch: the patch does not apply" in outcome.text
    release = parse(file.read_text(), "x").value["versions"]["2.0"]
    assert release["patches"] == ["1-fits.patch", "3-fits-behind.patch"]


def test_a_patch_that_upstream_took(workshop: Workshop) -> None:
    pack(workshop.root / "thing-2.0.tar.gz", {"LICENSE": MIT, "code": "ONE\ntwo\nthree\n"})
    address = (workshop.root / "thing-1.0.tar.gz").as_uri()
    patches = {"1.patch": diff("one", "ONE")}
    file = with_source(workshop, {"url": address, "sha256": ZLIB}, patches)
    outcome = recipe(workshop, "bump", "thing", "2.0")
    assert "left out the patch 1.patch: the new release has that change already" in outcome.text
    assert "patches" not in parse(file.read_text(), "x").value["versions"]["2.0"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "thing.git"
    folder.mkdir()
    run(git_command("init", "-q"), cwd=folder)
    for key, value in (("user.name", "x"), ("user.email", "x@example.org")):
        run(git_command("config", key, value), cwd=folder)
    for number in ("1", "2"):
        (folder / "LICENSE").write_text(f"{number}\n")
        run(git_command("add", "."), cwd=folder)
        run(git_command("commit", "-q", "-m", number), cwd=folder)
        run(git_command("tag", "-a", "-m", "x", f"thing-{number}_0"), cwd=folder)
    run(git_command("tag", "3.0rc1"), cwd=folder)
    return folder


def test_a_release_of_a_repository(workshop: Workshop, repository: Path) -> None:
    source = {"git": str(repository), "commit": "0" * 40, "sha256": ZLIB}
    file = with_source(workshop, source, {})
    outdated = recipe(workshop, "outdated", "thing", "--format", "json", "-q")
    (status,) = json.loads(outdated.text)["recipes"]
    assert (status["kind"], status["newest"], status["outdated"]) == ("git", "2.0", True)
    outcome = recipe(workshop, "bump", "thing", "2.0")
    assert outcome.code == 0, outcome.text
    (found,) = parse(file.read_text(), "x").value["versions"]["2.0"]["sources"]
    commit = run(git_command("rev-parse", "HEAD"), cwd=repository).output.strip()
    assert found["commit"] == commit
    # What a build would fetch, from what the bump left in the cache.
    words = ("fetch", "thing", "--set", "thing.version=2.0", "--offline", "--recipes")
    environ = {"COMMONWHEEL_CACHE": str(workshop.cache)}
    assert commonwheel(*words, workshop.recipes, environ=environ).code == 0


def test_debians_archive(workshop: Workshop) -> None:
    source = {"debian": "zlib", "version": "1.2.13.dfsg", "suite": "bookworm", "sha256": INICONFIG}
    file = with_source(workshop, source, {})
    outcome = recipe(workshop, "bump", "thing", "1.3.1", "--debian-suite", "trixie")
    assert outcome.code == 0, outcome.text
    assert parse(file.read_text(), "x").value["versions"]["1.3.1"]["sources"] == [
        {
            "debian": "zlib",
            "version": "1.3.dfsg+really1.3.1",
            "suite": "trixie",
            "sha256": ZLIB,
        }
    ]
    outdated = recipe(workshop, "outdated", "thing", "--debian-suite", "trixie", "--exit-code")
    assert outdated.code == 0, outdated.text
    assert "debian zlib (trixie)" in outdated.text


def test_the_package_index(workshop: Workshop) -> None:
    with_source(workshop, {"url": "https://example.org/x", "sha256": ZLIB}, {})
    source = {"pypi": "iniconfig", "version": "1.1.1", "sha256": ZLIB}
    workshop.consumer("iniconfig", {"1.1.1": {}}, uses={"thing": None}, build=7)
    file = workshop.recipes / "consumers/iniconfig.yaml"
    data = json.loads(file.read_text())
    data["versions"]["1.1.1"]["sources"] = [source]
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    outcome = recipe(workshop, "bump", "iniconfig", "2.0.0")
    assert outcome.code == 0, outcome.text
    value = parse(file.read_text(), "x").value
    listed = {"pypi": "iniconfig", "version": "2.0.0", "sha256": INICONFIG}
    assert value["versions"]["2.0.0"] == {"sources": [listed]}
    assert value["build"] == "1"
    assert "--set iniconfig.build=8" in outcome.text
    outcome = recipe(workshop, "bump", "iniconfig", "0.0.0")
    assert outcome.code == 5
    assert "no index has this sdist" in outcome.text


def test_without_a_network_it_is_told(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.library("thing", {"1.0": {}}, [{"soname": "libthing.so.1"}])
    workshop.consumer("user", {"1.0": {}}, uses={"thing": None})
    file = workshop.recipes / "consumers/user.yaml"
    data = json.loads(file.read_text())
    data["versions"]["1.0"]["sources"] = [{"pypi": "user", "version": "1.0", "sha256": ZLIB}]
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    outcome = recipe(workshop, "outdated", "user")
    assert outcome.code == 5
    assert "1 of these could not be compared" in outcome.text
    assert "Traceback" not in outcome.text


# --- new: a trial build ---------------------------------------------------------------------------


def fill_in(file: Path, answers: Mapping[str, str]) -> None:
    """What a person does with a new recipe."""
    text = file.read_text()
    for old, new in answers.items():
        assert old in text, text
        text = text.replace(old, new)
    file.write_text(text)


def test_a_new_recipe_builds(empty: Workshop) -> None:
    archive = empty.root / "foo-1.0.tar.gz"
    pack(archive, {**projects.foo(), "LICENSE": MIT})
    url = archive.as_uri()
    outcome = recipe(empty, "new", "foo", "--from", url)
    assert outcome.code == 0, outcome.text
    file = empty.recipes / "libraries/foo.yaml"
    value = parse(file.read_text(), "x").value
    assert value["license"] == "MIT"
    assert value["abi"]["libraries"] == [
        {"soname": "libfoo.so.1"},
        {"soname": "libfoo_core.so.1", "role": "private"},
    ]
    assert value["products"] == {
        "headers": "foo.h",
        "data": ["bin/foo-config", "lib/cmake/foo/fooConfig.cmake", "lib/pkgconfig/foo.pc"],
    }
    assert "# TODO: tools: [fooextra, footool] would keep these programs" in file.read_text()
    assert value["data"] == [{"path": "share/foo", "found": "relative"}]
    assert "fill in" in outcome.text
    fill_in(file, {"homepage: TODO": "homepage: https://example.org/"})
    assert recipe(empty, "lint").code == 0
    empty.built("foo")
    assert recipe(empty, "new", "foo", "--from", url).code == 2


def test_a_new_recipe_on_top_of_another(workshop: Workshop) -> None:
    # Of one line: the trial is built against the older release alone.
    releases = {version: projects.foo(version) for version in ("1.0", "1.1")}
    workshop.library("foo", releases, FOO_LIBRARIES, driver="cmake", **FOO_SECTIONS)
    files = projects.over()
    asking = "find_package(foo CONFIG REQUIRED)\nfind_package(ZLIB)\n"
    files["CMakeLists.txt"] = files["CMakeLists.txt"].replace(
        "find_package(foo CONFIG REQUIRED)\n", asking
    )
    archive = workshop.root / "over-1.0.tar.gz"
    pack(archive, {**files, "LICENSE": MIT})
    outcome = recipe(workshop, "new", "over", "--from", archive.as_uri())
    assert outcome.code == 0, outcome.text
    file = workshop.recipes / "libraries/over.yaml"
    assert parse(file.read_text(), "x").value["requires"] == {"libraries": {"foo": None}}
    assert "foo-1.0" in outcome.text
    assert "foo-1.1" not in outcome.text
    assert "the source asks for zlib (CMakeLists.txt), and the trial linked to none" in outcome.text


def test_a_trial_that_fails_shows_its_log(empty: Workshop) -> None:
    files = {"CMakeLists.txt": "project(bad C)\nadd_library(bad bad.c)\n", "bad.c": "no C\n"}
    archive = empty.root / "bad-1.0.tar.gz"
    pack(archive, {**files, "LICENSE": MIT})
    outcome = recipe(empty, "new", "bad", "--from", archive.as_uri())
    assert outcome.code == 0, outcome.text
    assert "note: the trial build failed: cmake failed with exit code 1" in outcome.text
    assert "bad.c:1" in outcome.text
    assert "libbad.so.TODO" in (empty.recipes / "libraries/bad.yaml").read_text()
    assert (empty.cache / "logs/trial.log").read_text()


def test_a_real_library_of_debians(empty: Workshop) -> None:
    # Not by its own name: the toolkit may have a recipe for it.
    outcome = recipe(empty, "new", "acme-yaml", "--from", "debian:libyaml=0.2.5")
    assert outcome.code == 0, outcome.text
    value = parse((empty.recipes / "libraries/acme-yaml.yaml").read_text(), "x").value
    assert (value["license"], value["homepage"]) == ("MIT", "https://github.com/yaml/libyaml")
    assert value["versions"]["0.2.5"]["sources"][0]["debian"] == "libyaml"
    # Upstream's CMake gives it no version.
    assert value["abi"]["libraries"] == [{"soname": "libyaml.so"}]
    assert "'libyaml.so' has no version to make a label of" in outcome.text
    assert value["products"]["headers"] == "yaml.h"
