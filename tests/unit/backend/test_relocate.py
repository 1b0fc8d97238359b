"""Text files of a library wheel, and what of a build they name."""

from pathlib import Path

import pytest

from commonwheel.backend.finish.libraries import Adopted
from commonwheel.backend.finish.relocate import Places, relocate

PREFIX = "/commonwheel_libs/foo_so1"
PLACES = Places(
    install_prefix=PREFIX,
    provider_prefix=Path("/builds/one/prefix/commonwheel_libs/_prefix"),
    platform=Path("/builds/one/toolchain/platform"),
    libraries={
        "libfoo.so.1": Adopted(
            upstream="libfoo.so.1",
            soname="libfoo-commonwheel.so.1",
            role="public",
            development="libfoo.so",
            aliases=("libfoo-old.so", "libfoo.so", "libfoo.so.1", "libfoo.so.1.2.3"),
        ),
        "libcore.so.1": Adopted(
            upstream="libcore.so.1",
            soname="libcore-commonwheel.so.1",
            role="private",
            development=None,
            aliases=("libcore.so", "libcore.so.1"),
        ),
    },
)


def relocated(tree: Path, name: str, text: str) -> str:
    file = tree / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    relocate(tree, PLACES)
    return file.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"prefix={PREFIX}\n", "prefix=${pcfiledir}/../..\n"),
        (f"prefix = {PREFIX}\n", "prefix=${pcfiledir}/../..\n"),
        (
            f"prefix={PREFIX}\nlibdir={PREFIX}/lib\n",
            "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n",
        ),
        # Without a prefix of its own.
        (f"libdir={PREFIX}/lib\n", "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n"),
        # What is a folder of the providers is theirs to name, by their own .pc files.
        (
            (
                f"prefix={PREFIX}\nLibs: -L${{libdir}} -L{PLACES.provider_prefix}/lib -lfoo "
                f"{PLACES.provider_prefix}/lib/libz.so {PLACES.platform}/lib/libm.so\n"
                f"Cflags: -I{PLACES.provider_prefix}/include -I${{includedir}}\n"
            ),
            "prefix=${pcfiledir}/../..\nLibs: -L${libdir} -lfoo -lz -lm\nCflags: -I${includedir}\n",
        ),
    ],
)
def test_pkg_config(tmp_path: Path, before: str, after: str) -> None:
    assert relocated(tmp_path, "lib/pkgconfig/foo.pc", before) == after


def test_pkg_config_in_share(tmp_path: Path) -> None:
    done = relocated(tmp_path, "share/pkgconfig/foo.pc", f"prefix={PREFIX}\n")
    assert done == "prefix=${pcfiledir}/../..\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f'set(X "{PREFIX}/include")\n',
            'set(X "${CMAKE_CURRENT_LIST_DIR}/../../../include")\n',
        ),
        (
            'LOCATION "${_IMPORT_PREFIX}/lib/libfoo.so.1.2.3"\nSONAME "libfoo.so.1"\n',
            (
                'LOCATION "${_IMPORT_PREFIX}/lib/libfoo-commonwheel.so.1"\n'
                'SONAME "libfoo-commonwheel.so.1"\n'
            ),
        ),
        # What a linker script stands for keeps its name; a private library has no such script.
        ("a/lib/libfoo.so b/lib/libfoo-old.so\n", "a/lib/libfoo.so b/lib/libfoo-old.so\n"),
        ("lib/libcore.so lib/libcore.so.1\n", "lib/libcore-commonwheel.so.1 " * 2),
        # Others' names that hold ours.
        (
            "libfoo.so.12 mylibfoo.so.1 libfoo.so.1.2\n",
            "libfoo.so.12 mylibfoo.so.1 libfoo.so.1.2\n",
        ),
        (f"{PLACES.platform}/lib/libm.so;ZLIB::ZLIB\n", "m;ZLIB::ZLIB\n"),
        (f"{PLACES.provider_prefix}/lib/libz.so\n", "z\n"),
    ],
)
def test_cmake(tmp_path: Path, before: str, after: str) -> None:
    done = relocated(tmp_path, "lib/cmake/foo/fooConfig.cmake", before)
    assert done.replace("\n", " ").strip() == after.replace("\n", " ").strip()


def test_config_script(tmp_path: Path) -> None:
    done = relocated(
        tmp_path,
        "bin/foo-config",
        f"#!/bin/sh\nprefix='{PREFIX}'\nlibs=\"-L{PREFIX}/lib\"\necho '$1'\n",
    )
    head, reckoned, *rest = done.splitlines()
    assert head == "#!/bin/sh"
    assert reckoned.startswith("commonwheel_prefix=")
    assert rest == [
        'prefix="${commonwheel_prefix}"',
        'libs="-L${commonwheel_prefix}/lib"',
        "echo '$1'",
    ]


def test_a_config_script_names_neither_a_provider_nor_the_compilers_folder(tmp_path: Path) -> None:
    lines = (
        f"libs='-L{PLACES.provider_prefix}/lib -lz -L{PLACES.provider_prefix}/lib'",
        f'flags="-I{PLACES.provider_prefix}/include"',
        f"echo '{PLACES.platform.parent}/gcc'",
        "echo -lfoo $libs $flags",
    )
    done = relocated(tmp_path, "bin/foo-config", "\n".join(["#!/bin/sh", *lines]))
    wanted = ["#!/bin/sh", "libs='-lz '", 'flags=""', "echo 'gcc'", "echo -lfoo $libs $flags"]
    assert done.splitlines() == wanted


@pytest.mark.parametrize("name", ["share/foo/notes.txt", "include/foo.h", "bin/data"])
def test_what_is_neither_stays(tmp_path: Path, name: str) -> None:
    assert relocated(tmp_path, name, f"{PREFIX} libfoo.so.1\n") == f"{PREFIX} libfoo.so.1\n"


def test_bytes_that_are_not_utf8_stay(tmp_path: Path) -> None:
    file = tmp_path / "lib/pkgconfig/foo.pc"
    file.parent.mkdir(parents=True)
    file.write_bytes(f"prefix={PREFIX}\n# \xe9\n".encode("latin-1"))
    relocate(tmp_path, PLACES)
    assert file.read_bytes() == "prefix=${pcfiledir}/../..\n# \xe9\n".encode("latin-1")
