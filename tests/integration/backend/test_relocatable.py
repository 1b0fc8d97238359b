"""Development files of a library wheel, from a folder that it was moved to after installation."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.process import run
from tests.integration import kit, projects
from tests.integration.kit import PLAIN, Workshop, extract

PROGRAM = """\
#include <stdio.h>
#include <foo.h>
int main(void) { printf("%d %s %.0f\\n", foo_value(), FOO_VERSION, foo_root(16)); return 0; }
"""
EXPECTED = "42 1.0 4\n"

CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(consumer C)
find_package(foo 1.0 CONFIG REQUIRED)
add_executable(program main.c)
target_link_libraries(program foo::foo)
get_filename_component(written "${foo_WRITTEN}" REALPATH)
message(STATUS "prefix is ${foo_PREFIX}")
message(STATUS "headers are in ${written}")
"""

SKBUILD = {
    "pyproject.toml": """\
[build-system]
requires = ["scikit-build-core", "commonwheel-foo-so1"]
build-backend = "scikit_build_core.build"
[project]
name = "skconsumer"
version = "1.0"
""",
    "CMakeLists.txt": """\
cmake_minimum_required(VERSION 3.15)
project(skconsumer C)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(foo CONFIG REQUIRED)
Python_add_library(_ext MODULE ext.c WITH_SOABI)
target_link_libraries(_ext PRIVATE foo::foo)
install(TARGETS _ext DESTINATION skconsumer)
""",
    "skconsumer/__init__.py": "from ._ext import value\n",
}


@pytest.fixture(scope="module")
def site(foo: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on sys.path with the library wheel, which is not where it was installed first."""
    first = extract(foo.wheel("commonwheel_foo"), tmp_path_factory.mktemp("first"))
    moved = tmp_path_factory.mktemp("moved") / "site"
    shutil.move(first, moved)
    return moved


def compile_and_run(folder: Path, flags: Sequence[str], site: Path) -> str:
    (folder / "main.c").write_text(PROGRAM)
    program = folder / "program"
    run(["gcc", "-o", program, folder / "main.c", *flags, "-lm"], env=PLAIN)
    # Outside of Python there is no RPATH from repair: the caller of a linker gives its own.
    lib = site / "commonwheel_libs/foo_so1/lib"
    return run([program], env={"LD_LIBRARY_PATH": str(lib)}).output


def test_system_pkg_config(site: Path, tmp_path: Path) -> None:
    folder = site / "commonwheel_libs/foo_so1/lib/pkgconfig"
    environment = {**PLAIN, "PKG_CONFIG_PATH": str(folder)}
    said = run(["pkg-config", "--cflags", "--libs", "foo"], env=environment).output
    prefix = folder.parent.parent
    paths = [Path(word[2:]).resolve() for word in said.split() if word[:2] in {"-I", "-L"}]
    assert paths == [prefix / "include", prefix / "lib"]
    assert compile_and_run(tmp_path, said.split(), site) == EXPECTED
    static = run(["pkg-config", "--static", "--libs", "foo"], env=environment).output.split()
    assert static[-2:] == ["-lfoo", "-lm"]


def test_config_script(site: Path, tmp_path: Path) -> None:
    script = site / "commonwheel_libs/foo_so1/bin/foo-config"
    linked = tmp_path / "foo-config"
    linked.symlink_to(script)
    prefix = script.parent.parent
    assert run([script, "--prefix"], env=PLAIN, cwd=tmp_path).output == f"{prefix}\n"
    relative = ["./foo-config", "--prefix"]
    assert run(relative, env=PLAIN, cwd=script.parent).output == f"{prefix}\n"
    flags = [
        *run([script, "--cflags"], env=PLAIN).output.split(),
        *run([script, "--libs"], env=PLAIN).output.split(),
    ]
    assert flags == [f"-I{prefix}/include", f"-L{prefix}/lib", "-lfoo"]
    assert compile_and_run(tmp_path, flags, site) == EXPECTED


def test_cmake_find_package(site: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "main.c").write_text(PROGRAM)
    prefix = site / "commonwheel_libs/foo_so1"
    configure = ["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"]
    said = run(configure, cwd=tmp_path, env=PLAIN).output
    assert f"prefix is {prefix}\n" in said
    assert f"headers are in {prefix}/include\n" in said
    run(["cmake", "--build", "build"], cwd=tmp_path, env=PLAIN)
    # CMake's own RPATH leads to the library, under the name that its target has.
    assert run([tmp_path / "build/program"], env={}).output == EXPECTED


def test_a_wrong_version_is_not_found(site: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.replace("foo 1.0", "foo 2.0"))
    prefix = site / "commonwheel_libs/foo_so1"
    configure = ["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"]
    said = run(configure, cwd=tmp_path, env=PLAIN, check=False)
    assert said.code != 0
    assert "version: 1.0" in said.output


@pytest.fixture(scope="module")
def tools(foo: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with pkgconf from the index, and the library wheel, moved."""
    folder = tmp_path_factory.mktemp("tools")
    python = kit.environment(folder / "first")
    index = kit.caller_environment()
    kit.pip_install(python, foo.wheel("commonwheel_foo").path, "pkgconf", environ=index)
    moved = folder / "second"
    shutil.move(folder / "first", moved)
    return moved / "bin/python"


def test_pkgconf_of_the_package_index(tools: Path, tmp_path: Path) -> None:
    # By the entry point of the wheel: no path is given.
    said = run([tools, "-m", "pkgconf", "--cflags", "--libs", "foo"], env=PLAIN).output
    site = Path(kit.says(tools, "import sysconfig; print(sysconfig.get_path('platlib'))"))
    assert str(site / "commonwheel_libs/foo_so1") in said
    assert compile_and_run(tmp_path, said.split(), site) == EXPECTED


def test_scikit_build_core(foo: Workshop, tmp_path: Path) -> None:
    sources = {**SKBUILD, "ext.c": projects.extension("_ext", "#include <foo.h>", "foo_value()")}
    for name, text in sources.items():
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "-w",
        tmp_path / "raw",
    ]
    run(
        [*command, "--find-links", foo.wheelhouse, tmp_path / "project"],
        env=kit.caller_environment(),
    )
    (raw,) = (tmp_path / "raw").glob("*.whl")
    outcome = kit.commonwheel("repair", raw, "--with", foo.wheelhouse, "-w", tmp_path / "wheels")
    assert outcome.code == 0, outcome.text
    python = kit.environment(tmp_path / "venv")
    links = ("--no-index", "--find-links", tmp_path / "wheels", "--find-links", foo.wheelhouse)
    kit.pip_install(python, *links, "skconsumer", environ={})
    assert kit.says(python, "import skconsumer; print(skconsumer.value())") == "42"
