"""Fuzz target: a zip archive's members are read as the archive promises, or are a WheelError."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["commonwheel.wheel.zip", "zipfile"]):
    from commonwheel.wheel.zip import inflate, open_archive, read_entries, read_raw

from commonwheel.errors import WheelError
from tests.fuzz.kit import fuzz
from tests.unit.wheel.kit import wide

FILE = Path(tempfile.mkdtemp(prefix="commonwheel-fuzz-")) / "x.whl"
MEMBERS = 64
"""So many are read: one stream may serve thousands."""


def one(data: bytes) -> None:
    """Read the directory, then each member by itself."""
    FILE.write_bytes(data)
    with suppress(WheelError):
        entries = read_entries(FILE)
        for entry in entries[:MEMBERS]:
            with suppress(WheelError), open_archive(FILE) as file:
                content = inflate(read_raw(file, FILE, entry), FILE, entry)
                assert len(content) == entry.size


def seeds() -> Iterator[bytes]:
    """Archives of every method that wheels have, and of one that they have not."""
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", method) as archive:
            archive.writestr("a/ä.py", "import this\n" * 20)
            archive.writestr("a/", "")
            with archive.open(zipfile.ZipInfo("b.so"), "w", force_zip64=True) as member:
                member.write(bytes(range(256)))
            archive.comment = b"end"
        yield target.getvalue()
    yield wide(b"import this\n" * 20)


if __name__ == "__main__":
    fuzz("zip", one, seeds())
