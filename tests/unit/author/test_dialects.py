from commonwheel.author.dialects import (
    Said,
    autoconf,
    cmake,
    makefile,
    meson,
    meson_options,
    pkg_config,
)
from commonwheel.author.known import Clue


def names(said: Said, kind: str) -> list[str]:
    return [clue.name for clue in said.clues if clue.kind == kind]


def test_cmake() -> None:
    said = cmake(
        """\
cmake_minimum_required(VERSION 3.10)
# project(other CXX)
PROJECT(json-c LANGUAGES C CXX VERSION 0.18
  DESCRIPTION "A JSON  library" HOMEPAGE_URL "https://example.org")
include(CTest)
option(BUILD_SHARED_LIBS "x" ON)
option(FOO_BUILD_TESTS "tests; (all)" ON)
option(FOO_BUILD_EXAMPLES "x" OFF)
option(DOCS "x" ${DEFAULT})
find_package(ZLIB 1.2 REQUIRED)
  FIND_PACKAGE(PNG)
pkg_check_modules(LZ REQUIRED IMPORTED_TARGET liblz4>=1.9 libzstd)
""",
        "CMakeLists.txt",
    )
    assert (said.version, said.description) == ("0.18", "A JSON library")
    assert (said.homepage, said.languages) == ("https://example.org", ["c", "c++"])
    assert said.options == ["-DFOO_BUILD_TESTS=OFF", "-DDOCS=OFF", "-DBUILD_TESTING=OFF"]
    assert names(said, "package") == ["ZLIB", "PNG"]
    assert names(said, "module") == ["liblz4", "libzstd"]
    assert said.clues[0] == Clue("package", "ZLIB", "CMakeLists.txt")


def test_cmake_with_languages_alone_and_placeholders() -> None:
    assert cmake("project(zlib C)", "x").languages == ["c"]
    said = cmake('project(foo VERSION ${V} DESCRIPTION "${D}")', "x")
    assert (said.version, said.description, said.languages) == ("", "", [])
    assert cmake("project()", "x") == Said()


def test_meson() -> None:
    said = meson(
        """\
project('thing', ['c', 'cpp'],
  version : '1.2.3',
  meson_version : '>= 0.60',
  default_options : ['c_std=c99'],
)
zdep = dependency('zlib', required : get_option('zlib'))
m = cc.find_library('m', required : false)
# dependency('not')
""",
        "meson.build",
    )
    assert (said.version, said.languages) == ("1.2.3", ["c", "c++"])
    assert names(said, "module") == ["zlib"]
    assert names(said, "library") == ["m"]


def test_meson_options() -> None:
    text = """\
option('tests', type : 'boolean', value : true, description : 'x')
option('docs', type : 'feature', value : 'auto')
option('examples', type : 'boolean', value : false)
option('level', type : 'integer', value : 3)
"""
    assert meson_options(text) == ["-Dtests=false", "-Ddocs=disabled"]


def test_autoconf() -> None:
    said = autoconf(
        """\
dnl AC_INIT([not], [0])
AC_INIT([libfoo], [1.4], [bugs@example.org], [foo], [https://example.org/foo])
PKG_CHECK_MODULES([XML], [libxml-2.0 >= 2.9 zlib], [yes=1])
PKG_CHECK_EXISTS([sqlite3])
AC_CHECK_LIB([z], [inflate])
AC_CHECK_LIB(bz2, BZ2_bzopen)
AC_SEARCH_LIBS([sqrt], [m mvec])
""",
        "configure.ac",
    )
    assert (said.version, said.homepage) == ("1.4", "https://example.org/foo")
    assert names(said, "module") == ["libxml-2.0", "zlib", "sqlite3"]
    assert names(said, "library") == ["z", "bz2", "m", "mvec"]
    assert autoconf("AC_INIT([x], m4_esyscmd([./version]))", "x").version == ""


def test_pkg_config() -> None:
    said = pkg_config(
        """\
prefix=@prefix@
Name: foo
Description: Reads foos
URL: @URL@
Requires.private: zlib >= 1.2, @MORE@ libpng
Libs: -L${libdir} -lfoo
Libs.private: -lm
""",
        "foo.pc.in",
    )
    assert (said.description, said.homepage) == ("Reads foos", "")
    assert names(said, "module") == ["zlib", "libpng"]
    assert names(said, "library") == ["foo", "m"]


def test_makefile() -> None:
    assert names(makefile("LIBS = -lz -L. -lpng16 # -lnot\nx-lnot", "Makefile"), "library") == [
        "z",
        "png16",
    ]


def test_the_first_answer_counts() -> None:
    said = Said(version="1", options=["-a"])
    said.add(Said(version="2", description="x", options=["-a", "-b"]))
    assert (said.version, said.description, said.options) == ("1", "x", ["-a", "-b"])
