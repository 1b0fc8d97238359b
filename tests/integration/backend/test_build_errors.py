"""A build that fails says why, where, and what to do."""

import re
from pathlib import Path
from typing import Any

import pytest

from commonwheel.console import COUNTED
from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools

ONE = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return 1; }\n"})
LISTED = ({"soname": "libone.so.1"},)


def failing(workshop: Workshop, files: dict[str, str], **sections: Any) -> str:
    """What a build says that ends with a BuildError, as one line of single spaces."""
    libraries = sections.pop("libraries", LISTED)
    workshop.library("one", {"1.0": files}, libraries, **sections)
    outcome = workshop.build("one")
    assert outcome.code == 6, outcome.text
    assert f"log: {workshop.wheelhouse}/logs/one-1.0.log" in outcome.text
    assert not list(workshop.wheelhouse.glob("commonwheel_one*"))
    return " ".join(outcome.text.split())


def test_a_library_that_is_not_listed(workshop: Workshop) -> None:
    two = Target(soname="libtwo.so.2", sources={"two.c": "int two(void) { return 2; }\n"})
    said = failing(workshop, autotools(ONE, two))
    assert "installs libraries that the recipe does not list: libtwo.so.2" in said
    assert "abi.libraries" in said


def test_a_listed_library_that_is_not_there(workshop: Workshop) -> None:
    said = failing(workshop, autotools(ONE), libraries=[*LISTED, {"soname": "libtwo.so.2"}])
    assert "does not install libtwo.so.2" in said
    assert "it installs libone.so.1" in said


def test_two_files_of_one_soname(workshop: Workshop) -> None:
    copy = "\tcp libone.so.1 $(place)/lib/libone.so.1.copy\n"
    said = failing(workshop, autotools(ONE, extra=copy))
    assert "two files have the SONAME libone.so.1: lib/libone.so.1.0 and lib/libone.so.1.copy" in (
        said
    )


def test_missing_products_are_all_named(workshop: Workshop) -> None:
    products = {"headers": ["any.h", "one.h"], "tools": ["onetool"], "data": ["share/one"]}
    said = failing(workshop, autotools(ONE), products=products)
    for path in ("include/one.h", "bin/onetool", "share/one"):
        assert f"{path} is missing" in said
    assert "any.h" not in said


def test_an_exclude_that_matches_nothing(workshop: Workshop) -> None:
    said = failing(workshop, autotools(ONE), products={"exclude": ["share/one/*"]})
    assert "products.exclude matches nothing: share/one/*" in said


def test_lib64(workshop: Workshop) -> None:
    said = failing(
        workshop, autotools(ONE, extra="\tmkdir $(place)/lib64 && touch $(place)/lib64/one\n")
    )
    assert "lib64" in said


def test_a_licence_file_that_is_not_there(workshop: Workshop) -> None:
    workshop.library("one", {"1.0": autotools(ONE)}, LISTED)
    recipe = workshop.recipes / "libraries/one.yaml"
    recipe.write_text(recipe.read_text().replace('"LICENSE"', '"COPYING"'))
    outcome = workshop.build("one")
    assert outcome.code == 6
    assert "license-files 'COPYING'" in outcome.text


def test_a_folder_of_the_build_in_a_file(workshop: Workshop) -> None:
    said = failing(workshop, autotools(ONE, extra="\techo @src@ >$(place)/lib/one.conf\n"))
    assert "lib/one.conf names a folder of the build" in said


@pytest.mark.parametrize("declared", [True, False])
def test_a_provider_is_declared_and_used_or_neither(workshop: Workshop, declared: bool) -> None:
    # base ← middle ← one: one may link to base only if it says so itself.
    base = Target(soname="libbase.so.1", sources={"base.c": "int base(void) { return 1; }\n"})
    call = "int base(void); int {}(void) {{ return base(); }}\n"
    middle = Target(
        soname="libmiddle.so.1", sources={"middle.c": call.format("middle")}, flags="-lbase"
    )
    header = {"any.h": "int base(void);\n"}
    release = {"1.0": autotools(base, files=header)}
    workshop.library("base", release, [{"soname": "libbase.so.1"}])
    workshop.library(
        "middle",
        {"1.0": autotools(middle, files={"middle.h": ""}, extra="\trm $(place)/include/any.h\n")},
        [{"soname": "libmiddle.so.1"}],
        requires={"libraries": {"base": None}},
    )
    if declared:
        said = failing(workshop, autotools(ONE), requires={"libraries": {"base": None}})
        assert "one requires base-so1, and links to nothing of it" in said
    else:
        uses = Target(
            soname="libone.so.1",
            sources={
                "one.c": "int base(void); int middle(void);"
                "int one(void) { return base() + middle(); }\n"
            },
            flags="-lmiddle -lbase",
        )
        said = failing(workshop, autotools(uses), requires={"libraries": {"middle": None}})
        assert "one links to base-so1, which it does not require itself" in said


def test_a_missing_program_names_its_package(workshop: Workshop) -> None:
    programs = {"cwnosuchprogram": "cw-package", "sh": "dash"}
    workshop.library("one", {"1.0": autotools(ONE)}, LISTED, requires={"programs": programs})
    outcome = workshop.build("one")
    assert outcome.code == 7
    assert "the system lacks cwnosuchprogram" in outcome.text
    assert "apt-get install cw-package\n" in outcome.text


def test_a_compilers_error_is_shown(workshop: Workshop) -> None:
    noise = "".join(f"echo checking for nothing number {i}\n" for i in range(300))
    broken = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return undeclared; }"})
    said = failing(workshop, autotools(broken, configure=noise))
    assert "make failed with exit code 2" in said
    assert re.search(r"/one\.c:1:\d+: error: .undeclared. undeclared", said)
    assert "nothing number 7" not in said


def test_a_failure_stops_its_dependants_and_nobody_else(workshop: Workshop) -> None:
    broken = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return undeclared; }"})
    workshop.library("one", {"1.0": autotools(broken)}, LISTED)
    for name, uses in (("two", {"one": None}), ("three", {"two": None}), ("four", {})):
        target = Target(
            soname=f"lib{name}.so.1", sources={f"{name}.c": "int x(void) { return 1; }"}
        )
        workshop.library(
            name,
            {"1.0": autotools(target)},
            [{"soname": f"lib{name}.so.1"}],
            requires={"libraries": uses},
        )
    outcome = workshop.build("three", "four")
    assert outcome.code == 6
    assert [wheel.name.split("-")[0] for wheel in workshop.wheelhouse.glob("*.whl")] == [
        "commonwheel_four_so1"
    ]
    rows = {
        cells[1].strip(): cells[2].strip()
        for line in outcome.text.partition("3 jobs without a wheel")[2].splitlines()
        if len(cells := line.split("│")) == 4
    }
    assert rows == {
        "one-1.0": "failed",
        "two-1.0": "not built: needs one-1.0",
        "three-1.0": "not built: needs one-1.0",
    }
    # Once, whole, behind all the rest.
    error = outcome.text.partition("error: make failed with exit code 2")[2]
    assert "undeclared" in error
    assert f"log: {workshop.wheelhouse}/logs/one-1.0.log" in error
    assert outcome.text.count("one-1.0.log") == 1


def test_config_log_outlives_the_build(workshop: Workshop) -> None:
    told = "echo the reason is in here >&5\necho configure: error: no luck >&2\nexit 1\n"
    said = failing(workshop, autotools(ONE, checks=["nosuchlibrary"], configure=told))
    assert "configure failed with exit code 1" in said
    assert "configure: error: no luck" in said
    log = (workshop.wheelhouse / "logs/one-1.0.log").read_text()
    assert "| the reason is in here" in log
    assert "cannot find -lnosuchlibrary" in log


def test_a_folder_with_a_space_is_refused(
    workshop: Workshop, build_cache: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "a space"
    cache.mkdir()
    (cache / "envs").symlink_to(build_cache / "envs")
    workshop.library("one", {"1.0": autotools(ONE)}, LISTED)
    outcome = workshop.build("one", environ={"COMMONWHEEL_CACHE": str(cache)})
    assert outcome.code == 6
    assert "COMMONWHEEL_CACHE" in outcome.text


# --- progress of make


def test_compilations_are_counted_before_make_runs(workshop: Workshop) -> None:
    sources = {f"file{i}.c": f"int f{i}(void) {{ return {i}; }}\n" for i in range(7)}
    target = Target(soname="libone.so.1", sources=sources)
    workshop.library("one", {"1.0": autotools(target)}, LISTED)
    workshop.built("one")
    lines = workshop.logs().splitlines()
    (place,) = (i for i, line in enumerate(lines) if COUNTED.match(line))
    assert lines[place] == "commonwheel: 7 compilations"
    compiling = [i for i, line in enumerate(lines) if re.search(r" -c -o file\d\.o", line)]
    assert len(compiling) == 7
    assert min(compiling) > place


def test_a_dry_run_that_fails_is_no_failure(workshop: Workshop) -> None:
    # A makefile that cannot be run dry: it includes what only a real run makes.
    files = autotools(ONE)
    needs = "$(if $(findstring n,$(firstword -$(MAKEFLAGS))),$(error not without a real run))\n"
    files["Makefile.in"] = needs + files["Makefile.in"]
    workshop.library("one", {"1.0": files}, LISTED)
    workshop.built("one")
    assert "compilations" not in workshop.logs()
