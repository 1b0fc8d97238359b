"""Where an installer puts what a wheel brings.

Source: PyPA, "Binary distribution format" and "Entry points specification".
"""

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from typing import TypeAlias

from commonwheel.errors import WheelError
from commonwheel.repair.classify import FIXED_SCHEMES
from commonwheel.wheel.read import Wheel

# (site-packages, scripts or data; path below it)
Place: TypeAlias = tuple[str, str]

ENTRY_POINTS = "entry_points.txt"
# What lies in a wheel's data scheme lies below sys.prefix, where the other two are as well.
SITE_PACKAGES = re.compile(r"lib(?:64)?/python\d+\.\d+/site-packages/(?P<rest>.+)")
BIN = "bin/"


def places(wheel: Wheel) -> Mapping[Place, str]:
    """The member of a wheel that comes to each place, and what its entry points make there.

    purelib and platlib count as one, which they are nearly everywhere. Left out are the
    ``.dist-info`` folder and the scheme of headers: each distribution has its own.
    """
    found = {
        place: member
        for member in wheel.members
        if not member.startswith(f"{wheel.dist_info}/")
        and (place := _place(wheel, member)) is not None
    }
    member = wheel.info(ENTRY_POINTS)
    if member in wheel.by_name:
        for script in _scripts(wheel.read(member)):
            found.setdefault(("scripts", script), member)
    return found


def _place(wheel: Wheel, member: str) -> Place | None:
    try:
        scheme, path = wheel.install_path(member)
    except WheelError:
        return None  # in no scheme: nothing is installed
    if scheme == "headers":
        return None
    if scheme in FIXED_SCHEMES:
        return "site-packages", path
    if scheme == "data":
        return _below_prefix(path)
    return scheme, path


def _below_prefix(path: str) -> Place:
    if inside := SITE_PACKAGES.fullmatch(path):
        return "site-packages", inside["rest"]
    if path.startswith(BIN):
        return "scripts", path.removeprefix(BIN)
    return "data", path


class _EntryPoints(ConfigParser):
    """Names keep their case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _scripts(entry_points: bytes) -> Iterator[str]:
    """The commands that installers write; none where the file is not well formed."""
    parser = _EntryPoints(delimiters=("=",), strict=False, interpolation=None)
    try:
        parser.read_string(entry_points.decode("utf-8"))
    except (Error, UnicodeDecodeError):
        return
    for group in ("console_scripts", "gui_scripts"):
        if parser.has_section(group):
            yield from parser[group]
