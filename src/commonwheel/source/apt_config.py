"""The host's apt configuration: which archives serve Debian itself, in both of apt's formats.

One-line and deb822 format: sources.list(5).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from debian.deb822 import Deb822

Kind: TypeAlias = Literal["deb-src", "deb"]
RELEASES = ("trixie", "bookworm", "bullseye")
# What their tarballs are is not for long: the next upload takes them out of the archive.
MOVING = ("forky", "sid")
_CODENAMES = {"buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid"}
_NAMES = _CODENAMES | {"oldoldstable", "oldstable", "stable", "testing", "unstable"}
_LINE = re.compile(r"deb(?:-src)?\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S.*)")


@dataclass(frozen=True, kw_only=True)
class AptEntry:
    """One archive as the host's configuration names it, with the options that say who signs it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None = None
    trusted: str | None = None

    def deb822(self, suite: str, kind: Kind = "deb-src") -> str:
        """A paragraph for ``suite`` of this archive: its sources, or its packages (``deb``)."""
        lines = [f"Types: {kind}", f"URIs: {self.uri}", f"Suites: {suite}", "Components: main"]
        if self.signed_by:
            lines.append(f"Signed-By: {self.signed_by}")  # a path, or a whole key on further lines
        if self.trusted:
            lines.append(f"Trusted: {self.trusted}")
        return "\n".join(lines) + "\n"


def parse_one_line(text: str) -> tuple[AptEntry, ...]:
    """The entries of a ``.list`` file; lines that apt would not understand are passed over."""
    return tuple(entry for line in text.splitlines() for entry in _entry_of_line(line))


def _entry_of_line(line: str) -> Iterator[AptEntry]:
    match = _LINE.fullmatch(line.partition("#")[0].strip())
    if match is None:
        return
    words = match["rest"].split()
    pairs = (word.partition("=") for word in (match["options"] or "").split())
    options = {key.lower(): value for key, _, value in pairs}
    if len(words) > 2:  # noqa: PLR2004 - an exact path ("./") has no components
        yield AptEntry(
            uri=words[0],
            suites=(words[1],),
            components=tuple(words[2:]),
            signed_by=options.get("signed-by"),
            trusted=options.get("trusted"),
        )


def parse_deb822(text: str) -> tuple[AptEntry, ...]:
    """The entries of a ``.sources`` file, one for each URI of each enabled paragraph."""
    plain = [line for line in text.splitlines() if not line.startswith("#")]
    paragraphs = Deb822.iter_paragraphs(plain, use_apt_pkg=False)
    return tuple(entry for paragraph in paragraphs for entry in _entries_of_paragraph(paragraph))


def _entries_of_paragraph(paragraph: Deb822) -> Iterator[AptEntry]:
    if str(paragraph.get("Enabled", "yes")).strip().lower() in {"no", "false", "0"}:
        return
    for uri in str(paragraph.get("URIs", "")).split():
        yield AptEntry(
            uri=uri,
            suites=tuple(str(paragraph.get("Suites", "")).split()),
            components=tuple(str(paragraph.get("Components", "")).split()),
            signed_by=str(paragraph["Signed-By"]) if "Signed-By" in paragraph else None,
            trusted=str(paragraph["Trusted"]) if "Trusted" in paragraph else None,
        )


def host_entries(configuration: Path) -> tuple[AptEntry, ...]:
    """All entries of an apt folder, read as apt does: the main file, then the parts by name."""
    parts = sorted((configuration / "sources.list.d").glob("*"))
    found: list[AptEntry] = []
    for path in (configuration / "sources.list", *parts):
        parse = {".list": parse_one_line, ".sources": parse_deb822}.get(path.suffix)
        if parse is not None and path.is_file():
            found += parse(path.read_text(encoding="utf-8", errors="replace"))
    return tuple(found)


def debian_archives(entries: Iterable[AptEntry]) -> tuple[AptEntry, ...]:
    """Those entries that serve Debian's main archive, each URI once.

    The security and update suites have names of their own and do not count. Others than Debian use
    its codenames too: where an address has a part ``debian``, those without one are left out.
    """
    fitting = {
        entry.uri.rstrip("/"): entry
        for entry in reversed(tuple(entries))
        if _NAMES & set(entry.suites) and "main" in entry.components
    }
    named = {uri: entry for uri, entry in fitting.items() if "debian" in _segments(uri)}
    return tuple(reversed((named or fitting).values()))


def _segments(uri: str) -> list[str]:
    return urlsplit(uri).path.split("/")
