"""What recipes let pass, and what they cannot."""

from pathlib import Path

import pytest

from commonwheel.check.expected import Expected
from commonwheel.recipe.model import Waiver
from tests.integration.check.kit import checked, compiled, found, library

SONAME = "libfoo-commonwheel.so.1"
MEMBER = f"commonwheel_libs/foo_so1/lib/{SONAME}"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """It exports a symbol that its recipe does not admit (CW701)."""
    source = "int foo(void) { return 1; }\nint helper(void) { return 2; }\n"
    code = compiled(tmp_path, "foo", source, f"-Wl,-soname,{SONAME}")
    return library(tmp_path / "wheels", "foo-so1", "1.0", {SONAME: code})


def expecting(*waivers: Waiver) -> Expected:
    return Expected(
        recipe="foo",
        version="1.0",
        license="MIT",
        exports={SONAME: ("foo*",)},
        waivers=waivers,
    )


def test_a_waiver_lets_a_finding_pass_and_gives_its_reason(wheel: Path) -> None:
    waiver = Waiver(gate="CW701", reason="upstream's tests want it")
    report = checked(wheel, expected=expecting(waiver))
    assert report.passes
    (finding,) = (each for each in report.findings if each.gate == "CW701")
    assert finding.waiver == "upstream's tests want it"
    assert next(o.verdict for o in report.outcomes if o.gate == "CW701") == "waived"


@pytest.mark.parametrize(
    ("files", "versions", "holds"),
    [
        ((MEMBER,), "", True),
        (("*/lib/*",), ">=1.0", True),
        (("*/bin/*",), "", False),
        ((), "<1.0", False),
    ],
)
def test_a_waiver_may_be_for_some_files_and_releases(
    wheel: Path, files: tuple[str, ...], versions: str, holds: bool
) -> None:
    waiver = Waiver(gate="CW701", reason="r", files=files, versions=versions)
    report = checked(wheel, expected=expecting(waiver))
    assert ("CW701" not in found(report)) is holds


def test_cw709_trips_on_a_waiver_that_nothing_needs(wheel: Path) -> None:
    waivers = (
        Waiver(gate="CW701", reason="needed"),
        Waiver(gate="CW706", reason="was needed once"),
    )
    report = checked(wheel, expected=expecting(*waivers))
    assert found(report) == {
        "CW709": [f"{wheel.name}: the recipe waives CW706, and nothing needs it"]
    }


def test_cw709_trips_on_the_second_of_two_with_one_reason(wheel: Path) -> None:
    waivers = (
        Waiver(gate="CW701", reason="the same"),
        Waiver(gate="CW706", reason="the same"),
    )
    assert [*found(checked(wheel, expected=expecting(*waivers)))] == ["CW709"]


def test_cw709_near_miss_a_waiver_of_another_release(wheel: Path) -> None:
    waivers = (
        Waiver(gate="CW701", reason="needed"),
        Waiver(gate="CW706", reason="needed by older ones", versions="<1.0"),
    )
    assert found(checked(wheel, expected=expecting(*waivers))) == {}
