"""``commonwheel abi impact``: whom a new release breaks, and who could use something new of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.check.kit import compiled, library, write
from tests.integration.kit import Outcome, commonwheel

FOO = "libfoo-commonwheel.so.1"
BAR = "libbar-commonwheel.so.2"
TAG = "cp311-cp311-manylinux_2_5_x86_64"
OLD = {"foo": "", "foo_old": ""}
NEW = {"foo": "", "foo_new": ""}
ADMITS = "commonwheel-foo-so1>=1.0"


class House:
    """A folder of wheels, and two releases of the library that they use."""

    def __init__(self, root: Path) -> None:
        self.root, self.wheels = root, root / "wheels"
        self.old = self.release("1.0", OLD)
        self.new = self.release("2.0", NEW)
        (root / FOO).write_bytes(self.code("all", {**OLD, **NEW}))

    def code(self, folder: str, symbols: Mapping[str, str]) -> bytes:
        source = "".join(f"int {name}(void) {{ return 1; }}\n" for name in symbols)
        return compiled(self.root / folder, FOO, source, f"-Wl,-soname,{FOO}")

    def release(self, version: str, symbols: Mapping[str, str]) -> Path:
        headers = {"include/foo.h": "".join(f"int {name}(void);\n" for name in symbols).encode()}
        code = {FOO: self.code(version, symbols)}
        return library(self.root / "releases", "foo-so1", version, code, members=headers)

    def package(self, name: str, source: str, requires: Sequence[str] = (ADMITS,)) -> None:
        flags = ("-Wl,--as-needed", str(self.root / FOO))
        code = compiled(self.root / name, "ext.so", source, *flags)
        members = {f"{name}/ext.so": code}
        write(self.wheels, name, "1.0", members, tag=TAG, requires=requires)

    def asked(self, *words: str | Path) -> Outcome:
        return commonwheel("abi", "impact", self.old, self.new, "--with", self.wheels, *words)

    def answers(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.asked("--format", "json").text)
        return found


def calls(*names: str, more: str = "") -> str:
    declared = "".join(f"int {name}(void);\n" for name in names)
    return f"{declared}{more}\nint call(void) {{ return {' + '.join(f'{n}()' for n in names)}; }}"


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.package("broken", calls("foo", "foo_old"))
    house.package("content", calls("foo"))
    house.package("kept_out", calls("foo"), ["commonwheel-foo-so1<2,>=1.0"])
    house.package("other", "int call(void) { return 1; }", [])
    return house


def test_each_wheel_has_a_verdict_and_the_list_to_rebuild_is_told(house: House) -> None:
    found = house.answers()
    verdicts = {each["distribution"]: each["verdict"] for each in found["wheels"]}
    assert verdicts == {
        "broken": "breaks",
        "kept-out": "excluded",
        "content": "could use",
        "other": "not affected",
    }
    assert [name.partition("-")[0] for name in found["rebuild"]] == ["broken", "kept_out"]
    (broken,) = (each for each in found["wheels"] if each["distribution"] == "broken")
    assert broken["lacks"] == [{"what": "foo_old", "member": "broken/ext.so"}]
    (out,) = (each for each in found["wheels"] if each["distribution"] == "kept-out")
    assert out["reason"] == "requires commonwheel-foo-so1<2,>=1.0"


def test_without_anything_new_what_works_works(house: House) -> None:
    house.new = house.release("1.5", OLD)
    verdicts = {each["distribution"]: each["verdict"] for each in house.answers()["wheels"]}
    assert verdicts["broken"] == verdicts["content"] == verdicts["kept-out"] == "works"


def test_what_mentions_a_new_symbol_is_told(house: House) -> None:
    house.package(
        "weakly",
        calls(
            "foo",
            more="__attribute__((weak)) int foo_new(void);\n"
            "void *at(void) { return (void *)foo_new; }",
        ),
    )
    house.package("by_name", calls("foo", more='const char *name = "foo_new";'))
    mentions = {each["distribution"]: each["mentions"] for each in house.answers()["wheels"]}
    assert mentions["weakly"] == mentions["by-name"] == ["foo_new"]
    assert mentions["content"] == []
    assert "it mentions foo_new" in house.asked("--format", "markdown").text


def test_what_requires_a_broken_wheel_is_affected(house: House) -> None:
    source = calls("foo_old", more="int bar(void) { return 1; }")
    flags = (f"-Wl,-soname,{BAR}", str(house.root / FOO))
    code = compiled(house.root, BAR, source, *flags)
    library(house.wheels, "bar-so2", "1.0", {BAR: code}, requires=[ADMITS])
    ext = compiled(house.root / "top", "ext.so", calls("bar"), str(house.root / BAR))
    write(house.wheels, "top", "1.0", {"top/e.so": ext}, tag=TAG, requires=["commonwheel-bar-so2"])
    write(house.wheels, "pure", "1.0", {"pure/e.py": b""}, tag="py3-none-any", requires=["top"])
    found = {each["distribution"]: each for each in house.answers()["wheels"]}
    assert found["commonwheel-bar-so2"]["verdict"] == "breaks"
    for name in ("top", "pure"):
        assert found[name]["verdict"] == "affected"
        assert found[name]["through"] == ["commonwheel-bar-so2"]


def test_what_opens_a_library_by_itself_is_not_called_safe(house: House) -> None:
    house.package("opener", "int call(void) { return 1; }")
    found = {each["distribution"]: each for each in house.answers()["wheels"]}
    assert found["opener"]["verdict"] == "not checked"
    assert "no DT_NEEDED leads there" in found["opener"]["reason"]


def test_a_file_that_cannot_be_read_is_not_called_safe(house: House) -> None:
    code = compiled(house.root / "cut", "ext.so", calls("foo"), str(house.root / FOO))
    write(house.wheels, "cut", "1.0", {"cut/ext.so": code[:200]}, tag=TAG, requires=[ADMITS])
    found = {each["distribution"]: each for each in house.answers()["wheels"]}
    assert found["cut"]["verdict"] == "not checked"


def test_a_snapshot_is_as_good_as_its_wheel(house: House) -> None:
    told = house.answers()
    for name in ("old", "new"):
        target = house.root / f"{name}.json"
        assert commonwheel("abi", "dump", getattr(house, name), "-o", target).code == 0
        setattr(house, name, target)
    assert house.answers() == told


def test_the_exit_code_is_0_unless_it_is_asked_for(house: House) -> None:
    assert house.asked().code == 0
    outcome = house.asked("--exit-code")
    assert outcome.code == 18
    assert "2 wheels to build again (1 breaks, 1 excluded, 1 could use, 1 not affected)" in (
        outcome.text
    )
    house.new = house.release("1.5", OLD)
    assert house.asked("--exit-code").code == 0


def test_each_rendering_names_what_breaks(house: House) -> None:
    for name in ("table", "json", "markdown", "github"):
        target = house.root / name
        assert house.asked("--format", name, "-o", target).code == 0
        assert "foo_old" in target.read_text()
    lines = (house.root / "github").read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::notice", "::error", "::error"]


def test_what_is_given_wrongly_is_an_error_that_says_so(house: House) -> None:
    outcome = commonwheel("abi", "impact", house.old, house.new)
    assert outcome.code == 2
    assert "--with PATH" in outcome.text
    bad = house.wheels / "bad-1.0-py3-none-any.whl"
    bad.write_bytes(b"no zip")
    outcome = house.asked()
    assert outcome.code == 9
    assert bad.name in outcome.text
    assert "Traceback" not in outcome.text
