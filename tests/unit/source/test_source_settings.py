"""Reading pip's configuration without pip."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.source.settings import PipSettings, pip_settings, settings_from_environment


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    (tmp_path / ".config/pip").mkdir(parents=True)
    return tmp_path


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "XDG_CONFIG_DIRS": str(home / "xdg"), **more}


def write_user_file(home: Path, text: str) -> None:
    (home / ".config/pip/pip.conf").write_text(text, encoding="utf-8")


def test_sections_and_several_values(home: Path) -> None:
    write_user_file(
        home,
        "[global]\nindex_url = https://one.example.org/simple\n"
        "extra-index-url =\n  https://two.example.org/simple\n  https://three.example.org/simple\n"
        "[install]\nfind-links = wheels\n[download]\nindex-url = https://four.example.org/simple\n",
    )
    found = pip_settings(environ(home))
    assert found.index_url == "https://four.example.org/simple"
    assert found.extra_index_urls == (
        "https://two.example.org/simple",
        "https://three.example.org/simple",
    )
    assert found.find_links == ("wheels",)


def test_environment_wins(home: Path) -> None:
    write_user_file(home, "[download]\nindex-url = https://one.example.org/simple\n")
    found = pip_settings(
        environ(
            home,
            PIP_INDEX_URL="https://two.example.org/simple",
            PIP_CERT="ca.pem",
            PIP_NO_INDEX="1",
            PIP_TRUSTED_HOST="a.example.org b.example.org:81",
        )
    )
    assert found.index_url == "https://two.example.org/simple"
    assert found.certificates == Path("ca.pem")
    assert found.no_index
    assert found.trusted_hosts == ("a.example.org", "b.example.org:81")


def test_a_named_file_replaces_the_users(home: Path) -> None:
    write_user_file(home, "[global]\nindex-url = https://one.example.org/simple\n")
    own = home / "own.conf"
    own.write_text("[global]\nfind-links = here\n", encoding="utf-8")
    found = pip_settings(environ(home, PIP_CONFIG_FILE=str(own)))
    assert found.index_url is None
    assert found.find_links == ("here",)


def test_the_null_device_turns_files_off(home: Path) -> None:
    write_user_file(home, "[global]\nindex-url = https://one.example.org/simple\n")
    assert pip_settings(environ(home, PIP_CONFIG_FILE=os.devnull)).index_url is None


def test_a_broken_file_is_passed_over(home: Path) -> None:
    write_user_file(home, "index-url = https://one.example.org/simple\n")
    assert pip_settings(environ(home, PIP_CONFIG_FILE="/nonexistent")).index_url is None


def test_certificates_of_the_host(home: Path) -> None:
    variables = {"PIP_CONFIG_FILE": os.devnull, "SSL_CERT_FILE": "ca.pem"}
    found = settings_from_environment(variables, home, offline=True)
    assert found.certificates == Path("ca.pem")
    assert found.offline
    assert found.cache == home


def test_places_of_packages_are_known_without_credentials() -> None:
    found = PipSettings(
        index_url="https://me:secret@one.example/simple",
        extra_index_urls=("https://token@two.example",),
        find_links=("wheels",),
    )
    assert found.places == ["https://one.example/simple", "https://two.example", "wheels"]
    assert replace(found, no_index=True).places == ["wheels"]
    assert PipSettings().places != PipSettings(no_index=True).places
