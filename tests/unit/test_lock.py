from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.errors import UsageError
from commonwheel.lock import as_constraints, below, beside, members

GEOS = "commonwheel_geos_so1-{}-py3-none-manylinux_2_31_x86_64.whl"
SHAPELY = "shapely-2.1.2+commonwheel.1-{0}-{0}-manylinux_2_31_x86_64.whl"


def wheels(*names: str) -> list[Path]:
    return [Path("wheels", name) for name in names]


def listed(found: Sequence[object]) -> list[str]:
    return [str(each) for each in found]


def test_the_newest_release_of_each_is_locked() -> None:
    found = members(
        wheels(GEOS.format("3.9.0"), GEOS.format("3.13.1"), SHAPELY.format("cp313")), "3.13"
    )
    assert [each.requirement for each in found] == [
        'commonwheel-geos-so1==3.13.1 ; sys_platform == "linux"',
        'shapely==2.1.2+commonwheel.1 ; sys_platform == "linux"',
    ]


def test_wheels_of_all_platforms_count_and_those_of_other_pythons_do_not() -> None:
    arm = GEOS.format("3.13.1").replace("x86_64", "aarch64")
    given = wheels(GEOS.format("3.13.1"), arm, SHAPELY.format("cp311"), SHAPELY.format("cp313"))
    geos, shapely = members(given, "3.13")
    assert len(geos.wheels) == 2
    assert listed(shapely.wheels) == [f"wheels/{SHAPELY.format('cp313')}"]


def test_a_wheel_for_the_stable_abi_counts_from_its_python_on() -> None:
    stable = wheels("user-1.0+x.1-cp311-abi3-manylinux_2_31_x86_64.whl")
    assert members(stable, "3.13")
    with pytest.raises(UsageError, match=r"no wheel is for Python 3\.10"):
        members(stable, "3.10")


def test_what_is_no_wheel_is_said() -> None:
    with pytest.raises(UsageError, match=r"wheels/shapely\.whl"):
        members(wheels("shapely.whl"), "3.13")


def test_places_of_wheels(tmp_path: Path) -> None:
    wheel = tmp_path / "wheels" / SHAPELY.format("cp313")
    assert beside(tmp_path / "locks/pylock.toml")(wheel) == {"path": f"../wheels/{wheel.name}"}
    assert below("https://example.org/x/")(wheel) == {
        "url": f"https://example.org/x/{wheel.name.replace('+', '%2B')}"
    }


def test_pins_admit_no_local_version_of_somebody_else() -> None:
    data = {
        "packages": [
            {"name": "a", "version": "1.0"},
            {"name": "b", "version": "2.0+commonwheel.1", "marker": "sys_platform == 'linux'"},
        ]
    }
    assert as_constraints(data).splitlines() == [
        "a===1.0",
        "b==2.0+commonwheel.1 ; sys_platform == 'linux'",
    ]
