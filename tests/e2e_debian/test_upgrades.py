"""Upgrades of Debian's stable suites, with headers: what is called breaking is broken.

Each break of an upgrade that kept its SONAME is in ``ci/debian/explained.yaml``, with the
declaration that went.
"""

import pytest

from ci.debian.archive import STABLE, Suite
from ci.debian.explained import breaks_of, problems
from ci.debian.page import DEVELOPMENT
from ci.debian.upgrades import Upgrade, upgrades


@pytest.fixture(scope="module")
def steps() -> list[Upgrade]:
    suites = [Suite(name=name) for name in STABLE]
    return [each for name in DEVELOPMENT for each in upgrades(name, suites)]


def test_no_upgrade_that_kept_its_soname_fires_but_those_that_lost_something(
    steps: list[Upgrade],
) -> None:
    assert problems([], steps) == []
    kept = [each for each in steps if each.kept]
    assert len(kept) >= 24
    firing = {f"{each.library} {each.old} → {each.new}": each for each in kept if each.fires}
    assert set(firing) == {"libproj.so.25 9.1.1 → 9.6.0", "libpng16.so.16 1.6.37 → 1.6.39"}
    for each in firing.values():
        assert any(why.startswith("Removed: ") for why in breaks_of(each).values())


def test_each_upgrade_with_a_new_soname_is_breaking(steps: list[Upgrade]) -> None:
    bumped = [each for each in steps if not each.kept]
    assert len(bumped) >= 9
    assert {each.comparison.verdict for each in bumped} == {"breaking"}
    # A new SONAME alone is rare.
    assert sum(each.fires for each in bumped) >= len(bumped) / 2
