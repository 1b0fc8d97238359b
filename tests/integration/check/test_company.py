"""Which wheels are held against one another, and in what order."""

from pathlib import Path

import pytest

from commonwheel.check.company import company, previous, providers_first
from tests.integration.check.kit import seen, write

PYTHON = "cp311-cp311-manylinux_2_28_x86_64"


def wheel(folder: Path, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> Path:
    return write(folder, name, version, {}, tag=tag, requires=requires)


def test_each_comes_behind_what_it_is_held_against(tmp_path: Path) -> None:
    newest = wheel(tmp_path, "app", "1.10", "middle")
    older = wheel(tmp_path, "app", "1.9")
    middle = wheel(tmp_path, "middle", "1.0", "base>=1")
    base = wheel(tmp_path, "base", "1.0")
    assert providers_first([newest, older, middle, base]) == [older, base, middle, newest]


def test_a_circle_has_an_order_too(tmp_path: Path) -> None:
    paths = [wheel(tmp_path, "a", "1.0", "b"), wheel(tmp_path, "b", "1.0", "a")]
    assert sorted(providers_first(paths)) == sorted(paths)


@pytest.mark.parametrize(
    ("requirement", "chosen"), [("base>=2", "2.0"), ("base", "1.0"), ("base>=4", "3.0")]
)
def test_a_provider_is_the_oldest_release_that_will_do(
    tmp_path: Path, requirement: str, chosen: str
) -> None:
    app = seen(wheel(tmp_path, "app", "1.0", requirement))
    bases = [seen(wheel(tmp_path, "base", version)) for version in ("3.0", "1.0", "2.0")]
    (found,) = company(app, bases)
    assert found.version == chosen


def test_what_is_not_required_is_there_in_its_newest_release(tmp_path: Path) -> None:
    app = seen(wheel(tmp_path, "app", "1.0"))
    others = [seen(wheel(tmp_path, "other", version)) for version in ("1.9", "1.10")]
    assert [each.version for each in company(app, others)] == ["1.10"]


def test_wheels_of_another_interpreter_or_machine_are_no_company(tmp_path: Path) -> None:
    app = seen(wheel(tmp_path, "app", "1.0", tag=PYTHON))
    tags = {
        "cp312-cp312-manylinux_2_28_x86_64": False,
        "cp311-cp311-manylinux_2_28_aarch64": False,
        "cp39-abi3-manylinux2014_x86_64": True,
        "cp311-cp311-linux_x86_64": True,
        "py3-none-any": True,
    }
    for number, (tag, fits) in enumerate(tags.items()):
        other = seen(wheel(tmp_path, f"other{number}", "1.0", tag=tag))
        assert bool(company(app, [other])) is fits, tag


def test_the_release_before_is_the_newest_earlier_one_for_the_same_python(tmp_path: Path) -> None:
    versions = ("1.8", "1.9", "1.11")
    relatives = [seen(wheel(tmp_path, "app", version, tag=PYTHON)) for version in versions]
    relatives.append(seen(wheel(tmp_path, "app", "1.10rc1", tag=PYTHON.replace("311", "312"))))
    before = previous(seen(wheel(tmp_path, "app", "1.10", tag=PYTHON)), relatives)
    assert before is not None
    assert before.version == "1.9"
