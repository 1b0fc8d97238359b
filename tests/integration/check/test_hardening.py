"""Each gate of hardening, tripped by a wheel and missed by one that is close to it."""

import platform
from pathlib import Path

import pytest

from tests.integration.check.kit import checked, compiled, found, library, unchecked, write

SONAME = "libfoo-commonwheel.so.1"
MEMBER = f"commonwheel_libs/foo_so1/lib/{SONAME}"
ONE = "int foo(void) { return 1; }"
GREETS = '#include <stdio.h>\nint foo(int n) { return printf("%d", n) + 1; }'
COPIES = "#include <string.h>\nvoid foo(char *to, const char *from) { strcpy(to, from); }"
# Much code, of which nothing has an array on its stack.
BIG = "volatile int x; void foo(void) {" + "x += 1;" * 12000 + "}"
X86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="of x86-64")


def ours(folder: Path, source: str, *flags: str, suffix: str = ".c") -> Path:
    own = (f"-Wl,-soname,{SONAME}", "-w", *flags)
    code = compiled(folder, "libfoo", source, *own, suffix=suffix)
    return library(folder / "wheels", "foo-so1", "1.0", {SONAME: code})


def foreign(folder: Path, version: str, source: str, *flags: str, file: str = "foo.so") -> Path:
    code = compiled(folder / version, "x.so", source, "-w", *flags)
    tag = "cp311-cp311-manylinux_2_17_x86_64"
    return write(folder / "wheels", "foo", version, {f"foo/{file}": code}, tag=tag)


def told(path: Path, gate: str, *beside: Path) -> list[str]:
    return found(checked(path, *beside)).get(gate, [])


def test_cw401_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, ONE, "-Wl,-z,execstack")
    assert told(path, "CW401") == [
        f"{path.name}:{MEMBER}: asks for an executable stack: PT_GNU_STACK says so"
    ]


def test_cw401_trips_without_the_header(tmp_path: Path) -> None:
    raw = bytearray(compiled(tmp_path, "x.so", ONE))
    at = raw.index(b"\x51\xe5\x74\x64")
    raw[at : at + 4] = b"\0\0\0\0"
    path = write(tmp_path / "wheels", "foo", "1.0", {"foo.so": bytes(raw)})
    assert told(path, "CW401") == [
        f"{path.name}:foo.so: asks for an executable stack: it has no PT_GNU_STACK header"
    ]


def test_cw401_near_miss(tmp_path: Path) -> None:
    assert told(ours(tmp_path, ONE, "-Wl,-z,noexecstack"), "CW401") == []


TEXTREL = 'extern int other; __asm__(".text\\n.quad other\\n");' + ONE


@X86_64
def test_cw402_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, TEXTREL, "-Wl,-z,notext")
    assert told(path, "CW402") == [f"{path.name}:{MEMBER}: has text relocations (DT_TEXTREL)"]


@X86_64
def test_cw402_trips_where_the_release_before_had_none(tmp_path: Path) -> None:
    before = foreign(tmp_path, "1.0", ONE)
    after = foreign(tmp_path, "1.1", TEXTREL, "-Wl,-z,notext")
    assert told(after, "CW402", before) == [
        (
            f"{after.name}:foo/foo.so: has text relocations (DT_TEXTREL); the file in "
            f"{before.name} "
            "has none"
        )
    ]


@X86_64
def test_cw402_near_miss_data_relocations(tmp_path: Path) -> None:
    source = "extern int other; int *foo = &other;"
    assert told(ours(tmp_path, source, "-Wl,-z,notext"), "CW402") == []


def test_cw403_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, ONE, "-Wl,-z,norelro")
    assert told(path, "CW403") == [f"{path.name}:{MEMBER}: has no PT_GNU_RELRO"]


def test_cw403_near_miss_lazy(tmp_path: Path) -> None:
    assert told(ours(tmp_path, ONE, "-Wl,-z,lazy"), "CW403") == []


def test_cw404_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, ONE, "-Wl,-z,lazy")
    reason = "is bound lazily (neither DF_BIND_NOW nor DF_1_NOW)"
    assert told(path, "CW404") == [f"{path.name}:{MEMBER}: {reason}"]


def test_cw404_near_miss_without_relro(tmp_path: Path) -> None:
    assert told(ours(tmp_path, ONE, "-Wl,-z,norelro"), "CW404") == []


@pytest.mark.parametrize(
    "file", ["foo.cpython-311-x86_64-linux-gnu.so", "foo.abi3.so", "libfoo-0123abcd.so.1"]
)
def test_cw404_trips_where_a_file_was_better_before(tmp_path: Path, file: str) -> None:
    was = {"libfoo-0123abcd.so.1": "libfoo-fiona-76543210.so.1"}.get(file, "foo.so")
    before = foreign(tmp_path, "1.0", ONE, file=was)
    after = foreign(tmp_path, "1.1", ONE, "-Wl,-z,lazy", file=file)
    (message,) = told(after, "CW404", before)
    assert message.endswith(f"(neither DF_BIND_NOW nor DF_1_NOW); the file in {before.name} has it")


def test_cw404_near_miss_that_was_never_better(tmp_path: Path) -> None:
    before = foreign(tmp_path, "1.0", ONE, "-Wl,-z,lazy")
    after = foreign(tmp_path, "1.1", ONE, "-Wl,-z,lazy")
    report = checked(after, before)
    assert "CW404" not in found(report) | unchecked(report)


def test_cw404_near_miss_where_only_our_build_was_better(tmp_path: Path) -> None:
    before = foreign(tmp_path, "1.0+commonwheel.1", ONE)
    after = foreign(tmp_path, "1.1", ONE, "-Wl,-z,lazy")
    report = checked(after, before)
    assert "CW404" not in found(report)
    assert "CW404" in unchecked(report)


def test_cw404_near_miss_with_nothing_to_compare(tmp_path: Path) -> None:
    after = foreign(tmp_path, "1.1", ONE, "-Wl,-z,lazy")
    assert unchecked(checked(after))["CW404"] == [
        "no earlier release of this distribution was given"
    ]
    before = foreign(tmp_path, "1.0", ONE, file="bar.so")
    assert unchecked(checked(after, before))["CW404"] == ["the file is not in the earlier release"]


def test_cw405_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, BIG)
    (message,) = told(path, "CW405")
    assert message.startswith(f"{path.name}: nothing refers to __stack_chk_fail in ")


def test_cw405_trips_where_a_file_was_better_before(tmp_path: Path) -> None:
    before = foreign(tmp_path, "1.0", COPIES, "-fstack-protector-all")
    after = foreign(tmp_path, "1.1", BIG)
    (message,) = told(after, "CW405", before)
    assert message.startswith(f"{after.name}:foo/foo.so: nothing refers to __stack_chk_fail")


def test_cw405_near_miss_little_code(tmp_path: Path) -> None:
    report = checked(ours(tmp_path, ONE))
    assert "CW405" not in found(report)
    assert "may have no function that needs it" in unchecked(report)["CW405"][0]


def test_cw405_near_miss_one_function(tmp_path: Path) -> None:
    source = BIG + "void use(char *); void bar(void) { char a[99]; use(a); }"
    report = checked(ours(tmp_path, source))
    assert "CW405" not in found(report) | unchecked(report)


def test_cw406_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, GREETS, "-U_FORTIFY_SOURCE")
    assert told(path, "CW406") == [
        f"{path.name}:{MEMBER}: takes plain printf and no checked function of the C library"
    ]


def test_cw406_near_miss(tmp_path: Path) -> None:
    assert told(ours(tmp_path, GREETS), "CW406") == []


def test_cw406_near_miss_that_tells_nothing(tmp_path: Path) -> None:
    # Of a buffer of unknown size, strcpy stays as it is.
    report = checked(ours(tmp_path, COPIES))
    assert unchecked(report)["CW406"] == ["no file takes a function by which it could be told"]
    assert "CW406" not in found(report)


def test_cw406_trips_where_a_file_was_better_before(tmp_path: Path) -> None:
    before = foreign(tmp_path, "1.0", GREETS)
    after = foreign(tmp_path, "1.1", GREETS, "-U_FORTIFY_SOURCE")
    assert told(after, "CW406", before) == [
        (
            f"{after.name}:foo/foo.so: takes plain printf and no checked function of the C "
            f"library; "
            f"the file in {before.name} takes checked ones"
        )
    ]


@X86_64
def test_cw407_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, ONE, "-fcf-protection=none")
    assert told(path, "CW407") == [
        f"{path.name}:{MEMBER}: does not say that its code keeps to IBT and SHSTK"
    ]


@X86_64
def test_cw407_near_miss(tmp_path: Path) -> None:
    report = checked(ours(tmp_path, ONE, "-Wl,-z,ibt", "-Wl,-z,shstk"))
    assert "CW407" not in found(report) | unchecked(report)


@X86_64
def test_cw407_near_miss_start_files_without_the_note(tmp_path: Path) -> None:
    # An object without the note, such as Debian's start files are.
    plain = tmp_path / "plain.s"
    plain.write_text('.section .note.GNU-stack,"",@progbits\n')
    report = checked(ours(tmp_path, ONE, str(plain)))
    assert "CW407" not in found(report)
    assert "start files of its toolchain lack the note" in unchecked(report)["CW407"][0]


@X86_64
def test_cw407_trips_where_a_file_was_better_before(tmp_path: Path) -> None:
    before = foreign(tmp_path, "1.0", ONE, "-Wl,-z,ibt", "-Wl,-z,shstk")
    after = foreign(tmp_path, "1.1", ONE, "-fcf-protection=none")
    assert told(after, "CW407", before) == [
        (
            f"{after.name}:foo/foo.so: does not say that its code keeps to IBT and SHSTK; "
            f"the file in "
            f"{before.name} does"
        )
    ]
