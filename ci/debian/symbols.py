"""A package's ``symbols`` file: since which version of a library each symbol is there.

Source: deb-symbols(5), deb-src-symbols(5), deb-version(7).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from debian.debian_support import Version

HEADER = re.compile(r"(?P<soname>[^\s#*|]\S*) \S.*")
SYMBOL = re.compile(
    r" (?:\((?P<tags>[^)]*)\))?"
    r"(?:\"(?P<quoted>[^\"]+)\"|'(?P<single>[^']+)'|(?P<bare>[^\s\"']+)) (?P<since>[0-9]\S*)"
    r"(?: [0-9]+)?"
)
# Tags of names that stand for several symbols, or for none; packages have them expanded.
PATTERNS = frozenset({"c++", "regex", "symver", "wildcard"})
BASE = "Base"
# What Debian adds to upstream's version: it took files away, or took back a higher version.
REALLY = re.compile(r".*[+~.]really\.?(?=[0-9])")
REPACKED = re.compile(r"[+~.-]?(?:dfsg|ds|repack(?:ed)?|debian|clean(?:ed)?)[0-9x]*(?:\.[0-9]+)*$")
# A bound is lowered by it, so that backports and rebuilds are not left out.
LOWERED = re.compile(r"~+$")


class Listed(NamedTuple):
    """A symbol of a library, the version node it has, and since when it has been there."""

    soname: str
    name: str
    node: str | None
    since: str

    @property
    def shown(self) -> str:
        """As the file has it."""
        return f"{self.name}@{self.node or BASE}"


def listed(text: str) -> Iterator[Listed]:
    """The symbols of a file, without those that stand for version nodes themselves.

    Lines on what a package depends on, fields, and symbols that are missing are passed over.
    """
    soname = ""
    for line in text.splitlines():
        if match := HEADER.fullmatch(line):
            soname = match["soname"]
        elif match := SYMBOL.fullmatch(line):
            tags = {tag.partition("=")[0] for tag in (match["tags"] or "").split("|")}
            whole = match["quoted"] or match["single"] or match["bare"]
            name, _, node = whole.rpartition("@")
            if name and name != node and not tags & PATTERNS:
                yield Listed(soname, name, None if node == BASE else node, match["since"])


def upstream(version: str) -> str:
    """Upstream's part of a version: ``1:1.3.dfsg+really1.3.1-1~`` is of 1.3.1."""
    part = str(Version(version).upstream_version)
    part = REALLY.sub("", LOWERED.sub("", part))
    return LOWERED.sub("", REPACKED.sub("", part))


def between(since: str, before: str | None, first: str) -> bool:
    """Whether a symbol of this age is one that came with ``first``.

    Args:
        since: upstream's version that is said to have brought it.
        before: the release before ``first``; None where nothing older is known.
        first: the oldest release that has it.
    """
    if Version(since) > Version(first):
        return False
    return before is None or Version(since) > Version(before)
