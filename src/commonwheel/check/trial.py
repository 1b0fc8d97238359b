"""Load every library and extension module of a wheel, each in a process of its own.

The wheel and what it requires are laid out as installed (their ELF files only); an interpreter
without environment forks once for each file. Then the tree is moved, and all is done again.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commonwheel.check.inspect import Binary, Contents, Inspected
from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.errors import UsageError
from commonwheel.process import ProcessError, run

CHILD = Path(__file__).with_name("trial_child.py")
SECONDS = 60
# Of Python 3; how far up an extension of the stable ABI looks for an interpreter.
NEWEST = 20
GLIBC = ("manylinux", "linux", "any")
CPYTHON = re.compile(r"cp3(\d+)")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How loading went, by member.

    Args:
        first: what the loader said of each file that does not load.
        moved: of those that loaded, what it said once the tree had moved.
        untried: why a file could not be tried; under the empty name, why none could.
    """

    first: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    untried: Mapping[str, str] = field(default_factory=dict)


class CannotTryError(Exception):
    """Why nothing can be loaded here."""


def try_loading(
    wheel: Inspected,
    contents: Contents,
    beside: Iterable[Inspected],
    *,
    scratch: Path | None,
    environ: Mapping[str, str],
) -> Trial:
    """Load what can be loaded of a wheel: its code runs.

    Args:
        wheel: what is tried.
        contents: of its members.
        beside: the wheels that it needs, and those that they need.
        scratch: folder for a temporary folder; None leaves that to the system.
        environ: where interpreters are looked for; the trial itself has no environment.
    """
    fit, untried = _choose(wheel)
    if not fit:
        return Trial(untried=untried)
    paths = {binary.member: binary.installed or "" for binary in fit}
    try:
        python = _interpreter(wheel, environ)
        with tempfile.TemporaryDirectory(prefix="commonwheel-trial-", dir=scratch) as folder:
            site = Path(folder).resolve() / "site-packages"
            _lay_out(wheel, contents, site)
            for other in beside:
                members = [each.member for each in other.binaries if each.installed is not None]
                _lay_out(other, other.wheel.read_many(members), site)
            first, moved = _twice(paths, site, python)
    except CannotTryError as error:
        return Trial(untried={"": str(error)})
    return Trial(first=first, moved=moved, untried=untried)


def _choose(wheel: Inspected) -> tuple[list[Binary], dict[str, str]]:
    """The binaries to load, and why others are not; programs are no one's to load."""
    fit: list[Binary] = []
    untried: dict[str, str] = {}
    for binary in wheel.binaries:
        if binary.elf.type != "shared":
            continue
        if reason := _unfit(wheel, binary):
            untried[binary.member] = reason
        else:
            fit.append(binary)
    if wheel.kind == "foreign":
        # They lie on the DT_RPATH of who needs them, which they inherit.
        needed = {soname for binary in fit for soname in binary.elf.needed}
        fit = [binary for binary in fit if binary.answers_to not in needed]
    return fit, untried


def _unfit(wheel: Inspected, binary: Binary) -> str | None:
    host = os.uname().machine
    if binary.elf.machine != host:
        return f"is for {binary.elf.machine}, and this host is {host}"
    if not any(tag.startswith(GLIBC) for tag in wheel.wheel.name.platform):
        return f"is for {wheel.wheel.name.platform[0]}, and this host is not"
    if binary.installed is None:
        return "lies outside of site-packages once installed"
    return None


def _interpreter(wheel: Inspected, environ: Mapping[str, str]) -> Path:
    """A Python that can import the wheel.

    Raises:
        CannotTryError: there is none.
    """
    name = wheel.wheel.name
    if any(tag.startswith("py") for tag in name.python):
        return find_interpreter(running_version(), environ)
    minors = sorted(int(match[1]) for tag in name.python if (match := CPYTHON.fullmatch(tag)))
    if not minors or any(abi.endswith("t") for abi in name.abi):
        wanted = "-".join((".".join(name.python), ".".join(name.abi)))
        raise CannotTryError(f"interpreters for {wanted} are not looked for")
    if "abi3" in name.abi:
        running = int(running_version().partition(".")[2])
        above = range(minors[0], NEWEST)
        minors = [running, *above] if running in above else [*above]
    for minor in minors:
        try:
            return find_interpreter(f"3.{minor}", environ)
        except UsageError:
            continue
    raise CannotTryError(f"there is no Python 3.{minors[0]} on this host")


def _twice(
    paths: Mapping[str, str], site: Path, python: Path
) -> tuple[dict[str, str], dict[str, str]]:
    first = _load_all(paths, site, python)
    elsewhere = site.parent / "moved to" / "site"
    elsewhere.parent.mkdir()
    shutil.move(site, elsewhere)
    loaded = {member: path for member, path in paths.items() if member not in first}
    return first, _load_all(loaded, elsewhere, python)


def _lay_out(wheel: Inspected, contents: Contents, site: Path) -> None:
    for binary in wheel.binaries:
        if binary.installed is None:
            continue
        file = site / binary.installed
        if not file.resolve().is_relative_to(site):
            raise CannotTryError(f"{wheel.name}:{binary.member} would leave site-packages")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents[binary.member])
        except OSError as error:
            raise CannotTryError(f"{binary.member} cannot be written: {error.strerror}") from None


def _load_all(paths: Mapping[str, str], site: Path, python: Path) -> dict[str, str]:
    """What the loader says of each file that does not load, by member."""
    if not paths:
        return {}
    work = site.parent
    task, said = work / "files.json", work / "said"
    task.write_text(json.dumps([SECONDS, str(said), [str(site / p) for p in paths.values()]]))
    command: list[str | Path] = [python, "-I", "-S", CHILD, task]
    try:
        output = run(command, cwd=work, env={}, timeout=SECONDS * (len(paths) + 1)).output
    except ProcessError as error:
        raise CannotTryError(f"{error.what}: {error.output.strip()}") from None
    by_path = {str(site / path): member for member, path in paths.items()}
    return {
        by_path[path]: fault.replace(f"{site}/", "").strip()
        for path, fault in _lines(output)
        if path in by_path and fault
    }


def _lines(output: str) -> Iterator[tuple[str, str]]:
    for line in output.splitlines():
        try:
            path, fault = json.loads(line)
        except (ValueError, TypeError):
            continue  # of the interpreter itself
        yield str(path), str(fault)
