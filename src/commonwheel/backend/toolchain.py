"""The compilers of a build, confined to the assembled prefix, with the flags of every library.

On a build host ``-lpng`` finds whatever the host has. GCC passes its own library folders to the
linker in the spec string ``link_libgcc``; here that string names a folder with the C library, the
compiler's run-time libraries, and nothing else. CMake and pkg-config are confined by their own
settings (see :mod:`commonwheel.backend.drivers`).

The compilers are reached through a small shell script, since only there the linking of one library
can be told from that of another: a library with ``exports`` and no version map of upstream's own
gets one that hides the rest.
"""

import os
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from platform import machine

from commonwheel.backend.prefix import Prefix
from commonwheel.errors import BuildError, MissingProgramError
from commonwheel.process import run
from commonwheel.recipe.resolved import Library

# What a linker may take from the platform: the C library and the compiler's own run-time libraries.
PLATFORM_FILES = (
    *(
        f"lib{name}.so"
        for name in ("c", "m", "mvec", "pthread", "dl", "rt", "util", "resolv", "anl")
    ),
    *(f"lib{name}.a" for name in ("pthread", "dl", "rt", "util", "anl", "c_nonshared")),
    "libgcc_s.so",
    "libgcc_s.so.1",
    "libstdc++.so",
    "libstdc++.so.6",
    "libgfortran.so",
    "libquadmath.so",
    "libatomic.so",
    "libgomp.so",
)

AWKWARD = re.compile(r"[^\w./+@,=~-]")
COMPILERS = {"c": ("gcc", "gcc"), "c++": ("g++", "g++"), "fortran": ("gfortran", "gfortran")}
# A consumer's recipe does not say which it needs.
CONSUMER_LANGUAGES = ("c", "c++")
VARIABLES = {"c": ("CC",), "c++": ("CXX",), "fortran": ("FC", "F77")}
# Compiler caches, by preference, each used when it is installed: a change of the toolkit's own code
# builds everything anew, and nearly all of it from the same bytes.
LAUNCHERS = ("ccache", "sccache")
# Nothing else of the caller's environment reaches a build, but the settings of compiler caches.
KEPT = ("HOME", "LANG", "TMPDIR", "TERM")
KEPT_PREFIXES = ("CCACHE_", "SCCACHE_")

SCRIPT = """\
#!/bin/sh
# The compiler of this build: of the host's libraries it sees the platform's, beside the prefix.
case " $* " in
*-print-search-dirs*) {compiler} "$@" | sed 's|^libraries: .*|libraries: ={folders}|'; exit ;;
*" -c "*|*" -E "*|*" -S "*) exec {launcher}{compiler} "$@" ;;
esac
map=
case " $* " in
*version-script*) ;;
{cases}esac
exec {compiler} {specs} "$@" ${{map:+"-Wl,--version-script=$map"}}
"""
# -Wl,-soname,X and -Wl,-soname=X, alone or with more behind a comma; libtool's -Wl,-soname -Wl,X.
CASE = """\
*-soname[,=]{soname}[\\ ,]*|*-soname\\ -Wl,{soname}[\\ ,]*) map={map} ;;
"""

# With types, though they cost C++ a quarter more time: without, no release can be held against the
# one before (abi/deep.py).
LIBRARY_CODE = ("-O2", "-g")
# As CPython compiles extensions: setuptools drops its flags where CC and CFLAGS are set.
EXTENSION_CODE = ("-O3", "-DNDEBUG", "-fwrapv", "-g0")
FORTIFY = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2")
HARDENING = ("-fstack-protector-strong", *FORTIFY)
# Control-flow protection; the linker notes it in what it makes when the C library's own start files
# have it too (Fedora's and Ubuntu's do, Debian's do not).
BRANCHES = {"x86_64": "-fcf-protection=full", "aarch64": "-mbranch-protection=standard"}
LINKING = (
    "-Wl,-z,relro",
    "-Wl,-z,now",
    "-Wl,-z,noexecstack",
    "-Wl,--build-id=sha1",
    "-Wl,--as-needed",
)


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """Compilers, and the environment that makes every build system use them."""

    compilers: Mapping[str, Path]
    platform: Path
    environment: Mapping[str, str]


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the caller's environment reaches a build."""
    return {k: v for k, v in environ.items() if k in KEPT or k.startswith(KEPT_PREFIXES)}


def require_programs(programs: Mapping[str, str], path: str) -> dict[str, str]:
    """Absolute paths of programs that only the system has.

    Args:
        programs: program → the package that brings it.
        path: PATH to look on.

    Raises:
        MissingProgramError: naming every missing program and its package.
    """
    found = {program: shutil.which(program, path=path) for program in programs}
    missing = [program for program, place in found.items() if place is None]
    if missing:
        packages = " ".join(dict.fromkeys(programs[program] for program in missing))
        raise MissingProgramError(
            f"the system lacks {', '.join(missing)}",
            hint=f"install it, for example: apt-get install {packages}",
        )
    return {program: place for program, place in found.items() if place is not None}


def make(
    folder: Path,
    *,
    prefix: Prefix,
    languages: Sequence[str],
    libraries: Sequence[Library] = (),
    root: Path,
    path: str,
    extensions: bool = False,
) -> Toolchain:
    """Write the compiler scripts into ``folder`` and reckon the environment.

    Args:
        folder: receives the scripts, the spec file and the version maps.
        prefix: the providers of this build.
        languages: ``c``, ``c++``, ``fortran``.
        libraries: those with ``exports`` get a version map.
        root: the staged project; its path is mapped away.
        path: PATH of the build.
        extensions: the build is a consumer's; a library's keeps debug information, to be split off.

    Raises:
        BuildError: makefiles cannot work in a folder of that name.
        MissingProgramError: a compiler is missing.
    """
    _check_place(root)
    found = require_programs(dict(COMPILERS[language] for language in languages), path)
    platform = folder / "platform"
    (platform / "lib").mkdir(parents=True)
    specs = _confine(found[COMPILERS["c"][0]], platform / "lib", folder)
    cases = "".join(_case(each, folder) for each in libraries if each.exports)
    launcher = find_launcher(path)
    compilers = {}
    for language in languages:
        compilers[language] = folder / COMPILERS[language][0]
        script = SCRIPT.format(
            cases=cases,
            compiler=found[COMPILERS[language][0]],
            launcher=f"{launcher} " if launcher else "",
            specs=specs,
            # Meson looks for libraries by itself, in the folders that the compiler names.
            folders=f"{prefix.lib}:{platform / 'lib'}",
        )
        compilers[language].write_text(script, encoding="utf-8")
        compilers[language].chmod(0o755)
    environment = {
        "PATH": f"{folder}{os.pathsep}{path}",
        **_flags(prefix, root, extensions=extensions),
    }
    for language, each in compilers.items():
        environment |= dict.fromkeys(VARIABLES[language], str(each))
    return Toolchain(compilers=compilers, platform=platform, environment=environment)


def find_launcher(path: str) -> str | None:
    """The compiler cache to use, if there is one on PATH."""
    return next(filter(None, (shutil.which(each, path=path) for each in LAUNCHERS)), None)


def _check_place(root: Path) -> None:
    # Flags travel in variables, which make and CMake split at spaces.
    if found := AWKWARD.search(str(root)):
        raise BuildError(
            f"a build cannot work in a folder whose path holds {found[0]!r}: {root}",
            hint="choose another with COMMONWHEEL_CACHE",
        )


def _case(library: Library, folder: Path) -> str:
    script = folder / f"{library.soname}.map"
    patterns = " ".join(f"{pattern};" for pattern in library.exports)
    script.write_text(f"{{ global: {patterns} local: *; }};\n", encoding="utf-8")
    return CASE.format(soname=library.soname, map=shlex.quote(str(script)))


def _confine(compiler: str, platform: Path, folder: Path) -> str:
    for name in PLATFORM_FILES:
        place = run([compiler, f"-print-file-name={name}"]).output.strip()
        if place != name:  # GCC answers with the bare name when there is no such file
            (platform / name).symlink_to(Path(place).resolve())
    own = Path(run([compiler, "-print-libgcc-file-name"]).output.strip()).parent
    specs = folder / "confined.specs"
    specs.write_text(f"*link_libgcc:\n-nostdlib -L{platform} -L{own}\n", encoding="utf-8")
    return f"-specs={shlex.quote(str(specs))}"


def _flags(prefix: Prefix, root: Path, *, extensions: bool) -> dict[str, str]:
    branches = [BRANCHES[machine()]] if machine() in BRANCHES else []
    places = {str(root): "."}
    if extensions:
        # Headers of Python and of what the build has installed name themselves in assertions.
        places |= {sys.prefix: "tools", sysconfig.get_path("include"): "python"}
    mapping = [f"-ffile-prefix-map={place}={name}" for place, name in places.items()]
    common = [
        *(EXTENSION_CODE if extensions else LIBRARY_CODE),
        "-fPIC",
        *HARDENING,
        *branches,
        *mapping,
    ]
    fortran = " ".join(flag for flag in common if flag not in FORTIFY)
    link = [f"-L{prefix.lib}", f"-Wl,-rpath-link,{prefix.lib}", *LINKING]
    link += ["-Wl,-s"] if extensions else []
    return {
        "CPPFLAGS": f"-I{prefix.include}",
        "CFLAGS": " ".join(common),
        "CXXFLAGS": " ".join([*common, "-fno-gnu-unique"]),
        "FFLAGS": fortran,
        "FCFLAGS": fortran,
        "LDFLAGS": " ".join(link),
        # For programs that a build makes and runs. Tagged SONAMEs are nobody else's.
        "LD_LIBRARY_PATH": str(prefix.lib),
        "PKG_CONFIG_LIBDIR": f"{prefix.lib}/pkgconfig:{prefix.path}/share/pkgconfig",
    }
