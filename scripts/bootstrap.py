"""Make the virtual environment that holds nox: ``bootstrap.py FOLDER REQUIREMENT``.

Only the standard library. Ways are tried in order: uv, which needs no ensurepip; Python's own venv
and pip, which see pip's configuration where uv does not; pipx. Two processes at once make it once.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

Commands = list[list[str]]


def ways(venv: Path, requirement: str) -> Iterator[tuple[str, Commands]]:
    """Each way that this machine has: its name, and the commands that make the environment."""
    inside = str(venv / "bin/python")
    install = [inside, "-m", "pip", "--disable-pip-version-check", "install", "-q", requirement]
    if uv := shutil.which("uv"):
        make = [uv, "venv", "-q", "--python", sys.executable, str(venv)]
        yield "uv", [make, [uv, "pip", "install", "-q", "--python", inside, requirement]]
    if importlib.util.find_spec("ensurepip"):
        yield "venv", [[sys.executable, "-m", "venv", str(venv)], install]
    if pipx := shutil.which("pipx"):
        yield "pipx", [[pipx, "run", "virtualenv", "-p", sys.executable, str(venv)], install]


def make(venv: Path, requirement: str) -> str:
    """Make the environment in the first way that works; returns what went wrong, or nothing."""
    failures = []
    for name, commands in ways(venv, requirement):
        shutil.rmtree(venv, ignore_errors=True)
        print(f"scripts/nox: installing {requirement} into {venv} with {name}", file=sys.stderr)
        failure = next(filter(None, map(failed, commands)), "")
        if not failure:
            return ""
        print(f"scripts/nox: {name} failed\n{failure}", file=sys.stderr)
        failures.append(name)
    if not failures:
        return "this Python has no ensurepip, and there is neither uv nor pipx"
    return f"{', '.join(failures)} failed; is the package index reachable?"


def failed(command: list[str]) -> str:
    """Run a command; returns its output when it failed."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return (done.stdout + done.stderr) or "no output" if done.returncode else ""


def main() -> int:
    """Make the environment unless another process just did."""
    venv, requirement = Path(sys.argv[1]), sys.argv[2]
    written = venv / "requirement"
    venv.parent.mkdir(exist_ok=True)
    with Path(f"{venv}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (
            written.is_file()
            and written.read_text() == f"{requirement}\n"
            and os.access(venv / "bin/python", os.X_OK)
        ):
            return 0
        problem = make(venv, requirement)
        if problem:
            print(f"scripts/nox: cannot install nox: {problem}", file=sys.stderr)
            print("  on Debian and Ubuntu: apt install python3-venv", file=sys.stderr)
            return 1
        written.write_text(f"{requirement}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
