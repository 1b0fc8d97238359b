"""Archives that zipfile does not write."""

import struct
import zlib

from commonwheel.wheel.zip import CENTRAL, CENTRAL_MAGIC, END, END_MAGIC, LOCAL, LOCAL_MAGIC


def wide(
    content: bytes, *, size: int | None = None, compressed: int | None = None, offset: int = 0
) -> bytes:
    """An archive of one member whose sizes and offset have 64 bits in the directory."""
    raw = zlib.compress(content, wbits=-15)
    size = len(content) if size is None else size
    compressed = len(raw) if compressed is None else compressed
    name, crc = b"a.py", zlib.crc32(content)
    local = LOCAL.pack(LOCAL_MAGIC, 20, 0, 8, 0, 0x21, crc, len(raw), len(content), len(name), 0)
    extra = struct.pack("<HHQQQ", 1, 24, size, compressed, offset)
    most = 0xFFFFFFFF
    facts = (CENTRAL_MAGIC, 45, 45, 0, 8, 0, 0x21, crc, most, most, len(name), len(extra))
    central = CENTRAL.pack(*facts, 0, 0, 0, 0, most) + name + extra
    start = len(local) + len(name) + len(raw)
    end = END.pack(END_MAGIC, 0, 0, 1, 1, len(central), start, 0)
    return local + name + raw + central + end
