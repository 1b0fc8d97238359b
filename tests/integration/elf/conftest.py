"""Small shared libraries, linked by a real gcc."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from commonwheel.elf.sections import section_names

SOURCE = """
#include <math.h>
__attribute__((visibility("protected"))) int guarded(void) { return 1; }
__attribute__((visibility("hidden"))) int secret(void) { return 2; }
__attribute__((weak)) int maybe(void) { return 3; }
extern int optional(void) __attribute__((weak));
static int chosen_one(void) { return 4; }
static void *choose(void) { return (void *) chosen_one; }
int chosen(void) __attribute__((ifunc("choose")));
__thread int per_thread = 5;
int table[25] = {1};
double root(double x) { return sqrt(x) + guarded() + secret() + (optional ? optional() : 0); }
#ifdef VERSIONED
int old_f(void) { return 1; }
int new_f(void) { return 2; }
__asm__(".symver old_f,f@LIB_1");
__asm__(".symver new_f,f@@LIB_2");
#endif
"""
MAP = """
LIB_1 { global: f; guarded; maybe; chosen; per_thread; table; root; local: *; };
LIB_2 { global: f; } LIB_1;
"""

Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_library(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    gcc = shutil.which("gcc")
    assert gcc, "the integration tests need gcc"

    def build(
        *flags: str,
        name: str = "libx.so",
        source: str = SOURCE,
        libraries: Sequence[str] = ("-lm",),
    ) -> Path:
        folder = tmp_path_factory.mktemp("lib")
        (folder / "x.c").write_text(source)
        (folder / "x.map").write_text(MAP)
        command = [gcc, "-shared", "-fPIC", "-w", "-o", name, "x.c", *flags, *libraries]
        subprocess.run(command, cwd=folder, check=True)
        return folder / name

    return build


@pytest.fixture(scope="session")
def versioned(compile_library: Compile) -> Path:
    flags = ["-DVERSIONED", "-Wl,--version-script=x.map", "-Wl,-soname,libx.so.1"]
    path = compile_library(*flags, "-g", "-Wl,--build-id=sha1", "-Wl,--disable-new-dtags,-rpath,/a")
    assert ".debug_info" in section_names(path)
    return path
