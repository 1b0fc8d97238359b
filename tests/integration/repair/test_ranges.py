"""Ranges that are computed: what is recorded of a provider's line, and what a wheel uses of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.abi.encoding import read_snapshot, to_json, write_snapshot
from commonwheel.abi.records import Records, digest, read_records, record_file
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import RecipeError, RepairError, SnapshotError
from commonwheel.repair.providers import read_manifest
from commonwheel.repair.ranges import built_against, floors
from commonwheel.repair.repair import Repaired, repair
from commonwheel.repair.snapshot import carried, snapshot_of
from tests.integration import kit
from tests.integration.repair.making import (
    NAMES,
    Library,
    given,
    install,
    library,
    opened,
    options,
    simple,
    value,
)

RELEASES = {"1.0": ("one",), "1.1": ("one",), "2.0": ("one", "two"), "3.0": ("two",)}
SINCE = {"1.1": "1.0", "2.0": "1.0", "3.0": "1.0"}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Library]:
    """Releases of one line; 2.0 brings two(), 3.0 has lost one()."""
    folder = tmp_path_factory.mktemp("line")
    return {
        version: library(folder, "base", version, functions=functions)
        for version, functions in RELEASES.items()
    }


def snapshot(made: Library) -> Snapshot:
    manifest = read_manifest(made.wheel, NAMES)
    assert manifest is not None
    return replace(
        snapshot_of(made.wheel, manifest, NAMES), types_since=SINCE.get(made.version, "")
    )


@pytest.fixture(scope="module")
def records(line: dict[str, Library]) -> Records:
    return Records(tuple(map(snapshot, line.values())))


def requires(done: Repaired) -> list[str]:
    fields = opened(done.path).metadata_fields.get_all("Requires-Dist", [])
    return [str(field).partition(";")[0] for field in fields]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], ">=1.0"),
        (["one"], ">=1.0,<3.0"),
        (["two"], ">=2.0"),
        (["one", "two"], ">=2.0,<3.0"),
    ],
)
def test_a_range_is_what_the_symbols_say(
    line: dict[str, Library], records: Records, tmp_path: Path, calls: list[str], expected: str
) -> None:
    raw = simple(tmp_path, "user", line["2.0"], calls=calls)
    done = repair(raw, tmp_path / "out", given(line["2.0"]), options(records=records))
    assert requires(done) == [f"commonwheel-base-so1{expected}"]
    wheel = opened(done.path)
    assert built_against(wheel, NAMES) == {"base-so1": "2.0"}
    # Every release that it admits serves it, and the loader says the same as METADATA.
    floor = floors(wheel, NAMES)["base-so1"]
    for version in RELEASES:
        made = line[version]
        shared = repair(made.wheel, tmp_path / version, given(made), options(None)).path
        site = install(tmp_path / f"site-{version}", done.path, shared)
        if float(floor) <= float(version) and (version != "3.0" or "one" not in calls):
            assert value(site, "user") == "42"
        else:
            with pytest.raises(Exception, match=r"needs commonwheel-base-so1|undefined symbol"):
                value(site, "user")


def test_the_wheel_keeps_why(line: dict[str, Library], records: Records, tmp_path: Path) -> None:
    raw = simple(tmp_path, "user", line["2.0"], calls=["two"])
    done = repair(raw, tmp_path / "out", given(line["2.0"]), options(records=records))
    wheel = opened(done.path)
    told = json.loads(wheel.read(wheel.info(NAMES.ranges)))["lines"]["base-so1"]
    (lacking,) = told["below"]["lacks"].items()
    assert lacking[0] == "two"
    assert lacking[1].startswith("user/_ext.")
    assert told["below"]["release"] == "1.1"
    assert told["below"]["without"] == "1.0"
    assert any("1.1 lacks two; without it, 1.0 would do" in note for note in done.notes)


def test_without_records_the_floor_is_what_was_built_against(
    line: dict[str, Library], tmp_path: Path
) -> None:
    raw = simple(tmp_path, "user", line["1.1"])
    done = repair(raw, tmp_path / "out", given(line["1.1"]), options())
    assert requires(done) == ["commonwheel-base-so1>=1.1"]


def test_a_release_that_was_repaired_is_found_again(
    line: dict[str, Library], records: Records, tmp_path: Path
) -> None:
    """The floor no longer tells which of two releases it was built against."""
    raw = simple(tmp_path, "user", line["2.0"])
    chosen = options(records=records)
    first = repair(raw, tmp_path / "out", given(line["2.0"]), chosen).path
    folder = tmp_path / "providers"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        made = line[version].wheel
        (folder / made.name).write_bytes(made.read_bytes())
    out = tmp_path / "again"
    done = kit.commonwheel("repair", first, "--with", folder, "-w", out)
    assert done.code == 0, done.text
    assert built_against(opened(out / first.name), NAMES) == {"base-so1": "2.0"}


def test_library_wheels_carry_their_abi(line: dict[str, Library], tmp_path: Path) -> None:
    made = library(tmp_path, "top", "1.0", needs=[line["1.0"]])
    path = repair(made.wheel, tmp_path / "out", given(made, line["1.0"]), options(None)).path
    wheel = opened(path)
    found = carried(wheel, NAMES)
    assert found is not None
    assert (found.line, found.release, found.version) == ("top-so1", "", "1.0")
    assert [each.soname for each in found.libraries] == ["libtop.so.1"]
    dumped = kit.commonwheel("abi", "dump", path)
    assert dumped.text == to_json(found)
    manifest = json.loads(wheel.read(wheel.info(NAMES.manifest)))
    assert len(manifest["snapshot"]) == 64


def test_a_library_accepts_the_same_releases_by_code_and_metadata(
    line: dict[str, Library], records: Records, tmp_path: Path
) -> None:
    made = library(tmp_path, "top", "1.0", needs=[line["2.0"]])
    done = repair(
        made.wheel, tmp_path / "out", given(made, line["2.0"]), options(None, records=records)
    )
    assert requires(done) == ["commonwheel-base-so1>=1.0"]
    init = opened(done.path).read("commonwheel_libs/top_so1/__init__.py").decode()
    assert '("commonwheel_libs.base_so1", "commonwheel-base-so1", "1.0", None),' in init


def test_wheels_of_one_version_get_the_highest_floor(
    line: dict[str, Library], records: Records, tmp_path: Path
) -> None:
    folder = tmp_path / "recipes"
    for each in records.snapshots:
        file = record_file(folder, each)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_snapshot(file, each)
    (folder / "libraries").mkdir()
    one = simple(tmp_path / "a", "user", line["2.0"], abi="cp311")
    two = simple(tmp_path / "b", "user", line["2.0"], calls=["two"], abi="cp312")
    words = ("repair", one, two, "--with", line["2.0"].wheel, "-w", tmp_path / "w")
    done = kit.commonwheel(*words, "--recipes", folder)
    assert done.code == 0, done.text
    wheels = sorted((tmp_path / "w").glob("user*.whl"))
    assert [floors(opened(each), NAMES) for each in wheels] == [{"base-so1": "2.0"}] * 2


# --- records


def test_records_are_read_for_one_platform(tmp_path: Path, records: Records) -> None:
    one, two, *_ = records.snapshots
    for each in (one, replace(two, arch="aarch64"), replace(two, libc="musl")):
        file = record_file(tmp_path, each)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_snapshot(file, each)
    assert read_records([tmp_path], one.arch, one.libc).snapshots == (one,)
    assert not read_records([tmp_path], one.arch, one.libc, ["other-so1"]).snapshots
    before = digest([tmp_path], one.arch, one.libc)
    write_snapshot(record_file(tmp_path, replace(two, arch="aarch64")), one)
    assert digest([tmp_path], one.arch, one.libc) == before
    with pytest.raises(SnapshotError, match=r"is the record of base-so1 1\.0"):
        read_records([tmp_path], "aarch64", one.libc)


def test_facts_lie_beside_the_records(tmp_path: Path, records: Records) -> None:
    one = records.snapshots[0]
    file = record_file(tmp_path, one)
    file.parent.mkdir(parents=True)
    write_snapshot(file, one)
    before = digest([tmp_path], one.arch, one.libc)
    text = "- symbol: one\n  version: '1.1'\n  reason: counts from zero\n"
    (file.parent / "facts.yaml").write_text(text)
    (fact,) = read_records([tmp_path], one.arch, one.libc).facts["base-so1"]
    assert (fact.symbol, fact.version, fact.reason) == ("one", "1.1", "counts from zero")
    assert digest([tmp_path], one.arch, one.libc) != before
    (file.parent / "facts.yaml").write_text("- symbol: one\n")
    with pytest.raises(RecipeError, match=r"facts\.yaml:1:3"):
        read_records([tmp_path], one.arch, one.libc)


def test_a_damaged_record_is_named(tmp_path: Path, records: Records) -> None:
    one = records.snapshots[0]
    file = record_file(tmp_path, one)
    file.parent.mkdir(parents=True)
    file.write_text("{")
    with pytest.raises(SnapshotError, match="is not JSON") as caught:
        read_records([tmp_path], one.arch, one.libc)
    assert caught.value.where == str(file)
    write_snapshot(file, one)
    assert read_snapshot(file) == one


def test_a_floor_that_was_raised_stays_raised(
    line: dict[str, Library], records: Records, tmp_path: Path
) -> None:
    raw = simple(tmp_path, "user", line["2.0"])
    chosen = options(records=records)
    raised = replace(chosen, at_least={"base-so1": "1.1"})
    first = repair(raw, tmp_path / "1", given(line["2.0"]), raised)
    assert requires(first) == ["commonwheel-base-so1>=1.1"]
    again = repair(first.path, tmp_path / "2", given(line["2.0"]), chosen).path
    assert again.read_bytes() == first.path.read_bytes()


def test_a_repaired_wheel_keeps_the_release_that_it_was_built_against(
    line: dict[str, Library], records: Records, tmp_path: Path
) -> None:
    raw = simple(tmp_path, "user", line["2.0"])
    first = repair(raw, tmp_path / "1", given(line["2.0"]), options(records=records)).path
    with pytest.raises(RepairError, match=r"built against base-so1 2\.0, which is not given"):
        repair(first, tmp_path / "2", given(line["1.0"]), options(records=records))
