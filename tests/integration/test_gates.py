"""Gates in a build: what does not pass stays out of the wheelhouse."""

import json
from typing import Any

import pytest

from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools

UNUSED = [{"gate": "CW602", "reason": "the static library was wanted once"}]


def add(shop: Workshop, name: str, code: str, **sections: Any) -> None:
    target = Target(soname=f"lib{name}.so.1", sources={f"{name}.c": code})
    header = {"any.h": f"int {name}(void);\n"}
    installs = f"\tmv $(place)/include/any.h $(place)/include/{name}.h\n"
    release = {"1.0": autotools(target, files=header, extra=installs)}
    shop.library(name, release, [{"soname": f"lib{name}.so.1"}], **sections)


def test_a_wheel_that_does_not_pass_is_kept_out_and_says_why(workshop: Workshop) -> None:
    add(workshop, "one", "int one(void) { return 1; }\n", waivers=UNUSED)
    outcome = workshop.build("one")
    assert outcome.code == 14
    assert "CW709" in outcome.text
    assert "the recipe waives CW602, and nothing needs it" in outcome.text
    assert not [*workshop.wheelhouse.glob("*.whl")]
    (report,) = json.loads((workshop.wheelhouse / "logs/check-one-1.0.json").read_text())["reports"]
    assert report["gates"]["CW709"]["verdict"] == "failed"

    # A waiver is no part of the build: nothing is compiled again.
    recipe = workshop.recipes / "libraries/one.yaml"
    data = json.loads(recipe.read_text(encoding="utf-8"))
    del data["waivers"]
    recipe.write_text(json.dumps(data), encoding="utf-8")
    (workshop.wheelhouse / "logs/one-1.0.log").unlink()
    workshop.built("one")
    assert not (workshop.wheelhouse / "logs/one-1.0.log").exists()
    wheel = workshop.wheel("commonwheel_one").path
    (report,) = json.loads(
        (workshop.wheelhouse / f"{wheel.stem}.report.json").read_text(encoding="utf-8")
    )["reports"]
    assert report["wheel"] == wheel.name
    assert report["passes"] is True
    assert report["gates"]["CW305"]["verdict"] == "passed"
    assert report["gates"]["CW503"]["verdict"] == "passed"


def test_what_needs_a_wheel_that_does_not_pass_is_not_built(workshop: Workshop) -> None:
    add(workshop, "one", "int one(void) { return 1; }\n", waivers=UNUSED)
    code = "int one(void); int two(void) { return one() + 1; }\n"
    target = Target(soname="libtwo.so.1", sources={"two.c": code}, flags="-lone")
    release = {"1.0": autotools(target, files={"any.h": "int two(void);\n"})}
    needs = {"libraries": {"one": None}}
    workshop.library("two", release, [{"soname": "libtwo.so.1"}], requires=needs)
    outcome = workshop.build("two")
    assert outcome.code == 14
    assert "did not pass the gates" in outcome.text
    assert "not built: needs one-1.0" in outcome.text


def test_what_has_passed_is_not_checked_again(workshop: Workshop) -> None:
    add(workshop, "one", "int one(void) { return 1; }\n")
    assert "check one-1.0" in workshop.build("one").text
    assert "check one-1.0" not in workshop.build("one").text


HELPER = "int helper(void) { return 1; }\n"


@pytest.mark.parametrize("runs", [[("one", "two")], [("one",), ("two",)], [("two",), ("one",)]])
def test_of_two_wheels_that_clash_only_one_enters(
    workshop: Workshop, runs: list[tuple[str, ...]]
) -> None:
    add(workshop, "one", f"{HELPER}int one(void) {{ return helper(); }}\n")
    add(workshop, "two", f"{HELPER}int two(void) {{ return helper(); }}\n")
    for names in runs[:-1]:
        workshop.built(*names)
    # From the caches as well, in whatever order they come.
    for names in (runs[-1], ("two", "one")):
        outcome = workshop.build(*names)
        assert outcome.code == 14
        assert "CW702" in outcome.text
        assert "helper" in outcome.text
        assert len([*workshop.wheelhouse.glob("*.whl")]) == 1
    assert len([*workshop.wheelhouse.glob("logs/check-*-beside-others.json")]) == 1


def test_what_a_run_replaces_is_not_in_the_way(workshop: Workshop) -> None:
    add(workshop, "one", f"{HELPER}int one(void) {{ return helper(); }}\n")
    workshop.built("one")
    add(workshop, "one", "int one(void) { return 1; }\n")
    add(workshop, "two", f"{HELPER}int two(void) {{ return helper(); }}\n")
    workshop.built("two", "one", "--replace")
    assert len([*workshop.wheelhouse.glob("*.whl")]) == 2


def test_wheels_that_go_together_are_not_held_against_one_another_again(
    workshop: Workshop,
) -> None:
    add(workshop, "one", "int one(void) { return 1; }\n")
    add(workshop, "two", "int two(void) { return 2; }\n")
    assert workshop.build("one", "two").text.count("✓ check") == 3
    assert "check" not in workshop.build("one", "two").text
