"""``commonwheel index``: what the command line says and refuses."""

from pathlib import Path

import pytest

from commonwheel.cli import main
from tests.unit.index.kit import library, page, tree, wheel


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return tmp_path


def test_a_run_says_what_it_did_and_what_is_needed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(here / "wheelhouse", "demo", "1.0", requires=["numpy"])
    assert main(["index", "-o", "site", "wheelhouse"]) == 0
    out, err = capsys.readouterr()
    assert out == "site: 1 file added; 1 file of 1 project in all; 5 pages written\n"
    assert "what wheels here need, and this index does not list: numpy (demo)" in err


def test_the_time_is_the_sources_where_it_is_set(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(here / "wheelhouse", "demo", "1.0")
    main(["index", "-o", "one", "wheelhouse"])
    main(["index", "-o", "two", "wheelhouse"])
    assert tree(here / "one") == tree(here / "two")
    assert (
        '"uploaded": "2023-11-14T22:13:20.000000Z"'
        in (here / "one/commonwheel-index.json").read_text()
    )


def test_yanking(here: Path) -> None:
    wheel(here / "wheelhouse", "demo", "1.0")
    assert main(["index", "-o", "site", "wheelhouse"]) == 0
    assert main(["index", "-o", "site", "--yank", "demo==1.0", "--reason", "it leaks"]) == 0
    assert page(here / "site", "demo").packages[0].yanked_reason == "it leaks"
    assert main(["index", "-o", "site", "--unyank", "demo==1.0"]) == 0
    assert not page(here / "site", "demo").packages[0].is_yanked


def test_the_owner_comes_from_the_configuration(here: Path) -> None:
    (here / "commonwheel.toml").write_text('prefix = "acme"\n')
    assert main(["index", "-o", "site", "--mirror", "acme-proj-so25"]) == 17
    assert not (here / "site").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: -o/--output"),
        (["-o", "site", "--yank", "demo"], "'demo' is not NAME==VERSION"),
        (["-o", "site", "--yank", "demo==x"], "'demo==x' is not NAME==VERSION"),
        (["-o", "site", "--reason", "why"], "--reason is for --yank"),
        (["-o", "site", "--url", "wheels.example"], "is not an address"),
        (["-o", "site", "--mirror", "a b"], "'a b' is not a project to mirror"),
        (["-o", "site", "nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_what_does_not_fit_together(
    here: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", *words]) == 2
    assert said in capsys.readouterr().err
    assert not (here / "site").exists()


def test_other_bytes_have_an_exit_code_of_their_own(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library(here / "wheelhouse", "proj-so25", "9.1.1")
    main(["index", "-o", "site", "wheelhouse"])
    file = library(here / "wheelhouse", "proj-so25", "9.1.1", content="other")
    assert main(["index", "-o", "site", "wheelhouse"]) == 17
    assert f"{file.name}: is published with sha256 " in capsys.readouterr().err
