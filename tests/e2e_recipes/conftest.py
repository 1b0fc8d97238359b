"""Every recipe of ``RECIPES`` built once, and one environment with everything installed."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

RECIPES = [
    *("bzip2", "expat", "fftw", "json-c", "libpng", "libyaml", "lz4", "pcre2"),
    *("lxml", "pycurl", "pyyaml"),
]

# What a piece of code leaves in `result`, and the shared libraries that its process maps.
REPORT = """
import json
with open("/proc/self/maps") as maps:
    mapped = sorted({line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line})
print(json.dumps({"result": result, "mapped": mapped}))
"""


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``commonwheel build`` fills; minutes, or seconds with a warm cache."""
    folder = tmp_path_factory.mktemp("recipes") / "wheelhouse"
    command = [sys.executable, "-m", "commonwheel", "build", "--wheelhouse", str(folder), *RECIPES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def environment(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the newest wheel of every project, no other index."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(folder)], check=True)
    python = folder / "bin" / "python"
    ours = ["--no-index", "--find-links", str(wheelhouse)]
    what = ["-r", str(wheelhouse / "constraints.txt")]
    subprocess.run([python, "-I", "-m", "pip", "install", "-q", *ours, *what], check=True)
    return python


def run_in(environment: Path, code: str) -> dict[str, Any]:
    """Run code in a fresh, isolated process without a single environment variable.

    Args:
        environment: the Python to run.
        code: assigns to ``result`` what JSON can hold; may be indented.

    Returns:
        ``result``, and ``mapped``: paths of the shared libraries in its address space.
    """
    done = subprocess.run(
        [environment, "-I", "-c", textwrap.dedent(code) + REPORT],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def only(mapped: list[str], library: str) -> str:
    """The path of a library that is mapped exactly once and is ours (``libz``, ``libssl``)."""
    found = [p for p in mapped if Path(p).name.startswith((f"{library}.so", f"{library}-"))]
    assert len(found) == 1, (library, found)
    assert "/commonwheel_libs/" in found[0], found
    assert Path(found[0]).name.startswith(f"{library}-commonwheel.so"), found
    return found[0]
