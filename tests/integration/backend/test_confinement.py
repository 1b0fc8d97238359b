"""A build sees the platform's C library and the providers of its run, and nothing else of the host.

The decoy is a shared library that any compiler of this host finds by itself; where the host has the
development files of libpng and zlib, those are looked for too.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from commonwheel.process import ProcessError, run
from tests.integration.kit import PLAIN, Workshop
from tests.integration.projects import LICENSE, Target, autotools

DECOY = "cwdecoy"
LIBRARY = Path(f"/usr/local/lib/lib{DECOY}.so")
HEADER = Path(f"/usr/local/include/{DECOY}.h")

CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(seeker C)
add_library(seeker SHARED seeker.c)
set_target_properties(seeker PROPERTIES SOVERSION 1)
find_package(PNG)
find_package(ZLIB)
find_package(cwdecoy CONFIG)
find_library(DECOY cwdecoy)
find_path(DECOY_HEADER cwdecoy.h)
find_library(DECOY_HINTED cwdecoy HINTS /usr/local/lib)
find_package(PkgConfig)
pkg_check_modules(PKG_DECOY cwdecoy)
pkg_check_modules(PKG_PNG libpng)
find_library(MATH m)
foreach(name PNG_FOUND ZLIB_FOUND cwdecoy_FOUND DECOY DECOY_HEADER DECOY_HINTED
    PKG_CONFIG_FOUND PKG_DECOY_FOUND PKG_PNG_FOUND MATH CMAKE_C_FLAGS)
  message(STATUS "seen ${name}=${${name}}")
endforeach()
install(TARGETS seeker)
"""
SEEKER = ({"soname": "libseeker.so.1"},)


def links(name: str, folder: Path, *options: str) -> bool:
    """Whether the host's own compiler finds a library."""
    source = folder / "main.c"
    source.write_text("int main(void) { return 0; }\n")
    try:
        run(["gcc", "-o", folder / "main", source, f"-l{name}", *options], env=PLAIN)
    except ProcessError:
        return False
    return True


def _cannot_write() -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(
            f"{LIBRARY.parent} or {HEADER.parent} cannot be written, so that confinement is not "
            "tested: run the tests as root in a container, or make both writable for this user"
        )
    pytest.skip(f"{LIBRARY.parent} or {HEADER.parent} cannot be written: the decoy has no place")


@pytest.fixture
def decoy(tmp_path: Path) -> Iterator[Path]:
    """A library that every compiler of this host finds, with a header, a .pc and a CMake file."""
    if not all(os.access(path.parent, os.W_OK) for path in (LIBRARY, HEADER)):
        _cannot_write()
    source = tmp_path / "decoy.c"
    source.write_text("int cwdecoy(void) { return 1; }\n")
    package = LIBRARY.parent / f"pkgconfig/{DECOY}.pc"
    config = LIBRARY.parent / f"cmake/{DECOY}/{DECOY}Config.cmake"
    folders = (package.parent, config.parent.parent, config.parent)
    made = [path for path in folders if not path.exists()]
    try:
        for path in made:
            path.mkdir()
        run(["gcc", "-shared", "-fPIC", f"-Wl,-soname,{LIBRARY.name}", "-o", LIBRARY, source])
        HEADER.write_text("int cwdecoy(void);\n")
        package.write_text(f"Name: {DECOY}\nDescription: d\nVersion: 1\nLibs: -l{DECOY}\n")
        config.write_text("set(cwdecoy_FOUND TRUE)\n")
        assert links(DECOY, tmp_path), "the decoy must be where compilers look"
        yield LIBRARY
    finally:
        for file in (LIBRARY, HEADER, package, config):
            file.unlink(missing_ok=True)
        for path in reversed(made):
            if path.exists():
                path.rmdir()


def test_cmake_does_not_find_the_host(workshop: Workshop, decoy: Path) -> None:
    files = {
        "LICENSE": LICENSE,
        "CMakeLists.txt": CMAKE,
        "seeker.c": "int seeker(void) { return 1; }\n",
    }
    workshop.library("seeker", {"1.0": files}, SEEKER, driver="cmake")
    workshop.built("seeker")
    lines = workshop.logs().splitlines()
    seen = dict(line[8:].split("=", 1) for line in lines if line.startswith("-- seen "))
    # What must be found is, so that the rest means something.
    assert seen["MATH"].endswith("/platform/lib/libm.so")
    assert seen["PKG_CONFIG_FOUND"] in {"TRUE", "1"}
    assert seen["PNG_FOUND"] in {"FALSE", "0", ""}
    assert seen["ZLIB_FOUND"] in {"FALSE", "0", ""}
    assert seen["cwdecoy_FOUND"] in {"FALSE", "0", ""}
    assert seen["PKG_DECOY_FOUND"] in {"0", ""}
    assert seen["PKG_PNG_FOUND"] in {"0", ""}
    for name in ("DECOY", "DECOY_HEADER", "DECOY_HINTED"):
        assert seen[name] == f"{name}-NOTFOUND"


def test_configure_does_not_find_the_host(workshop: Workshop, decoy: Path, tmp_path: Path) -> None:
    host = [DECOY, *(name for name in ("png", "z") if links(name, tmp_path))]
    platform = ["m", "pthread", "dl", "stdc++"]
    target = Target(soname="libseeker.so.1", sources={"seeker.c": "int seeker(void){return 1;}"})
    files = autotools(target, checks=[*platform, *host])
    workshop.library("seeker", {"1.0": files}, SEEKER)
    workshop.built("seeker")
    log = workshop.logs()
    for name in platform:
        assert f"checking for -l{name}... yes" in log
    for name in host:
        assert f"checking for -l{name}... no" in log


def test_the_callers_shell_does_not_reach_a_build(workshop: Workshop, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    (hidden / "pkgconfig").mkdir(parents=True)
    (tmp_path / "hidden.c").write_text("int hidden(void) { return 1; }\n")
    run(["gcc", "-shared", "-fPIC", "-o", hidden / "libcwhidden.so", tmp_path / "hidden.c"])
    (hidden / "cwhidden.h").write_text("")
    (hidden / "pkgconfig/cwhidden.pc").write_text("Name: h\nDescription: h\nVersion: 1\n")
    variables = {
        "CPATH": str(hidden),
        "C_INCLUDE_PATH": str(hidden),
        "LIBRARY_PATH": str(hidden),
        "CFLAGS": f"-DLEAKED -I{hidden}",
        "CPPFLAGS": f"-DLEAKED -I{hidden}",
        "LDFLAGS": f"-L{hidden}",
        "LIBS": "-lcwhidden",
        "LD_LIBRARY_PATH": str(hidden),
        "PKG_CONFIG_PATH": str(hidden / "pkgconfig"),
        "CMAKE_PREFIX_PATH": str(hidden),
        "CC": "false",
        "MAKEFLAGS": "--no-such-option",
        "CONFIG_SITE": str(hidden / "site"),
        "LEAKED_VARIABLE": "leaked",
        "DESTDIR": str(hidden),
    }
    source = "#ifdef LEAKED\n#error leaked\n#endif\nint seeker(void) { return 1; }\n"
    target = Target(soname="libseeker.so.1", sources={"seeker.c": source})
    configure = """\
pkg-config --exists cwhidden && echo found cwhidden.pc
printf '#include <cwhidden.h>\\n' >header.c
$CC $CPPFLAGS $CFLAGS -E header.c >/dev/null 2>&1 && echo found cwhidden.h
env | sort
"""
    files = autotools(target, checks=["m", "cwhidden"], configure=configure)
    workshop.library("seeker", {"1.0": files}, SEEKER)
    workshop.built("seeker", environ=variables)
    log = workshop.logs()
    assert "checking for -lm... yes" in log
    assert "checking for -lcwhidden... no" in log
    assert "found cwhidden" not in log
    assert "SOURCE_DATE_EPOCH=1500000000" in log
    leaked = [line for line in log.splitlines() if str(hidden) in line or "leaked" in line.lower()]
    assert not leaked
