# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2025.2.9"]
# ///
"""Sessions: ``build-<recipe>``; tests, e2e-…, fuzz, lint, docs, bench, gen, reproduce.

Starting nox reads no recipe beyond its summary line. What follows ``--`` reaches the program that
a session runs, behind its other arguments.
"""

import contextlib
import fcntl
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import nox
from nox.command import CommandFailed
from nox.project import dependency_groups, load_toml

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]

ROOT = Path(__file__).resolve().parent
RECIPES = ROOT / "recipes"
KINDS = ("libraries", "consumers")
ENVIRONMENTS = Path(".nox")
STAMP = "commonwheel-stamp"


def recipe_summaries(folder: Path, kind: str) -> dict[str, str]:
    """Names of the recipes of one kind with their summaries, sorted by name."""
    return {file.stem: _summary(file) for file in sorted((folder / kind).glob("*.yaml"))}


def _summary(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        found = next((line for line in lines if line.startswith("summary:")), "")
    return found.partition(":")[2].strip().strip("\"'")


def stamp(project: dict[str, Any], requirements: Sequence[str], place: Path) -> str:
    """Digest of all that decides what is in an environment, its place and interpreter included.

    Tool settings in pyproject.toml do not count, nor do sources: they are installed editable.
    """
    installed = {key: project.get(key) for key in ("build-system", "project")}
    hatch = project.get("tool", {}).get("hatch")
    facts = [installed, hatch, list(requirements), str(place), sys.version, sys.base_prefix]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def environment(
    session: nox.Session, name: str, *groups: str, toolkit: bool = True
) -> Iterator[str]:
    """The Python of ``.nox/<name>``, which sessions share; made anew when its stamp differs.

    nox's own environments are neither locked nor checked for what is in them, and an installation
    on each run would take longer than a warm build. The lock is shared while a session runs and
    exclusive while the environment is made: nobody's environment is replaced under their feet.
    """
    project = load_toml(ROOT / "pyproject.toml")
    requirements = dependency_groups(project, *groups)
    place = ENVIRONMENTS / name
    wanted = stamp(project, [*requirements, *(["toolkit"] if toolkit else [])], place.absolute())
    ENVIRONMENTS.mkdir(exist_ok=True)
    with Path(f"{place}.lock").open("w") as lock:
        _take(session, lock, fcntl.LOCK_SH)
        while not _is_current(place, wanted):
            _take(session, lock, fcntl.LOCK_EX)
            if not _is_current(place, wanted):
                _make(session, place, [*(["--editable", "."] if toolkit else []), *requirements])
                (place / STAMP).write_text(wanted)
            _take(session, lock, fcntl.LOCK_SH)
        yield str(place / "bin/python")


def _is_current(place: Path, wanted: str) -> bool:
    # A link to an interpreter that is gone does not exist.
    with contextlib.suppress(FileNotFoundError):
        return (place / "bin/python").exists() and (place / STAMP).read_text() == wanted
    return False


def _take(session: nox.Session, lock: IO[str], kind: int) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        session.log(f"waiting for another nox: {lock.name}")
        fcntl.flock(lock, kind)


def _make(session: nox.Session, place: Path, packages: Sequence[str]) -> None:
    session.log(f"making {place}")
    started = time.monotonic()
    # It brings its own pip: ensurepip may be missing, and uv does not see pip's configuration.
    virtualenv = [sys.executable, "-m", "virtualenv", "--quiet", "--clear", "--no-periodic-update"]
    session.run(*virtualenv, str(place), log=False)
    pip = [str(place / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    session.run(*pip, "install", *packages, log=False)
    session.log(f"made {place} in {time.monotonic() - started:.0f} s")


def run(session: nox.Session, python: str, *words: str) -> None:
    """Run a module of an environment."""
    session.run(python, "-m", *words)


def _build_session(name: str, summary: str, kind: str) -> None:
    def build(session: nox.Session) -> None:
        with environment(session, "toolkit") as python:
            run(session, python, "commonwheel", "build", name, *session.posargs)

    build.__doc__ = f"Build {name}: {summary}" if summary else f"Build {name}."
    nox.session(name=f"build-{name}", venv_backend="none", tags=["build", kind])(build)


for _kind in KINDS:
    for _name, _text in recipe_summaries(RECIPES, _kind).items():
        _build_session(_name, _text, _kind)


@nox.session(venv_backend="none", tags=["check"])
def lint(session: nox.Session) -> None:
    """Check style, types, recipes and generated files; arguments reach ``ruff check``."""
    with environment(session, "lint", "lint") as python:
        checks: list[Callable[[], None]] = [
            lambda: run(session, python, "ruff", "check", *session.posargs),
            lambda: run(session, python, "ruff", "format", "--check"),
            lambda: run(session, python, "mypy"),
            lambda: run(session, python, "commonwheel", "recipe", "lint"),
            lambda: run(session, python, "ci.gen", "--check"),
        ]
        failed = sum(not _passes(check) for check in checks)
    if failed:
        session.error(f"{failed} of {len(checks)} checks failed")


def _passes(check: Callable[[], None]) -> bool:
    try:
        check()
    except CommandFailed:
        return False
    return True


@nox.session(venv_backend="none", tags=["check"])
def tests(session: nox.Session) -> None:
    """Run unit, integration and end-to-end tests in one pytest run; arguments reach pytest."""
    with environment(session, "tests", "tests") as python:
        # A file's tests share what they have made, so a file stays with one process.
        run(session, python, "pytest", "-n", "auto", "--dist", "loadfile", *session.posargs)


END_TO_END = {
    "recipes": "Build and try the recipes that no other test builds",
    "containers": "Build, check and test in containers of docker and podman",
    "wheels": "Hold popular wheels of the package index against the gates",
    "gdal": "Build the GDAL stack and prove that it is one",
    "debian": "Hold comparisons and uses against many of Debian's packages",
}


def _end_to_end_session(name: str, summary: str) -> None:
    def end_to_end(session: nox.Session) -> None:
        with environment(session, "tests", "tests") as python:
            run(session, python, "pytest", f"tests/e2e_{name}", *session.posargs)

    end_to_end.__doc__ = f"{summary}; arguments reach pytest."
    nox.session(name=f"e2e-{name}", venv_backend="none")(end_to_end)


for _name, _text in END_TO_END.items():
    _end_to_end_session(_name, _text)


@nox.session(name="gen-gdal", venv_backend="none")
def gen_gdal(session: nox.Session) -> None:
    """Write the pages on the GDAL stack, from what its environment answers."""
    with environment(session, "tests", "tests") as python:
        run(session, python, "ci.gdal", *session.posargs)


@nox.session(name="gen-debian", venv_backend="none")
def gen_debian(session: nox.Session) -> None:
    """Write the page on Debian's symbols, or measure the packages that are named."""
    with environment(session, "tests", "tests") as python:
        run(session, python, "ci.debian", *session.posargs)


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the documentation into ``site/``; arguments reach ``mkdocs build``."""
    with environment(session, "docs", "docs", toolkit=False) as python:
        # Its authors advertise a successor on each run.
        session.env["NO_MKDOCS_2_WARNING"] = "1"
        run(session, python, "mkdocs", "build", "--strict", *session.posargs)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Run the benchmarks that are named (``bench_cpu``), or all; options behind them reach each."""
    files = {file.stem: file for file in sorted(Path("bench").glob("bench_*.py"))}
    names = [*itertools.takewhile(lambda word: not word.startswith("-"), session.posargs)]
    unknown = [name for name in names if name not in files]
    if unknown or not files:
        session.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(files) or 'none'}")
    with environment(session, "bench", "bench") as python:
        for name in names or files:
            run(session, python, f"bench.{name}", *session.posargs[len(names) :])


@nox.session(venv_backend="none")
def fuzz(session: nox.Session) -> None:
    """Fuzz the targets that are named (``elf``) or all, 2 minutes each; options reach libFuzzer."""
    targets = {file.stem for file in Path("tests/fuzz").glob("*.py")} - {"kit"}
    names = [*itertools.takewhile(targets.__contains__, session.posargs)]
    with environment(session, "fuzz", "fuzz") as python:
        for name in names or sorted(targets):
            run(session, python, f"tests.fuzz.{name}", *session.posargs[len(names) :])


@nox.session(venv_backend="none")
def reproduce(session: nox.Session) -> None:
    """Run a job again that a log or a plan tells of (``scripts/reproduce``)."""
    with environment(session, "toolkit") as python:
        session.run(python, "scripts/reproduce.py", *session.posargs)


@nox.session(venv_backend="none")
def gen(session: nox.Session) -> None:
    """Write the generated files; with ``-- --check`` only say which are not current."""
    with environment(session, "toolkit") as python:
        run(session, python, "ci.gen", *session.posargs)
