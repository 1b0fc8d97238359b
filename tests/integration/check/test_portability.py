"""Each gate of portability, tripped by a wheel and missed by one that is close to it."""

import json
import platform
import sys
from pathlib import Path

import pytest

from commonwheel.check.case import Tools
from commonwheel.check.gates import hardening, portability
from commonwheel.check.tag import true_tag
from commonwheel.elf import exported, read_elf
from commonwheel.process import run
from tests.integration.check.kit import (
    TAG,
    checked,
    compiled,
    found,
    library,
    seen,
    unchecked,
    write,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the tags are of x86-64")

SONAME = "libfoo-commonwheel.so.1"
MEMBER = f"commonwheel_libs/foo_so1/lib/{SONAME}"
ONE = "int foo(void) { return 1; }"
# GLIBC_2.14
NEWER = "#include <string.h>\nvoid *foo(void *a, void *b, int n) { return memcpy(a, b, n); }"


def foreign(folder: Path, tag: str, source: str = ONE, *flags: str) -> Path:
    code = compiled(folder, "x.so", source, "-w", *flags)
    return write(folder / "wheels", "foo", "1.0", {"foo/x.so": code}, tag=f"cp311-cp311-{tag}")


def ours(folder: Path, source: str, *flags: str, suffix: str = ".c", tag: str = TAG) -> Path:
    own = (f"-Wl,-soname,{SONAME}", "-w", *flags)
    code = compiled(folder, "libfoo", source, *own, suffix=suffix)
    return library(folder / "wheels", "foo-so1", "1.0", {SONAME: code}, tag=f"py3-none-{tag}")


def told(path: Path, gate: str, *beside: Path, tools: Tools | None = None) -> list[str]:
    return found(checked(path, *beside, tools=tools)).get(gate, [])


def shown(path: Path) -> str:
    """What auditwheel says."""
    said = run([sys.executable, "-m", "auditwheel", "show", "--json", path]).output
    return str(json.loads(said[said.index("{") :])["overall_tag"])


BLACKLISTED = "extern void _tr_init(void *); void foo(void) { _tr_init(0); }"


@pytest.mark.parametrize(
    ("tag", "source", "flags"),
    [
        ("manylinux_2_17_x86_64", ONE, []),
        ("linux_x86_64", NEWER, []),
        ("manylinux2014_x86_64", NEWER, ["-Wl,--no-as-needed", "{libexpat}"]),
        ("linux_x86_64", "double exp(double); double foo(double x) { return exp(x); }", ["-lm"]),
        ("linux_x86_64", ONE, ["-Wl,-z,x86-64-v3", "-Wa,-mx86-used-note=yes"]),
        ("linux_x86_64", BLACKLISTED, ["-Wl,--no-as-needed", "{libz}"]),
        ("linux_x86_64", ONE, ["-Wl,--no-as-needed", "{libz}"]),
        ("linux_x86_64", ONE, ["-Wl,--no-as-needed", "{libelsewhere}"]),
        ("linux_x86_64", ONE, ["-Wl,--no-as-needed", "{libmvec}"]),
        ("linux_x86_64", "extern int PyFPE_jbuf; int foo() { return PyFPE_jbuf; }", []),
        (
            "manylinux_2_17_x86_64",
            "extern int PyFPE_jbuf; int PyInit_x() { return PyFPE_jbuf; }",
            [],
        ),
        ("musllinux_1_2_x86_64", ONE, ["-nostdlib", "{libc.musl-x86_64}"]),
        ("linux_x86_64", ONE, ["-nostdlib", "{libc.musl-x86_64}"]),
    ],
)
def test_the_true_tag_is_what_auditwheel_shows(
    tmp_path: Path, tag: str, source: str, flags: list[str]
) -> None:
    path = foreign(tmp_path, tag, source, *(_stub(tmp_path, flag) for flag in flags))
    assert true_tag(seen(path)) == shown(path)


def _stub(folder: Path, flag: str) -> str:
    """A library to link with, for ``{libz}``: an empty one of the SONAME ``libz.so.1``."""
    if not flag.startswith("{"):
        return flag
    name = f"{flag.strip('{}')}.so.1"
    compiled(folder, name, "int stub;", f"-Wl,-soname,{name}", "-nostdlib")
    return str(folder / name)


def test_cw501_trips(tmp_path: Path) -> None:
    path = foreign(tmp_path, "manylinux_2_12_x86_64", NEWER)
    assert told(path, "CW501") == [
        (
            f"{path.name}:foo/x.so: the tag manylinux_2_12_x86_64 promises machines that lack "
            "GLIBC_2.14; manylinux_2_17_x86_64 is true"
        )
    ]


def test_cw501_trips_where_one_of_several_tags_is_untrue(tmp_path: Path) -> None:
    path = foreign(tmp_path, "manylinux1_x86_64.manylinux2014_x86_64", NEWER)
    (message,) = told(path, "CW501")
    assert "the tag manylinux_2_5_x86_64 promises" in message


@pytest.mark.parametrize("tag", ["manylinux2014_x86_64", "manylinux_2_20_x86_64"])
def test_cw501_near_miss(tmp_path: Path, tag: str) -> None:
    report = checked(foreign(tmp_path, tag, NEWER))
    assert "CW501" not in found(report) | unchecked(report)


def test_cw501_near_miss_a_platform_without_a_policy(tmp_path: Path) -> None:
    report = checked(foreign(tmp_path, "manylinux_2_13_x86_64", NEWER))
    # 2.12 lacks it, 2.17 has it: of 2.13 nothing is known.
    assert unchecked(report)["CW501"] == ["no policy is known for manylinux_2_13_x86_64"]


def test_cw501_near_miss_a_library_of_no_platform(tmp_path: Path) -> None:
    stub = _stub(tmp_path, "{libelsewhere}")
    report = checked(foreign(tmp_path, "manylinux_2_17_x86_64", ONE, "-Wl,--no-as-needed", stub))
    assert "CW501" not in found(report)
    assert unchecked(report)["CW501"] == ["no platform has libelsewhere.so.1"]


def test_cw502_trips(tmp_path: Path) -> None:
    path = foreign(tmp_path, "manylinux_2_28_x86_64", NEWER)
    assert told(path, "CW502") == [
        (
            f"{path.name}: the tag manylinux_2_28_x86_64 is needlessly high: "
            f"manylinux_2_17_x86_64 is "
            "true"
        )
    ]
    assert checked(path).passes


def test_cw502_trips_on_a_plain_tag_of_ours(tmp_path: Path) -> None:
    path = ours(tmp_path, ONE, tag="linux_x86_64")
    assert told(path, "CW502") == [
        f"{path.name}: the tag linux_x86_64 is needlessly high: manylinux_2_5_x86_64 is true"
    ]
    assert not checked(path).passes


def test_cw502_near_miss_the_lowest_of_several(tmp_path: Path) -> None:
    path = foreign(tmp_path, "manylinux2014_x86_64.manylinux_2_28_x86_64", NEWER)
    assert told(path, "CW502") == []


@pytest.mark.parametrize("tag", ["linux_armv6l", "android_24_arm64_v8a"])
def test_cw502_near_miss_an_architecture_of_no_policy(tmp_path: Path, tag: str) -> None:
    path = foreign(tmp_path, tag)
    assert true_tag(seen(path)) is None
    assert told(path, "CW502") == []


def test_a_module_that_takes_nothing_is_of_the_musl_in_its_name(tmp_path: Path) -> None:
    name = "x.cpython-311-x86_64-linux-musl.so"
    code = compiled(tmp_path, name, ONE, "-nostdlib", hardened=False)
    path = write(
        tmp_path / "wheels", "foo", "1.0", {f"foo/{name}": code}, tag="cp311-cp311-linux_x86_64"
    )
    assert true_tag(seen(path)) == shown(path) == "musllinux_1_2_x86_64"


def test_cw506_trips(tmp_path: Path) -> None:
    path = foreign(tmp_path, "manylinux_2_17_aarch64")
    assert told(path, "CW506") == [
        f"{path.name}:foo/x.so: is of x86_64, and the wheel is for manylinux_2_17_aarch64"
    ]


def test_cw506_trips_on_any(tmp_path: Path) -> None:
    path = foreign(tmp_path, "any")
    assert told(path, "CW506") == [f"{path.name}:foo/x.so: is of x86_64, and the wheel is for any"]


def test_cw506_near_miss_an_architecture_that_is_not_known(tmp_path: Path) -> None:
    report = checked(foreign(tmp_path, "linux_armv6l"))
    assert "CW506" not in found(report)
    assert unchecked(report)["CW506"] == ["no architecture is known by the tag linux_armv6l"]


def test_a_malformed_file_is_not_checked(tmp_path: Path) -> None:
    content = compiled(tmp_path, "x.so", ONE)[:200]
    path = write(tmp_path / "wheels", "foo", "1.0", {"foo/x.so": content})
    report = checked(path)
    silent = {o.gate for o in report.outcomes if o.verdict == "passed"}
    assert not silent & {gate.id for gate in (*hardening.GATES, *portability.GATES)} - {"CW502"}


def test_cw506_near_miss(tmp_path: Path) -> None:
    path = foreign(tmp_path, "manylinux_2_17_x86_64.linux_x86_64")
    assert told(path, "CW506") == []


WIDE = "void foo(float *a) { for (int i = 0; i < 64; i++) a[i] *= 2; }"
DISPATCHED = """
__attribute__((target("avx2"), noinline)) static int wide(int *a) {
    int n = 0; for (int i = 0; i < 64; i++) n += a[i]; return n;
}
static int narrow(int *a) { return *a; }
int foo(int *a) { return __builtin_cpu_supports("avx2") ? wide(a) : narrow(a); }
"""
CLONED = '__attribute__((target_clones("avx2", "default"))) ' + WIDE


def scanning(folder: Path) -> Tools:
    return Tools(scan=True, cache=folder / "cache", scratch=folder)


def test_cw503_trips(tmp_path: Path) -> None:
    path = ours(tmp_path, WIDE, "-O3", "-mavx2")
    (message,) = told(path, "CW503", tools=scanning(tmp_path))
    assert message.startswith(f"{path.name}:{MEMBER}: the file uses v")
    # The second time from the cache.
    (kept,) = (tmp_path / "cache" / "cpu").iterdir()
    kept.write_text(kept.read_text().replace("the file", "something"))
    (message,) = told(path, "CW503", tools=scanning(tmp_path))
    assert message.startswith(f"{path.name}:{MEMBER}: something uses v")


def test_cw503_trips_on_an_exported_function(tmp_path: Path) -> None:
    source = DISPATCHED + '__attribute__((target("avx2"))) ' + WIDE.replace("foo", "bar")
    path = ours(tmp_path, source, "-O3")
    (message,) = told(path, "CW503", tools=scanning(tmp_path))
    assert message.startswith(f"{path.name}:{MEMBER}: bar uses v")


@pytest.mark.parametrize("source", [DISPATCHED, CLONED, WIDE], ids=["asks", "ifunc", "baseline"])
def test_cw503_near_miss(tmp_path: Path, source: str) -> None:
    path = ours(tmp_path, source, "-O3")
    report = checked(path, tools=scanning(tmp_path))
    assert "CW503" not in found(report) | unchecked(report)


def test_cw503_near_miss_not_asked_to_scan(tmp_path: Path) -> None:
    report = checked(ours(tmp_path, WIDE, "-O3", "-mavx2"))
    assert unchecked(report)["CW503"] == ["instructions are looked at only when asked to"]


GIVES = """
#include <string>
#include <list>
std::string greet(const std::string &a, int n, const std::string &b) { return a + b; }
std::string name() { return ""; }
std::list<int> numbers(std::list<int> l) { return l; }
int plain(int x) { return x; }
"""
TAKES = """
#include <string>
#include <list>
std::string greet(const std::string &, int, const std::string &);
std::string name();
std::list<int> numbers(std::list<int>);
int plain(int);
std::string foo() { numbers({}); return greet(name(), plain(1), "Ss"); }
"""
OLD, NEW = "-D_GLIBCXX_USE_CXX11_ABI=0", "-D_GLIBCXX_USE_CXX11_ABI=1"


def pair(folder: Path, gives: str, takes: str) -> tuple[Path, Path]:
    """A library wheel, and a wheel that uses it."""
    provider = ours(folder, GIVES, gives, suffix=".cpp")
    (folder / SONAME).write_bytes((folder / "libfoo").read_bytes())
    flags = (takes, str(folder / SONAME), "-Wl,-z,lazy")
    code = compiled(folder, "x.so", TAKES, *flags, suffix=".cpp")
    tag = "cp311-cp311-manylinux_2_35_x86_64"
    return provider, write(folder / "wheels", "bar", "1.0", {"bar/x.so": code}, tag=tag)


@pytest.mark.parametrize(("gives", "takes"), [(OLD, NEW), (NEW, OLD)])
def test_cw504_trips(tmp_path: Path, gives: str, takes: str) -> None:
    provider, user = pair(tmp_path, gives, takes)
    messages = told(user, "CW504", provider)
    wanted = {s.name for s in exported(read_elf(tmp_path / "libfoo"))}
    told_of = {message.rpartition(" has it as ")[2].split()[0] for message in messages}
    assert len(messages) == 3
    assert all(f"{user.name}:bar/x.so: takes _Z" in message for message in messages)
    assert told_of == {n for n in wanted if n.startswith(("_Z5greet", "_Z4name", "_Z7numbers"))}


@pytest.mark.parametrize("abi", [OLD, NEW])
def test_cw504_near_miss(tmp_path: Path, abi: str) -> None:
    provider, user = pair(tmp_path, abi, abi)
    report = checked(user, provider)
    assert "CW504" not in found(report) | unchecked(report)


def test_cw504_trips_on_a_library_with_both(tmp_path: Path) -> None:
    other = tmp_path / "old.cpp"
    other.write_text(f"#define _GLIBCXX_USE_CXX11_ABI 0\n{GIVES.replace('greet', 'welcome')}")
    path = ours(tmp_path, GIVES, str(other), "-Wl,-z,muldefs", suffix=".cpp")
    (message,) = told(path, "CW504")
    assert "of the old ABI and _Z4nameB5cxx11v of the new one" in message


def test_cw504_near_miss_names_that_look_old(tmp_path: Path) -> None:
    source = "#include <string>\nstd::string ClassSs() { return {}; } int St4listSs; int SsSt(int);"
    path = ours(tmp_path, source + "int SsSt(int x) { return x; }", NEW, suffix=".cpp")
    assert told(path, "CW504") == []


RUNTIME = "libstdc++-0123abcd.so.6"
NODES = {
    "old": ("int f(void) { return 0; }", "GLIBCXX_3.4 { f; };"),
    "new": (
        "int f(void) { return 0; } int g(void) { return 1; }",
        "GLIBCXX_3.4 { f; }; GLIBCXX_3.4.99 { g; } GLIBCXX_3.4;",
    ),
}


def runtime(folder: Path, age: str) -> Path:
    """A libstdc++, as a repair tool would have grafted it."""
    source, nodes = NODES[age]
    (folder / f"{age}.map").write_text(nodes)
    flags = (f"-Wl,--version-script={folder / f'{age}.map'}", f"-Wl,-soname,{RUNTIME}")
    compiled(folder / age, RUNTIME, source, *flags)
    return folder / age / RUNTIME


def grafted(folder: Path, age: str) -> Path:
    """A wheel that was linked with the new run-time library, and has this one."""
    newest, carried = runtime(folder, "new"), runtime(folder, age)
    code = compiled(folder, "x.so", "int g(void); int foo(void) { return g(); }", str(newest))
    members = {"foo/x.so": code, f"foo.libs/{RUNTIME}": carried.read_bytes()}
    return write(folder / "wheels", "foo", "1.0", members, tag="cp311-cp311-linux_x86_64")


def test_cw505_trips(tmp_path: Path) -> None:
    path = grafted(tmp_path, "old")
    assert told(path, "CW505") == [
        (
            f"{path.name}:foo/x.so: needs GLIBCXX_3.4.99 of {RUNTIME}, and "
            f"foo.libs/{RUNTIME} has it "
            "not"
        )
    ]


def test_cw505_near_miss(tmp_path: Path) -> None:
    report = checked(grafted(tmp_path, "new"))
    assert "CW505" not in found(report) | unchecked(report)


THROWS = "#include <vector>\nvoid foo() { std::vector<int> v; v.at(3); throw 1; }"


def test_cw505_trips_on_the_platform(tmp_path: Path) -> None:
    source = "#include <string>\n" + THROWS + " std::string bar(std::string a) { return a + a; }"
    code = compiled(tmp_path, "x.so", source, "-w", suffix=".cpp")
    tag = "cp311-cp311-manylinux2014_x86_64"
    path = write(tmp_path / "wheels", "foo", "1.0", {"foo/x.so": code}, tag=tag)
    messages = told(path, "CW505")
    assert any("needs GLIBCXX_3.4.21 of libstdc++.so.6, and manylinux_2_17" in m for m in messages)


def test_cw505_near_miss_on_the_platform(tmp_path: Path) -> None:
    code = compiled(tmp_path, "x.so", THROWS, "-w", suffix=".cpp")
    tag = "cp311-cp311-manylinux_2_35_x86_64"
    path = write(tmp_path / "wheels", "foo", "1.0", {"foo/x.so": code}, tag=tag)
    report = checked(path)
    assert "CW505" not in found(report) | unchecked(report)


def fortran(folder: Path, distribution: str, major: str) -> Path:
    library = f"libgfortran-0123abcd.so.{major}"
    compiled(folder, library, "int stub;", f"-Wl,-soname,{library}")
    flags = ("-Wl,--no-as-needed", str(folder / library))
    code = compiled(folder, "x.so", ONE, *flags)
    members = {f"{distribution}/x.so": code}
    tag = "cp311-cp311-manylinux_2_5_x86_64"
    return write(folder / "wheels", distribution, "1.0", members, tag=tag)


def test_cw505_trips_on_two_fortran_libraries(tmp_path: Path) -> None:
    first, second = fortran(tmp_path, "foo", "3"), fortran(tmp_path, "bar", "5")
    assert told(second, "CW505", first) == [
        (
            f"{second.name}:bar/x.so: needs symbols of libgfortran.so.5, and {first.name}:foo/x.so "
            "needs libgfortran.so.3"
        )
    ]


def test_cw505_near_miss_one_fortran_library_twice(tmp_path: Path) -> None:
    first, second = fortran(tmp_path, "foo", "5"), fortran(tmp_path, "bar", "5")
    assert told(second, "CW505", first) == []
