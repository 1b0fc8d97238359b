from xml.etree import ElementTree as ET

from commonwheel.abi.timeline import Point, history, page, svg, title_of
from tests.unit.abi.conftest import library, snapshot, symbol

RELEASES = [
    snapshot(library(symbol("a"), symbol("b")), release="1.0"),
    snapshot(library(symbol("a"), symbol("b"), symbol("c")), release="1.1"),
    snapshot(library(symbol("c"), symbol("d"), symbol("p", public=False)), release="2.0"),
]
POINTS = history(RELEASES)


def test_history_counts_public_symbols_from_release_to_release() -> None:
    assert (
        Point(label="1.0", public=2),
        Point(label="1.1", public=3, added=1, verdict="additive"),
        Point(label="2.0", public=2, added=1, removed=2, verdict="breaking"),
    ) == POINTS
    assert title_of(RELEASES) == "Public symbols of libx"


def test_the_picture_says_the_same_in_words_and_in_bars() -> None:
    root = ET.fromstring(svg("Symbols of <x>", POINTS))
    space = {"s": "http://www.w3.org/2000/svg"}
    assert root.get("role") == "img"
    assert root.findtext("s:title", namespaces=space) == "Symbols of <x>"
    told = root.findtext("s:desc", namespaces=space) or ""
    assert told.endswith("2.0: 2 public symbols, 1 added, 2 removed")
    bars = [each.get("class") for each in root.iterfind("s:rect", space)]
    assert bars == ["added", "added", "removed"]
    assert len(root.findall("s:circle", space)) == 3
    assert root.find("s:script", space) is None


def test_one_release_is_a_picture_too() -> None:
    assert ET.fromstring(svg("x", history(RELEASES[:1]))) is not None
    empty = history([snapshot(library(), release="0")])
    assert "0 public symbols" in svg("x", empty)


def test_the_page_has_the_numbers_as_well() -> None:
    text = page("x", POINTS)
    assert "<svg" in text
    assert text.count("<tr>") == 4
    assert '<td class="breaking">2.0</td>' in text
