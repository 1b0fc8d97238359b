"""What others build against library wheels: with a prefix, or by naming them in pyproject.toml."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Venv, build, wheels

PROGRAM = """\
#include <sqlite3.h>
#include <stdio.h>
#include <zlib.h>
int main(void) { printf("%s %s\\n", sqlite3_libversion(), zlibVersion()); return 0; }
"""
SAYS = "3.46.1 1.3.1\n"
# Neither library has CMake files of its own: CMake's own modules find them.
CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(program C)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
add_executable(program main.c)
target_link_libraries(program PRIVATE SQLite::SQLite3 ZLIB::ZLIB)
"""
MESON = """\
project('program', 'c')
executable('program', 'main.c', dependencies: [dependency('sqlite3'), dependency('zlib')])
"""


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse with SQLite and zlib."""
    folder = tmp_path_factory.mktemp("libraries") / "wheelhouse"
    build(folder, "sqlite3", "zlib")
    return folder


# --- with a prefix ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("prefix") / "first"
    command = [sys.executable, "-m", "commonwheel", "prefix", str(target), "sqlite3", "zlib"]
    command += ["--wheelhouse", str(libraries)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == f". {target}/env.sh\n"
    return target


@pytest.fixture(scope="module")
def tools(make_venv: Callable[..., Venv]) -> Path:
    """A folder with meson, cmake and ninja from the package index."""
    return make_venv("meson", "cmake", "ninja").folder / "bin"


def compiled(folder: Path, tools: Path, script: str) -> str:
    """What ``program`` prints in an empty environment, after a script has built it."""
    path = f"{tools}{os.pathsep}{os.defpath}"
    command = ["bash", "-euc", script]
    done = subprocess.run(
        command, cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (program,) = [path for path in folder.rglob("program") if path.is_file()]
    return subprocess.run([program], env={}, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_pkg_config(prefix: Path, tools: Path, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    flags = "$(pkg-config --cflags --libs sqlite3 zlib)"
    script = f". {prefix}/env.sh\ncc main.c {flags} -o program"
    assert compiled(tmp_path, tools, script) == SAYS


def test_cmake(prefix: Path, tools: Path, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    script = f". {prefix}/env.sh\ncmake -G Ninja -S . -B build\nninja -C build"
    assert compiled(tmp_path, tools, script) == SAYS


def test_meson(prefix: Path, tools: Path, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    (tmp_path / "meson.build").write_text(MESON)
    script = f". {prefix}/env.sh\nmeson setup build\nninja -C build"
    assert compiled(tmp_path, tools, script) == SAYS


# --- by name, from pyproject.toml ---------------------------------------------------------------

EXTENSION = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sqlite3.h>
static PyObject *version(PyObject *self, PyObject *arguments) {
    (void) self; (void) arguments;
    return PyUnicode_FromString(sqlite3_libversion());
}
static PyMethodDef methods[] = {{"version", version, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_ext", .m_methods = methods};
PyMODINIT_FUNC PyInit__ext(void) { return PyModule_Create(&module); }
"""
PYPROJECT = """\
[build-system]
requires = [{requires}]
build-backend = "{backend}"

[project]
name = "demo"
version = "1.0"
"""
PROJECTS: dict[str, dict[str, str]] = {
    "meson-python": {
        "pyproject.toml": PYPROJECT.format(
            requires='"meson-python", "commonwheel-sqlite3-so0", "pkgconf"', backend="mesonpy"
        )
        + '\n[tool.meson-python.args]\nsetup = ["--native-file=../native.ini"]\n',
        # The name of pkgconf that reads the entry points of installed wheels.
        "native.ini": "[binaries]\npkg-config = 'pkgconf-pypi'\n",
        "meson.build": """\
project('demo', 'c', version: '1.0')
python = import('python').find_installation(pure: false)
python.extension_module(
  '_ext', 'demo/_ext.c',
  dependencies: dependency('sqlite3'),
  install: true,
  subdir: 'demo',
)
python.install_sources('demo/__init__.py', subdir: 'demo')
""",
    },
    "scikit-build-core": {
        "pyproject.toml": PYPROJECT.format(
            requires='"scikit-build-core", "commonwheel-sqlite3-so0"',
            backend="scikit_build_core.build",
        ),
        "CMakeLists.txt": """\
cmake_minimum_required(VERSION 3.18)
project(demo LANGUAGES C)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(SQLite3 REQUIRED)
Python_add_library(_ext MODULE demo/_ext.c WITH_SOABI)
target_link_libraries(_ext PRIVATE SQLite::SQLite3)
install(TARGETS _ext DESTINATION demo)
""",
    },
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    common = {"demo/__init__.py": "from ._ext import version\n", "demo/_ext.c": EXTENSION}
    for name, text in {**common, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("backend", PROJECTS)
def test_a_library_wheel_in_build_system_requires(
    libraries: Path, tmp_path: Path, make_venv: Callable[..., Venv], backend: str
) -> None:
    project = write(tmp_path / "project", PROJECTS[backend])
    raw = tmp_path / "raw"
    # Build isolation is on; the build tools are from the package index.
    words = ["wheel", "--no-deps", "--find-links", str(libraries), "-w", str(raw), str(project)]
    done = subprocess.run(
        [make_venv().python, "-I", "-m", "pip", *words],
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(project)

    (wheel,) = wheels(raw, "demo")
    command = [sys.executable, "-m", "commonwheel", "repair", str(wheel), "--with", str(libraries)]
    command += ["-w", str(tmp_path / "shared")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    venv = make_venv()
    venv.pip("--no-index", "--find-links", tmp_path / "shared", "--find-links", libraries, "demo")
    said = venv.run("import demo; print(demo.version()); print(open('/proc/self/maps').read())")
    assert said.startswith("3.46.1\n")
    mapped = {line.split()[-1] for line in said.splitlines() if "libsqlite3" in line}
    place = venv.site / "commonwheel_libs/sqlite3_so0/lib/libsqlite3-commonwheel.so.0"
    assert mapped == {str(place)}
