"""A C program builds with what a wheel's pkg-config file says, and runs with its library."""

import os
import subprocess
from pathlib import Path

import pytest

PROGRAM = "#include <stdio.h>\n{includes}\nint main(void) {{ {body}; return 0; }}\n"

PCRE2 = "#define PCRE2_CODE_UNIT_WIDTH {width}\n#include <pcre2.h>"
PCRE2_VERSION = (
    "PCRE2_UCHAR text[64]; int n = pcre2_config(PCRE2_CONFIG_VERSION, text); "
    "for (int i = 0; i < n - 1; i++) putchar((int)text[i])"
)

# By pkg-config's name: what is included, what prints the version, the version.
PROGRAMS = {
    "bzip2": ("#include <bzlib.h>", "puts(BZ2_bzlibVersion())", "1.0.8,"),
    "expat": ("#include <expat.h>", "puts(XML_ExpatVersion())", "expat_2.8.3"),
    "fftw3": ("#include <fftw3.h>", "puts(fftw_version)", "fftw-3.3.10"),
    "fftw3f": ("#include <fftw3.h>", "puts(fftwf_version)", "fftw-3.3.10"),
    "fftw3l": ("#include <fftw3.h>", "puts(fftwl_version)", "fftw-3.3.10"),
    "json-c": ("#include <json.h>", "puts(json_c_version())", "0.18"),
    "liblz4": ("#include <lz4.h>", "puts(LZ4_versionString())", "1.10.0"),
    "libpng": ("#include <png.h>", "puts(png_get_libpng_ver(NULL))", "1.6.48"),
    "libpcre2-8": (PCRE2.format(width=8), PCRE2_VERSION, "10.46"),
    "libpcre2-16": (PCRE2.format(width=16), PCRE2_VERSION, "10.46"),
    "libpcre2-32": (PCRE2.format(width=32), PCRE2_VERSION, "10.46"),
    "yaml-0.1": ("#include <yaml.h>", "puts(yaml_get_version_string())", "0.2.5"),
}


@pytest.fixture(scope="session")
def libraries(environment: Path) -> Path:
    """The folder of all library wheels' packages."""
    (found,) = environment.parents[1].glob("lib/python3*/site-packages/commonwheel_libs")
    return found


def build_and_run(compiler: str, source: Path, package: str, libraries: Path) -> str:
    """Compile one file with what pkg-config says of a package; what its program prints."""
    folders = sorted(str(folder) for folder in libraries.glob("*/lib/pkgconfig"))
    done = subprocess.run(
        ["pkg-config", "--cflags", "--libs", package],
        env={"PATH": os.environ["PATH"], "PKG_CONFIG_LIBDIR": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=True,
    )
    flags = done.stdout.split()
    # Where this library is; where those are that it needs itself, nobody tells.
    paths = [f"-Wl,-rpath,{flag[2:]}" for flag in flags if flag.startswith("-L")]
    program = source.with_suffix("")
    subprocess.run(
        [compiler, "-Wall", "-Werror", source, *flags, *paths, "-o", program], check=True
    )
    loaded = subprocess.run(["ldd", program], env={}, capture_output=True, text=True, check=True)
    assert f"{libraries}/" in loaded.stdout
    assert "not found" not in loaded.stdout
    return subprocess.run([program], env={}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("package", PROGRAMS)
def test_a_c_program_builds_and_runs(package: str, libraries: Path, tmp_path: Path) -> None:
    includes, body, version = PROGRAMS[package]
    source = tmp_path / "program.c"
    source.write_text(PROGRAM.format(includes=includes, body=body))
    assert build_and_run("gcc", source, package, libraries).startswith(version)


FORTRAN = """
      program transform
      implicit none
      include 'fftw3.f'
      double complex given(8), found(8)
      integer*8 plan
      given = (1d0, 0d0)
      call dfftw_plan_dft_1d(plan, 8, given, found, FFTW_FORWARD, FFTW_ESTIMATE)
      call dfftw_execute_dft(plan, given, found)
      call dfftw_destroy_plan(plan)
      print '(8F5.1)', dble(found)
      end program
"""


def test_a_fortran_program_builds_and_runs(libraries: Path, tmp_path: Path) -> None:
    """FFTW's configure has asked gfortran how it spells the names of what it calls."""
    source = tmp_path / "transform.f90"
    source.write_text(FORTRAN)
    said = build_and_run("gfortran", source, "fftw3", libraries)
    assert said.split() == ["8.0", *["0.0"] * 7]
