"""Download one address: resumed, retried, and given up at once where waiting does not help."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from commonwheel import __version__
from commonwheel.errors import SourceError
from commonwheel.files import write_atomically
from commonwheel.recipe.address import file_name
from commonwheel.source.progress import Progress
from commonwheel.source.settings import SourceSettings

_CHUNK = 1 << 16
_LONGEST_WAIT = 30.0
_TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}

# Hosts that this process could not connect to: the next source there must not wait again.
_unreachable: dict[str, str] = {}


class _TransientError(Exception):
    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def download(url: str, part: Path, settings: SourceSettings, progress: Progress) -> None:
    """Bring the bytes at ``url`` to the file ``part``, going on with what it already holds.

    Tries that bring no byte beyond the best so far are counted; ``settings.retries`` of them, after
    the first, may fail. What came is kept in ``part`` for the next run.

    Raises:
        SourceError: with the reason alone; the caller knows which source it was.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return _copy(Path(unquote(urlsplit(url).path)), part)
    if scheme not in {"http", "https"}:
        msg = f"'{scheme}' addresses are not supported"
        raise SourceError(msg)
    failures, best = 0, _size(part)
    while True:
        try:
            return _transfer(url, part, settings, progress)
        except _TransientError as error:
            failures, best = (0, _size(part)) if _size(part) > best else (failures + 1, best)
            if failures > settings.retries:
                msg = f"{error} ({failures} tries without a new byte)"
                raise SourceError(msg) from None
            doubled = settings.backoff * 2 ** max(failures - 1, 0)
            time.sleep(min(max(error.wait, doubled), _LONGEST_WAIT))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _copy(path: Path, part: Path) -> None:
    try:
        shutil.copyfile(path, part)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise SourceError(msg) from None


def _transfer(url: str, part: Path, settings: SourceSettings, progress: Progress) -> None:
    host = urlsplit(url).netloc
    if host in _unreachable:
        raise SourceError(_unreachable[host])
    # "identity": a server must not compress what the recipe's sha256 is of.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"commonwheel/{__version__}"}
    try:
        with (
            requests.Session() as session,
            session.get(
                url,
                headers=headers | _resume_headers(url, part),
                stream=True,
                timeout=(settings.connect_timeout, settings.read_timeout),
                verify=verification(url, settings),
            ) as response,
        ):
            _refuse_status(response, part)
            _receive(response, url, part, progress)
    except requests.RequestException as error:
        _raise_readable(error, host)
    except HTTPError as error:  # urllib3's own, from the raw stream
        raise _TransientError(_reason(error)) from None


def verification(url: str, settings: SourceSettings) -> bool | str:
    """How the certificate of a server is verified, as requests wants it said."""
    parts = urlsplit(url)
    if {parts.hostname, parts.netloc.rpartition("@")[2]} & set(settings.pip.trusted_hosts):
        return False
    return str(settings.certificates) if settings.certificates else True


def _resume_headers(url: str, part: Path) -> dict[str, str]:
    """RFC 9110, 13.1.5: a range, only if the file is still the one that ``part`` began with."""
    try:
        known = json.loads(_note(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if known.get("url") != url or not known.get("validator") or not _size(part):
        return {}
    return {"Range": f"bytes={_size(part)}-", "If-Range": known["validator"]}


def _note(part: Path) -> Path:
    return part.with_name(f".{part.name}.json")


def _write_note(url: str, part: Path, headers: Mapping[str, str]) -> None:
    tag = headers.get("ETag", "")
    strong = tag if tag and not tag.startswith("W/") else ""  # a weak one may not be in If-Range
    validator = strong or headers.get("Last-Modified", "")
    write_atomically(_note(part), json.dumps({"url": url, "validator": validator}))


def _refuse_status(response: requests.Response, part: Path) -> None:
    status = response.status_code
    said = f"HTTP {status} {response.reason or ''}".rstrip()
    if status == requests.codes.requested_range_not_satisfiable:
        part.unlink(missing_ok=True)
        raise _TransientError(said)
    if status in _TRANSIENT_STATUS:
        wait = response.headers.get("Retry-After", "")
        raise _TransientError(said, wait=float(wait) if wait.isdigit() else 0.0)
    if status not in {requests.codes.ok, requests.codes.partial_content}:
        raise SourceError(said)


def _receive(response: requests.Response, url: str, part: Path, progress: Progress) -> None:
    start = _start(response, part)
    if start == 0:
        part.unlink(missing_ok=True)  # before the note: it must never tell of other bytes
        _write_note(url, part, response.headers)
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else None
    progress.start(file_name(url), total)
    try:
        progress.advance(start)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                progress.advance(len(chunk))
    finally:
        progress.done()
    if total is not None and _size(part) != total:
        msg = f"the connection ended after {_size(part)} of {total} bytes"
        raise _TransientError(msg)
    _note(part).unlink(missing_ok=True)


def _start(response: requests.Response, part: Path) -> int:
    if response.status_code != requests.codes.partial_content:
        return 0
    size = _size(part)
    if not response.headers.get("Content-Range", "").startswith(f"bytes {size}-"):
        part.unlink(missing_ok=True)
        msg = "the server answered with another range than was asked for"
        raise _TransientError(msg)
    return size


def _raise_readable(error: requests.RequestException, host: str) -> NoReturn:
    cause = error.args[0] if error.args else error
    if isinstance(cause, MaxRetryError) and cause.reason is not None:
        cause = cause.reason
    message = _reason(cause)
    if isinstance(cause, NewConnectionError) or isinstance(error, requests.ConnectTimeout):
        _unreachable[host] = message
        raise SourceError(message) from None
    lasting = isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError))
    passing = isinstance(error, (requests.ConnectionError, requests.Timeout))
    if passing and not lasting:
        raise _TransientError(message) from None
    raise SourceError(message) from None


def _reason(error: object) -> str:
    """What went wrong, without urllib3's nested tuples and the object at the head of a text."""
    inner = (getattr(error, "args", ()) or [str(error)])[-1]
    if isinstance(inner, Exception):
        return _reason(inner)
    text = str(error) if isinstance(error, OSError) else str(inner)
    return text.partition("): ")[2] or text or type(error).__name__
