"""What ``[indexes]`` names is where pip and unearth look, and nobody sees its password."""

import gzip
import hashlib
import io
import tarfile
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from commonwheel.configuration import read
from commonwheel.engine.environments import BuildEnvironments, python_of
from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.errors import BuildError, SourceError
from commonwheel.process import run
from commonwheel.recipe.sources import PypiSource
from commonwheel.source.fetch import fetch
from commonwheel.source.settings import settings_from_environment

Use = Callable[[Path, dict[str, str]], None]
SECRET = "swordfish"
ALLOWED = f"Basic {b64encode(f'me:{SECRET}'.encode()).decode()}"
# No settings of this machine's, and no other place to fall back to.
BARE = {"PIP_CONFIG_FILE": "/dev/null", "PATH": "/usr/bin:/bin", "PIP_RETRIES": "0"}


def wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = "tool-1.0.dist-info"
        archive.writestr("tool.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


def sdist() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = b"Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n"
        member = tarfile.TarInfo("tool-1.0/PKG-INFO")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue())


SDIST = sdist()


class Guarded(SimpleHTTPRequestHandler):
    """Files for those who know the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == ALLOWED:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist, and a blank in its name."""
    folder = tmp_path_factory.mktemp("index") / "ready made"
    folder.mkdir()
    (folder / "tool-1.0-py3-none-any.whl").write_bytes(wheel())
    (folder / "tool-1.0.tar.gz").write_bytes(SDIST)
    return folder


@pytest.fixture(scope="module")
def index(files: Path) -> Iterator[str]:
    """Address of a package index that wants a password, without one in it."""
    page = files.parent / "simple/tool"
    page.mkdir(parents=True)
    links = [f'<a href="/ready%20made/{file.name}">{file.name}</a>' for file in files.iterdir()]
    (page / "index.html").write_text("<html><body>" + "".join(links) + "</body></html>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(files.parent)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()
    thread.join()


def environment(folder: Path, indexes: str, **more: str) -> dict[str, str]:
    file = folder / "commonwheel.toml"
    file.write_text(f"[indexes]\n{indexes}\n", encoding="utf-8")
    return read(file).environment({**BARE, **more})


def installs(folder: Path, environ: dict[str, str]) -> None:
    """Tools of a build come from there; what a test needs is installed by the same function."""
    base = find_interpreter(running_version(), environ)
    found = BuildEnvironments(root=folder / "envs", environ=environ).get(base, ["tool"], "")
    run([python_of(found), "-I", "-c", "import tool"])


def fetches(folder: Path, environ: dict[str, str]) -> None:
    """So do sdists."""
    digest = hashlib.sha256(SDIST).hexdigest()
    source = PypiSource(pypi="tool", version="1.0", sha256=digest)
    settings = settings_from_environment(environ, folder / "cache", False)
    assert fetch([source], settings).path.read_bytes() == SDIST


@pytest.mark.parametrize("use", [installs, fetches])
def test_an_index_with_a_password(index: str, tmp_path: Path, use: Use) -> None:
    use(tmp_path, environment(tmp_path, f'url = "http://me:{SECRET}@{index}"'))


@pytest.mark.parametrize("use", [installs, fetches])
def test_a_password_in_the_users_own_file(
    index: str, tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    use(tmp_path, environment(tmp_path, f'url = "http://{index}"', HOME=str(tmp_path)))


@pytest.mark.parametrize("use", [installs, fetches])
def test_an_index_besides(index: str, tmp_path: Path, use: Use) -> None:
    text = f'url = "file://{tmp_path}/empty"\nextra-urls = "http://me:{SECRET}@{index}"'
    (tmp_path / "empty").mkdir()
    use(tmp_path, environment(tmp_path, text))


@pytest.mark.parametrize("use", [installs, fetches])
def test_a_folder_with_a_blank_in_its_path(files: Path, tmp_path: Path, use: Use) -> None:
    (tmp_path / "ready made").symlink_to(files)
    use(tmp_path, environment(tmp_path, "find-links = 'ready made'", PIP_NO_INDEX="1"))


@pytest.mark.parametrize(
    ("key", "path"), [("url", ""), ("extra-urls", ""), ("find-links", ""), ("url", "/nowhere")]
)
def test_no_error_shows_a_password(index: str, tmp_path: Path, key: str, path: str) -> None:
    # A page that is not there, and a password that is wrong.
    user = f"me:{SECRET}" if path else f"you:{SECRET}"
    text = f'{key} = "http://{user}@{index}{path}"'
    if key != "url":
        (tmp_path / "empty").mkdir()
        text += f'\nurl = "file://{tmp_path}/empty"'
    environ = environment(tmp_path, text)
    with pytest.raises(SourceError) as of_source:
        fetches(tmp_path, environ)
    with pytest.raises(BuildError) as of_build:
        installs(tmp_path, environ)
    for error in (of_source.value, of_build.value):
        assert SECRET not in str(error)
        assert "tool" in str(error)
