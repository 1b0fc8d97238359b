"""Each build system once, with the same little library: it is built, shared and called."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kit import PLAIN, Workshop, elf_members, extract, says
from tests.integration.projects import LICENSE, autotools

HEADER = "int answer(void);\n"
SOURCE = '#include "x.h"\nint answer(void) { return 42; }\n'
FORTRAN = """\
function answer() bind(c)
  use iso_c_binding
  integer(c_int) :: answer
  answer = 42
end function
"""
CALL = "import ctypes; print(ctypes.CDLL({path!r}).answer())"

CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(x C)
find_library(PNG png)
if(PNG)
  message(FATAL_ERROR "the host's libpng: ${PNG}")
endif()
add_library(x SHARED x.c)
set_target_properties(x PROPERTIES SOVERSION 1)
install(TARGETS x)
install(FILES x.h DESTINATION include)
"""
MESON = """\
project('x', 'c', version: '1.0')
compiler = meson.get_compiler('c')
found = dependency('libpng', required: false).found()
found = found or compiler.find_library('png', required: false).found()
if found
  error('the host\\'s libpng')
endif
if dependency('zlib', required: get_option('luck')).found()
  error('a feature that was left to luck')
endif
shared_library('x', 'x.c', soversion: '1', install: true)
install_headers('x.h')
import('pkgconfig').generate(name: 'x', description: 'x', version: '1.0', libraries: '-lx')
"""
MAKEFILE = """\
CC = cc
PREFIX = /usr/local
all: libx.so.1
libx.so.1: x.c
\t$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libx.so.1 -o $@ x.c
install:
\tmkdir -p $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
\tcp x.h $(DESTDIR)$(PREFIX)/include
\tcp libx.so.1 $(DESTDIR)$(PREFIX)/lib
\tln -s libx.so.1 $(DESTDIR)$(PREFIX)/lib/libx.so
"""
# Like zlib's and OpenSSL's: an unknown option is an error, and it works beside the sources only.
SCRIPT = """\
#!/bin/sh
for word; do
    case $word in
    --prefix=*) echo "PREFIX = ${word#*=}" > Makefile ;;
    *) echo "unknown option: $word"; exit 1 ;;
    esac
done
[ -f x.c ] && sed 1,2d Makefile.in >> Makefile
"""
FILES = {"LICENSE": LICENSE, "x.h": HEADER, "x.c": SOURCE}
PROJECTS: dict[str, tuple[Mapping[str, str], Mapping[str, Any]]] = {
    "cmake": ({**FILES, "CMakeLists.txt": CMAKE}, {}),
    "meson": (
        {
            **FILES,
            "meson.build": MESON,
            "meson_options.txt": "option('luck', type: 'feature', value: 'auto')\n",
        },
        {},
    ),
    "make": ({**FILES, "Makefile": MAKEFILE}, {"options": "PREFIX={install.prefix}"}),
    "configure": ({**FILES, "config": SCRIPT, "Makefile.in": MAKEFILE}, {"script": "config"}),
}


def build(workshop: Workshop, files: Mapping[str, str], driver: str, **steps: Any) -> Path:
    """Build the library; returns where it lies."""
    sections = {"build": steps, "products": {"headers": "x.h"}}
    workshop.library("x", {"1.0": files}, [{"soname": "libx.so.1"}], driver=driver, **sections)
    workshop.built("x")
    wheel = workshop.wheel("commonwheel_x_so1-")
    place = extract(wheel, workshop.root / "site") / "commonwheel_libs/x_so1"
    assert (place / "include/x.h").read_text() == HEADER
    return place / "lib/libx-commonwheel.so.1"


@pytest.mark.parametrize("driver", PROJECTS)
def test_every_build_system_gives_the_same_library(workshop: Workshop, driver: str) -> None:
    files, steps = PROJECTS[driver]
    path = build(workshop, files, driver, **steps)
    assert says(Path(sys.executable), CALL.format(path=str(path))) == "42"
    (elf,) = elf_members(workshop.wheel("commonwheel_x")).values()
    assert elf.soname == "libx-commonwheel.so.1"
    assert set(elf.needed) <= {"libc.so.6"}
    # The kit's flags have reached the compiler and the linker.
    assert elf.bind_now
    assert elf.build_id


def test_a_failing_configure_script_is_quoted(workshop: Workshop) -> None:
    files, steps = PROJECTS["configure"]
    workshop.library(
        "x",
        {"1.0": files},
        [{"soname": "libx.so.1"}],
        driver="configure",
        build={**steps, "options": "--shared"},
    )
    outcome = workshop.build("x")
    assert outcome.code != 0
    assert "config failed with exit code 1" in outcome.text
    assert "unknown option: --shared" in outcome.text


def test_fortran_is_compiled_with_the_kits_flags(workshop: Workshop) -> None:
    rule = "answer.o: @src@/answer.f90\n\t$(FC) $(FCFLAGS) -c -o $@ @src@/answer.f90\n"
    link = "libx.so.1: answer.o\n\t$(FC) -shared $(LDFLAGS) -Wl,-soname,$@ -o $@ answer.o\n"
    files = {**autotools(), "x.h": HEADER, "answer.f90": FORTRAN}
    place = "$(DESTDIR)@prefix@"
    files["Makefile.in"] = (
        f"all: libx.so.1\n{rule}{link}install: all\n\tmkdir -p {place}/lib {place}/include\n"
        f"\tcp @src@/x.h {place}/include\n\tcp libx.so.1 {place}/lib\n"
        f"\tln -s libx.so.1 {place}/lib/libx.so\n"
    )
    path = build(workshop, files, "autotools", languages=["c", "fortran"])
    assert says(Path(sys.executable), CALL.format(path=str(path))) == "42"


CACHE = """\
#!/bin/sh
echo "$*" >> {log}
exec "$@"
"""


def test_a_compiler_cache_is_used_when_there_is_one(workshop: Workshop, tmp_path: Path) -> None:
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    (programs / "ccache").write_text(CACHE.format(log=log))
    (programs / "ccache").chmod(0o755)
    workshop.environ["PATH"] = f"{programs}:{PLAIN['PATH']}"
    build(workshop, PROJECTS["cmake"][0], "cmake")
    called = log.read_text().splitlines()
    assert any(" -c " in line and line.endswith("x.c") for line in called)
    # Linking is no work for a cache, and depends on the host's libraries.
    assert all(" -c " in line or " -E " in line for line in called)
