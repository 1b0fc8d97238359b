"""One limit for the compilers of all builds, counted by compilers that note when they run."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonwheel.backend.jobserver import make_flags
from commonwheel.jobserver import JobServer
from commonwheel.process import run
from tests.integration import projects
from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools

# Left to itself, ninja starts 2, 3, or two more than there are CPUs: on no machine 4.
LIMIT = 4
# Long enough for compilers to meet on a machine with one CPU.
COMPILER = """\
#!/bin/sh
echo "+ $$ $PWD" >>{notes}
case " $* " in *" -c "*) sleep 0.3 ;; esac
{compiler} "$@"
code=$?
echo "- $$ $PWD" >>{notes}
exit $code
"""
MEETING = """\
touch {folder}/$1
for _ in $(seq 1200); do
    test -e {folder}/$2 && exit
    sleep 0.1
done
exit 1
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.15)
project(byninja C)
execute_process(
    COMMAND sh ${{CMAKE_SOURCE_DIR}}/meet ninja make COMMAND_ERROR_IS_FATAL ANY)
add_library(byninja SHARED {sources})
set_target_properties(byninja PROPERTIES SOVERSION 1)
install(TARGETS byninja)
"""
MESON = """\
project('bymeson', 'c')
import('python').find_installation().extension_module('bymeson', {sources}, install: true)
"""


def functions(name: str, count: int) -> dict[str, str]:
    """That many C files."""
    return {f"{name}{n}.c": f"int {name}{n}(void) {{ return {n}; }}\n" for n in range(count)}


@pytest.fixture
def noting(tmp_path: Path) -> Iterator[Path]:
    """The notes of compilers that are found before the host's."""
    folder, notes = tmp_path / "compilers", tmp_path / "notes"
    folder.mkdir()
    for name in ("gcc", "g++"):
        script = folder / name
        script.write_text(COMPILER.format(notes=notes, compiler=f"/usr/bin/{name}"))
        script.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield notes


def moments(notes: Path) -> list[list[str]]:
    """The jobs whose compilers run, after each start and end of one."""
    running: dict[str, str] = {}
    found = []
    for line in notes.read_text().splitlines():
        sign, process, folder = line.split()
        if sign == "+":
            job = re.search(r"\w+(?=-1\.0)", folder)
            assert job is not None, folder
            running[process] = job[0]
        else:
            del running[process]
        found.append(sorted(running.values()))
    return found


def test_builds_at_once_share_one_limit(workshop: Workshop, noting: Path) -> None:
    # Neither configures to its end before the other has begun.
    meet = MEETING.format(folder=workshop.root)
    target = Target(soname="libbymake.so.1", sources=functions("bymake", 8))
    files = autotools(target, files={"meet": meet}, configure='sh "$src/meet" make ninja\n')
    workshop.library("bymake", {"1.0": files}, [{"soname": "libbymake.so.1"}])
    sources = functions("byninja", 24)
    files = {
        "LICENSE": projects.LICENSE,
        "CMakeLists.txt": CMAKE.format(sources=" ".join(sources)),
        "meet": meet,
        **sources,
    }
    listed = [{"soname": "libbyninja.so.1"}]
    workshop.library("byninja", {"1.0": files}, listed, driver="cmake")
    workshop.built("bymake", "byninja", "-j", str(LIMIT))
    seen = moments(noting)
    assert max(map(len, seen)) == LIMIT
    assert any(set(moment) == {"bymake", "byninja"} for moment in seen)
    assert seen[-1] == []
    assert not re.search(r"warning: (-j|jobserver)", workshop.logs())


def test_a_consumers_ninja_takes_part(workshop: Workshop, noting: Path) -> None:
    workshop.library("foo", {"1.0": projects.foo()}, projects.FOO_LIBRARIES, driver="cmake")
    sources = functions("bymeson", 12)
    names = [f"'{name}'" for name in ("ext.c", *sources)]
    workshop.consumer(
        "bymeson",
        {
            "1.0": {
                "LICENSE": projects.LICENSE,
                "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\n'
                'build-backend = "mesonpy"\n[project]\nname = "bymeson"\nversion = "1.0"\n'
                'license-files = ["LICENSE"]\n',
                "meson.build": MESON.format(sources=f"{', '.join(names)}, link_args: '-lfoo'"),
                "ext.c": projects.extension("bymeson", "#include <foo.h>", "foo_value()"),
                **sources,
            }
        },
        uses={"foo": None},
    )
    workshop.built("bymeson", "-j", str(LIMIT))
    seen = moments(noting)
    assert max(map(len, seen)) == LIMIT
    assert ["bymeson"] * LIMIT in seen


def test_make_takes_part_whatever_its_age(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / "Makefile").write_text(
        "all: a b c d e f g h\n"
        "%:\n\t@echo + $@ >>notes; sleep 0.2; echo - $@ >>notes\n"
        "below:\n\t$(MAKE) all\n"
    )
    server = JobServer(tmp_path, LIMIT)
    given = {"jobserver": str(server.path), "jobs": str(LIMIT)}
    flags = make_flags(given, tools, os.environ["PATH"])
    environ = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "MAKEFLAGS": flags}
    try:
        for target in ("all", "below"):
            began = time.monotonic()
            with server.token():
                said = run(["make", target], cwd=tmp_path, env=environ).output
            assert "warning" not in said
            signs = [line[0] for line in (tmp_path / "notes").read_text().splitlines()]
            running = [signs[:n].count("+") - signs[:n].count("-") for n in range(len(signs) + 1)]
            assert max(running) == LIMIT
            assert time.monotonic() - began < 8 * 0.2 + 20
            (tmp_path / "notes").unlink()
        # It has given back all that it took.
        assert os.read(server._pipe, 10) == b"+" * LIMIT
    finally:
        server.close()


def test_without_a_jobserver_nothing_is_said(tmp_path: Path) -> None:
    assert make_flags({"jobs": "2"}, tmp_path, os.defpath) == ""
    assert list(tmp_path.iterdir()) == []
