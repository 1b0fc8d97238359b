import pytest

from commonwheel.check.relocatable import absolute_path

GUARD = """\
get_filename_component(_realCurr "${_IMPORT_PREFIX}" REALPATH)
get_filename_component(_realOrig "/usr/lib/cmake/foo" REALPATH)
if(_realCurr STREQUAL _realOrig)
  set(_IMPORT_PREFIX "/usr/local")
endif()
unset(_realOrig)
unset(_realCurr)
"""


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("prefix=/opt/foo", "/opt/foo"),
        ("libdir = /usr/lib", "/usr/lib"),
        ("Cflags: -DX -I/usr/include/foo", "/usr/include/foo"),
        ("Libs: -L${libdir} -lfoo -L/usr/lib64", "/usr/lib64"),
        ("Libs.private: /usr/lib/libz.so.1", "/usr/lib/libz.so.1"),
        ("prefix=${pcfiledir}/../..", None),
        ("includedir=${prefix}/include", None),
        ("Cflags: -I${includedir}/foo", None),
        ("sysconfdir=/etc", None),
        ("URL: https://example.org/lib/foo.a", None),
        ("# prefix=/opt/foo", None),
    ],
)
def test_pkg_config(line: str, path: str | None) -> None:
    assert absolute_path("lib/pkgconfig/foo.pc", f"Name: foo\n{line}\n".encode()) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('IMPORTED_LOCATION_RELEASE "/opt/foo/lib/libfoo.so"', "/opt/foo/lib/libfoo.so"),
        ('INTERFACE_LINK_LIBRARIES "bar;/usr/lib/libz.so"', "/usr/lib/libz.so"),
        ("set(FOO_DIR /usr/lib/foo)", "/usr/lib/foo"),
        ('set(FOO_FLAGS "-I/usr/include/foo")', "/usr/include/foo"),
        ('IMPORTED_LOCATION_RELEASE "${_IMPORT_PREFIX}/lib/libfoo.so"', None),
        ('include("${CMAKE_CURRENT_LIST_DIR}/a/b.cmake")', None),
        ('set(FLAGS "$<$<BOOL:>:/fp:precise>")', None),
        ("  # was /usr/lib/foo", None),
        (GUARD, None),
        (GUARD + 'set(FOO_DIR "/usr/lib/foo")', "/usr/lib/foo"),
    ],
)
@pytest.mark.parametrize(
    "name", ["FooConfig.cmake", "foo-config-version.cmake", "fooTargets-release.cmake"]
)
def test_cmake(name: str, text: str, path: str | None) -> None:
    assert absolute_path(f"lib/cmake/foo/{name}", text.encode()) == path


@pytest.mark.parametrize("name", ["FindFoo.cmake", "foo.py", "notes.pc.in"])
def test_other_files_are_not_looked_at(name: str) -> None:
    assert absolute_path(name, b'set(FOO_DIR "/usr/lib/foo")\nprefix=/usr\n') is None
