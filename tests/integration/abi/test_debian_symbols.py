"""Since when symbols are there, by Debian's packages: its lists and ours. It needs a network.

Of suites that change no more than points; what sid has is on the generated page.
"""

from collections.abc import Mapping

import pytest

from ci.debian.agreement import Agreement, measure
from ci.debian.archive import STABLE, Suite
from ci.debian.explained import problems

LEAST = 98.5
PACKAGES = {
    "libgeos_c.so.1": "libgeos-c1t64",
    "libproj.so.25": "libproj25",
    "libsqlite3.so.0": "libsqlite3-0",
    "libz.so.1": "zlib1g",
}


@pytest.fixture(scope="module")
def measured() -> Mapping[str, Agreement]:
    suites = [Suite(name=name) for name in STABLE]
    found = [each for package in PACKAGES.values() for each in measure(package, suites)]
    return {each.soname: each for each in found}


@pytest.mark.parametrize("soname", PACKAGES)
def test_nearly_all_symbols_are_where_debian_has_them(
    measured: Mapping[str, Agreement], soname: str
) -> None:
    found = measured[soname]
    assert found.share >= LEAST, found.disagreements
    assert found.symbols > 50
    assert len(found.releases) >= 2


@pytest.mark.parametrize("soname", PACKAGES)
def test_what_disagrees_is_what_the_table_explains(
    measured: Mapping[str, Agreement], soname: str
) -> None:
    assert problems([measured[soname]], []) == []
