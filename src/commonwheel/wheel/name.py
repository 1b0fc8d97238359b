"""Wheel file names.

Source: PyPA, "Binary distribution format" (first PEP 427), "File name convention".
"""

import re
from dataclasses import dataclass
from itertools import product

from commonwheel.errors import WheelError

SUFFIX = ".whl"
SHAPE = "distribution-version(-build)-python-abi-platform.whl"
PARTS_WITH_BUILD = 6
PARTS = 5

DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.]*[A-Za-z0-9])?")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.!+]*")
BUILD = re.compile(r"[0-9][A-Za-z0-9_.]*")
TAGS = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")


def normalise(name: str) -> str:
    """A distribution name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def escape_name(name: str) -> str:
    """A distribution name as file names hold it: normalised, with underscores."""
    return normalise(name).replace("-", "_")


def escape_version(version: str) -> str:
    """A version as file names hold it; it should be normalised (PEP 440) before."""
    return version.replace("-", "_")


@dataclass(frozen=True, kw_only=True)
class WheelName:
    """The parts of a wheel's file name, each as it is written there.

    ``python``, ``abi`` and ``platform`` hold the elements of a compressed tag set, in order.
    """

    distribution: str
    version: str
    build: str = ""
    python: tuple[str, ...]
    abi: tuple[str, ...]
    platform: tuple[str, ...]

    def __str__(self) -> str:
        sets = (".".join(part) for part in (self.python, self.abi, self.platform))
        build = [self.build] if self.build else []
        return "-".join([self.distribution, self.version, *build, *sets]) + SUFFIX

    @property
    def normalised(self) -> str:
        """The distribution's name as indexes compare it."""
        return normalise(self.distribution)

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag of the compressed set, as ``WHEEL`` lists them."""
        return tuple("-".join(tag) for tag in product(self.python, self.abi, self.platform))

    @property
    def dist_info(self) -> str:
        """The name of the ``.dist-info`` folder that fits this file name."""
        return f"{self.distribution}-{self.version}.dist-info"

    @property
    def data(self) -> str:
        """The name of the ``.data`` folder that fits this file name."""
        return f"{self.distribution}-{self.version}.data"


def make_wheel_name(
    name: str, version: str, tag: str = "py3-none-any", *, build: str = ""
) -> WheelName:
    """The file name of a new wheel.

    Args:
        name: the distribution's name, in any spelling.
        version: normalised by PEP 440, local label included.
        tag: one tag, or a compressed set.
        build: the build tag; begins with a digit.

    Raises:
        WheelError: a part holds what file names cannot.
    """
    parts = [escape_name(name), escape_version(version), *([build] if build else []), tag]
    return parse_wheel_name("-".join(parts) + SUFFIX)


def parse_wheel_name(filename: str) -> WheelName:
    """Take a file name (without its folder) apart.

    Raises:
        WheelError: it is not a wheel's.
    """
    parts = filename.removesuffix(SUFFIX).split("-")
    if not filename.endswith(SUFFIX) or len(parts) not in {PARTS, PARTS_WITH_BUILD}:
        raise WheelError("is not a wheel's file name", where=filename, hint=f"expected {SHAPE}")
    distribution, version, *build, python, abi, platform = parts
    _check(filename, "distribution", distribution, DISTRIBUTION)
    _check(filename, "version", version, VERSION)
    for part in build:
        _check(filename, "build tag", part, BUILD)
    for kind, tag in (("Python", python), ("ABI", abi), ("platform", platform)):
        _check(filename, f"{kind} tag", tag, TAGS)
    return WheelName(
        distribution=distribution,
        version=version,
        build="".join(build),
        python=tuple(python.split(".")),
        abi=tuple(abi.split(".")),
        platform=tuple(platform.split(".")),
    )


def _check(filename: str, kind: str, part: str, allowed: re.Pattern[str]) -> None:
    if not allowed.fullmatch(part):
        msg = f"{part!r} cannot be a {kind} in a wheel's file name"
        raise WheelError(msg, where=filename, hint=f"expected {SHAPE}")
