"""A server for HTTPS on this machine, whose certificate a CA of its own has signed."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

PLACES = {"one": [1, 2], "two": [3, 4]}
POINTS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {"type": "Point", "coordinates": place},
        }
        for name, place in PLACES.items()
    ],
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where it answers, and the file of the CA that its certificate is from."""

    url: str
    authority: Path


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve ``small.tif`` and ``points.geojson``, which are written into ``folder``."""
    files = folder / "served"
    files.mkdir()
    (files / "points.geojson").write_text(json.dumps(POINTS), encoding="utf-8")
    (files / "small.tif").write_bytes(small_tiff())
    authority = folder / "ca.pem"
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(files)))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Server(url=f"https://localhost:{server.server_port}", authority=authority)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def small_tiff() -> bytes:
    """A TIFF of 2 x 2 bytes: 1, 2, 3, 4 (TIFF 6.0, sections 2 and 4)."""
    pixels = bytes([1, 2, 3, 4])
    entries = [
        (256, 3, 2),  # width
        (257, 3, 2),  # height
        (258, 3, 8),  # bits of a sample
        (259, 3, 1),  # not compressed
        (262, 3, 1),  # black is zero
        (273, 4, 8),  # where the strip is
        (277, 3, 1),  # samples of a pixel
        (278, 3, 2),  # rows of the strip
        (279, 4, len(pixels)),
    ]
    fields = b"".join(
        tag.to_bytes(2, "little")
        + kind.to_bytes(2, "little")
        + (1).to_bytes(4, "little")
        + value.to_bytes(4, "little")
        for tag, kind, value in entries
    )
    head = b"II*\0" + (8 + len(pixels)).to_bytes(4, "little") + pixels
    return head + len(entries).to_bytes(2, "little") + fields + bytes(4)
