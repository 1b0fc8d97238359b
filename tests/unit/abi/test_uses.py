"""What is taken of libraries, what a release lacks, and the ranges that follow."""

from dataclasses import replace

import pytest

from commonwheel.abi.facts import Fact
from commonwheel.abi.history import History, history, ordered
from commonwheel.abi.ranges import range_of
from commonwheel.abi.snapshot import Exported, Library, Need, Snapshot
from commonwheel.abi.uses import Use, Uses, lacks

MEMBER = "pkg/_ext.so"


def function(name: str, version: str | None = None) -> Exported:
    return Exported(name, version, True, "global", "func", None, True)


def data(name: str, size: int) -> Exported:
    return Exported(name, None, True, "global", "object", size, True)


def release(number: str, *symbols: Exported, types_since: str = "") -> Snapshot:
    nodes = tuple(sorted({symbol.version for symbol in symbols if symbol.version}))
    library = Library(
        soname="libone.so.1", tagged="libone-commonwheel.so.1", nodes=nodes, symbols=symbols
    )
    return Snapshot(
        name=f"one {number}",
        release=number,
        line="one-so1",
        types_since=types_since,
        libraries=(library,),
    )


def used(built: Snapshot, *uses: Use) -> list[Uses]:
    nodes = {use.version: MEMBER for use in uses if use.version}
    symbols = dict.fromkeys(uses, MEMBER)
    (library,) = built.libraries
    return [Uses(library=library, symbols=symbols, nodes=nodes, needed_by=[MEMBER])]


@pytest.mark.parametrize(
    "releases",
    [
        ["1.2", "1.10"],
        ["9.0.0rc1", "9.0.0"],
        ["1.1.1", "1.1.1a", "1.1.1w", "1.1.2"],
        ["3.10.3", "3.10.3.post1", "3.10.4"],
        ["7.2.1+dfsg", "7.3-oddity", "7.4"],
    ],
)
def test_releases_have_an_order(releases: list[str]) -> None:
    shuffled = history(release(number) for number in reversed(releases))
    assert [each.number for each in shuffled.releases] == releases
    assert ordered(releases[0]) < ordered(releases[-1])


def test_what_came_when() -> None:
    one, two = function("one"), function("two")
    past = history([release("2.0", one, two), release("1.0", one), release("3.0", one)])
    assert past.first("libone", "two") == "2.0"
    assert past.first("libone", "three") is None
    assert past.first("libother", "one") is None
    assert [each.number if each else None for each in (past.before("2.0"), past.after("3.0"))] == [
        "1.0",
        None,
    ]


def test_a_release_lacks_symbols_nodes_bytes_and_libraries() -> None:
    built = release("2.0", function("new", "ONE_2"), function("old", "ONE_1"), data("table", 64))
    (uses,) = used(built, Use("new", "ONE_2"), Use("old", "ONE_1"), Use("table"))
    assert not list(lacks(uses, built))
    found = [
        lack.what
        for lack in lacks(uses, release("1.0", function("old", "ONE_1"), data("table", 32)))
    ]
    assert found == ["the version node ONE_2", "table with 64 bytes (it has 32)"]
    # More bytes are no harm to what reaches an object through its address.
    assert not list(lacks(uses, release("3.0", *built.libraries[0].symbols[:2], data("table", 96))))
    other = Snapshot(name="two", libraries=(Library(soname="libone.so.2"),))
    assert [lack.what for lack in lacks(uses, other)] == [
        "the library libone-commonwheel.so.1 (it has libone.so.2)"
    ]


def test_a_symbol_may_move_to_a_library_of_the_same_release() -> None:
    built = release("1.0", function("one"))
    (uses,) = used(built, Use("one"))
    core = Library(soname="libcore.so.1", symbols=(function("one"),))
    shell = Library(
        soname="libone.so.1", tagged="libone-commonwheel.so.1", needs=(Need(soname="libcore.so.1"),)
    )
    assert not list(lacks(uses, Snapshot(name="moved", libraries=(core, shell))))


ONE, TWO, THREE = function("one"), function("two"), function("three")
PAST = history(
    [
        release("1.0", ONE),
        release("1.1", ONE, types_since="1.0"),
        release("2.0", ONE, TWO, types_since="1.0"),
        release("3.0", ONE, TWO, THREE),
        release("4.0", ONE, THREE, types_since="3.0"),
    ]
)


def ranged(number: str, *names: str, stability: str = "line", past: History = PAST) -> str:
    built = PAST.of(number)
    assert built is not None
    uses = used(built, *map(Use, names))
    return str(range_of(uses, past, built, stability).bounds)


@pytest.mark.parametrize(
    ("built", "names", "expected"),
    [
        # Types were compared back to 1.0, and all of it is there.
        ("2.0", ["one"], ">=1.0"),
        ("2.0", ["one", "two"], ">=2.0,<4.0"),
        # They were not between 2.0 and 3.0.
        ("3.0", ["one"], ">=3.0"),
        ("3.0", ["two"], ">=3.0,<4.0"),
        ("4.0", ["one"], ">=3.0"),
    ],
)
def test_a_range_follows_from_what_is_used(built: str, names: list[str], expected: str) -> None:
    assert ranged(built, *names) == expected


def test_without_a_record_the_range_begins_where_the_wheel_was_built() -> None:
    assert ranged("2.0", "one", past=History()) == ">=2.0"


def test_a_pin_follows_from_stability_and_from_cxx() -> None:
    assert ranged("2.0", "one", stability="minor") == ">=2.0,==2.0.*"
    cxx = function("_ZN3One3runEv")
    built = release("2.0", cxx)
    found = range_of(used(built, Use("_ZN3One3runEv")), PAST, built, "line")
    assert str(found.bounds) == ">=2.0,==2.0.0.*"
    assert "C++" in found.explained


def test_the_range_of_another_wheel_of_the_set_raises_the_floor() -> None:
    built = PAST.of("2.0")
    assert built is not None
    found = range_of(used(built, Use("one")), PAST, built, "line", at_least="1.1")
    assert str(found.bounds) == ">=1.1"


def test_what_was_put_down_by_hand_raises_the_floor_of_those_who_use_it() -> None:
    built = PAST.of("2.0")
    assert built is not None
    facts = [
        Fact(symbol="one", version="1.1", reason="follows links"),
        Fact(symbol="one", version="3.0", reason="came after what this was built against"),
        Fact(symbol="two", version="2.0", reason="is not used"),
    ]
    found = range_of(used(built, Use("one")), PAST, built, "line", facts=facts)
    assert found.bounds == ">=1.1"
    assert found.explained == ("one-so1>=1.1: built against 2.0; one since 1.1: follows links")


def test_what_sets_the_bounds_is_told() -> None:
    built = PAST.of("2.0")
    assert built is not None
    told = range_of(used(built, Use("two"), Use("one")), PAST, built, "line").explained
    assert told == (
        "one-so1>=2.0,<4.0: built against 2.0; 1.1 lacks two; without it, 1.0 would do; "
        "4.0 lacks two; without it, 4.0 would do"
    )


def test_a_tag_is_its_owners() -> None:
    """Records of the toolkit serve who builds with a prefix of his own."""
    built = PAST.of("2.0")
    assert built is not None
    own = replace(built.libraries[0], tagged="libone-acme.so.1")
    uses = [Uses(library=own, symbols={Use("one"): MEMBER}, needed_by=[MEMBER])]
    mine = replace(built, libraries=(own,))
    assert range_of(uses, PAST, mine, "line").bounds == ">=1.0"


def test_what_was_in_another_library_before_lacks_nothing() -> None:
    """A release that has split a library; the wheel needs the first half alone."""
    half = Library(soname="libhalf.so.1", symbols=(ONE,))
    uses = Uses(library=half, symbols={Use("one"): MEMBER})
    assert not list(lacks(uses, release("1.0", ONE)))
    assert [lack.what for lack in lacks(uses, release("1.0", TWO))] == ["one"]


def test_a_range_holds_what_the_wheel_was_built_against() -> None:
    built = PAST.of("2.0")
    assert built is not None
    assert not range_of(used(built, Use("one")), PAST, built, "line", at_least="3.0").holds
    assert not range_of(used(built, Use("one")), PAST, built, "exact", at_least="3.0").holds
