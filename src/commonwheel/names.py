"""How things are named: one prefix changes distribution, namespace, SONAME tag and label alike."""

import re
from dataclasses import dataclass

DEFAULT_PREFIX = "commonwheel"
# Its own normalised form wherever it stands.
PREFIX = r"[a-z][a-z0-9]*"
# Of the manifest in a library wheel: backend.package writes it, repair.providers reads it.
MANIFEST_SCHEMA = 1
SONAME = re.compile(r"(?P<stem>.+?)(?P<suffix>\.so(?:\.(?P<version>.+))?)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names that follow from the prefix.

    Args:
        prefix: lower-case letters and digits.
    """

    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        if not re.fullmatch(PREFIX, self.prefix):
            msg = f"prefix {self.prefix!r}: lower-case letters and digits only"
            raise ValueError(msg)

    @property
    def namespace(self) -> str:
        """The namespace package that holds every library wheel's package."""
        return f"{self.prefix}_libs"

    def distribution(self, line: str) -> str:
        """Distribution of a line, as indexes compare it: ``commonwheel-proj-so25``."""
        return re.sub(r"[-_.]+", "-", f"{self.prefix}-{line}").lower()

    @staticmethod
    def package(line: str) -> str:
        """Folder of a line inside the namespace: ``proj_so25``."""
        return re.sub(r"[-.]", "_", line)

    def module(self, line: str) -> str:
        """Import name of a line: ``commonwheel_libs.proj_so25``."""
        return f"{self.namespace}.{self.package(line)}"

    def tagged(self, soname: str) -> str:
        """The owner-unique SONAME: ``libproj.so.25`` → ``libproj-commonwheel.so.25``."""
        match = SONAME.fullmatch(soname)
        if match is None:
            msg = f"{soname!r} is not the SONAME of a shared library"
            raise ValueError(msg)
        tag = "" if self.is_tagged(soname) else f"-{self.prefix}"
        return f"{match['stem']}{tag}{match['suffix']}"

    def is_tagged(self, soname: str) -> bool:
        """Whether a SONAME carries this prefix's tag."""
        match = SONAME.fullmatch(soname)
        return match is not None and match["stem"].endswith(f"-{self.prefix}")

    def local_version(self, version: str, build: int) -> str:
        """Version of a consumer wheel: ``3.6.1+commonwheel.1``."""
        return f"{version}+{self.prefix}.{build}"

    @property
    def manifest(self) -> str:
        """File in a library wheel's dist-info that says what the wheel owns."""
        return f"{self.prefix}.json"

    @property
    def snapshot(self) -> str:
        """File in a library wheel's dist-info that records its ABI; repair writes it."""
        return f"{self.prefix}.abi.json"

    @property
    def ranges(self) -> str:
        """File in a wheel's dist-info that says why it accepts which releases of its providers."""
        return f"{self.prefix}.ranges.json"


def release_pin(version: str, stability: str) -> str | None:
    """What a consumer pins beside the floor: ``3.11.1.*``; None where the line's promise is enough.

    Always a prefix, so that ``.postN`` releases (packaging fixes) pass, and padded with zeros, so
    that ``1.0`` means 1.0.0 and not every 1.0.x (PEP 440 pads what it compares).

    Args:
        version: of the release built against: ``3.11.1``, ``3.11.1.post2``.
        stability: ``line``, ``minor``, ``patch`` or ``exact``, as recipes say it.
    """
    if stability == "line":
        return None
    numbers = re.match(r"[0-9.]*[0-9]", version)[0].split(".")  # type: ignore[index]
    kept = {"minor": 2, "patch": 3, "exact": max(3, len(numbers))}[stability]
    return ".".join([*[*numbers, "0", "0"][:kept], "*"])


def default_label(soname: str) -> str:
    """The ABI label that a SONAME gives: ``libproj.so.25`` → ``so25``."""
    match = SONAME.fullmatch(soname)
    return f"so{match['version'] or ''}" if match else "so"
