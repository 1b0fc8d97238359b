"""Gates of a line's ABI: releases that break it, and releases that nearly do."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.abi.encoding import to_json
from commonwheel.abi.records import Records
from commonwheel.abi.snapshot import Snapshot
from commonwheel.check.expected import Expected
from commonwheel.check.finding import Report
from commonwheel.recipe.model import Waiver
from commonwheel.repair.snapshot import snapshot_of
from tests.integration.check.kit import (
    NAMES,
    checked,
    compiled,
    findings,
    found,
    library,
    seen,
    unchecked,
)

FOO = "libfoo-commonwheel.so.1"
MEMBER = f"commonwheel_libs/foo_so1/lib/{FOO}"
TWO = "int one(void) { return 1; }\nint two(void) { return 2; }\n"
ONE = "int one(void) { return 1; }\n"
HEADER = b"int one(void);\nint two(void);\nint three(void);\n"
GONE = "foo-so1 1.0 → foo-so1 2.0: two is not exported any more [CWA104]"
NODES = "FOO_1 { global: one; local: *; };\nFOO_2 { global: two; } FOO_1;\n"


def foo(folder: Path, version: str, source: str, *flags: str, header: bytes = HEADER) -> Path:
    code = compiled(folder / version, FOO, source, f"-Wl,-soname,{FOO}", *flags)
    members = {"include/foo.h": header}
    return library(folder / "wheels", "foo-so1", version, {FOO: code}, members=members)


def snapshot(wheel: Path) -> Snapshot:
    manifest = seen(wheel).manifest
    assert manifest is not None
    return snapshot_of(wheel, manifest, NAMES)


def against(wheel: Path, *records: Path, **expected: Sequence[Waiver]) -> Report:
    waivers = tuple(expected.get("waivers", ()))
    return checked(
        wheel,
        expected=Expected(recipe="foo", version="1.0", license="MIT", waivers=waivers),
        records=Records(tuple(map(snapshot, records))),
    )


def test_cw801_trips(tmp_path: Path) -> None:
    old, new = foo(tmp_path, "1.0", TWO), foo(tmp_path, "2.0", ONE)
    (finding,) = findings(against(new, old), "CW801")
    assert finding.startswith(f"{MEMBER}: {GONE}; make a new line: raise the recipe's `abi.label`")
    assert "commonwheel abi impact" in finding
    # At hand is as good as recorded; and an older release is held against the newer one.
    assert findings(checked(new, old), "CW801") == [finding]
    assert findings(against(old, new), "CW801") == [finding]


def test_cw801_near_miss(tmp_path: Path) -> None:
    """What goes was in no header, and what comes is new."""
    hidden = TWO.replace("two", "inside")
    old, new = foo(tmp_path, "1.0", hidden), foo(tmp_path, "2.0", ONE + TWO.replace("one", "three"))
    report = against(new, old)
    assert not findings(report, "CW801")
    assert not findings(report, "CW802")


@pytest.mark.parametrize(
    ("version", "way"),
    [
        ("1.0.1", "a patch release removes nothing on purpose: restore it, or waive CW801"),
        ("1.1", "make a new line"),
    ],
)
def test_the_way_out_fits_the_release(tmp_path: Path, version: str, way: str) -> None:
    old = foo(tmp_path, "1.0", TWO)
    (finding,) = findings(against(foo(tmp_path, version, ONE), old), "CW801")
    assert f"]; {way}" in finding


def test_a_build_that_has_lost_something_is_told_from_upstreams_change(tmp_path: Path) -> None:
    record = foo(tmp_path / "then", "1.0", TWO)
    (finding,) = findings(against(foo(tmp_path / "now", "1.0", ONE), record), "CW801")
    assert finding.endswith("upstream's release is the same, so the build has lost it: restore it")


def test_a_lost_node_is_the_worst(tmp_path: Path) -> None:
    script = tmp_path / "foo.map"
    script.write_text(NODES)
    old = foo(tmp_path, "1.0", TWO, f"-Wl,--version-script,{script}")
    report = against(foo(tmp_path, "2.0", TWO), old)
    told = [each for each in findings(report, "CW801") if "CWA103" in each]
    assert len(told) == 2
    assert all(
        each.endswith("the loader ends every program that was linked with it: restore it")
        for each in told
    )


def test_a_waiver_is_for_the_symbols_that_it_names(tmp_path: Path) -> None:
    three = "int three(void) { return 3; }\n"
    old, new = foo(tmp_path, "1.0", TWO + three), foo(tmp_path, "2.0", ONE)
    waiver = Waiver(gate="CW801", reason="never documented", symbols=("t?o",), versions="==2.0")
    report = against(new, old, waivers=[waiver])
    (left,) = findings(report, "CW801")
    assert "three is not exported any more" in left
    every = replace_symbols(waiver, ("t*",))
    assert not found(against(new, old, waivers=[every])).get("CW801")


def replace_symbols(waiver: Waiver, symbols: tuple[str, ...]) -> Waiver:
    return waiver.model_copy(update={"symbols": symbols})


def test_without_another_release_nothing_is_passed(tmp_path: Path) -> None:
    report = against(foo(tmp_path, "1.0", TWO))
    verdicts = {each.gate: each.verdict for each in report.outcomes}
    assert [verdicts[gate] for gate in ("CW801", "CW802", "CW803")] == ["not checked"] * 3
    assert any("no baseline: foo-so1" in reason for reason in unchecked(report)["CW801"])
    assert any("commonwheel abi accept" in reason for reason in unchecked(report)["CW803"])


def test_a_record_of_another_platform_is_no_baseline(tmp_path: Path) -> None:
    old, new = foo(tmp_path, "1.0", TWO), foo(tmp_path, "2.0", ONE)
    other = replace(snapshot(old), arch="aarch64")
    report = checked(new, records=Records((other,)))
    assert any("no baseline" in reason for reason in unchecked(report)["CW801"])


def test_types_are_not_checked_where_a_record_has_none(tmp_path: Path) -> None:
    report = against(foo(tmp_path, "1.1", TWO), foo(tmp_path, "1.0", TWO))
    assert any("types" in reason for reason in unchecked(report)["CW801"])


def test_cw802_trips(tmp_path: Path) -> None:
    report = against(foo(tmp_path, "1.0.1", ONE), foo(tmp_path, "1.0.0", TWO))
    (finding,) = findings(report, "CW802")
    assert finding.startswith("foo-so1 1.0.1 is a patch release of foo-so1 1.0.0, and breaks 1 pro")


def test_cw802_near_miss(tmp_path: Path) -> None:
    """The same removal, by a minor release."""
    report = against(foo(tmp_path, "1.1.0", ONE), foo(tmp_path, "1.0.9", TWO))
    assert findings(report, "CW801")
    assert not findings(report, "CW802")


def test_cw803_trips(tmp_path: Path) -> None:
    record, wheel = foo(tmp_path / "then", "1.0", ONE), foo(tmp_path / "now", "1.0", TWO)
    report = against(wheel, record)
    assert findings(report, "CW803") == [
        "the record of foo-so1 1.0 knows nothing of 1 addition: two is new"
    ]
    assert not findings(report, "CW801")


def test_cw803_trips_on_a_snapshot_that_the_files_belie(tmp_path: Path) -> None:
    source = foo(tmp_path / "then", "1.0", ONE)
    text = {NAMES.snapshot: to_json(snapshot(source)).encode()}
    code = compiled(tmp_path / "now", FOO, TWO, f"-Wl,-soname,{FOO}")
    members = {"include/foo.h": HEADER}
    edited = library(tmp_path / "edited", "foo-so1", "1.0", {FOO: code}, members=members, info=text)
    assert findings(against(edited), "CW803") == ["its own snapshot is not what its files say"]
    assert not findings(against(foo(tmp_path / "fair", "1.0", ONE)), "CW803")


def test_cw803_near_miss(tmp_path: Path) -> None:
    """Another build of the same release: only what nobody can see differs."""
    record = foo(tmp_path / "then", "1.0", TWO)
    wheel = foo(tmp_path / "now", "1.0", TWO + "int inside(void) { return 0; }\n", "-O1")
    assert not findings(against(wheel, record), "CW803")
