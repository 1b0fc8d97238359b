"""Edits of a recipe's text that leave every other byte as it is.

A YAML library that writes what it has read changes more than was asked for: line breaks, spaces,
indentation. Here text is put in at places that the parser tells, and the result is read again: it
must say what was said before, and the new release, and nothing else.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from commonwheel.errors import RecipeError
from commonwheel.recipe.yaml import Document, parse

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_STEP = 2
_BOM = "\ufeff"

Value = str | Sequence[str]
# The stubs leave out what is asked of yaml's nodes here.
Node = Any


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """One source of a release as it is to be written: its keys in order, remarks above it."""

    values: Mapping[str, Value]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewRelease:
    """A release to be written beside a listed one.

    Args:
        version: its key.
        beside: the listed release that it is made from.
        sources: in order; an entry without values is its remarks alone.
        patches: file names.
        dropped: keys of the listed release that the new one does not have.
        added: keys with a text as their value that the new one has of its own.
    """

    version: str
    beside: str
    sources: tuple[SourceEntry, ...]
    patches: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    added: Mapping[str, str]


def plain(text: str, *, flow: bool = False) -> str:
    """A scalar as YAML: plain where every reader takes it for this text, else in quotes.

    Args:
        text: the scalar.
        flow: whether it stands in a list in brackets.
    """
    written = f"[{text}]" if flow else text
    try:
        same = yaml.safe_load(written) == ([text] if flow else text)
    except yaml.YAMLError:
        same = False
    return text if same and not _NUMBER.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class RecipeText:
    """The text of a recipe that reads without an error, with the places of its values."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.bom, self.text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.old: Document = parse(text, source)
        # It counts in characters, as Python does.
        self.root = yaml.compose(self.text, Loader=yaml.CSafeLoader)
        self.versions = _find(self.root, "versions")
        if self.versions.flow_style:
            line, column = self.old.marks["versions",]
            raise RecipeError(
                "'versions' is written in braces, where no release can be put in",
                where=f"{source}:{line}:{column}",
                hint='write one release per line, as `"1.0":` and what belongs to it below',
            )

    # --- the new release ------------------------------------------------------------------------

    def with_release(self, release: NewRelease, *, before: bool, build: bool = False) -> str:
        """The text with a release put in directly before or after the one that it is made from.

        Args:
            release: the new one.
            before: of the two places, the first.
            build: also set ``build`` back to 1.

        Raises:
            RecipeError: the text is so unusual that the result would not say what was meant.
        """
        block = self._block(release)
        key, value = self._entry(release.beside)
        place = self._line_start(self._above(key)) if before else self._line_end(_end(value))
        if self._is_spaced():
            block = [*block, ""] if before else ["", *block]
        text = self.newline.join(block)
        whole = place == len(self.text) and not self.text.endswith("\n")
        text = f"{self.newline}{text}" if whole else f"{text}{self.newline}"
        edits = [(place, place, text)]
        if build and (number := _find(self.root, "build")) is not None:
            edits.append((number.start_mark.index, number.end_mark.index, "1"))
        edited = self.text
        for start, end, new in sorted(edits, reverse=True):
            edited = edited[:start] + new + edited[end:]
        self._check(edited, release, build=build)
        return self.bom + edited

    def remarks(self, version: str) -> list[str]:
        """The comments of a listed release that a new one does not get: they speak of that one."""
        key, value = self._entry(version)
        copied = [
            (name.start_mark.index, _end(node))
            for name, node in _pairs(value)
            if name.value not in {"sources", "patches"}
        ]
        start, end = self._above(key), self._line_end(_end(value))
        found = []
        for place, comment in _comments(self.text):
            inside = any(first <= place < last for first, last in copied)
            if start <= place < end and not inside:
                found.append(f"line {self.text.count(chr(10), 0, place) + 1}: {comment}")
        return found

    def _block(self, release: NewRelease) -> list[str]:
        key, value = self._entry(release.beside)
        margin = " " * key.start_mark.column
        block = not value.flow_style and value.value
        inner = " " * (value.start_mark.column if block else key.start_mark.column + _STEP)
        lines = [f"{margin}{_like(key, release.version)}:"]
        for name, node in _pairs(value):
            if name.value == "sources":
                lines += self._sources(release, node, inner)
            elif name.value == "patches":
                lines += self._patches(release, name, node, inner)
            elif name.value not in release.dropped:
                lines += _copied(self.text, name, node, inner)
        return [*lines, *(f"{inner}{name}: {plain(text)}" for name, text in release.added.items())]

    def _sources(self, release: NewRelease, node: Node, inner: str) -> list[str]:
        block = not node.flow_style
        dash = " " * (node.start_mark.column if block else len(inner) + _STEP)
        first = node.value[0]
        gap = first.start_mark.column - node.start_mark.column if block else _STEP
        lines = [f"{inner}sources:"]
        for entry in release.sources:
            lines += [f"{dash}# {remark}" for remark in entry.remarks]
            for index, (name, value) in enumerate(entry.values.items()):
                lead = "-".ljust(gap) if index == 0 else " " * gap
                lines += _pair(f"{dash}{lead}", name, value, dash + " " * gap)
        return lines

    def _patches(self, release: NewRelease, name: Node, node: Node, inner: str) -> list[str]:
        listed = self.old.value["versions"][release.beside]["patches"]
        if _as_list(listed) == [*release.patches]:
            return _copied(self.text, name, node, inner)
        return _pair(inner, "patches", release.patches, inner) if release.patches else []

    def _check(self, edited: str, release: NewRelease, *, build: bool) -> None:
        """What the edited text says must be what was meant."""
        meant = {**self.old.value, "versions": dict(self.old.value["versions"])}
        if build and "build" in meant:
            meant["build"] = "1"
        listed = meant["versions"][release.beside]
        meant["versions"][release.version] = self._meant(release, listed)
        try:
            same = parse(edited, self.source).value == meant
        except RecipeError:
            same = False
        if not same:
            line, column = self.old.marks["versions", release.beside]
            raise RecipeError(
                "this release is written in a way that no other can be made from",
                where=f"{self.source}:{line}:{column}",
                hint="write it as one key per line, or add the new release by hand",
            )

    @staticmethod
    def _meant(release: NewRelease, listed: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in listed.items() if key not in release.dropped}
        sources = [
            {name: _plainest(value) for name, value in entry.values.items()}
            for entry in release.sources
            if entry.values
        ]
        meant = {**kept, "sources": sources, **release.added}
        if _as_list(listed.get("patches")) != [*release.patches]:
            meant.pop("patches", None)
            if release.patches:
                meant["patches"] = _plainest(release.patches)
        return meant

    # --- places ---------------------------------------------------------------------------------

    def _entry(self, version: str) -> tuple[Node, Node]:
        return next(pair for pair in _pairs(self.versions) if pair[0].value == version)

    def _line_start(self, place: int) -> int:
        return self.text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        """The start of the line behind the one that a value ends in."""
        if place and self.text[place - 1] == "\n":  # a block scalar ends behind its last line
            return place
        end = self.text.find("\n", place)
        return len(self.text) if end < 0 else end + 1

    def _above(self, key: Node) -> int:
        """Where a release begins: at the comments directly above its key, if there are any."""
        place = self._line_start(key.start_mark.index)
        while place:
            before = self._line_start(place - 1)
            if not self.text[before:place].lstrip().startswith("#"):
                break
            place = before
        return place

    def _is_spaced(self) -> bool:
        """Whether empty lines stand between the releases."""
        pairs = _pairs(self.versions)
        gaps = [
            self.text[self._line_end(_end(value)) : self._above(key)]
            for (_, value), (key, _) in itertools.pairwise(pairs)
        ]
        return any(not line.strip() for gap in gaps for line in gap.splitlines())


def _pairs(node: Node) -> list[tuple[Node, Node]]:
    return [*node.value]


def _find(node: Node, key: str) -> Node:
    return next((value for name, value in _pairs(node) if name.value == key), None)


def _end(node: Node) -> int:
    """Where a value ends; the parser says of a block that it ends where the next token begins."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """Each comment with its place: between two tokens is nothing else but space."""
    place = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        for match in re.finditer(r"#[^\r\n]*", text[place : token.start_mark.index]):
            yield place + match.start(), match[0]
        place = token.end_mark.index


def _copied(text: str, name: Node, value: Node, indent: str) -> list[str]:
    raw = text[name.start_mark.index : _end(value)].rstrip()
    return re.split(r"\r?\n", f"{indent}{raw}")


def _pair(lead: str, name: str, value: Value, indent: str) -> list[str]:
    """``name: value`` behind ``lead``; several values as lines of their own below."""
    text = _plainest(value)
    if isinstance(text, str):
        return [f"{lead}{name}: {plain(text)}"]
    return [f"{lead}{name}:", *(f"{indent}  - {plain(each)}" for each in text)]


def _plainest(value: Value) -> str | list[str]:
    if isinstance(value, str):
        return value
    return value[0] if len(value) == 1 else list(value)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _like(key: Node, text: str) -> str:
    """``text`` in the quotes that ``key`` has; a release's name holds none."""
    quote = key.style if key.style in {"'", '"'} else ""
    return f"{quote}{text}{quote}" if quote else plain(text)
