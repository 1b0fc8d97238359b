"""``commonwheel prefix``: what is built against one with plain tools runs."""

import shutil
from pathlib import Path

import pytest

from commonwheel.process import run
from tests.integration.kit import PLAIN, Workshop, commonwheel

# over needs foo, which this program does not name: the libraries find one another by DT_RPATH.
OVER = "int over(void);\nint main(void) { return over() == 43 ? 0 : 1; }\n"
FOO = "#include <foo.h>\n#include <stdio.h>\nint main(void) { puts(FOO_VERSION); return 0; }\n"
CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(program C)
find_package(foo CONFIG REQUIRED)
add_executable(program foo.c)
target_link_libraries(program foo::foo)
"""
SHELLS = [
    shell for shell in ("sh", "dash", "bash", "ksh", "mksh", "zsh", "yash") if shutil.which(shell)
]


@pytest.fixture(scope="module")
def made(foo: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix with over and foo."""
    target = tmp_path_factory.mktemp("prefix") / "first"
    places = ("--recipes", foo.recipes, "--wheelhouse", foo.wheelhouse)
    environ = {"COMMONWHEEL_CACHE": str(foo.cache)}
    outcome = commonwheel("prefix", target, "over", *places, environ=environ)
    assert outcome.code == 0, outcome.text
    assert outcome.text.endswith(f". {target}/env.sh\n")
    return target


def sh(folder: Path, script: str, *, shell: str = "bash") -> str:
    """What a fresh shell prints; its environment is empty but for the system's PATH."""
    return run([shell, "-c", f"set -eu\n{script}"], cwd=folder, env=PLAIN).output


def test_a_plain_compiler(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "over.c").write_text(OVER)
    sh(tmp_path, f". {prefix}/env.sh\ncc over.c $CPPFLAGS $LDFLAGS -lover -o program")
    run([tmp_path / "program"], env={})
    # The linker's own variable is enough where no flag names a run path.
    sh(tmp_path, f". {prefix}/env.sh\ncc over.c -L{prefix}/lib -lover -o other")
    run([tmp_path / "other"], env={})


def test_pkg_config(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "foo.c").write_text(FOO)
    script = f". {prefix}/env.sh\ncc foo.c $(pkg-config --cflags --libs foo) -o program"
    sh(tmp_path, script)
    assert run([tmp_path / "program"], env={}).output == "1.0\n"
    (flag,) = sh(tmp_path, f". {prefix}/env.sh\npkg-config --cflags foo").split()
    assert Path(flag.removeprefix("-I")).samefile(prefix / "include")


def test_cmake(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "foo.c").write_text(FOO)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    sh(tmp_path, f". {prefix}/env.sh\ncmake -S . -B build")
    # In another shell: what was configured needs no variable any more.
    sh(tmp_path, "cmake --build build")
    assert run([tmp_path / "build/program"], env={}).output == "1.0\n"


def test_programs_and_scripts(prefix: Path, tmp_path: Path) -> None:
    assert sh(tmp_path, f". {prefix}/env.sh\nfootool") == "42\n"
    said = sh(tmp_path, f". {prefix}/env.sh\nfoo-config --prefix").strip()
    assert (Path(said) / "include" / "foo.h").is_file()


VARIABLES = (
    "PATH",
    "CMAKE_PREFIX_PATH",
    "PKG_CONFIG_PATH",
    "CPPFLAGS",
    "LDFLAGS",
    "LD_RUN_PATH",
)
SHOW = "".join(f'echo "{name}=${name}"\n' for name in VARIABLES)


@pytest.mark.parametrize("shell", SHELLS)
def test_reading_it_twice_changes_nothing(made: Path, tmp_path: Path, shell: str) -> None:
    read = f". {made}/env.sh\n"
    once, twice = (sh(tmp_path, f"{read * count}{SHOW}", shell=shell) for count in (1, 2))
    assert once == twice
    assert f"CMAKE_PREFIX_PATH={made}\n" in once
    assert f"PATH={made}/bin:{PLAIN['PATH']}\n" in once
    # What was there before stays behind.
    before = "".join(f"export {name}=/mine\n" for name in VARIABLES if name != "PATH")
    after = sh(tmp_path, f"{before}{read}{SHOW}", shell=shell)
    assert after.count(f"{made}") == once.count(f"{made}")
    assert [line.endswith("/mine") for line in after.splitlines()] == [False, *[True] * 5]
    left = sh(tmp_path, f"{read}set", shell=shell)
    assert not [line for line in left.splitlines() if line.startswith("commonwheel")]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_moved_prefix_is_never_taken_for_another(made: Path, tmp_path: Path, shell: str) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(made, moved, symlinks=True)
    snippet = moved / "env.sh"
    snippet.write_text(snippet.read_text().replace(str(made), str(tmp_path / "gone")))
    # A POSIX shell does not say which file it reads, but where it is.
    assert f"={moved}\n" in sh(moved, f". ./env.sh\n{SHOW}", shell=shell)
    done = run([shell, "-c", f". {snippet} || exit 9\n{SHOW}"], env=PLAIN, check=False)
    assert f"={moved}\n" in done.output or (done.code == 9 and "has moved" in done.output)
    # Another prefix in the old place is not this one.
    other = tmp_path / "gone"
    other.mkdir()
    (other / "commonwheel-prefix.json").write_text('{"id": "other"}')
    again = run([shell, "-c", f". {snippet} || exit 9\n{SHOW}"], env=PLAIN, check=False)
    assert (again.code, again.output) == (done.code, done.output)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_place_that_variables_cannot_hold(made: Path, tmp_path: Path, shell: str) -> None:
    moved = tmp_path / "with space"
    shutil.copytree(made, moved, symlinks=True)
    snippet = moved / "env.sh"
    snippet.write_text(snippet.read_text().replace(str(made), f"'{moved}'"))
    done = run([shell, "-c", f". '{snippet}' || exit 9"], env=PLAIN, check=False)
    assert done.code == 9
    assert "cannot use a folder with a space" in done.output


def test_wheels_that_are_given(foo: Workshop, made: Path, tmp_path: Path) -> None:
    outcome = commonwheel("prefix", tmp_path / "given", "over", "--with", foo.wheelhouse)
    assert outcome.code == 0, outcome.text
    folders = (made, tmp_path / "given")
    one, two = ({path.relative_to(each) for path in each.rglob("*")} for each in folders)
    assert one == two
