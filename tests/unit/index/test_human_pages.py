"""Pages for people: right, whole, and nothing on them from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest

from commonwheel.index.lines import NAMES_SHOWN
from tests.unit.index.kit import LATER, library, listed, run, tree, upstream, wheel

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
        self.named += [found["aria-labelledby"] or ""] if "aria-labelledby" in found else []
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


def test_long_lists_of_symbols_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    soname = "libproj-commonwheel.so.25"
    symbols: set[tuple[str, str | None]] = {("kept", None)}
    # Reading ELF is another test's.
    monkeypatch.setattr("commonwheel.index.abi.read_elf", lambda _raw, name: name)
    monkeypatch.setattr("commonwheel.index.abi.exported_names", lambda _elf: symbols)
    run(site, library(tmp_path, "proj-so25", "1.0", libraries={soname: b"1"}))
    symbols |= {(f"new{number}", "V<2>") for number in range(NAMES_SHOWN + 7)}
    symbols -= {("kept", None)}
    run(site, library(tmp_path, "proj-so25", "1.1", libraries={soname: b"2"}))
    text = checked(site, "lines/proj-so25/index.html")
    assert f"{soname} libproj.so.25 407 407 symbols added + new0@V<2>" in text
    assert text.count("+ new") == NAMES_SHOWN
    assert "7 more are in the list of all symbols" in text
    assert "1 symbol removed - kept" in text
