"""Fuzz target: a snapshot's text is read, written and read again, or is a SnapshotError."""

from collections.abc import Iterator
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["commonwheel.abi.encoding"]):
    from commonwheel.abi.encoding import from_json, to_json

from commonwheel.abi.snapshot import Exported, Library, Need, Snapshot
from commonwheel.errors import SnapshotError
from tests.fuzz.kit import fuzz


def one(data: bytes) -> None:
    """Read; what can be read can be written, too."""
    with suppress(SnapshotError):
        taken = from_json(data, "x.json")
        assert from_json(to_json(taken), "x.json") == taken


def seeds() -> Iterator[bytes]:
    """A snapshot of everything that there is, and of nothing."""
    symbols = (
        Exported("d", None, True, "global", "object", 8, True),
        Exported("f", "V_1", False, "weak", "func", None, False),
    )
    library = Library(
        soname="libx.so.1",
        tagged="libx-a.so.1",
        member="lib/libx.so.1",
        role="public",
        hashed=False,
        evidence=("exports",),
        needs=(Need(soname="libc.so.6", versions=("GLIBC_2.17",)),),
        nodes=("V_1",),
        symbols=symbols,
    )
    for libraries in ((library,), ()):
        facts = dict.fromkeys(("name", "release", "line", "arch", "source", "key", "headers"), "a")
        yield to_json(Snapshot(**facts, libc="glibc", libraries=libraries)).encode()


if __name__ == "__main__":
    fuzz("snapshot", one, seeds())
