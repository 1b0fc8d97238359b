"""Downloads from a server on this machine that misbehaves on request."""

import hashlib
import http.server
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import pytest

from commonwheel.errors import SourceError
from commonwheel.process import run
from commonwheel.recipe.sources import UrlSource
from commonwheel.source import download as download_module
from commonwheel.source.fetch import fetch
from commonwheel.source.settings import SourceSettings
from commonwheel.source.store import Slot

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64


@dataclass(kw_only=True)
class Behaviour:
    """What the server does next, and what it was asked."""

    content: bytes = CONTENT
    ranges: bool = True
    validators: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    cut_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0
    seen: list[tuple[str, Message]] = field(default_factory=list)

    @property
    def asked_ranges(self) -> list[str | None]:
        return [headers["Range"] for _, headers in self.seen]


@dataclass(frozen=True, kw_only=True)
class Server:
    url: str
    behaviour: Behaviour


@pytest.fixture
def server() -> Iterator[Server]:
    behaviour = Behaviour()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behaviour.seen.append((self.path, self.headers))
            time.sleep(behaviour.delay)
            status = behaviour.statuses.pop(0) if behaviour.statuses else 200
            if status != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_file()

        def send_file(self) -> None:
            start = self.first_byte()
            self.send_response(206 if start else 200)
            end = len(behaviour.content)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
            self.send_header("Content-Length", str(end - start))
            # Servers label a .tar.gz so; its bytes must come as they are.
            self.send_header("Content-Encoding", "gzip")
            for name, value in behaviour.validators.items():
                self.send_header(name, value)
            self.end_headers()
            stop = behaviour.cut_after.pop(0) if behaviour.cut_after else end
            self.wfile.write(behaviour.content[start:stop])

        def first_byte(self) -> int:
            asked = self.headers["Range"]
            fresh = self.headers["If-Range"] in behaviour.validators.values()
            if not (behaviour.ranges and asked and fresh):
                return 0
            return int(asked.removeprefix("bytes=").removesuffix("-"))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield Server(url=f"http://127.0.0.1:{running.server_port}", behaviour=behaviour)
        running.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceSettings:
    monkeypatch.setattr(download_module, "_unreachable", {})
    return SourceSettings(cache=tmp_path / "cache", backoff=0.001, retries=2)


@dataclass(kw_only=True)
class Recorder:
    totals: list[int | None] = field(default_factory=list)
    count: int = 0
    ended: int = 0
    labels: list[str] = field(default_factory=list)

    def start(self, label: str, total: int | None) -> None:
        self.labels.append(label)
        self.totals.append(total)
        self.count = 0

    def advance(self, count: int) -> None:
        self.count += count

    def done(self) -> None:
        self.ended += 1


def source(
    server: Server, *mirrors: str, path: str = "/x.tar.gz", sha256: str = SHA256
) -> UrlSource:
    return UrlSource(url=server.url + path, mirrors=mirrors, sha256=sha256)


def test_a_plain_download(server: Server, settings: SourceSettings) -> None:
    progress = Recorder()
    found = fetch([source(server)], settings, progress)
    assert found.path.read_bytes() == CONTENT
    assert found.path.name == "x.tar.gz"
    assert not found.from_cache
    assert progress.labels == ["x.tar.gz"]
    assert (progress.totals, progress.count, progress.ended) == ([len(CONTENT)], len(CONTENT), 1)
    assert fetch([source(server)], settings).from_cache
    assert len(server.behaviour.seen) == 1


def test_a_cut_connection_is_resumed(server: Server, settings: SourceSettings) -> None:
    # More cuts than retries: a try that brought something new is not counted as a failure.
    server.behaviour.cut_after = [100_000, 200_000, 300_000, 400_000]
    progress = Recorder()
    found = fetch([source(server)], settings, progress)
    assert found.path.read_bytes() == CONTENT
    assert server.behaviour.asked_ranges[0] is None
    assert server.behaviour.asked_ranges[1] == "bytes=100000-"
    assert server.behaviour.seen[1][1]["If-Range"] == '"one"'
    assert progress.count == len(CONTENT)


def test_the_next_run_goes_on(server: Server, settings: SourceSettings) -> None:
    server.behaviour.cut_after = [100_000]
    server.behaviour.statuses = [200, 503, 503, 503, 503]
    with pytest.raises(SourceError, match="HTTP 503"):
        fetch([source(server)], settings)
    server.behaviour.statuses = []
    assert fetch([source(server)], settings).path.read_bytes() == CONTENT
    assert server.behaviour.asked_ranges[-1] == "bytes=100000-"


def test_a_file_that_changed_meanwhile_is_not_glued(
    server: Server, settings: SourceSettings
) -> None:
    server.behaviour.content = b"old" * 100_000
    server.behaviour.cut_after = [100_000]
    server.behaviour.statuses = [200, 503, 503, 503, 503]
    with pytest.raises(SourceError):
        fetch([source(server)], settings)
    server.behaviour.statuses = []
    server.behaviour.content = CONTENT
    server.behaviour.validators = {"ETag": '"two"'}
    assert fetch([source(server)], settings).path.read_bytes() == CONTENT


@pytest.mark.parametrize("validators", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_validator_it_starts_anew(
    server: Server, settings: SourceSettings, validators: dict[str, str]
) -> None:
    server.behaviour.validators = validators
    server.behaviour.cut_after = [100_000]
    assert fetch([source(server)], settings).path.read_bytes() == CONTENT
    assert server.behaviour.asked_ranges == [None, None]


def test_last_modified_serves_as_validator(server: Server, settings: SourceSettings) -> None:
    server.behaviour.validators = {"Last-Modified": "Sun, 09 Sep 2001 01:46:40 GMT"}
    server.behaviour.cut_after = [100_000]
    assert fetch([source(server)], settings).path.read_bytes() == CONTENT
    assert server.behaviour.asked_ranges == [None, "bytes=100000-"]


def test_no_range_support(server: Server, settings: SourceSettings) -> None:
    server.behaviour.ranges = False
    server.behaviour.cut_after = [100_000]
    assert fetch([source(server)], settings).path.read_bytes() == CONTENT


def test_endless_cuts_end(server: Server, settings: SourceSettings) -> None:
    server.behaviour.ranges = False
    server.behaviour.cut_after = [100_000] * 10
    with pytest.raises(SourceError, match="3 tries"):
        fetch([source(server)], settings)


@pytest.mark.parametrize("status", [503, 500, 429])
def test_a_busy_server_is_asked_again(
    server: Server, settings: SourceSettings, status: int
) -> None:
    server.behaviour.statuses = [status, status]
    assert fetch([source(server)], settings).path.read_bytes() == CONTENT
    assert len(server.behaviour.seen) == 3


def test_a_missing_file_is_asked_for_once_and_mirrors_in_order(
    server: Server, settings: SourceSettings
) -> None:
    server.behaviour.statuses = [404, 404]
    mirrors = (f"{server.url}/second/x.tar.gz", f"{server.url}/third/x.tar.gz")
    assert fetch([source(server, *mirrors)], settings).path.read_bytes() == CONTENT
    paths = [path for path, _ in server.behaviour.seen]
    assert paths == ["/x.tar.gz", "/second/x.tar.gz", "/third/x.tar.gz"]


def test_a_wrong_hash_goes_on_to_the_next_source(server: Server, settings: SourceSettings) -> None:
    second = source(server, path="/y.tar.gz")
    found = fetch([source(server, sha256=WRONG), second], settings)
    assert found.source == second
    assert found.path.name == "y.tar.gz"
    assert not list(Slot.of(settings.cache, WRONG).folder.glob("x*"))


def test_when_all_fail_one_error_says_what_each_said(
    server: Server, settings: SourceSettings
) -> None:
    server.behaviour.statuses = [200, 404]
    mirror = f"{server.url}/mirror.tar.gz"
    refused = UrlSource(url="http://127.0.0.1:1/z", sha256=WRONG)
    unknown = UrlSource(url="http://nowhere.invalid/z", sha256=WRONG)
    begun = time.monotonic()
    with pytest.raises(SourceError) as caught:
        fetch([source(server, mirror, sha256=WRONG), refused, unknown], settings, name="proj")
    assert time.monotonic() - begun < 5
    text = str(caught.value)
    assert text.startswith("no source of proj could be had:")
    assert f"{server.url}/x.tar.gz: has sha256 {SHA256}, but the recipe pins {WRONG}" in text
    assert f"{mirror}: HTTP 404" in text
    assert "Connection refused" in text
    assert "nowhere.invalid" in text
    assert "0x" not in text
    assert caught.value.hint.startswith("A wrong sha256 means")


def test_a_silent_server_is_given_up(server: Server, settings: SourceSettings) -> None:
    server.behaviour.delay = 0.5
    quick = SourceSettings(cache=settings.cache, retries=0, read_timeout=0.05)
    with pytest.raises(SourceError, match="timed out"):
        fetch([source(server)], quick)


def test_a_folder_of_files_serves_as_mirror(
    server: Server, settings: SourceSettings, tmp_path: Path
) -> None:
    (tmp_path / "a b.tar").write_bytes(CONTENT)
    mirror = (tmp_path / "a b.tar").as_uri()
    server.behaviour.statuses = [404]
    assert fetch([source(server, mirror)], settings).path.name == "a_b.tar"


def test_parallel_processes_download_once(server: Server, settings: SourceSettings) -> None:
    server.behaviour.delay = 0.3
    script = (
        "import sys; from pathlib import Path\n"
        "from commonwheel.source.fetch import fetch\n"
        "from commonwheel.source.settings import SourceSettings\n"
        "from commonwheel.recipe.sources import UrlSource\n"
        "found = fetch([UrlSource(url=sys.argv[1], sha256=sys.argv[2])],\n"
        "              SourceSettings(cache=Path(sys.argv[3])))\n"
        "assert len(found.path.read_bytes()) == int(sys.argv[4])\n"
    )
    words = [f"{server.url}/x.tar.gz", SHA256, str(settings.cache), str(len(CONTENT))]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(run, [sys.executable, "-c", script, *words]) for _ in range(4)]
        for job in jobs:
            job.result()
    assert len(server.behaviour.seen) == 1
