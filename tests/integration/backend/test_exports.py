"""Which symbols a library shows, and under which version nodes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commonwheel.elf import Elf, exported_names, read_elf
from commonwheel.process import run
from tests.integration.kit import Workshop, elf_members, extract
from tests.integration.projects import Target, autotools

C_SOURCE = "int good_one(void){return 1;} int good_two(void){return 2;} int inner(void){return 3;}"
CXX_SOURCE = """\
#include <vector>
namespace good { struct Thing { virtual ~Thing(); int size(int n); }; }
namespace inner { int hidden(int n) { return n; } }
good::Thing::~Thing() {}
int good::Thing::size(int n) { std::vector<int> v(n); return v.size() + inner::hidden(n); }
extern "C" int good_c(void) { return 5; }
"""
MAP = """\
V_1 { global: one; old; local: *; };
V_2 { global: two; old; } V_1;
"""
VERSIONED = """\
int one(void) { return 1; }
int two(void) { return 2; }
int three(void) { return 3; }
int old_1(void) { return 10; }
int old_2(void) { return 20; }
__asm__(".symver old_1,old@V_1");
__asm__(".symver old_2,old@@V_2");
"""
NODES = {("one", "V_1"), ("old", "V_1"), ("old", "V_2"), ("two", "V_2")}
# The three ways in which linkers are told a SONAME.
SPELLINGS = {
    "comma": "",
    "equals": "-Wl,-soname=libx.so.1",
    "libtool": "-Wl,-soname -Wl,libx.so.1",
    "with more": "-Wl,-soname,libx.so.1,-z,defs",
}


def build(
    workshop: Workshop, source: Mapping[str, str], flags: str, exports: list[str], **build: Any
) -> tuple[int, str]:
    target = Target(soname="libx.so.1", sources=source, flags=flags)
    files = autotools(target, files={"x.map": MAP})
    library = {"soname": "libx.so.1", "exports": exports}
    workshop.library("x", {"1.0": files}, [library], build=build)
    outcome = workshop.build("x")
    return outcome.code, outcome.text


def only(workshop: Workshop) -> Elf:
    (elf,) = elf_members(workshop.wheel("commonwheel_x")).values()
    return elf


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_the_patterns_do_not_name_is_hidden(workshop: Workshop, spelling: str) -> None:
    code, text = build(workshop, {"x.c": C_SOURCE}, SPELLINGS[spelling], ["good_*"])
    assert code == 0, text
    assert exported_names(only(workshop)) == {("good_one", None), ("good_two", None)}
    assert only(workshop).version_definitions == ()


def test_everything_is_shown_without_patterns(workshop: Workshop) -> None:
    code, text = build(workshop, {"x.c": C_SOURCE}, "", [])
    assert code == 0, text
    assert {name for name, _ in exported_names(only(workshop))} == {
        "good_one",
        "good_two",
        "inner",
    }


def test_cxx(workshop: Workshop) -> None:
    languages = {"languages": ["c", "c++"]}
    exports = ["good_*", "_ZN4good*", "_ZT?N4good*"]
    code, text = build(workshop, {"x.cc": CXX_SOURCE}, "", exports, **languages)
    assert code == 0, text
    names = {name for name, _ in exported_names(only(workshop))}
    assert {"good_c", "_ZN4good5Thing4sizeEi", "_ZTVN4good5ThingE"} <= names
    assert not [name for name in names if "inner" in name or "vector" in name]


def test_upstreams_map_is_kept_with_its_nodes(workshop: Workshop, tmp_path: Path) -> None:
    code, text = build(
        workshop, {"x.c": VERSIONED}, "-Wl,--version-script=@src@/x.map", ["one", "two", "old"]
    )
    assert code == 0, text
    elf = only(workshop)
    assert elf.version_definitions == ("V_1", "V_2")
    assert exported_names(elf) == NODES
    # What was linked with version nodes runs: ld.so ends a process for which one is missing.
    site = extract(workshop.wheel("commonwheel_x"), tmp_path / "site")
    lib = site / "commonwheel_libs/x_so1/lib"
    (tmp_path / "main.c").write_text(
        "int one(void); int two(void); int old(void);"
        "int main(void) { return one() + two() + old() != 23; }"
    )
    program = tmp_path / "main"
    run(["gcc", "-o", program, tmp_path / "main.c", f"-L{lib}", "-lx", f"-Wl,-rpath,{lib}"])
    needs = dict(read_elf(program).version_needs)
    assert set(needs["libx-commonwheel.so.1"]) == {"V_1", "V_2"}
    run([program], env={})


def test_a_map_that_shows_more_than_the_patterns_is_an_error(workshop: Workshop) -> None:
    code, text = build(
        workshop, {"x.c": VERSIONED}, "-Wl,--version-script=@src@/x.map", ["one", "two"]
    )
    assert code == 6
    assert "libx.so.1 exports 1 symbols that abi.exports does not admit: old" in text
    assert "version map" in text
    assert not list(workshop.wheelhouse.glob("*.whl"))


def test_a_pattern_that_matches_nothing_is_an_error(workshop: Workshop) -> None:
    code, text = build(workshop, {"x.c": C_SOURCE}, "", ["good_*", "gone_*"])
    assert code == 6
    assert "abi.exports 'gone_*' matches no symbol" in text
