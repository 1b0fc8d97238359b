"""TOML whose values can be found in the file again: :mod:`tomllib` alone tells no positions."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonwheel.errors import ConfigurationError

# How tomllib ends its messages.
PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A TOML document as plain Python, with its text.

    Args:
        source: its name in messages.
        text: as it was written.
        value: what it says.
    """

    source: str
    text: str
    value: Mapping[str, Any]

    def where(self, path: Sequence[str | int]) -> str:
        """``file:line:column`` of the key at ``path``, or of the nearest parent that is there."""
        for length in range(len(path), 0, -1):
            if (offset := self._offset(path[:length])) is not None:
                return _place(self.source, self.text, offset)
        return f"{self.source}:1:1"

    def _offset(self, path: Sequence[str | int]) -> int | None:
        """Where a key begins that is written as it reads; None for an item of a list.

        Of the places where its letters stand, the first is meant that renames the key when written
        otherwise: so the parser decides, for bare keys, quoted and dotted ones, and headers.
        """
        *parents, key = path
        if not isinstance(key, str):
            return None
        fresh = "fresh"
        while fresh in self.text:
            fresh += "-"
        for match in re.finditer(re.escape(key), self.text):
            start, end = match.span()
            renamed = f"{self.text[:start]}{fresh}{self.text[end:]}"
            if fresh in _keys_at(renamed, parents):
                return start - (self.text[start - 1 : start] in {'"', "'"})
        return None


def _keys_at(text: str, path: Sequence[str | int]) -> Mapping[str, Any]:
    try:
        found: Any = tomllib.loads(text)
        for step in path:
            found = found[step]
    except (tomllib.TOMLDecodeError, LookupError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def read(path: Path) -> Document:
    """Read a TOML file.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML.
    """
    shown = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", where=shown) from None
    try:
        # As tomllib does of a file: a carriage return before a newline is none of the text.
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        where = _place(shown, before, len(before))
        raise ConfigurationError(f"not UTF-8: {error.reason}", where=where) from None
    try:
        return Document(source=shown, text=text, value=tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        match = PLACE.search(message := str(error))
        at_end = _place(shown, text, len(text))
        known = match is not None and match["line"] is not None
        where = f"{shown}:{match['line']}:{match['column']}" if match and known else at_end
        problem = PLACE.sub("", message)
        raise ConfigurationError(f"not TOML: {problem}", where=where) from None


def _place(source: str, text: str, offset: int) -> str:
    before = text[:offset]
    return f"{source}:{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"
