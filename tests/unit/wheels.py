"""Wheels that hold a text and nothing else, for tests of what only passes wheels on."""

from pathlib import Path

from commonwheel.wheel.name import parse_wheel_name
from commonwheel.wheel.read import read_wheel
from commonwheel.wheel.write import write_wheel

MEMBER = "content"


def holding(path: Path, content: bytes) -> Path:
    info = parse_wheel_name(path.name).dist_info
    write_wheel(path, {MEMBER: content, f"{info}/METADATA": b"", f"{info}/WHEEL": b""})
    return path


def held(path: Path) -> bytes:
    return read_wheel(path).read(MEMBER)
