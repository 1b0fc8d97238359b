"""libcurl and OpenSSL find CA certificates on every distribution, and nothing else of the system.

A server of our own is asked, whose certificate a CA of our own has signed, by a process that has
this CA in one place only.
"""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e_recipes.conftest import only, run_in
from tests.e2e_recipes.sandbox import run_with_files

PLACES = {
    "Debian, Ubuntu": "/etc/ssl/certs/ca-certificates.crt",
    "RHEL, Amazon Linux, Lambda": "/etc/pki/tls/certs/ca-bundle.crt",
    "RHEL, without that link": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "openSUSE": "/etc/ssl/ca-bundle.pem",
    "Alpine": "/etc/ssl/cert.pem",
}
FOLDERS = ["/etc/ssl/certs", "/etc/pki/tls/certs"]
# Codes of curl/curl.h.
OK, CONNECT, VERIFY = 0, 35, 60

FETCH = """
import io, json, sys
sys.path.insert(0, {site!r})
import pycurl
body, curl = io.BytesIO(), pycurl.Curl()
curl.setopt(pycurl.URL, {url!r})
curl.setopt(pycurl.WRITEDATA, body)
curl.setopt(pycurl.TIMEOUT, 20)
if {cainfo!r}:
    curl.setopt(pycurl.CAINFO, {cainfo!r})
try:
    curl.perform()
    print(json.dumps([0, body.getvalue().decode()]))
except pycurl.error as error:
    print(json.dumps(error.args))
"""

# The same without Python's part: libcurl by itself, opened through its wheel.
BY_CTYPES = """
import ctypes, json, sys
sys.path.insert(0, {site!r})
from commonwheel_libs import curl_so4
curl = ctypes.CDLL(curl_so4.library_path("curl"))
curl.curl_easy_init.restype = ctypes.c_void_p
easy = ctypes.c_void_p(curl.curl_easy_init())
curl.curl_easy_setopt(easy, 10002, ctypes.c_char_p({url!r}.encode()))  # CURLOPT_URL
curl.curl_easy_setopt(easy, 44, ctypes.c_long(1))                      # CURLOPT_NOBODY
print(json.dumps([curl.curl_easy_perform(easy)]))
"""


class Hello(BaseHTTPRequestHandler):
    """Says hello."""

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(b"hello")

    def do_HEAD(self) -> None:
        self.send_response(200)
        # Python's server ends TLS without notice: that is an error where no length is told.
        self.send_header("Content-Length", "5")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Quiet(HTTPServer):
    """Clients that do not trust the server break off; that is no news here."""

    def handle_error(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def pem(ca: trustme.CA) -> bytes:
    """The CA that signed the server's certificate."""
    return ca.cert_pem.bytes()


@pytest.fixture(scope="module")
def other() -> bytes:
    """A CA that the server has nothing to do with."""
    return trustme.CA().cert_pem.bytes()


@pytest.fixture(scope="module")
def serve(ca: trustme.CA) -> Iterator[Callable[[ssl.TLSVersion], str]]:
    """Starts servers, each with a newest version of TLS; gives their URLs."""
    servers = []

    def start(newest: ssl.TLSVersion) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = newest
        ca.issue_cert("127.0.0.1").configure_cert(context)
        server = Quiet(("127.0.0.1", 0), Hello)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def url(serve: Callable[[ssl.TLSVersion], str]) -> str:
    return serve(ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def site(environment: Path, wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with pycurl and what it needs; its certifi is for the tests to fill."""
    folder = tmp_path_factory.mktemp("site")
    pip = [str(environment), "-I", "-m", "pip", "install", "-q", "--target", str(folder)]
    ours = ["--no-index", "--find-links", str(wheelhouse)]
    subprocess.run([*pip, *ours, "-c", str(wheelhouse / "constraints.txt"), "pycurl"], check=True)
    (folder / "certifi").mkdir()
    return folder


@pytest.fixture(scope="module")
def fetch(environment: Path, site: Path, url: str) -> Callable[..., int]:
    """Asks the server from a process with these files alone; gives libcurl's code."""

    def run(
        files: dict[str | Path, bytes],
        env: dict[str, str] | None = None,
        *,
        code: str = FETCH,
        url: str = url,
        cainfo: str = "",
    ) -> int:
        text = code.format(site=str(site), url=url, cainfo=cainfo)
        answer = run_with_files(environment, text, files, env, over=site / "certifi")
        assert answer[0] != OK or answer[1:] in ([], ["hello"])
        return int(answer[0])

    return run


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_the_certificates_of_a_distribution_are_found(
    fetch: Callable[..., int], pem: bytes, other: bytes, place: str
) -> None:
    assert fetch({place: pem}) == OK
    assert fetch({place: pem}, code=BY_CTYPES) == OK
    assert fetch({place: other}) == VERIFY


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_certificates_by_hash_is_found(
    fetch: Callable[..., int], environment: Path, pem: bytes, folder: str
) -> None:
    name = f"{subject_hash(environment, pem):08x}.0"
    assert fetch({f"{folder}/{name}": pem}) == OK
    assert fetch({f"/etc/own/{name}": pem}, {"SSL_CERT_DIR": "/etc/own"}) == OK


def test_certifi_is_found_where_the_system_has_none(
    fetch: Callable[..., int], site: Path, pem: bytes, other: bytes
) -> None:
    certifi = site / "certifi/cacert.pem"
    assert fetch({certifi: pem}) == OK
    assert fetch({certifi: pem}, code=BY_CTYPES) == OK
    # Who looks after a system says whom it trusts.
    assert fetch({certifi: pem, PLACES["Alpine"]: other}) == VERIFY


def test_nobody_is_trusted_where_there_is_nothing(fetch: Callable[..., int]) -> None:
    assert fetch({}) == VERIFY


def test_a_users_file_wins(fetch: Callable[..., int], site: Path, pem: bytes, other: bytes) -> None:
    own, everywhere = "/etc/own.pem", [*PLACES.values(), site / "certifi/cacert.pem"]
    trusted = {own: pem, **dict.fromkeys(everywhere, other)}
    distrusted = {own: other, **dict.fromkeys(everywhere, pem)}
    assert fetch(trusted) == VERIFY
    assert fetch(trusted, {"SSL_CERT_FILE": own}) == OK
    assert fetch(distrusted, {"SSL_CERT_FILE": own}) == VERIFY
    # CURL_CA_BUNDLE is for the programs that read it (curl, PROJ, GDAL, requests): they hand it on.
    assert fetch(trusted, cainfo=own) == OK
    assert fetch(distrusted, cainfo=own) == VERIFY


TLS13_ONLY = b"""\
openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv1.3
"""


def test_the_systems_configuration_is_not_read_and_a_users_is(
    fetch: Callable[..., int], serve: Callable[[ssl.TLSVersion], str], pem: bytes
) -> None:
    old = serve(ssl.TLSVersion.TLSv1_2)
    trust: dict[str | Path, bytes] = {PLACES["Debian, Ubuntu"]: pem}
    places = ("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf")
    assert fetch({**trust, **dict.fromkeys(places, TLS13_ONLY)}, url=old) == OK
    own = {**trust, "/etc/own.cnf": TLS13_ONLY}
    assert fetch(own, {"OPENSSL_CONF": "/etc/own.cnf"}, url=old) == CONNECT


VERSION = """
import pycurl
info = pycurl.version_info()
known = {
    name: bool(info[4] & getattr(pycurl, f"VERSION_{name}"))
    for name in (
        "ALTSVC", "ASYNCHDNS", "BROTLI", "GSASL", "GSSAPI", "HSTS", "HTTP2", "HTTP3", "HTTPS_PROXY",
        "IDN", "IPV6", "LARGEFILE", "LIBZ", "NTLM", "PSL", "SSL", "TLSAUTH_SRP", "UNIX_SOCKETS",
        "ZSTD",
    )
}
result = {
    "version": pycurl.version,
    "features": sorted(name for name, present in known.items() if present),
    "protocols": sorted(info[8]),
}
"""


def test_libcurl_has_what_the_recipe_asks_for_and_no_library_of_the_host(environment: Path) -> None:
    answer = run_in(environment, VERSION)
    ours = "libcurl/8.14.1 OpenSSL/3.5.7 zlib/1.3.1 zstd/1.5.7 nghttp2/1.64.0"
    assert answer["result"]["version"].split(" ", 1)[1] == ours
    assert answer["result"]["features"] == [
        *("ALTSVC", "ASYNCHDNS", "HSTS", "HTTP2", "HTTPS_PROXY", "IPV6", "LARGEFILE", "LIBZ"),
        *("NTLM", "SSL", "TLSAUTH_SRP", "UNIX_SOCKETS", "ZSTD"),
    ]
    protocols = answer["result"]["protocols"]
    assert {"file", "ftp", "ftps", "http", "https", "ws", "wss"} <= set(protocols)
    assert not {"ldap", "ldaps", "scp", "sftp"} & set(protocols)
    for library in ("libcurl", "libssl", "libcrypto", "libnghttp2", "libz", "libzstd"):
        only(answer["mapped"], library)


CRYPTO = """
import ctypes
from commonwheel_libs import openssl_so3
crypto = ctypes.CDLL(openssl_so3.library_path("crypto"))
"""


def subject_hash(environment: Path, pem: bytes) -> int:
    """The hash that names a certificate in a folder, as OpenSSL itself reckons it."""
    code = f"""
    crypto.BIO_new_mem_buf.restype = crypto.PEM_read_bio_X509.restype = ctypes.c_void_p
    crypto.X509_subject_name_hash.restype = ctypes.c_ulong
    bio = ctypes.c_void_p(crypto.BIO_new_mem_buf({pem!r}, -1))
    certificate = ctypes.c_void_p(crypto.PEM_read_bio_X509(bio, None, None, None))
    result = crypto.X509_subject_name_hash(certificate)
    """
    return int(run_in(environment, CRYPTO + "if True:" + code)["result"])


def test_openssl_is_whole(environment: Path) -> None:
    """The legacy provider needs no module, and no path of the build is told."""
    code = """
crypto.OSSL_PROVIDER_load.restype = ctypes.c_void_p
crypto.OpenSSL_version.restype = ctypes.c_char_p
result = {
    "before": crypto.OSSL_PROVIDER_available(None, b"legacy"),
    "loaded": bool(crypto.OSSL_PROVIDER_load(None, b"legacy")),
    "after": crypto.OSSL_PROVIDER_available(None, b"legacy"),
    "texts": [crypto.OpenSSL_version(number).decode() for number in range(10)],
}
"""
    result: dict[str, Any] = run_in(environment, CRYPTO + code)["result"]
    assert [result["before"], result["loaded"], result["after"]] == [0, True, 1]
    compiler = next(text for text in result["texts"] if text.startswith("compiler: "))
    assert compiler.startswith("compiler: gcc ")
    assert "/" not in compiler
    paths = [text for text in result["texts"] if "/" in text and text != compiler]
    assert paths
    assert all('"/commonwheel_libs/openssl_so3/' in text for text in paths), paths


@pytest.mark.parametrize("order", ["import ssl, pycurl", "import pycurl, ssl"])
def test_it_works_beside_pythons_own_ssl(
    environment: Path, url: str, pem: bytes, tmp_path: Path, order: str
) -> None:
    """Python's ssl has the system's OpenSSL, or its own: two in one process, each with its user."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pem)
    code = f"""
    {order}
    import io, urllib.request
    context = ssl.create_default_context(cafile={str(bundle)!r})
    first = urllib.request.urlopen({url!r}, context=context).read().decode()
    body, curl = io.BytesIO(), pycurl.Curl()
    curl.setopt(pycurl.URL, {url!r})
    curl.setopt(pycurl.CAINFO, {str(bundle)!r})
    curl.setopt(pycurl.WRITEDATA, body)
    curl.perform()
    result = [first, body.getvalue().decode()]
    """
    answer = run_in(environment, code)
    assert answer["result"] == ["hello", "hello"], json.dumps(answer)
    ours = [path for path in answer["mapped"] if "/libssl-commonwheel.so" in path]
    assert len(ours) == 1
