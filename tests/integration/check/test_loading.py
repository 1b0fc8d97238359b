"""Gates of loading: a wheel that trips each, and one that is as close as can be and passes."""

import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from commonwheel.check import trial
from commonwheel.check.case import Tools
from commonwheel.check.finding import Report
from tests.integration.check.kit import (
    TAG,
    checked,
    compiled,
    findings,
    found,
    library,
    unchecked,
    write,
)

FOO = "libfoo-commonwheel.so.1"
BAR = "libbar-commonwheel.so.2"
SOURCE = "int f(void) { return 1; }"
CALLS = "int foo(void); int call(void) { return foo(); }"
PROVIDED = "-Wl,-rpath,$ORIGIN/../commonwheel_libs/foo_so1/lib"
PYTHON = f"cp{sys.version_info.major}{sys.version_info.minor}"


def soname(name: str) -> str:
    return f"-Wl,-soname,{name}"


def foo(folder: Path) -> Path:
    """The library wheel that the others use; its library lies in ``folder``, to link with."""
    code = compiled(folder, FOO, "int foo(void) { return 1; }", soname(FOO))
    return library(folder / "wheels", "foo-so1", "1.0", {FOO: code})


def consumer(
    folder: Path,
    source: str,
    *flags: str,
    member: str = "use/ext.so",
    tag: str = f"{PYTHON}-{PYTHON}-{TAG}",
    others: Mapping[str, bytes] | None = None,
) -> Path:
    """A consumer wheel with one extension module; ``flags`` link it."""
    code = compiled(folder, "ext.so", source, *flags)
    members = {"use/__init__.py": b"", member: code, **(others or {})}
    requires = ["commonwheel-foo-so1>=1.0"]
    return write(folder / "wheels", "use", "1.0+commonwheel.1", members, tag=tag, requires=requires)


def foreign(folder: Path, members: Mapping[str, bytes], tag: str = f"py3-none-{TAG}") -> Path:
    return write(folder / "wheels", "theirs", "1.0", members, tag=tag)


def loaded(path: Path, *beside: Path, scratch: Path) -> Report:
    """With native code run."""
    scratch.mkdir(exist_ok=True)
    report = checked(path, *beside, tools=Tools(load=True, scratch=scratch))
    assert list(scratch.iterdir()) == []
    return report


def test_cw301_trips_on_runpath(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    flags = [PROVIDED, "-Wl,--enable-new-dtags", str(tmp_path / FOO)]
    report = checked(consumer(tmp_path, CALLS, *flags), provider)
    assert findings(report, "CW301") == [
        "use/ext.so: has DT_RUNPATH $ORIGIN/../commonwheel_libs/foo_so1/lib"
    ]


def test_cw301_near_miss_of_rpath(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    path = consumer(tmp_path, CALLS, PROVIDED, str(tmp_path / FOO))
    assert "CW301" not in found(checked(path, provider))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("/opt/build/lib", "a path of the machine that built it"),
        ("", "which means the working folder"),
        ("lib", "which is reckoned from the working folder"),
        ("$ORIGINAL/lib", "which is reckoned from the working folder"),
    ],
)
@pytest.mark.parametrize("tag", ["DT_RPATH", "DT_RUNPATH"])
def test_cw302_trips(tmp_path: Path, entry: str, fault: str, tag: str) -> None:
    """As in shapely's and scipy's wheels of November 2026, which have it as DT_RUNPATH."""
    new = "-Wl,--enable-new-dtags" if tag == "DT_RUNPATH" else "-Wl,--disable-new-dtags"
    code = compiled(tmp_path, "ext.so", SOURCE, f"-Wl,-rpath,$ORIGIN:{entry}:$ORIGIN/lib", new)
    report = checked(foreign(tmp_path, {"theirs/ext.so": code}))
    assert findings(report, "CW302") == [
        f"theirs/ext.so: its {tag} has the entry '{entry}', {fault}"
    ]
    assert not report.passes


def test_cw302_near_miss_of_both_ways_to_write_origin(tmp_path: Path) -> None:
    code = compiled(tmp_path, "ext.so", SOURCE, "-Wl,-rpath,$ORIGIN:${ORIGIN}/../theirs.libs")
    assert "CW302" not in found(checked(foreign(tmp_path, {"theirs/ext.so": code})))


def test_cw303_trips_on_a_path_out_of_site_packages(tmp_path: Path) -> None:
    code = compiled(tmp_path, "ext.so", SOURCE, "-Wl,-rpath,$ORIGIN/../../lib")
    assert findings(checked(foreign(tmp_path, {"theirs/ext.so": code})), "CW303") == [
        "theirs/ext.so: its search path '$ORIGIN/../../lib' leads out of site-packages, to ../lib"
    ]


def test_cw303_near_miss_of_site_packages_itself(tmp_path: Path) -> None:
    code = compiled(tmp_path, "ext.so", SOURCE, "-Wl,-rpath,$ORIGIN/../../lib/..")
    path = foreign(tmp_path, {"theirs/deep/ext.so": code})
    assert "CW303" not in found(checked(path))


def test_cw303_trips_on_a_folder_that_holds_nothing_needed(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    path = consumer(tmp_path, SOURCE, PROVIDED)
    assert findings(checked(path, provider), "CW303") == [
        (
            "use/ext.so: its search path '$ORIGIN/../commonwheel_libs/foo_so1/lib' leads to "
            "commonwheel_libs/foo_so1/lib, which holds nothing that it needs"
        )
    ]


def test_cw303_near_miss_of_a_folder_that_is_written_the_long_way(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    rpath = "-Wl,-rpath,$ORIGIN/./../use/../commonwheel_libs/foo_so1/lib/"
    path = consumer(tmp_path, CALLS, rpath, str(tmp_path / FOO))
    report = checked(path, provider)
    assert not {"CW303", "CW304"} & found(report).keys()


def test_cw303_trips_on_a_script_that_needs_libraries(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    script = "use-1.0+commonwheel.1.data/scripts/tool"
    path = consumer(tmp_path, CALLS, PROVIDED, str(tmp_path / FOO), member=script)
    report = checked(path, provider)
    assert findings(report, "CW303") == [
        (
            f"{script}: its search path '$ORIGIN/../commonwheel_libs/foo_so1/lib' leads nowhere: "
            "the file lies outside of site-packages"
        )
    ]
    assert findings(report, "CW304") == [
        f"{script}: needs {FOO}, and no search path of it leads to commonwheel_libs/foo_so1/lib"
    ]


def test_cw303_near_miss_of_an_extension_in_platlib_of_data(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    member = "use-1.0+commonwheel.1.data/platlib/use/ext.so"
    path = consumer(tmp_path, CALLS, PROVIDED, str(tmp_path / FOO), member=member)
    assert not {"CW303", "CW304"} & found(checked(path, provider)).keys()


def test_paths_to_a_provider_that_is_not_at_hand_are_not_judged(tmp_path: Path) -> None:
    foo(tmp_path)
    report = checked(consumer(tmp_path, CALLS, PROVIDED, str(tmp_path / FOO)))
    assert not {"CW303", "CW304"} & found(report).keys()
    assert unchecked(report)["CW303"] == [f"whether commonwheel_libs/foo_so1/lib holds {FOO}"]
    assert unchecked(report)["CW304"] == [f"{FOO} is not at hand"]


def chain(folder: Path, *flags: str) -> tuple[Path, Path]:
    """A library wheel whose library needs another one, and that one."""
    provider = foo(folder)
    source = "int foo(void); int bar(void) { return foo(); }"
    code = compiled(folder, BAR, source, soname(BAR), str(folder / FOO), *flags)
    requires = ["commonwheel-foo-so1>=1.0"]
    path = library(folder / "wheels", "bar-so2", "1.0", {BAR: code}, requires=requires)
    return path, provider


def test_cw304_trips_on_a_library_without_a_path_to_what_it_needs(tmp_path: Path) -> None:
    path, provider = chain(tmp_path)
    assert findings(checked(path, provider), "CW304") == [
        (
            f"commonwheel_libs/bar_so2/lib/{BAR}: needs {FOO}, and no search path of it leads to "
            "commonwheel_libs/foo_so1/lib"
        )
    ]


def test_cw304_near_miss_of_a_library_with_its_own_path(tmp_path: Path) -> None:
    path, provider = chain(tmp_path, "-Wl,-rpath,$ORIGIN/../../foo_so1/lib")
    assert "CW304" not in found(checked(path, provider))


def test_cw305_trips_where_a_provider_is_not_reached(tmp_path: Path) -> None:
    path, provider = chain(tmp_path)
    report = loaded(path, provider, scratch=tmp_path / "scratch")
    member = f"commonwheel_libs/bar_so2/lib/{BAR}"
    assert findings(report, "CW305") == [
        (
            f"{member}: does not load: {FOO}: cannot open shared object file: No such file or "
            "directory"
        )
    ]
    assert unchecked(report)["CW306"] == ["does not load where it was laid out first"]


def test_cw305_near_miss_of_a_chain_of_providers(tmp_path: Path) -> None:
    path, provider = chain(tmp_path, "-Wl,-rpath,$ORIGIN/../../foo_so1/lib")
    report = loaded(path, provider, scratch=tmp_path / "scratch")
    assert not {"CW305", "CW306"} & (found(report).keys() | unchecked(report).keys())


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("abort();", "ended by SIGABRT"),
        ("raise(SIGSEGV);", "ended by SIGSEGV"),
        ("for (;;) pause();", "no end after 1 seconds"),
        ('puts("not today"); fflush(stdout); _exit(3);', "ended by itself with exit code 3: "),
    ],
)
def test_cw305_trips_on_an_initialiser_that_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, fault: str
) -> None:
    monkeypatch.setattr(trial, "SECONDS", 1)
    source = "#include <stdio.h>\n#include <stdlib.h>\n#include <signal.h>\n#include <unistd.h>\n"
    source += f"__attribute__((constructor)) static void begin(void) {{ {body} }}"
    path = foreign(tmp_path, {"theirs/ext.so": compiled(tmp_path, "ext.so", source)})
    (said,) = findings(loaded(path, scratch=tmp_path / "scratch"), "CW305")
    assert said.startswith(f"theirs/ext.so: does not load: {fault}")
    assert said.endswith((fault, "not today"))


def test_cw305_near_miss_of_an_initialiser_that_talks(tmp_path: Path) -> None:
    """And of one that reads the environment, of which there is none."""
    source = "#include <stdio.h>\n#include <stdlib.h>\nextern char **environ;\n"
    source += "__attribute__((constructor)) static void begin(void) {"
    source += 'puts("[\\"x\\", \\"y\\"]"); if (getenv("PATH") || environ[0]) abort(); }'
    path = foreign(tmp_path, {"theirs/ext.so": compiled(tmp_path, "ext.so", source)})
    report = loaded(path, scratch=tmp_path / "scratch")
    assert not {"CW305", "CW306"} & (found(report).keys() | unchecked(report).keys())


def test_cw305_near_miss_of_a_foreign_library_that_inherits_its_path(tmp_path: Path) -> None:
    low = compiled(
        tmp_path, "liblow.so.1", "int low(void) { return 1; }", "-Wl,-soname,liblow.so.1"
    )
    source = "int low(void); int foo(void) { return low(); }"
    flags = [soname("libhigh.so.1"), str(tmp_path / "liblow.so.1")]
    high = compiled(tmp_path, "libhigh.so.1", source, *flags)
    rpath = "-Wl,-rpath,$ORIGIN/../theirs.libs"
    flags = [rpath, str(tmp_path / "libhigh.so.1"), str(tmp_path / "liblow.so.1")]
    code = compiled(tmp_path, "ext.so", CALLS, *flags)
    libraries = {"theirs.libs/libhigh.so.1": high, "theirs.libs/liblow.so.1": low}
    path = foreign(tmp_path, {"theirs/ext.so": code, **libraries})
    assert "CW305" not in found(loaded(path, scratch=tmp_path / "scratch"))
    path = foreign(tmp_path, libraries)
    # libhigh is nobody's now, and has no path of its own.
    assert findings(loaded(path, scratch=tmp_path / "scratch"), "CW305") == [
        (
            "theirs.libs/libhigh.so.1: does not load: liblow.so.1: cannot open shared object file: "
            "No such file or directory"
        )
    ]


# Remembers where it lay when it was loaded first, as files do that hold their build's path.
REMEMBERS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char now[4096], then[4096];
__attribute__((constructor)) static void begin(void) {
    Dl_info info;
    FILE *file;
    if (!dladdr((void *)now, &info)) abort();
    %s
    strncpy(now, info.dli_fname, sizeof now - 1);
    if ((file = fopen("MEMORY", "r"))) {
        if (!fgets(then, sizeof then, file) || strcmp(now, then)) abort();
    } else if ((file = fopen("MEMORY", "w"))) fputs(now, file);
    fclose(file);
}
"""


def remembering(folder: Path, keep: str) -> Path:
    source = (REMEMBERS % keep).replace("MEMORY", str(folder / "memory"))
    return foreign(folder, {"theirs/ext.so": compiled(folder, "ext.so", source)})


def test_cw306_trips_on_a_file_that_knows_where_it_lay(tmp_path: Path) -> None:
    report = loaded(remembering(tmp_path, ""), scratch=tmp_path / "scratch")
    assert findings(report, "CW306") == [
        "theirs/ext.so: does not load once the tree has moved: ended by SIGABRT"
    ]
    assert "CW305" not in found(report)


def test_cw306_near_miss_of_a_file_that_knows_its_own_name_only(tmp_path: Path) -> None:
    path = remembering(tmp_path, "info.dli_fname = strrchr(info.dli_fname, '/');")
    report = loaded(path, scratch=tmp_path / "scratch")
    assert not {"CW305", "CW306"} & found(report).keys()
    assert (tmp_path / "memory").read_text() == "/ext.so"


def test_nothing_runs_unless_asked_for(tmp_path: Path) -> None:
    source = "#include <stdlib.h>\n__attribute__((constructor)) static void x(void) { abort(); }"
    report = checked(foreign(tmp_path, {"theirs/ext.so": compiled(tmp_path, "ext.so", source)}))
    for gate in ("CW305", "CW306"):
        assert unchecked(report)[gate] == ["native code is not run unless asked for"]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (f"cp33-cp33m-{TAG}", "there is no Python 3.3 on this host"),
        (f"pp311-pypy311_pp73-{TAG}", "interpreters for pp311-pypy311_pp73 are not looked for"),
        (f"cp314-cp314t-{TAG}", "interpreters for cp314-cp314t are not looked for"),
        ("py3-none-musllinux_1_2_x86_64", "is for musllinux_1_2_x86_64, and this host is not"),
    ],
)
def test_no_interpreter_means_not_checked(tmp_path: Path, tag: str, reason: str) -> None:
    path = foreign(tmp_path, {"theirs/ext.so": compiled(tmp_path, "ext.so", SOURCE)}, tag)
    report = loaded(path, scratch=tmp_path / "scratch")
    for gate in ("CW305", "CW306"):
        assert unchecked(report)[gate] == [reason]


def test_another_architecture_means_not_checked(tmp_path: Path) -> None:
    code = bytearray(compiled(tmp_path, "ext.so", SOURCE))
    code[18:20] = (22).to_bytes(2, "little")  # e_machine: s390x
    path = foreign(tmp_path, {"theirs/ext.so": bytes(code)})
    report = loaded(path, scratch=tmp_path / "scratch")
    reason = f"is for s390x, and this host is {platform.machine()}"
    assert unchecked(report)["CW305"] == [reason]


@pytest.mark.parametrize("tag", [f"cp33-abi3-{TAG}", f"py2.py3-none-{TAG}"])
def test_the_running_interpreter_loads_what_fits_many(tmp_path: Path, tag: str) -> None:
    path = foreign(tmp_path, {"theirs/ext.so": compiled(tmp_path, "ext.so", SOURCE)}, tag)
    assert "CW305" not in unchecked(loaded(path, scratch=tmp_path / "scratch"))


def test_extension_modules_find_the_interpreter(tmp_path: Path) -> None:
    source = "void *PyObject_Str(void *); void *call(void) { return PyObject_Str(0); }"
    report = loaded(consumer(tmp_path, source), foo(tmp_path), scratch=tmp_path / "scratch")
    assert not {"CW305", "CW306"} & (found(report).keys() | unchecked(report).keys())


def program(members: Sequence[str]) -> Mapping[str, bytes]:
    return dict.fromkeys(members, Path("/bin/true").read_bytes())


def test_programs_are_not_run(tmp_path: Path) -> None:
    path = foreign(tmp_path, program(["theirs/bin/tool", "theirs-1.0.data/scripts/tool"]))
    report = loaded(path, scratch=tmp_path / "scratch")
    assert not {"CW305", "CW306"} & (found(report).keys() | unchecked(report).keys())
