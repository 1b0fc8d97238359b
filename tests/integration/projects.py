"""Tiny upstream projects: sources by file name."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LICENSE = "Do as you like.\n"

# --- one with all that CMake projects install -----------------------------------------------------

FOO_CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(foo VERSION %(version)s LANGUAGES C)
include(CMakePackageConfigHelpers)
set(prefix ${CMAKE_INSTALL_PREFIX})
add_library(foo_core SHARED core.c)
set_target_properties(foo_core PROPERTIES VERSION 1.0.0 SOVERSION 1)
add_library(foo SHARED foo.c)
set_target_properties(foo PROPERTIES VERSION 1.2.3 SOVERSION 1)
find_library(MATH m)
target_link_libraries(foo PRIVATE foo_core PUBLIC ${MATH})
target_include_directories(foo PUBLIC $<INSTALL_INTERFACE:include>)
add_executable(footool tool.c)
target_link_libraries(footool foo)
add_executable(fooextra tool.c)
target_link_libraries(fooextra foo)
add_library(foo_static STATIC foo.c)
install(TARGETS foo foo_core EXPORT fooTargets)
install(TARGETS footool fooextra foo_static)
install(EXPORT fooTargets NAMESPACE foo:: DESTINATION lib/cmake/foo)
write_basic_package_version_file(fooConfigVersion.cmake COMPATIBILITY SameMajorVersion)
configure_package_config_file(fooConfig.cmake.in fooConfig.cmake
  INSTALL_DESTINATION lib/cmake/foo PATH_VARS prefix)
configure_file(foo.pc.in foo.pc @ONLY)
configure_file(foo-config.in foo-config @ONLY)
file(WRITE ${CMAKE_BINARY_DIR}/libfoo.la "# libtool\\nlibdir='${prefix}/lib'\\n")
install(FILES ${CMAKE_BINARY_DIR}/fooConfig.cmake ${CMAKE_BINARY_DIR}/fooConfigVersion.cmake
  DESTINATION lib/cmake/foo)
install(FILES ${CMAKE_BINARY_DIR}/foo.pc DESTINATION lib/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/libfoo.la DESTINATION lib)
install(PROGRAMS ${CMAKE_BINARY_DIR}/foo-config DESTINATION bin)
install(FILES foo.h DESTINATION include)
install(FILES foo.1 DESTINATION share/man/man1)
install(FILES data.txt DESTINATION share/foo)
"""

FOO_HEADER = """\
#ifdef __cplusplus
extern "C" {
#endif
#define FOO_VERSION "%(version)s"
int foo_value(void);
int foo_length(const char *text);
double foo_root(double x);
const char *foo_file(void);
#ifdef __cplusplus
}
#endif
"""

FOO_SOURCE = """\
#include <math.h>
#include <string.h>
#include "foo.h"
int foo_core_value(void);
int foo_core_count(const char *text);
int foo_value(void) { return foo_core_value(); }
int foo_length(const char *text) {
    char buffer[64];
    strcpy(buffer, text);
    return foo_core_count(buffer);
}
double foo_root(double x) { return sqrt(x); }
const char *foo_file(void) { return __FILE__; }
"""

FOO_CONFIG = """\
#!/bin/sh
prefix='@CMAKE_INSTALL_PREFIX@'
case $1 in
--prefix) echo "$prefix" ;;
--cflags) echo "-I@CMAKE_INSTALL_PREFIX@/include" ;;
--libs) echo "-L@CMAKE_INSTALL_PREFIX@/lib -lfoo" ;;
esac
"""

FOO_PC = """\
prefix=@CMAKE_INSTALL_PREFIX@
libdir=${prefix}/lib
includedir=@CMAKE_INSTALL_PREFIX@/include

Name: foo
Description: foo
Version: @PROJECT_VERSION@
Libs: -L${libdir} -lfoo
Libs.private: @MATH@
Cflags: -I${includedir}
"""


def foo(version: str = "1.0", value: int = 42) -> dict[str, str]:
    """A CMake project: two libraries, a tool, data, and every kind of development file."""
    return {
        "LICENSE": LICENSE,
        "CMakeLists.txt": FOO_CMAKE % {"version": version},
        "foo.h": FOO_HEADER % {"version": version},
        "foo.c": FOO_SOURCE,
        "core.c": "#include <string.h>\n"
        f"int foo_core_value(void) {{ return {value}; }}\n"
        "int foo_core_count(const char *text) { return (int) strlen(text); }\n",
        "tool.c": '#include <stdio.h>\n#include "foo.h"\n'
        'int main(void) { printf("%d\\n", foo_value()); return 0; }\n',
        "foo.pc.in": FOO_PC,
        "foo-config.in": FOO_CONFIG,
        "fooConfig.cmake.in": "@PACKAGE_INIT@\n"
        "set_and_check(foo_PREFIX @PACKAGE_prefix@)\n"
        'set(foo_WRITTEN "@CMAKE_INSTALL_PREFIX@/include")\n'
        "include(${CMAKE_CURRENT_LIST_DIR}/fooTargets.cmake)\n",
        "foo.1": ".TH foo 1\n",
        "data.txt": "data\n",
    }


FOO_LIBRARIES = (
    {"soname": "libfoo.so.1"},
    {"soname": "libfoo_core.so.1", "role": "private"},
)
FOO_SECTIONS = {
    "products": {
        "headers": ["foo.h"],
        "tools": ["footool"],
        "data": ["lib/pkgconfig/foo.pc", "lib/cmake/foo/fooConfig.cmake", "bin/foo-config"],
    },
    "data": [{"path": "share/foo"}],
}

OVER_CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(over C)
find_package(foo CONFIG REQUIRED)
add_library(over SHARED over.c)
set_target_properties(over PROPERTIES SOVERSION 1)
target_link_libraries(over PRIVATE foo::foo)
add_executable(generate main.c)
target_link_libraries(generate over)
add_custom_command(OUTPUT made.txt COMMAND generate > made.txt DEPENDS generate)
add_custom_target(data ALL DEPENDS made.txt)
install(TARGETS over)
install(FILES ${CMAKE_BINARY_DIR}/made.txt DESTINATION share/over)
"""


def over() -> dict[str, str]:
    """A CMake project on top of foo, of which the build runs a program that it made."""
    return {
        "LICENSE": LICENSE,
        "CMakeLists.txt": OVER_CMAKE,
        "over.c": "#include <foo.h>\nint over(void) { return foo_value() + 1; }\n",
        "main.c": "#include <stdio.h>\nint over(void);\n"
        'int main(void) { printf("%d\\n", over()); return 0; }\n',
    }


# --- as autotools do it, without autotools --------------------------------------------------------

CONFIGURE = string.Template("""\
#!/bin/sh
src=$$(cd "$$(dirname "$$0")" && pwd)
for word; do
    case $$word in
    --prefix=*) prefix=$${word#*=} ;;
    esac
done
exec 5>config.log
found=
check() {
    printf 'checking for -l%s... ' "$$1"
    echo 'int main(void) { return 0; }' >conftest.c
    if $${CC-cc} $$CPPFLAGS $$CFLAGS -o conftest conftest.c $$LDFLAGS -l"$$1" >&5 2>&1
    then echo yes; found="$$found -l$$1"
    else echo no; fi
}
$checks
sed -e "s|@src@|$$src|g" -e "s|@prefix@|$$prefix|g" -e "s|@found@|$$found|g" \\
    "$$src/Makefile.in" >Makefile
""")

MAKEFILE = string.Template("""\
place = $$(DESTDIR)@prefix@
$variables
all: $targets
%.o: @src@/%.c
\t$$(CC) $$(CPPFLAGS) $$(CFLAGS) -I@src@ -c -o $$@ $$<
%.o: @src@/%.cc
\t$$(CXX) $$(CPPFLAGS) $$(CXXFLAGS) -I@src@ -c -o $$@ $$<
$rules
install: all
\tmkdir -p $$(place)/lib $$(place)/include
\tcp @src@/*.h $$(place)/include
$installs
""")
LINK = string.Template("""\
$soname: $objects
\t$$($compiler) -shared $$(LDFLAGS) -Wl,-soname,$soname -o $$@ $objects $flags @found@
""")
INSTALL = string.Template("""\
\tcp $soname $$(place)/lib/$soname.0
\tln -sf $soname.0 $$(place)/lib/$soname
\tln -sf $soname $$(place)/lib/$development
""")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A shared library: its SONAME, sources by file name, and flags for the linker."""

    soname: str
    sources: Mapping[str, str]
    flags: str = ""


def autotools(
    *targets: Target,
    files: Mapping[str, str] | None = None,
    checks: Sequence[str] = (),
    configure: str = "",
    extra: str = "",
) -> dict[str, str]:
    """A project with ``configure`` and a makefile.

    Args:
        targets: its libraries.
        files: headers and whatever else.
        checks: names to look for with ``-l<name>``; what is there is linked.
        configure: more shell code.
        extra: more commands that install.
    """
    rules = []
    for target in targets:
        objects = " ".join(f"{name.rpartition('.')[0]}.o" for name in target.sources)
        compiler = "CXX" if any(name.endswith(".cc") for name in target.sources) else "CC"
        rules.append(
            LINK.substitute(
                soname=target.soname, objects=objects, compiler=compiler, flags=target.flags
            )
        )
    installs = [
        INSTALL.substitute(soname=t.soname, development=f"{t.soname.partition('.so')[0]}.so")
        for t in targets
    ]
    return {
        "LICENSE": LICENSE,
        "configure": CONFIGURE.substitute(
            checks="\n".join([*(f"check {name}" for name in checks), configure])
        ),
        "Makefile.in": MAKEFILE.substitute(
            variables="",
            targets=" ".join(target.soname for target in targets),
            rules="".join(rules),
            installs="".join([*installs, extra]),
        ),
        "any.h": "/* something to install */\n",
        **{name: text for target in targets for name, text in target.sources.items()},
        **(files or {}),
    }


# --- a Python package with extension modules ------------------------------------------------------

EXTENSION = """\
#include <Python.h>
%(include)s
static PyObject *value(PyObject *self, PyObject *none) { return PyLong_FromLong(%(call)s); }
static PyMethodDef methods[] = {{"value", value, METH_NOARGS, 0}, {0}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "%(name)s", 0, -1, methods};
PyMODINIT_FUNC PyInit_%(name)s(void) { return PyModule_Create(&module); }
"""
SETUP = """\
from setuptools import Extension, setup
setup(
    name="{name}",
    version="{version}",
    packages=["{name}"],
    ext_modules=[Extension("{name}._ext", ["ext.c"], libraries={libraries!r})],
)
"""


def extension(name: str, include: str, call: str) -> str:
    """C source of an extension module with one function, ``value()``."""
    return EXTENSION % {"name": name, "include": include, "call": call}


def sdist(
    name: str,
    version: str,
    *,
    include: str = "#include <foo.h>",
    call: str = "foo_value()",
    libraries: Sequence[str] = ("foo",),
    requires: Sequence[str] = ("setuptools",),
    setup: str = "",
    files: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A setuptools project whose one extension uses native libraries; ``setup`` runs first."""
    return {
        "LICENSE": LICENSE,
        "pyproject.toml": f"[build-system]\nrequires = {list(requires)!r}\n"
        'build-backend = "setuptools.build_meta"\n',
        "setup.py": setup + SETUP.format(name=name, version=version, libraries=list(libraries)),
        "ext.c": extension("_ext", include, call),
        f"{name}/__init__.py": '"""A consumer."""\n\nfrom ._ext import value\n',
        **(files or {}),
    }
