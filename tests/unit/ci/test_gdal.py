"""The pages on the GDAL stack, and what they are made from, without the stack."""

from pathlib import Path

from ci.gdal import orders, pages, suites
from ci.gdal.orders import Answer
from ci.gdal.server import small_tiff
from ci.gdal.suites import FAILED, PASSED, SKIPPED, Outcome


def test_pairs_are_all_ordered_pairs_each_with_everything_behind() -> None:
    found = orders.pairs()
    assert len({order[:2] for order in found}) == len(found) == 30
    assert {len(set(order)) for order in found} == {6}


def test_the_sample_is_the_same_each_time_and_of_all() -> None:
    assert len(set(orders.permutations())) == 720
    assert orders.sample() == orders.sample()
    assert len(set(orders.sample())) == 50
    assert set(orders.sample()) < set(orders.permutations())


def test_an_order_that_fails_answers_differently() -> None:
    right = Answer(order=("a", "b"), report={"answers": {"x": 1}, "mapped": []})
    same = Answer(order=("b", "a"), report={"mapped": ["m"], "answers": {"x": 1}})
    other = Answer(order=("b", "a"), report={"answers": {"x": 2}, "mapped": []})
    failed = Answer(order=("b", "a"), report=None, problem="it crashed")
    assert right.answers == same.answers
    assert len({right.answers, other.answers, failed.answers}) == 3


def test_libraries_are_those_of_the_environment() -> None:
    site = Path("/v/lib/python3.11/site-packages")
    shared = f"{site}/commonwheel_libs/proj_so25/lib/libproj-commonwheel.so.25"
    twice = f"{site}/rasterio.libs/libproj.so.25"
    module, system = f"{site}/pyproj/_crs.cpython-311.so", "/usr/lib/libz.so.1"
    assert orders.libraries([shared, twice, module, system], site) == {
        "libproj": [
            "commonwheel_libs/proj_so25/lib/libproj-commonwheel.so.25",
            "rasterio.libs/libproj.so.25",
        ]
    }


def test_the_page_of_drivers_has_all_of_all_wheels() -> None:
    both = {"title": "GeoTIFF", "does": ["raster", "create"]}
    page = pages.drivers(
        {
            "ours": {"version": "3.10.3", "drivers": {"GTiff": both}},
            "theirs": {
                "version": "3.9.3",
                "drivers": {"GTiff": both, "KML": {"title": "Keyhole", "does": ["vector"]}},
            },
        }
    )
    assert "| `GTiff` | GeoTIFF | r+ | r+ |" in page
    assert "| `KML` | Keyhole |  | v |" in page
    assert "| theirs | 3.9.3 | 2 |" in page


def test_the_page_of_suites_names_each_failure() -> None:
    ours = Outcome(tests={"a": PASSED, "b": FAILED, "c": SKIPPED})
    theirs = Outcome(tests={"a": PASSED, "b": PASSED})
    page = pages.suites({"shapely": {"ours": ours, "upstream's": theirs}})
    assert "| shapely | 1 | 1 | 1 | 2 | 0 | 0 |" in page
    assert "| `b` | fails | passed |  |" in page


def test_the_reason_of_a_failure_is_the_recipes() -> None:
    relate = "legacy.test_operations.OperationsTestCase::test_relate"
    assert "GEOS" in suites.reason("shapely", relate)
    assert "GEOS" in suites.reason("shapely", "test_io::test_to_wkt_m[POINT M (1 2 3)-x]")
    assert suites.reason("shapely", "test_io::test_something_else") == ""


def test_the_page_of_orders_counts_what_is_right() -> None:
    right = Answer(order=("a",), report={"answers": {}, "mapped": []})
    wrong = Answer(order=("b",), report=None, problem="it crashed")
    page = pages.orders({"pairs": [right, wrong]}, {"libz": "x/libz.so.1"}, ["libssl.so.3"])
    assert "| pairs | 2 | 1 |" in page
    assert "Different answers over all orders: 2." in page
    assert "| `libz` | `x/libz.so.1` |" in page
    assert "`libssl.so.3`" in page


def test_the_served_tiff_is_one() -> None:
    data = small_tiff()
    assert data[:4] == b"II*\0"
    directory = int.from_bytes(data[4:8], "little")
    assert int.from_bytes(data[directory : directory + 2], "little") == 9
    assert len(data) == directory + 2 + 9 * 12 + 4
    assert data[8:12] == bytes([1, 2, 3, 4])
