"""Which symbols get in each other's way."""

import pytest

from commonwheel.check.symbols import EVERYBODYS, Strong, clashes, reached, some
from commonwheel.elf import Elf
from commonwheel.text import counted


def elf(*needed: str) -> Elf:
    return Elf(
        name="x", bits=64, endian="little", machine="x86_64", type="shared", needed=tuple(needed)
    )


@pytest.mark.parametrize(
    "name",
    [
        "_init",
        "_edata",
        "main",
        "PyInit__ext",
        "_ZTI3Foo",
        "_ZTVN3foo3BarE",
        "_ZGVZ3foovE1x",
        "_ZGTtNKSt11logic_error4whatEv",
        "_ZNSt6vectorIiE4pushEv",
        "_ZNKSt6vectorIiE4sizeEv",
        "_ZSt28__throw_bad_array_new_lengthv",
        "_ZNSsC1Ev",
        "_ZN9__gnu_cxx3fooEv",
        "_Znwm",
        "__cxa_call_terminate",
    ],
)
def test_what_every_object_has_does_not_count(name: str) -> None:
    assert EVERYBODYS.match(name)


@pytest.mark.parametrize(
    "name",
    ["initialise", "_initialise", "main_loop", "__gmpz_init", "_ZN4geos4geom5PointC1Ev", "_Z3foov"],
)
def test_names_of_libraries_count(name: str) -> None:
    assert EVERYBODYS.match(name) is None


@pytest.mark.parametrize(
    ("mine", "theirs", "clash"),
    [
        ({None}, {None}, True),
        ({None}, {"V1"}, True),
        ({"V1", "V2"}, {"V2", "V3"}, True),
        ({"V1"}, {"V2"}, False),
    ],
)
def test_version_nodes_tell_definitions_apart(
    mine: set[str | None], theirs: set[str | None], *, clash: bool
) -> None:
    first = Strong({*(("f", node) for node in mine), ("g", None), ("_init", None)})
    second = Strong({*(("f", node) for node in theirs), ("h", None), ("_init", None)})
    assert clashes(first, second) == clashes(second, first) == (["f"] if clash else [])


def test_all_that_is_loaded_is_reached_in_circles_too() -> None:
    known = {"liba": elf("libb"), "libb": elf("liba", "libc.so.6"), "libd": elf()}
    assert reached(elf("liba"), known) == {"liba", "libb", "libc.so.6"}


def test_long_lists_are_cut() -> None:
    assert some("abc") == "a, b, c"
    assert some("abcd") == "a, b, c, …"
    assert [counted(n, "symbol") for n in (1, 2)] == ["1 symbol", "2 symbols"]
