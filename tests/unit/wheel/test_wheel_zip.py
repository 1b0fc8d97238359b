"""Archives whose directory promises what no file holds."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commonwheel.errors import WheelError
from commonwheel.wheel.zip import inflate, open_archive, read_entries, read_raw
from tests.unit.wheel.kit import wide

EDGES = (2**31, 2**32, 2**36, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
CONTENT = b"import this\n" * 20


def read_all(path: Path) -> list[bytes]:
    with open_archive(path) as file:
        return [inflate(read_raw(file, path, each), path, each) for each in read_entries(path)]


def test_sizes_of_64_bits_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(wide(CONTENT))
    assert read_all(tmp_path / "x.whl") == [CONTENT]


@pytest.mark.parametrize("field", ["size", "compressed", "offset"])
@pytest.mark.parametrize("value", EDGES)
def test_sizes_that_no_file_has(tmp_path: Path, field: str, value: int) -> None:
    """They were a MemoryError, an OverflowError or a ValueError."""
    (tmp_path / "x.whl").write_bytes(wide(CONTENT, **{field: value}))
    with pytest.raises(WheelError):
        read_all(tmp_path / "x.whl")


def directory(raw: bytearray, shift: int) -> None:
    """The end of the archive says that the directory begins elsewhere: all offsets shift."""
    at = raw.index(b"PK\5\6") + 16
    struct.pack_into("<I", raw, at, struct.unpack_from("<I", raw, at)[0] + shift)


@pytest.mark.parametrize("change", [lambda raw: directory(raw, 10), lambda raw: directory(raw, -3)])
def test_offsets_outside_the_archive(tmp_path: Path, change: Callable[[bytearray], None]) -> None:
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.py", "x")
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)
    with pytest.raises(WheelError):
        read_all(path)
