"""``commonwheel plan --changed``: only what has to run, given the wheels that are there."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.check.kit import compiled, library, write
from tests.integration.kit import Outcome, Workshop, commonwheel

FOO = "libfoo-commonwheel.so.1"
TAG = "cp311-cp311-manylinux_2_5_x86_64"
OLD, NEW = ("foo", "foo_old"), ("foo", "foo_new")


class Place:
    """Recipes of a library in two releases and of a package, and a folder of wheels."""

    def __init__(self, shop: Workshop) -> None:
        self.shop, self.published = shop, shop.root / "published"
        self.published.mkdir()
        releases: dict[str, dict[str, str]] = {"1.0": {"LICENSE": ""}, "1.1": {"LICENSE": ""}}
        shop.library("foo", releases, [{"soname": "libfoo.so.1"}])
        shop.consumer("use", {"1.0": {"LICENSE": ""}}, uses={"foo": None})

    def foo(self, version: str, names: tuple[str, ...], folder: Path | None = None) -> Path:
        source = "".join(f"int {name}(void) {{ return 1; }}\n" for name in names)
        code = compiled(self.shop.root / version, FOO, source, f"-Wl,-soname,{FOO}")
        return library(folder or self.published, "foo-so1", version, {FOO: code})

    def use(self, name: str, requires: str = ">=1.0", *, tag: str = TAG) -> None:
        source = f"int {name}(void); int call(void) {{ return {name}(); }}"
        code = compiled(self.shop.root, "ext.so", source, str(self.shop.root / "1.0" / FOO))
        needs = [f"commonwheel-foo-so1{requires}"]
        write(
            self.published,
            "use",
            "1.0+commonwheel.1",
            {"use/ext.so": code},
            tag=tag,
            requires=needs,
        )

    def plan(self, *words: str | Path) -> Outcome:
        places = ("--recipes", self.shop.recipes, "--changed", self.published)
        return commonwheel("plan", "use", "--python", "3.11", *places, *words)

    def reasons(self) -> dict[str, str]:
        return dict(self.data()["changed"]["reasons"])

    def data(self) -> dict[str, Any]:
        target = self.shop.root / "plan.json"
        outcome = self.plan("--format", "json", "-o", target)
        assert outcome.code == 0, outcome.text
        found: dict[str, Any] = json.loads(target.read_text())
        return found


@pytest.fixture
def place(workshop: Workshop) -> Place:
    return Place(workshop)


def test_before_the_first_release_all_of_it_has_to_run(place: Place) -> None:
    assert place.reasons() == dict.fromkeys(["foo-1.0", "foo-1.1", "use-1.0-cp311"], "is not there")


def test_a_new_release_that_breaks_nothing_is_built_alone(place: Place) -> None:
    place.foo("1.0", OLD)
    place.use("foo")
    assert place.reasons() == {"foo-1.1": "is not there"}
    data = place.data()
    assert [[job["id"] for job in level] for level in data["levels"]] == [["foo-1.1"]]
    assert data["changed"]["given"] == ["foo-1.0", "use-1.0-cp311"]
    # Its wheel is not there either, so nothing tells of its ABI.
    assert data["changed"]["not known"] == [
        "use-1.0-cp311: whether it works with foo-1.1 is not known: no ABI of 1.1"
    ]


def test_a_package_that_a_new_release_breaks_has_to_be_built_again(place: Place) -> None:
    place.foo("1.0", OLD)
    place.foo("1.1", NEW)
    place.use("foo_old")
    reason = "breaks with foo-1.1, which lacks foo_old; raise `build` in its recipe"
    assert place.reasons() == {"use-1.0-cp311": reason}
    place.use("foo")
    assert place.reasons() == {}
    assert "nothing has to run" in place.plan().text


def test_the_record_of_a_release_will_do_for_its_wheel(place: Place) -> None:
    place.foo("1.0", OLD)
    place.use("foo_old")
    made = place.foo("1.1", NEW, place.shop.root / "elsewhere")
    file = place.shop.recipes / "abi/foo-so1/1.1-x86_64.json"
    file.parent.mkdir(parents=True)
    assert commonwheel("abi", "dump", made, "-o", file).code == 0
    found = place.reasons()
    assert found["foo-1.1"] == "is not there"
    assert found["use-1.0-cp311"].startswith("breaks with foo-1.1, which lacks foo_old")


def test_a_range_that_leaves_the_planned_release_out(place: Place) -> None:
    place.foo("1.0", OLD)
    place.foo("1.1", OLD)
    place.use("foo", "<1.1,>=1.0")
    reason = "its range commonwheel-foo-so1<1.1,>=1.0 leaves 1.1 out; raise `build` in its recipe"
    assert place.reasons() == {"use-1.0-cp311": reason}


@pytest.mark.parametrize(
    ("tag", "there"),
    [
        ("cp310-abi3-manylinux_2_5_x86_64", True),
        ("cp312-cp312-manylinux_2_5_x86_64", False),
        ("cp311-cp311-manylinux_2_28_aarch64", False),
        ("cp311-cp311-musllinux_1_2_x86_64", False),
    ],
)
def test_a_wheel_is_there_if_it_is_for_the_platform_and_python(
    place: Place, tag: str, *, there: bool
) -> None:
    place.foo("1.0", OLD)
    place.foo("1.1", OLD)
    place.use("foo", tag=tag)
    assert ("use-1.0-cp311" not in place.reasons()) is there


def test_each_rendering_shows_what_is_left(place: Place) -> None:
    place.foo("1.0", OLD)
    place.foo("1.1", OLD)
    for name in ("table", "markdown", "dot", "github"):
        target = place.shop.root / name
        assert place.plan("--format", name, "-o", target).code == 0
        text = target.read_text()
        assert "use-1.0-cp311" in text
        if name != "github":
            assert "foo-1.0" not in text
    lines = dict(
        line.split("=", 1) for line in (place.shop.root / "github").read_text().split("\n") if line
    )
    assert lines["count"] == "1"
    (cell,) = json.loads(lines["level-0"])
    assert cell["job"] == "use-1.0-cp311"
    assert cell["providers"].splitlines() == [
        "commonwheel_foo_so1-1.0-py3-none-*.whl",
        "commonwheel_foo_so1-1.1-py3-none-*.whl",
    ]
    place.use("foo")
    assert place.plan("--format", "github").code == 4


def test_a_path_that_is_none_is_an_error(place: Place) -> None:
    outcome = place.plan("--changed", place.shop.root / "gone")
    assert outcome.code == 2
    assert "gone" in outcome.text
