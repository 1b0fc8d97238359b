"""Pages for people: right, whole, and nothing on them from elsewhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import pytest

from commonwheel.abi.encoding import to_json
from commonwheel.abi.snapshot import Need
from commonwheel.errors import SiteError
from commonwheel.index.lines import NAMES_SHOWN
from tests.unit.index.kit import (
    LATER,
    NAMES,
    library,
    listed,
    run,
    snapshot,
    tree,
    upstream,
    wheel,
)

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Checker(HTMLParser):
    """Elements that close, ids that are there once, addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.named: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        # What stands in another box is another word.
        self.text += "" if tag in {"a", "code", "span"} else " "
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.named += (found.get("aria-labelledby") or "").split()
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]
        assert not any(name.startswith("on") for name in found), "a script"
        assert tag not in {"script", "link", "img", "iframe"}, "something from elsewhere"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def checked(site: Path, place: str) -> str:
    """The text of a page, with single blanks; its links all lead somewhere."""
    html = (site / place).read_text(encoding="utf-8")
    found = Checker()
    found.feed(html)
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert set(found.named) <= set(found.ids)
    assert "url(" not in html
    assert "@import" not in html
    for address in found.addresses:
        if not address.startswith("https://"):
            path = unquote(urljoin(f"/{place}", address)).lstrip("/")
            target = site / path
            assert (target / "index.html" if target.is_dir() else target).is_file(), address
    return " ".join(found.text.split())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two releases of one line, a consumer, a library above it, and a mirrored project."""
    made = tmp_path / "made"
    old = library(made, "proj-so25", "9.1.1", tag="py3-none-manylinux_2_34_x86_64")
    site = tmp_path / "site"
    run(site, old)
    library(made, "proj-so25", "9.2.0", tag="py3-none-manylinux_2_34_x86_64")
    library(made, "gdal-so36", "3.10.3", requires=["commonwheel-proj-so25>=9.1.1"])
    needs = ['commonwheel-proj-so25<10,>=9.1.1; sys_platform == "linux"', "numpy"]
    wheel(made, "pyproj", "3.6.1+commonwheel.1", requires=["commonwheel-proj-so25>=9"])
    wheel(made, "pyproj", "3.6.1+commonwheel.2", requires=needs)
    reader = upstream(listed("numpy-2.0-cp311-cp311-macosx_11_0_arm64.whl"))
    address = "https://wheels.example/geo/"
    run(site, made, reader=reader, mirror=["numpy"], now=LATER, url=address)
    return site


def test_a_lines_page(site: Path) -> None:
    text = checked(site, "lines/proj-so25/index.html")
    assert (
        "pip install --index-url https://wheels.example/geo/simple/ commonwheel-proj-so25" in text
    )
    assert 'url = "https://wheels.example/geo/simple/" explicit = true' in text
    # Newest first, each with the day on which it came.
    assert re.search(r"9\.2\.0 2026-02-03 .* 9\.1\.1 2026-01-02 ", text)
    # The newest release of each.
    assert "pyproj 3.6.1+commonwheel.2 >=9.1.1, <10" in text
    assert "3.6.1+commonwheel.1" not in text
    assert "gdal-so36 library 3.10.3 >=9.1.1" in text
    assert "Licence MIT" in text
    assert "Upstream 9.1.1, with 1 patch: 0001-mend.patch" in text
    assert f"https://proj-so25.example/9.1.1.tar.gz sha256 {'5' * 64}" in text


def test_the_overview(site: Path) -> None:
    text = checked(site, "index.html")
    assert "proj-so25 9.2.0 commonwheel-proj-so25 of a test 2 " in text
    assert "numpy 2.0 0 1 pyproj 3.6.1+commonwheel.2 2 0" in text


def test_the_address_is_remembered(site: Path) -> None:
    before = tree(site)
    run(site)
    assert tree(site) == before


def test_without_an_address_the_page_says_what_to_put_there(tmp_path: Path) -> None:
    run(tmp_path / "site", library(tmp_path, "proj-so25", "9.1.1"))
    text = checked(tmp_path / "site", "lines/proj-so25/index.html")
    assert "--index-url https://ADDRESS-OF-THIS-SITE/simple/ " in text


def test_a_yanked_release_says_why_and_is_not_the_newest(site: Path) -> None:
    run(site, yank=["commonwheel-proj-so25==9.2.0"], reason="<CVE-2026-1>")
    assert "9.2.0 2026-02-03 yanked: <CVE-2026-1>" in checked(site, "lines/proj-so25/index.html")
    assert "proj-so25 9.1.1 " in checked(site, "index.html")
    run(site, yank=["pyproj==3.6.1+commonwheel.2"])
    text = checked(site, "lines/proj-so25/index.html")
    assert "pyproj 3.6.1+commonwheel.1 >=9" in text


def test_what_wheels_need_and_the_index_lacks(site: Path, tmp_path: Path) -> None:
    needs = ["certifi>=1", 'colorama; sys_platform == "win32"', 'pytest; extra == "test"', "numpy"]
    outcome = run(site, wheel(tmp_path, "demo", "1.0", requires=needs))
    assert outcome.unmet == {"certifi": ["demo"]}


def test_an_empty_index_has_a_page(tmp_path: Path) -> None:
    run(tmp_path)
    assert "None yet." in checked(tmp_path, "index.html")


SONAME = "libproj-commonwheel.so.25"


def released(folder: Path, version: str, symbols: str, **facts: Any) -> Path:
    return library(folder, "proj-so25", version, libraries={SONAME: symbols}, **facts)


def test_long_lists_of_symbols_are_cut(tmp_path: Path) -> None:
    site = tmp_path / "site"
    new = " ".join(f"new{number}<&>" for number in range(NAMES_SHOWN + 7))
    run(site, released(tmp_path, "1.0", "kept gone"), released(tmp_path, "1.1", f"kept {new}"))
    text = checked(site, "lines/proj-so25/index.html")
    assert f"{SONAME} libproj.so.25 408 407 public symbols added + new0<&>" in text
    assert text.count("+ new") == NAMES_SHOWN
    said = "7 more: commonwheel abi diff lists them, given the snapshot before and this release's"
    assert said in text
    assert "1 public symbol removed - gone" in text
    assert "1.1 2026-01-02 breaking" in text
    assert "Not checked types: a snapshot has none" in text


def test_the_history_is_drawn_from_the_second_release_on(tmp_path: Path) -> None:
    site, place = tmp_path / "site", "lines/proj-so25/index.html"
    run(site, released(tmp_path, "1.9", "a"))
    assert "<svg" not in (site / place).read_text(encoding="utf-8")
    run(site, released(tmp_path, "1.10", "a b"))
    text = checked(site, place)
    assert (
        "Public symbols of proj-so25 "
        "1.9: 1 public symbols; 1.10: 2 public symbols, 1 added, 0 removed" in text
    )
    assert "For x86_64 with glibc" in text
    assert "1.10 2026-01-02 additive" in text
    html = (site / place).read_text(encoding="utf-8")
    assert html.count(".timeline .dot { fill:") == 2  # light and dark


def test_releases_for_different_platforms_are_not_compared(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for version, platform in (("1.0", "manylinux_2_34"), ("1.1", "musllinux_1_2")):
        elsewhere = snapshot("proj-so25", version, {SONAME: "a"}, NAMES)
        members = {"{info}/commonwheel.abi.json": to_json(replace(elsewhere, libc="")).encode()}
        run(
            site,
            library(
                tmp_path,
                "proj-so25",
                version,
                libraries={},
                manifest={"libraries": [{"soname": SONAME}]},
                more=members,
                tag=f"py3-none-{platform}_x86_64",
            ),
        )
    text = checked(site, "lines/proj-so25/index.html")
    assert "not compared: 1.0 has no wheel for x86_64 with musl" in text
    assert "Public symbols of proj-so25" not in text


def test_each_platform_has_its_verdict_and_what_else_changed_is_listed(tmp_path: Path) -> None:
    site, other = tmp_path / "site", "libprojx-commonwheel.so.1"
    for version, arm in (("1.0", {SONAME: "a", other: "b"}), ("1.1", {SONAME: "a"})):
        for arch, symbols in (("x86_64", {SONAME: "a"}), ("aarch64", arm)):
            found = snapshot("proj-so25", version, symbols, NAMES)
            needs = (Need(soname="libm.so.6"), Need(soname=f"libneed{version}.so"))
            libraries = tuple(replace(each, needs=needs) for each in found.libraries)
            taken = to_json(replace(found, arch=arch, libraries=libraries))
            run(
                site,
                library(
                    tmp_path,
                    "proj-so25",
                    version,
                    libraries={},
                    more={"{info}/commonwheel.abi.json": taken.encode()},
                    tag=f"py3-none-manylinux_2_34_{arch}",
                ),
            )
    text = checked(site, "lines/proj-so25/index.html")
    assert "aarch64 with glibc: breaking x86_64 with glibc: equal" in text
    assert "Not every release here can take the place of the one before" in text
    assert "needs libneed1.1.so, which it did not need before CWA302 1 private change" in text
    assert "Of 1.0 no longer there: libprojx.so.1" in text


def test_a_snapshot_of_the_site_that_is_damaged(site: Path) -> None:
    (place,) = (site / "lines/gdal-so36").glob("*.json")
    place.write_text("{}")
    with pytest.raises(SiteError, match=r"lines/gdal-so36/.*json: is not a snapshot: schema") as e:
        run(site)
    assert e.value.hint == "bring back the site's last published state"
