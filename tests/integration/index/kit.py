"""Servers of index sites, and the pip and uv that install from them, cut off from all else."""

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from commonwheel.process import run
from commonwheel.wheel.name import normalise

Client = Literal["pip", "uv"]
VERSIONS = (
    "import importlib.metadata as m, json;"
    "print(json.dumps({d.name: d.version for d in m.distributions()}))"
)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A site that is served, and what was asked of it.

    Args:
        root: its folder.
        url: without a slash at its end.
        asked: paths, in order.
    """

    root: Path
    url: str
    asked: list[str] = field(default_factory=list)

    @property
    def simple(self) -> str:
        """What clients are given."""
        return f"{self.url}/simple/"

    def asked_for(self, suffix: str) -> list[str]:
        """The paths that end so."""
        return [path for path in self.asked if path.endswith(suffix)]


@contextmanager
def served(root: Path) -> Iterator[Server]:
    """Serve a folder as any static host does: files, and ``index.html`` of folders."""
    root.mkdir(parents=True, exist_ok=True)
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Server(root=root, url=f"http://127.0.0.1:{server.server_port}", asked=asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment, and how the two clients are run on it.

    Args:
        folder: of the environment, and of caches and homes.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "venv/bin/python"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of this machine's settings."""
        home = str(self.folder / "home")
        return {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_CONFIG_DIRS": home,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_RETRIES": "0",
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "UV_PYTHON": str(self.python),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
        }

    def install(self, client: Client, *words: str, index: Server) -> None:
        """Install from one index alone, with a cache of its own."""
        one = ["--index-url"] if client == "pip" else ["--default-index"]
        self.call(client, *one, index.simple, *words)

    def call(self, client: Client, *words: str) -> None:
        """``pip install`` or ``uv pip install``."""
        if client == "pip":
            pip = [
                sys.executable,
                "-m",
                "pip",
                "--python",
                str(self.python),
                "install",
                "--no-cache-dir",
            ]
            run([*pip, *words], env=self.environ)
        else:
            self.uv("pip", "install", *words)

    def uv(self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run uv; returns what it printed."""
        command = [sys.executable, "-m", "uv", *words]
        return run(command, env={**self.environ, **(env or {})}, cwd=cwd).output

    def versions(self) -> dict[str, str]:
        """What is installed."""
        said = run([str(self.python), "-I", "-c", VERSIONS], env=self.environ).output
        return {normalise(name): version for name, version in json.loads(said).items()}


def new_environment(folder: Path) -> Environment:
    """A virtual environment with nothing in it."""
    venv = [sys.executable, "-m", "virtualenv", "-q", "--no-pip", "--no-setuptools"]
    run([*venv, "--no-periodic-update", str(folder / "venv")], env={"PATH": os.environ["PATH"]})
    return Environment(folder=folder)


def requirements(file: Path, lines: Sequence[str]) -> str:
    """Write a requirements file."""
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)
