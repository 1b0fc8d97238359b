"""Wheels: names, reading, checking, and deterministic writing.

Standard library only: this package is copied into build containers.
"""

from commonwheel.wheel.name import WheelName, parse_wheel_name
from commonwheel.wheel.read import Wheel, read_wheel
from commonwheel.wheel.write import Member, rewrite, write_wheel

__all__ = [
    "Member",
    "Wheel",
    "WheelName",
    "parse_wheel_name",
    "read_wheel",
    "rewrite",
    "write_wheel",
]
