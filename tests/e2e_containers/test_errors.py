"""Whatever goes wrong in or around a container: one error that says what, and what to do."""

import hashlib
import http.server
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from commonwheel.backend.messages import Listener
from commonwheel.engine import cibuildwheel
from commonwheel.engine.cibuildwheel import Order
from commonwheel.engine.images import make_stand_in
from commonwheel.engine.suite import HEEDFUL
from commonwheel.errors import BuildError, EngineError, RepairError
from commonwheel.recipe.resolve import Platform
from tests.e2e_containers.conftest import ENGINES, left_behind
from tests.integration.kit import Outcome, Workshop, commonwheel
from tests.integration.projects import Target, autotools, sdist

ENGINE, BUILD, REPAIR, TESTS, GATES = 15, 6, 10, 11, 14
PLATFORM = Platform(arch="x86_64")


def one(shop: Workshop, code: str = "int one(void) { return 1; }\n", **sections: Any) -> None:
    """A library recipe, ``one``."""
    target = Target(soname="libone.so.1", sources={"one.c": code})
    release = {"1.0": autotools(target, files={"any.h": "int one(void);\n"})}
    shop.library("one", release, [{"soname": "libone.so.1"}], **sections)


def build(
    shop: Workshop, *words: str, image: str = "stand-in", environ: Mapping[str, str] | None = None
) -> Outcome:
    outcome = shop.build(*words, "--image", image, environ=environ)
    assert "Traceback" not in outcome.text
    return outcome


# --- the engine -----------------------------------------------------------------------------------


def test_an_engine_that_is_not_installed(shop: Workshop, engine: str) -> None:
    one(shop)
    outcome = build(shop, "one", "--engine", engine, environ={"PATH": "/nowhere"})
    assert outcome.code == ENGINE
    assert f"{engine} is not installed" in outcome.text
    assert "apt-get install" in outcome.text


def test_an_engine_that_does_not_run(shop: Workshop) -> None:
    one(shop)
    nowhere = {"DOCKER_HOST": f"unix://{shop.root}/no.sock"}
    outcome = build(shop, "one", "--engine", "docker", environ=nowhere)
    assert outcome.code == ENGINE
    assert "docker is installed, and no engine runs" in outcome.text
    assert "dockerd" in outcome.text


def test_auto_passes_over_what_does_not_run_and_says_so(shop: Workshop) -> None:
    one(shop)
    words = ("build", "one", "--recipes", shop.recipes, "--wheelhouse", shop.wheelhouse)
    base = {"COMMONWHEEL_CACHE": str(shop.cache), "DOCKER_HOST": f"unix://{shop.root}/no.sock"}
    fallen = commonwheel(*words, "--engine", "auto", environ={**base, "PATH": "/nowhere"})
    assert "engine: host (docker is not installed; podman is not installed)" in fallen.text
    second = commonwheel(*words, "--engine", "auto", "--image", "stand-in", environ=base)
    assert second.code == 0, second.text
    assert "engine: podman" in second.text
    assert "(docker is installed, and no engine runs)" in second.text


# --- the image ------------------------------------------------------------------------------------


class _Registry(http.server.BaseHTTPRequestHandler):
    """A registry that runs, and has nothing."""

    def do_GET(self) -> None:
        known = self.path.rstrip("/") == "/v2"
        body = b"{}" if known else b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}'
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    """Address of an empty registry."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_image_that_is_not_there(shop: Workshop, registry: str) -> None:
    one(shop)
    outcome = build(shop, "one", "--engine", "docker", image=f"{registry}/pypa/none:1")
    assert outcome.code == ENGINE
    assert f"there is no image {registry}/pypa/none:1" in outcome.text


def test_a_registry_that_cannot_be_reached(shop: Workshop, engine: str) -> None:
    one(shop)
    outcome = build(shop, "one", "--engine", engine, image="127.0.0.1:1/pypa/none:1")
    assert outcome.code == ENGINE
    assert "the registry of the image 127.0.0.1:1/pypa/none:1 cannot be reached" in outcome.text
    assert "--image stand-in" in outcome.text


def archive(folder: Path, name: str, arch: str) -> Path:
    """An image with one empty file, as ``docker save`` writes it."""
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.addfile(tarfile.TarInfo("file"), io.BytesIO())
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
    configuration = {"architecture": arch, "os": "linux", "config": {}, "rootfs": rootfs}
    manifest = [{"Config": "c.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    (folder / "c.json").write_text(json.dumps(configuration))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    target = folder / f"{arch}.tar"
    with tarfile.open(target, "w") as tar:
        for member in ("manifest.json", "c.json", "layer.tar"):
            tar.add(folder / member, member)
    return target


@pytest.fixture
def images(tmp_path: Path, engine: str) -> Iterator[Mapping[str, str]]:
    """Two images that an engine has: one of another machine, and one with nothing in it."""
    names = {
        "arm64": "localhost/commonwheel-test-arm:1",
        "amd64": "localhost/commonwheel-test-bare:1",
    }
    for arch, name in names.items():
        command = [engine, "load", "-i", str(archive(tmp_path, name, arch))]
        subprocess.run(command, check=True, capture_output=True)
    yield names
    subprocess.run([engine, "rmi", *names.values()], check=True, capture_output=True)


def test_an_image_of_another_architecture(
    shop: Workshop, engine: str, images: Mapping[str, str]
) -> None:
    one(shop)
    outcome = build(shop, "one", "--engine", engine, image=images["arm64"])
    assert outcome.code == ENGINE
    assert f"the image {images['arm64']} is for aarch64, not x86_64" in outcome.text


def test_an_image_that_is_none_for_building(
    shop: Workshop, engine: str, images: Mapping[str, str]
) -> None:
    one(shop)
    outcome = build(shop, "one", "--engine", engine, image=images["amd64"])
    assert outcome.code == ENGINE
    assert f"the image {images['amd64']} has no shell" in outcome.text


def test_an_interpreter_that_the_image_lacks(shop: Workshop, engine: str) -> None:
    one(shop)
    shop.consumer("user", {"1.0": sdist("user", "1.0")}, uses={"one": None})
    outcome = build(shop, "user", "--engine", engine, "--python", "3.12")
    assert outcome.code == ENGINE
    assert "has no Python 3.12 for user-1.0-cp312" in outcome.text
    assert "it has cp311-cp311, cp313-cp313" in outcome.text


# --- in the container -----------------------------------------------------------------------------


def test_a_build_that_fails(shop: Workshop, engine: str) -> None:
    one(shop, "int one(void) { return missing; }\n")
    outcome = build(shop, "one", "--engine", engine)
    assert outcome.code == BUILD
    assert "make failed with exit code 2" in outcome.text
    assert "undeclared" in outcome.text
    # Nothing of what cibuildwheel advises.
    assert "cibuildwheel" not in outcome.text
    assert str(shop.wheelhouse / "logs/one-1.0.log") in outcome.text


def test_a_disk_that_is_full(shop: Workshop) -> None:
    target = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return 1; }\n"})
    full = autotools(target, configure="dd if=/dev/zero of=/dev/full bs=1024 count=1 || exit 1")
    shop.library("one", {"1.0": full}, [{"soname": "libone.so.1"}])
    outcome = build(shop, "one", "--engine", "docker")
    assert outcome.code == BUILD
    assert "the disk is full" in outcome.text


def test_a_wheel_that_does_not_pass_a_gate(shop: Workshop, engine: str) -> None:
    unused = [{"gate": "CW602", "reason": "the static library was wanted once"}]
    one(shop, waivers=unused)
    outcome = build(shop, "one", "--engine", engine)
    assert outcome.code == GATES
    assert "the recipe waives CW602, and nothing needs it" in outcome.text
    report = shop.wheelhouse / "logs/check-one-1.0.json"
    assert str(report) in outcome.text
    gates = json.loads(report.read_text(encoding="utf-8"))["reports"][0]["gates"]
    assert gates["CW709"]["verdict"] == "failed"
    assert not list(shop.wheelhouse.glob("*.whl"))


def test_a_library_that_nobody_owns(shop: Workshop) -> None:
    one(shop)
    # The image's, which cibuildwheel's own repair would graft.
    flags = "-Wl,--no-as-needed /usr/lib/x86_64-linux-gnu/libbz2.so.1.0"
    setup = f"import os\nos.environ['LDFLAGS'] += ' {flags}'\n"
    user = sdist(
        "user", "1.0", include="int one(void);", call="one()", libraries=["one"], setup=setup
    )
    shop.consumer("user", {"1.0": user}, uses={"one": None})
    outcome = build(shop, "user", "--engine", "docker", "--python", "3.11")
    assert outcome.code == REPAIR
    assert "libbz2.so.1.0" in outcome.text


def test_a_suite_that_fails(shop: Workshop, engine: str) -> None:
    one(shop)
    tests = {"tests/test_it.py": "import user\n\ndef test_it(): assert user.value() == 2\n"}
    user = sdist(
        "user", "1.0", include="int one(void);", call="one()", libraries=["one"], files=tests
    )
    test = {"requires": ["pytest"], "files": ["tests"], "command": ["-m", "pytest", "tests"]}
    shop.consumer("user", {"1.0": user}, uses={"one": None}, test=test)
    outcome = build(shop, "user", "--engine", engine, "--python", "3.11")
    assert outcome.code == TESTS
    assert "its own tests fail: 1 failed" in outcome.text
    assert "tests/test_it.py::test_it" in outcome.text
    # The library's wheel is none the worse for it.
    assert [*shop.wheelhouse.glob("*one*.whl")]
    assert left_behind(engine) == []


# --- what our own projects never do ---------------------------------------------------------------

BACKEND = """\
def build_wheel(directory, settings=None, metadata=None):
    {body}
    return "{name}"
"""
WHEEL = "x-1.0-cp311-cp311-linux_x86_64.whl"
EMPTY = f"open(directory + '/{WHEEL}', 'w')"


def order(folder: Path, body: str, repair: str) -> Order:
    project = folder / "container/package"
    project.mkdir(parents=True)
    (project / "backend.py").write_text(BACKEND.format(body=body, name=WHEEL))
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (project / "pyproject.toml").write_text(f'{system}[project]\nname = "x"\nversion = "1.0"\n')
    image = make_stand_in("docker", os.environ, Path.home() / ".cache/commonwheel")
    return Order(
        engine="docker",
        image=image,
        platform=PLATFORM,
        python="3.11",
        root=project.parent,
        output=folder / "output",
        label="a-test",
        repair=repair,
        frontend=("--no-isolation", "-x"),
    )


@pytest.mark.parametrize(
    ("body", "repair", "kind", "what"),
    [
        ("pass", "cp {wheel} {dest_dir}", BuildError, "left no wheel"),
        (EMPTY, "true", RepairError, "the repair step left no wheel"),
        # Somebody, or the kernel for want of memory, ends it.
        (EMPTY, "echo now; sleep 60", EngineError, "the container ended"),
    ],
)
def test_a_container_that_comes_to_nothing(
    tmp_path: Path, body: str, repair: str, kind: type[Exception], what: str
) -> None:
    def follow(line: str) -> None:
        if line == "now":
            subprocess.run(["docker", "kill", *left_behind("docker")], check=True)

    listener = Listener(io.StringIO(), follow)
    with pytest.raises(kind, match=what):
        cibuildwheel.build(order(tmp_path, body, repair), os.environ, tmp_path, listener)


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupted_build_leaves_no_container(shop: Workshop, engine: str) -> None:
    target = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return 1; }\n"})
    slow = autotools(target, configure="echo waiting; sleep 600")
    shop.library("one", {"1.0": slow}, [{"soname": "libone.so.1"}])
    words = ["build", "one", "--engine", engine, "--image", "stand-in"]
    words += ["--recipes", str(shop.recipes), "--wheelhouse", str(shop.wheelhouse)]
    process = subprocess.Popen(
        # What a shell starts in the background ignores the signal.
        [sys.executable, "-c", HEEDFUL, "-m", "commonwheel", *words],
        env={**os.environ, "COMMONWHEEL_CACHE": str(shop.cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = shop.wheelhouse / "logs/one-1.0.log"
    until = time.monotonic() + 120
    while "waiting" not in (log.read_text() if log.exists() else ""):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert left_behind(engine) == []
