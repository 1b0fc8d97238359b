from dataclasses import replace

import pytest
from hypothesis import given

from commonwheel.abi.compare import NO_TYPES, Comparison, compare
from commonwheel.abi.snapshot import Exported, Library, Need, Snapshot
from commonwheel.errors import UsageError
from tests.unit.abi.conftest import libraries, library, snapshot, snapshots, symbol


def found(*args: Library | tuple[Exported, ...]) -> list[tuple[str, str]]:
    """(id, subject) of each change between two releases of one library."""
    old, new = (each if isinstance(each, Library) else library(*each) for each in args)
    return [(c.id, c.subject) for c in compare(snapshot(old), snapshot(new)).changes]


def subjects(comparison: Comparison, change: str) -> set[str]:
    """Bare names that a kind of change is about."""
    return {c.subject.partition("@")[0] for c in comparison.changes if c.id == change}


@given(snapshots())
def test_a_release_is_equal_to_itself(taken: Snapshot) -> None:
    result = compare(taken, taken)
    assert (result.verdict, result.changes) == ("equal", ())
    assert result.unchecked == NO_TYPES.unchecked


@given(libraries(), libraries())
def test_what_is_added_one_way_is_removed_the_other_way(one: Library, other: Library) -> None:
    there, back = (compare(snapshot(a), snapshot(b)) for a, b in ((one, other), (other, one)))
    assert subjects(there, "CWA401") == subjects(back, "CWA104")
    assert subjects(there, "CWA403") == subjects(back, "CWA103") | subjects(back, "CWA504")
    assert subjects(there, "CWA302") == subjects(back, "CWA506")


@given(libraries(), libraries())
def test_only_what_was_public_can_break(old: Library, new: Library) -> None:
    hidden = replace(old, symbols=tuple(s._replace(public=False) for s in old.symbols))
    assert compare(snapshot(hidden), snapshot(new)).of_level("breaking") == ()


F1, F2 = symbol("f", "V_1"), symbol("f", "V_2")
G1, HIDDEN_F1 = symbol("g", "V_1"), symbol("f", "V_1", default=False)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        # Symbols come and go.
        ((symbol("f"),), (), [("CWA104", "f")]),
        ((), (symbol("f"),), [("CWA401", "f")]),
        ((), (symbol("f", public=False),), []),
        ((symbol("f", public=False),), (), [("CWA501", "f")]),
        ((symbol("f", public=False),), (symbol("f"),), [("CWA405", "f")]),
        ((symbol("f"),), (symbol("f", public=False),), [("CWA505", "f")]),
        # Giving versions to symbols is safe, taking them away is not.
        ((symbol("f"),), (F1,), [("CWA403", "V_1"), ("CWA402", "f@@V_1")]),
        ((F1,), (symbol("f"),), [("CWA103", "V_1")]),
        ((F1, G1), (F2, symbol("g", "V_2")), [("CWA103", "V_1"), ("CWA403", "V_2")]),
        ((F1, G1), (G1,), [("CWA104", "f@@V_1")]),
        (
            (F1, G1),
            (F2, G1),
            [("CWA403", "V_2"), ("CWA105", "f@@V_1"), ("CWA402", "f@@V_2")],
        ),
        ((F1,), (HIDDEN_F1, F2), [("CWA403", "V_2"), ("CWA402", "f@@V_2")]),
        ((F1,), (HIDDEN_F1,), [("CWA106", "f@@V_1")]),
        (
            (F1, symbol("p", "P", public=False)),
            (F1,),
            [("CWA504", "P"), ("CWA501", "p@@P")],
        ),
        # Types and sizes.
        ((symbol("f"),), (symbol("f", kind="object", size=4),), [("CWA107", "f")]),
        ((symbol("f"),), (symbol("f", kind="ifunc"),), []),
        ((symbol("f"),), (symbol("f", kind="notype"),), []),
        ((symbol("f"),), (symbol("f", binding="weak"),), []),
        (
            (symbol("d", kind="object", size=4),),
            (symbol("d", kind="object", size=8),),
            [("CWA108", "d")],
        ),
        (
            (symbol("d", kind="object", size=4),),
            (symbol("d", kind="tls", size=4),),
            [("CWA107", "d")],
        ),
        (
            (symbol("d", kind="object", size=4, public=False),),
            (symbol("d", kind="object", size=8, public=False),),
            [("CWA502", "d")],
        ),
        # Of the version that a program has, not of the one that is linked to now.
        (
            (symbol("d", "V_1", kind="object", size=4),),
            (
                symbol("d", "V_1", default=False, kind="object", size=4),
                symbol("d", "V_2", kind="object", size=8),
            ),
            [("CWA403", "V_2"), ("CWA402", "d@@V_2")],
        ),
    ],
)
def test_changes_of_symbols(
    old: tuple[Exported, ...], new: tuple[Exported, ...], changes: list[tuple[str, str]]
) -> None:
    assert found(old, new) == changes


def test_the_same_tells_nothing_where_the_evidence_differs() -> None:
    """One release came with headers and the other did not: nobody has changed anything."""
    bare = library(symbol("f"), evidence=("nothing",))
    headed = library(symbol("f", public=False))
    assert found(bare, headed) == []
    assert found(headed, bare) == []


def test_without_headers_it_says_that_every_symbol_counts_as_public() -> None:
    bare = snapshot(library(symbol("f"), evidence=("nothing",)))
    _, doubt = compare(bare, bare).unchecked
    assert doubt.startswith("public or private: ")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("libx.so.1", "libx.so.2", [("CWA102", "libx.so.2")]),
        # One library on each side: they are meant to be compared, whatever they are called.
        ("libx.so.1", "libother.so.1", [("CWA102", "libother.so.1")]),
    ],
)
def test_another_soname_is_a_break(old: str, new: str, changes: list[tuple[str, str]]) -> None:
    assert found(library(soname=old), library(soname=new)) == changes


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("libx.so.25.9.5.1", "libx.so.25.9.6.0", True),
        ("libx.so.25.9.5.1", "libx.so.26.9.6.0", False),
    ],
)
def test_hashed_names_are_of_files(old: str, new: str, same: bool) -> None:
    one, other = (library(soname=name, hashed=True) for name in (old, new))
    assert found(one, other) == ([] if same else [("CWA102", new)])
    plain = library(soname=f"{old.partition('.9')[0]}")
    assert found(plain, one) == found(one, plain) == []


def test_libraries_come_and_go() -> None:
    x, y = library(soname="libx.so.1"), library(soname="liby.so.1")
    gone = compare(snapshot(x, y), snapshot(x))
    assert [(c.id, c.subject) for c in gone.changes] == [("CWA101", "liby.so.1")]
    added = compare(snapshot(x), snapshot(x, y))
    assert [(c.id, c.subject) for c in added.changes] == [("CWA404", "liby.so.1")]


def test_a_private_library_may_do_as_it_likes() -> None:
    old = library(symbol("f"), soname="libx.so.1.0", role="private")
    new = library(soname="libx.so.1.1", role="private")
    assert found(old, new) == [("CWA503", "libx.so.1.0")]
    assert compare(snapshot(old), snapshot(new)).verdict == "equal"


def need(soname: str, *versions: str) -> Need:
    return Need(soname=soname, versions=versions)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (need("libc.so.6", "GLIBC_2.17"), need("libc.so.6", "GLIBC_2.5"), []),
        (
            need("libc.so.6", "GLIBC_2.9"),
            need("libc.so.6", "GLIBC_2.17"),
            [("CWA301", "libc.so.6")],
        ),
        # Where a symbol lives within the C library is its own affair.
        (need("libpthread.so.0", "GLIBC_2.17"), need("libc.so.6", "GLIBC_2.17"), []),
        (need("liby.so.1", "Y_1"), need("liby.so.1", "Y_1", "Y_2"), [("CWA301", "liby.so.1")]),
        (need("liby.so.1"), need("libz.so.1"), [("CWA302", "libz.so.1"), ("CWA506", "liby.so.1")]),
        (need("liby.so.1.2.3"), need("liby.so.1"), []),
        (
            need("liby.so.1"),
            need("liby.so.10"),
            [("CWA302", "liby.so.10"), ("CWA506", "liby.so.1")],
        ),
    ],
)
def test_needs(old: Need, new: Need, changes: list[tuple[str, str]]) -> None:
    one, other = library(needs=(old,)), library(needs=(new,))
    assert found(one, other) == changes
    assert compare(snapshot(one), snapshot(other)).verdict == "equal"


def test_what_is_for_another_machine_cannot_be_compared() -> None:
    one = snapshot(library())
    with pytest.raises(UsageError, match="x is for x86_64, x for aarch64"):
        compare(one, replace(one, arch="aarch64"))
    with pytest.raises(UsageError, match="for musl"):
        compare(one, replace(one, libc="musl"))
    # A library that needs no C library goes with any.
    assert compare(one, replace(one, libc="")).verdict == "equal"
