"""The host's apt configuration, in both formats."""

from pathlib import Path

from commonwheel.source.apt_config import (
    debian_archives,
    host_entries,
    parse_deb822,
    parse_one_line,
)

ONE_LINE = """\
# deb http://commented.example.org/debian trixie main
deb [arch=amd64 signed-by=/key.gpg trusted=yes] http://deb.example.org/debian trixie main more
deb-src http://deb.example.org/debian trixie main  # the same again
deb http://security.example.org/debian-security trixie-security main
deb http://flat.example.org/repo ./
deb http://vendor.example.org/node trixie main
nonsense
"""
DEB822 = """\
# the distribution's own
Types: deb
# a remark inside
URIs: http://deb.example.org/debian http://mirror.example.org/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://security.example.org/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example.org/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://keyed.example.org/pub/debian
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abcd
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_one_line_format() -> None:
    entries = parse_one_line(ONE_LINE)
    assert [entry.uri for entry in entries] == [
        "http://deb.example.org/debian",
        "http://deb.example.org/debian",
        "http://security.example.org/debian-security",
        "http://vendor.example.org/node",
    ]
    assert entries[0].signed_by == "/key.gpg"
    assert entries[0].trusted == "yes"
    assert entries[0].components == ("main", "more")


def test_only_debians_own_archive_is_taken() -> None:
    archives = debian_archives(parse_one_line(ONE_LINE))
    assert [archive.uri for archive in archives] == ["http://deb.example.org/debian"]
    assert archives[0].signed_by == "/key.gpg"


def test_an_archive_under_another_path_serves_when_it_is_the_only_one() -> None:
    archives = debian_archives(parse_one_line("deb http://vendor.example.org/mirror sid main"))
    assert [archive.uri for archive in archives] == ["http://vendor.example.org/mirror"]


def test_deb822_format() -> None:
    archives = debian_archives(parse_deb822(DEB822))
    assert [archive.uri for archive in archives] == [
        "http://deb.example.org/debian",
        "http://mirror.example.org/debian/",
        "http://keyed.example.org/pub/debian",
    ]
    assert archives[0].signed_by == "/keys/debian.gpg"


def test_what_is_written_can_be_read_again() -> None:
    archive = debian_archives(parse_deb822(DEB822))[-1]
    text = archive.deb822("trixie")
    assert text.startswith("Types: deb-src\nURIs: http://keyed.example.org/pub/debian\n")
    again = parse_deb822(text)
    assert again[0].suites == ("trixie",)
    assert again[0].signed_by == archive.signed_by
    assert "\n .\n abcd\n" in text


def test_a_whole_folder(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example.org/debian sid main\n")
    (parts / "b.list").write_text("deb http://b.example.org/debian sid main\n")
    (parts / "c.sources").write_text(DEB822)
    (parts / "d.list.disabled").write_text("deb http://disabled.example.org/debian sid main\n")
    uris = [entry.uri for entry in host_entries(tmp_path)]
    assert uris[:3] == [
        "http://a.example.org/debian",
        "http://b.example.org/debian",
        "http://deb.example.org/debian",
    ]
    assert not any("disabled" in uri for uri in uris)
    assert host_entries(tmp_path / "none") == ()


def test_a_paragraph_may_be_for_packages() -> None:
    archive = debian_archives(parse_one_line("deb http://deb.example.org/debian sid main"))[0]
    assert archive.deb822("sid", "deb").startswith("Types: deb\nURIs: http://deb.example.org/")
