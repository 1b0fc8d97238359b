"""Which licence a source has, as far as its texts tell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from licenseclassifier import identify_license

from commonwheel.author.buildfiles import own_files, read

FILES = re.compile(r"(?:un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)
# Folders, beside the root, where a library's own licence lies.
PLACES = (".", "lib", "src", "LICENSES")
# Of the licences whose text does not say whether a later version of it serves as well.
GNU = re.compile(r"(?P<family>[AL]?GPL)-(?P<version>[0-9.]+)")
LATER = re.compile(r"(?:any|or) later version|or \(at your option\) any later", re.IGNORECASE)
HEADERS_READ = 60
HEADER = 4000


@dataclass(frozen=True, kw_only=True)
class Licence:
    """What licence files say.

    Args:
        files: relative to the source.
        expression: SPDX; empty where no text was recognised.
        doubts: what a person must decide.
    """

    files: tuple[str, ...]
    expression: str
    doubts: tuple[str, ...]


def find_licence(tree: Path, directory: str = ".") -> Licence:
    """Read the licence files of a source, best those beside its build files."""
    files = _files(tree, directory)
    shown = tuple(file.relative_to(tree).as_posix() for file in files)
    doubts: list[str] = []
    found: dict[str, None] = {}
    for file, name in zip(files, shown, strict=True):
        text = read(file)
        # All of the file, else whatever of it is a known text.
        matches = identify_license(text) or identify_license(text, coverage_threshold=0)
        if not matches:
            doubts.append(f"{name} is not the text of a licence that is known here")
        elif not identify_license(text):
            doubts.append(f"{name} says more than {', '.join(sorted({m.id for m in matches}))}")
        found |= dict.fromkeys(match.id for match in matches)
    expressions = [_current(tree, name) for name in found]
    if len(expressions) > 1:
        doubts.append("do all of these hold (AND), or may one choose (OR), and of which files?")
    if not expressions:
        doubts.append("no licence was recognised: write its SPDX expression")
    return Licence(files=shown, expression=" AND ".join(expressions), doubts=tuple(doubts))


def _files(tree: Path, directory: str) -> list[Path]:
    for place in dict.fromkeys((directory, *PLACES)):
        folder = tree / place
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        named = [file for file in found if file.is_file() and FILES.match(file.name)]
        if place == "LICENSES":
            named = [file for file in found if file.is_file()]
        if named:
            return named
    return []


def _current(tree: Path, name: str) -> str:
    """SPDX's identifier of today: ``GPL-2.0`` says neither ``-only`` nor ``-or-later``."""
    match = GNU.fullmatch(name)
    if match is None:
        return name
    return (
        f"{name}-or-later" if any(LATER.search(text) for text in _headers(tree)) else f"{name}-only"
    )


def _headers(tree: Path) -> Iterator[str]:
    sources: Sequence[Path] = list(own_files(tree, "*.[ch]", "*.cpp", "*.cc"))
    for file in sources[:HEADERS_READ]:
        # Words of one sentence stand on several lines, behind signs of comments.
        yield re.sub(r"[\s*/#]+", " ", read(file)[:HEADER])
