from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from commonwheel.index.mirror import NotThereError
from commonwheel.index.published import published
from commonwheel.index.state import IndexedFile
from commonwheel.names import Names
from commonwheel.plan import Plan
from tests.unit.recipe.kit import SHA, consumer, library, make_plan, read

NAME = "commonwheel_zlib_so1-1.3-py3-none-{}.whl"
X86, ARM, MUSL = "manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64"


def listed(tag: str, yanked: str | None = None) -> dict[str, IndexedFile]:
    name = NAME.format(tag)
    url = f"https://example.org/{name}"
    file = IndexedFile(
        project="commonwheel-zlib-so1", version="1.3", sha256=SHA, url=url, yanked=yanked
    )
    return {name: file}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    recipes = read(tmp_path, library("zlib", ["1.2", "1.3"]), consumer("user", uses={"zlib": ""}))
    return make_plan(recipes, "user")


def found(plan: Plan, files: Mapping[str, IndexedFile]) -> list[str]:
    asked = []

    def reader(wanted: Requirement) -> dict[str, IndexedFile]:
        asked.append(str(wanted))
        if str(wanted) != "commonwheel-zlib-so1===1.3":
            raise NotThereError("the index has no wheel")
        return dict(files)

    sources = published(plan, Names(), reader)
    # Consumers are never asked for: theirs are built here.
    assert asked == ["commonwheel-zlib-so1===1.2", "commonwheel-zlib-so1===1.3"]
    assert all(source.sha256 == SHA for source in sources.values())
    return list(sources)


def test_a_wheel_of_the_platform_is_taken(plan: Plan) -> None:
    files = listed(ARM) | listed(MUSL) | listed(X86)
    assert found(plan, files) == [NAME.format(X86)]


def test_wheels_of_other_platforms_are_not(plan: Plan) -> None:
    assert found(plan, listed(ARM) | listed(MUSL)) == []


def test_a_yanked_wheel_is_not(plan: Plan) -> None:
    assert found(plan, listed(X86, yanked="")) == []
