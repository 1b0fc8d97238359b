import pytest

from commonwheel.check.build_paths import build_path

ELF = b"\x7fELF\0\0\0\0"


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/pip-build-env-1x2y3z4a/overlay/lib",
        "/tmp/tmpzjxdvtkw/a.pyx",
        "/home/me/.cache/commonwheel/x",
        "/x/commonwheel/work/foo-1.0-abc/project/source",
        "/opt/_internal/cpython-3.11.1/include",
        "/__w/cryptography/src",
        "/home/runner/work",
        "/root/src/lib",
        "/home/me/src/a.c",
        "/tmp/hdf5/src/H5.c",
        "/project/gdal-3.10.3/port/cpl_conv.cpp",
        "/io/json-c-0.15/json_object.c",
    ],
)
def test_a_string_of_its_own_in_a_binary(path: str) -> None:
    found = build_path("x.so", ELF + b"text\0" + path.encode() + b"\0more\0")
    assert found is not None
    assert path.endswith(found)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/project/foo/",
        "/opt/rh/gcc-toolset-14/root/usr/include/c++",
        "/tmp/foo_XXXXXX",
        "/tmp/%s/%s/x",
        'File "/Users/somebody/code/a.py", line 1',
        "google/protobuf/io/coded_stream.cc",
        "/home/",
        "/root",
    ],
)
def test_what_only_looks_like_one(text: str) -> None:
    assert build_path("x.so", ELF + b"text\0" + text.encode() + b"\0more\0") is None


def test_a_temporary_folder_is_one_wherever_it_stands() -> None:
    content = ELF + b"../../../../tmp/build-env-vm5wde73/lib/numpy/__init__.pxd\0"
    assert build_path("x.so", content) == "/tmp/build-env-vm5wde73/lib/numpy/__init__.pxd"


def test_a_home_folder_counts_in_a_file_that_a_tool_wrote() -> None:
    line = b"prefix=/home/me/foo\n"
    assert build_path("foo.pc", line) == "/home/me/foo"
    assert build_path("foo.py", line) is None
    assert build_path("bin/foo", b"#!/project/venv/bin/python3\n") == "/project/venv/bin/python3"


@pytest.mark.parametrize(
    "member",
    [
        "x/README.md",
        "x-1.0.dist-info/METADATA",
        "x-1.0.dist-info/licenses/deps/LICENSE",
        "x-1.0.dist-info/LICENSE",
    ],
)
def test_documentation_may_show_paths(member: str) -> None:
    content = b"cd /tmp/pip-build-env-1x2y3z4a/overlay\n"
    assert build_path(member, content) is None
    assert build_path("x-1.0.dist-info/sboms/x.json", content) is not None
