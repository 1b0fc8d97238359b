import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.author import outdated
from commonwheel.author.outdated import Report, find_outdated
from commonwheel.author.render import outdated_json, outdated_table
from commonwheel.cache.usage import running_since
from commonwheel.cli import main
from commonwheel.console import plain
from commonwheel.errors import SourceError
from commonwheel.recipe.load import load
from commonwheel.source.apt import releases_of
from commonwheel.source.debian import DebianListing
from commonwheel.source.progress import NullProgress
from commonwheel.source.pypi import Sdist
from commonwheel.source.settings import SourceSettings
from tests.unit.recipe.kit import SHA, consumer, library, write

URL = "{{url: 'https://example.org/{0}.tgz', sha256: {1}}}"


def sourced(name: str, source: str, versions: Sequence[str] = ("1.0",)) -> str:
    text = library(name, versions)
    for version in versions:
        listed = source.replace("VERSION", version)
        text = text.replace(URL.format(version, SHA), f"{{{listed}, sha256: {SHA}}}")
    return text


GIT = "https://me:secret@example.org/x"
SHOWSRC = "Package: libthing\nVersion: {}-1\n\n"
SUITES = {"trixie": ["1.0+dfsg"], "sid": ["1.0+dfsg", "1.2", "1.3~rc1"], "nosuch": []}


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    listing = DebianListing(
        releases={
            suite: releases_of("".join(SHOWSRC.format(each) for each in listed))
            for suite, listed in SUITES.items()
            if listed
        },
        problems={"nosuch": "does not have a Release file"},
    )
    pypi = {"user": ["3.0", "2.0"]}
    tags = {"v1.0": "a", "v1.10": "b", "v2.0rc1": "c", "nightly": "d"}

    def sdists(project: str, _settings: object) -> list[Sdist]:
        if project not in pypi:
            raise SourceError("no index has this sdist")
        return [Sdist(version=version, url="", sha256=None) for version in pypi[project]]

    monkeypatch.setattr(outdated, "list_debian", lambda *_: listing)
    monkeypatch.setattr(outdated, "list_sdists", sdists)
    monkeypatch.setattr(outdated, "list_tags", lambda _: tags)
    monkeypatch.setenv("COMMONWHEEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: None)
    user = consumer("user", ["3.0"], uses={"plain": ""}).replace(
        "url: 'https://example.org/3.0.tgz'", "pypi: user, version: '3.0'"
    )
    return write(
        tmp_path / "recipes",
        {
            "deb": sourced("deb", "debian: libthing, version: VERSION", ["0.9", "1.0"]),
            "gone": sourced("gone", "debian: gone, version: VERSION"),
            "plain": library("plain"),
            "tagged": sourced("tagged", f"git: '{GIT}', commit: {'a' * 40}"),
        },
        {"user": user},
    )  # fmt: skip


def report(recipes: Path, *names: str) -> Report:
    loaded = load([recipes])
    settings = SourceSettings(cache=recipes.parent / "cache")
    return find_outdated(
        loaded,
        names or loaded.names,
        suites=list(SUITES),
        settings=settings,
        progress=NullProgress(),
    )


def test_each_index_is_asked(recipes: Path) -> None:
    found = {status.recipe: status for status in report(recipes).statuses}
    assert (found["deb"].listed, found["deb"].newest, found["deb"].outdated) == ("1.0", "1.2", True)
    assert found["deb"].places == {"trixie": "1.0", "sid": "1.2"}
    assert found["deb"].where == "sid"
    assert (found["gone"].newest, found["gone"].outdated) == (None, False)
    assert (found["plain"].kind, found["plain"].newest) == ("none", None)
    assert (found["tagged"].newest, found["tagged"].outdated) == ("1.10", True)
    assert (found["user"].newest, found["user"].outdated) == ("3.0", False)


def test_the_table_and_json_say_the_same(recipes: Path) -> None:
    found = report(recipes)
    table = plain(outdated_table(found))
    assert "2 of 5 have something newer" in table
    rows = {line.split("│")[1].strip(): line for line in table.splitlines() if "│" in line}
    assert "debian libthing (sid)" in rows["deb"]
    assert "newer" in rows["deb"]
    assert "debian gone: in no suite" in rows["gone"]
    assert "no index: its sources are plain URLs" in rows["plain"]
    assert "newer" not in rows["user"]
    assert "secret" not in table + outdated_json(found)
    data = json.loads(outdated_json(found))
    assert [each["recipe"] for each in data["recipes"] if each["outdated"]] == ["deb", "tagged"]


def test_the_exit_code_tells_only_when_asked(
    recipes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipe", "outdated"]) == 0
    assert "Debian's nosuch: does not have a Release file" in capsys.readouterr().err
    assert main(["recipe", "outdated", "--exit-code"]) == 1
    assert main(["recipe", "outdated", "user", "--exit-code"]) == 0
    assert main(["recipe", "outdated", "nothing"]) == 2


def test_an_index_that_does_not_answer_is_an_error_after_what_others_say(
    recipes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SourceError("no network")

    monkeypatch.setattr(outdated, "list_debian", fail)
    capsys.readouterr()
    assert main(["recipe", "outdated", "deb", "user", "--format", "json"]) == 5
    out, err = capsys.readouterr()
    assert {each["recipe"]: each["problem"] for each in json.loads(out)["recipes"]} == {
        "deb": "no network",
        "user": "",
    }
    assert "1 of these could not be compared:\n  - debian: no network\n" in err


def test_the_cache_is_in_use_meanwhile(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def listing(*_: object) -> DebianListing:
        asked.append(len(running_since(recipes.parent / "cache")))
        return DebianListing(releases={}, problems={})

    monkeypatch.setattr(outdated, "list_debian", listing)
    assert main(["recipe", "outdated", "deb"]) == 0
    assert asked == [1]


def test_another_indexs_failure_is_told_too(
    recipes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recipes / "consumers/user.yaml"
    file.write_text(file.read_text().replace("pypi: user", "pypi: other"))
    assert main(["recipe", "outdated", "user"]) == 5
    assert "pypi: no index has this sdist" in capsys.readouterr().err
