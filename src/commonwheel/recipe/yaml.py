"""YAML in which every value knows its line, and every plain scalar is text.

YAML 1.1 would read ``ON`` as a boolean and ``3.10`` as the number 3.1; a recipe means what it says,
so the model alone decides what a scalar is. Anchors, aliases, merge keys and tags are refused: each
value of a recipe stands where it is used, and has one position.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from commonwheel.errors import RecipeError

Place = tuple[str | int, ...]

# Recipes nest six levels; what nests deeper is an accident or an attack on the reader's stack.
MOST_LEVELS = 40
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(kw_only=True)
class Document:
    """A YAML document as plain Python, with the position of each value and each key.

    ``marks`` maps a path of keys and indices to ``(line, column)``, counted from 1; ``replaced``
    maps the paths of values that do not come from the file to what they come from.
    """

    source: str
    value: Any = None
    marks: dict[Place, tuple[int, int]] = field(default_factory=dict)
    replaced: dict[Place, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def where(self, path: Sequence[str | int]) -> str:
        """``file:line:column`` of the value at ``path``, or of the nearest parent that is there."""
        steps = tuple(path)
        for length in range(len(steps), -1, -1):
            if origin := self.replaced.get(steps[:length]):
                return origin
        while steps and steps not in self.marks:
            steps = steps[:-1]
        line, column = self.marks.get(steps, (1, 1))
        return f"{self.source}:{line}:{column}"


def parse(text: str, source: str) -> Document:
    """Read one YAML document.

    Raises:
        RecipeError: the text is not YAML or holds what recipes cannot, or a key stands twice.
    """
    document = Document(source=source)
    try:
        _Reader(text, document).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise RecipeError(f"not YAML: {error.problem}", where=where) from None
    except yaml.reader.ReaderError as error:
        # The C parser counts in bytes.
        before = text.encode()[: error.position].decode(errors="ignore")
        where = _position(source, before, len(before))
        raise RecipeError(f"not YAML: {error.reason}", where=where) from None
    except UnicodeEncodeError as error:
        where = _position(source, text, error.start)
        raise RecipeError(f"not text: {error.reason}", where=where) from None
    if document.problems:
        raise RecipeError.collect(document.problems)
    return document


def read(path: Path, source: str | None = None) -> Document:
    """Read one YAML file; ``source`` is its name in messages.

    Raises:
        RecipeError: as in :func:`parse`, or the file cannot be read.
    """
    shown = source or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot be read: {error.strerror}", where=shown) from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        where = _position(shown, before, len(before))
        raise RecipeError(f"not UTF-8: {error.reason}", where=where) from None
    return parse(text, shown)


def _position(source: str, text: str, offset: int) -> str:
    before = text[:offset]
    column = len(before) - before.rfind("\n")
    return f"{source}:{before.count(chr(10)) + 1}:{column}"


class _Reader:
    """Builds a document from the parser's events."""

    def __init__(self, text: str, document: Document) -> None:
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self.document = document

    def read(self) -> None:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if () in self.document.marks:
                    self._refuse(event, "a recipe is one document")
                self.document.value = self._value(next(self.events), ())

    def _value(self, event: yaml.Event, path: Place) -> Any:
        self._check(event, path)
        self.document.marks.setdefault(path, _mark(event))
        match event:
            case yaml.MappingStartEvent():
                return dict(self._pairs(path))
            case yaml.SequenceStartEvent():
                return list(self._items(path))
            case yaml.ScalarEvent():
                # The C parser calls the style of a plain scalar '', the Python one None.
                return None if not event.style and event.value in NOTHING else event.value
            case _:
                raise TypeError(event)

    def _check(self, event: yaml.Event, path: Place) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"the alias '*{event.anchor}': write the value out")
        if tag := getattr(event, "tag", None):
            self._refuse(event, f"the tag '{tag}': recipes have none")
        if len(path) > MOST_LEVELS:
            self._refuse(event, f"nested more than {MOST_LEVELS} levels deep")

    def _items(self, path: Place) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self._value(event, (*path, index))
            index += 1

    def _pairs(self, path: Place) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "a key must be text")
            self._check(event, path)
            name, plain = event.value, not event.style
            if name == "<<" and plain:
                self._refuse(event, "the merge key '<<': write the keys out")
            here = (*path, name)
            if name in seen:
                line, column = _mark(event)
                where = f"{self.document.source}:{line}:{column}"
                self.document.problems.append(f"{where}: the key '{name}' stands twice")
                # Read and dropped, so that what else is wrong in it is found now.
                self._value(next(self.events), here)
                continue
            seen.add(name)
            self.document.marks[here] = _mark(event)
            yield name, self._value(next(self.events), here)

    def _refuse(self, event: yaml.Event, what: str) -> NoReturn:
        line, column = _mark(event)
        raise RecipeError(what, where=f"{self.document.source}:{line}:{column}")


def _mark(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None
    return event.start_mark.line + 1, event.start_mark.column + 1
