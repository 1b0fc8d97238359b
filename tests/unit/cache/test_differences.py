import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from commonwheel.cache.differences import build_differences, repair_differences
from commonwheel.cache.keys import build_inputs, repair_inputs

Inputs = dict[str, Any]
Change = Callable[[Inputs], None]

USE = {"name": "zlib", "line": "zlib-so1", "version": "1.3.1", "stability": "line"}
BUILD: Inputs = {
    "schema": 2,
    "recipe": {
        "name": "geos",
        "license_files": ["COPYING"],
        "libraries": [{"soname": "libgeos.so.1", "role": "public", "exports": []}],
        "provided": [USE],
        "needs": {"tools": [], "programs": {}},
        "build": {
            "options": ["-DA=ON", "-DB=1"],
            "environment": {"CPPFLAGS": "-DONE -DTWO"},
        },
        "sources": [
            {"origin": "here", "sha256": "0" * 64},
            {"origin": "there", "sha256": "1" * 64},
        ],
        "patches": ["0001-a.patch", "0002-b.patch"],
        "singleton": False,
    },
    "source": "0" * 64,
    "patches": {"0001-a.patch": "00", "0002-b.patch": "01"},
    "providers": {"commonwheel_zlib_so1-1.3.1-py3-none-linux_x86_64.whl": "aa"},
    "constraints": {"cmake": ["cmake==3.31.9"], "numpy": ["numpy==1; python_version < '4'"]},
    "engine": {"engine": "host", "libc": "glibc 2.36", "gcc": "g1", "ninja": "absent"},
    "code": {"elf/read.py": "c1", "stage.py": "c2"},
    "tools": {"cyclonedx-python-lib": "9.1"},
}
REPAIR: Inputs = {
    "schema": 2,
    "build": "k1",
    "options": {"version": "1.0+x.1", "known": ["libz.so.1"], "epoch": 1, "grafts": []},
    "code": {"repair/loader.py": "c1"},
    "tools": {"auditwheel": "6.4"},
}


def recipe(key: str, value: Any) -> Change:
    return lambda inputs: inputs["recipe"].update({key: value})


def options(*words: str) -> Change:
    return lambda inputs: inputs["recipe"]["build"].update(options=list(words))


def part(name: str, **values: Any) -> Change:
    return lambda inputs: inputs[name].update(values)


def without(name: str, key: str) -> Change:
    return lambda inputs: inputs[name].pop(key)


def whole(name: str, value: Any) -> Change:
    return lambda inputs: inputs.update({name: value})


ZLIB = "commonwheel_zlib_so1-{}-py3-none-manylinux_2_17_x86_64.whl"
CASES: list[tuple[Change, str, list[str]]] = [
    (options("-DA=ON", "-DB=1", "-Dx=ON"), "recipe.build.options", ["build.options: -Dx=ON added"]),
    (options("-DA=ON"), "recipe.build.options", ["build.options: -DB=1 removed"]),
    (options("-DA=OFF", "-DB=1"), "recipe.build.options", ["build.options: -DA=ON → -DA=OFF"]),
    (options("-DB=1", "-DA=ON"), "recipe.build.options", ["build.options: other order"]),
    (
        lambda inputs: inputs["recipe"]["build"]["environment"].update(CPPFLAGS="-DONE -DNEW"),
        "recipe.build.environment.CPPFLAGS",
        ["build.environment.CPPFLAGS: -DNEW added; -DTWO removed"],
    ),
    (
        lambda inputs: inputs["recipe"]["build"]["environment"].update(X="1"),
        "recipe.build.environment.X",
        ["build.environment.X: 1 added"],
    ),
    (
        recipe("libraries", [{"soname": "libgeos.so.1", "role": "public", "exports": ["G*"]}]),
        "recipe.abi.libraries[libgeos.so.1].exports",
        ["abi.libraries[libgeos.so.1].exports: G* added"],
    ),
    (
        recipe("license_files", ["C"]),
        "recipe.license_files",
        ["license-files: C added; COPYING removed"],
    ),
    (recipe("singleton", True), "recipe.singleton", ["singleton: false → true"]),
    (
        recipe("needs", {"tools": [], "programs": {"tclsh": "tcl"}}),
        "recipe.requires.programs.tclsh",
        ["requires.programs.tclsh: tcl added"],
    ),
    (
        recipe("provided", [USE | {"version": "1.3.2"}]),
        "recipe.uses.zlib",
        ["uses zlib: 1.3.1 (zlib-so1, line) → 1.3.2 (zlib-so1, line)"],
    ),
    (recipe("provided", []), "recipe.uses.zlib", ["uses zlib no longer"]),
    (recipe("provided", [USE, USE | {"name": "xz"}]), "recipe.uses.xz", ["uses xz now"]),
    (
        recipe("patches", ["0002-b.patch", "0001-a.patch"]),
        "recipe.patches",
        ["patches: other order"],
    ),
    (
        lambda inputs: inputs["recipe"]["sources"].reverse(),
        "recipe.sources",
        ["sources: other order"],
    ),
    (
        whole("source", "f" * 64),
        "source",
        ["source: another file, sha256 000000000000… → ffffffffffff…"],
    ),
    (
        part("patches", **{"0001-a.patch": "ff"}),
        "patches.0001-a.patch",
        ["patch 0001-a.patch changed"],
    ),
    (without("patches", "0002-b.patch"), "patches.0002-b.patch", ["patch 0002-b.patch removed"]),
    (
        whole("providers", {ZLIB.format("1.3.1"): "bb"}),
        "providers.commonwheel_zlib_so1",
        ["provider commonwheel_zlib_so1-1.3.1 has other bytes"],
    ),
    (
        whole("providers", {"commonwheel_zlib_so1-1.3.1": ""}),
        "providers.commonwheel_zlib_so1",
        ["provider commonwheel_zlib_so1-1.3.1 has other bytes"],
    ),
    (
        whole("providers", {ZLIB.format("1.3.2"): "bb"}),
        "providers.commonwheel_zlib_so1",
        ["provider commonwheel_zlib_so1 1.3.1 → 1.3.2"],
    ),
    (
        whole("providers", {}),
        "providers.commonwheel_zlib_so1",
        ["provider commonwheel_zlib_so1-1.3.1 removed"],
    ),
    (
        part("constraints", cmake=["cmake==3.31.10"]),
        "constraints.cmake",
        ["cmake 3.31.9 → 3.31.10"],
    ),
    (part("constraints", ninja=["ninja==1"]), "constraints.ninja", ["constraints: ninja==1 added"]),
    (
        part("constraints", numpy=["numpy==1; python_version < '4'", "numpy==2"]),
        "constraints.numpy",
        ["constraints: numpy==2 added"],
    ),
    (part("engine", gcc="g2"), "engine.gcc", ["gcc changed"]),
    (part("engine", gcc="absent"), "engine.gcc", ["gcc is not here, and was"]),
    (part("engine", ninja="n1"), "engine.ninja", ["ninja is here, and was not"]),
    (part("engine", make="m1"), "engine.make", ["make added"]),
    (part("engine", libc="glibc 2.41"), "engine.libc", ["libc glibc 2.36 → glibc 2.41"]),
    (
        whole("code", {"elf/read.py": "c9", "stage.py": "c9", "new.py": "c3"}),
        "code",
        ["toolkit code: elf/read.py, stage.py changed; new.py added"],
    ),
    (
        part("tools", **{"cyclonedx-python-lib": "9.2"}),
        "tools.cyclonedx-python-lib",
        ["cyclonedx-python-lib 9.1 → 9.2"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2][0])
def test_a_difference_is_said_in_words(case: tuple[Change, str, list[str]]) -> None:
    change, place, texts = case
    now = copy.deepcopy(BUILD)
    change(now)
    found = build_differences(BUILD, now)
    assert [difference.text for difference in found] == texts
    assert [difference.input for difference in found] == [place]
    assert all(difference.old != difference.new for difference in found)
    assert build_differences(now, copy.deepcopy(now)) == []


def test_a_new_patch_is_told_once() -> None:
    now = copy.deepcopy(BUILD)
    now["recipe"]["patches"].append("0003-c.patch")
    now["patches"]["0003-c.patch"] = "03"
    assert [each.text for each in build_differences(BUILD, now)] == ["patch 0003-c.patch added"]


def test_no_input_is_forgotten() -> None:
    nothing: Inputs = {"build": {}, "patches": {}, "providers": {}, "constraints": {}, "engine": {}}
    assert set(build_inputs(source="", **nothing)) == set(BUILD)
    assert set(repair_inputs(build_key="", options={})) == set(REPAIR)
    for name, value in BUILD.items():
        other: Any = {} if isinstance(value, dict) else 3 if name == "schema" else "ff"
        assert build_differences(BUILD, BUILD | {name: other}), name


def test_what_has_not_been_stored_yet_has_tuples() -> None:
    now = copy.deepcopy(BUILD)
    now["recipe"]["build"]["options"] = tuple(now["recipe"]["build"]["options"])
    now["constraints"] = {key: tuple(pins) for key, pins in now["constraints"].items()}
    assert build_differences(BUILD, now) == []


def test_another_layout_of_inputs_is_not_compared() -> None:
    old = {"schema": 1, "code": "one digest"}
    (found,) = build_differences(old, BUILD)
    assert (found.input, found.old, found.new) == ("schema", 1, 2)
    assert "in another way" in found.text


def test_long_values_are_cut_in_the_text_alone() -> None:
    now = copy.deepcopy(BUILD)
    now["recipe"]["name"] = "n" * 200
    (found,) = build_differences(BUILD, now)
    assert found.new == "n" * 200
    assert len(found.text) < 100


def test_many_files_are_counted_in_the_text_alone() -> None:
    now = copy.deepcopy(BUILD)
    now["code"] |= {f"elf/{number}.py": "new" for number in range(6)}
    (found,) = build_differences(BUILD, now)
    shown = "elf/0.py, elf/1.py, elf/2.py, elf/3.py and 2 more added"
    assert found.text == f"toolkit code: {shown}"
    assert len(found.new) == 6


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (part("options", version="1.0+x.2"), "version: 1.0+x.1 → 1.0+x.2"),
        (
            part("options", known=["libz.so.1", "libexpat.so.1"]),
            "libraries that have a recipe: libexpat.so.1 added",
        ),
        (part("options", epoch=2), "time of the source: 1 → 2"),
        (part("code", **{"repair/loader.py": "c2"}), "toolkit code: repair/loader.py changed"),
        (part("tools", auditwheel="6.5"), "auditwheel 6.4 → 6.5"),
    ],
)
def test_a_repair_is_compared_apart(change: Change, text: str) -> None:
    now = copy.deepcopy(REPAIR)
    change(now)
    assert [each.text for each in repair_differences(REPAIR, now)] == [text]


def test_the_raw_wheel_is_no_difference_of_a_repair() -> None:
    assert repair_differences(REPAIR, REPAIR | {"build": "k2"}) == []


def test_differences_are_json() -> None:
    now = copy.deepcopy(BUILD)
    now["code"] = {}
    (found,) = build_differences(BUILD, now)
    assert json.loads(json.dumps(found.new)) == {"elf/read.py": None, "stage.py": None}
