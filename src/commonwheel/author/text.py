"""A new recipe's YAML, in the spelling of those that are there: short lists on one line. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commonwheel.author.edit import plain

_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Remarked:
    """A value with comments above its key; the comments alone where it is empty."""

    value: Any
    remarks: tuple[str, ...]


def todo(value: Any, *remarks: str) -> Remarked:
    """A value that a person must look at."""
    first, *rest = remarks
    return Remarked(value=value, remarks=(f"TODO: {first}", *rest))


def render(sections: Sequence[Mapping[str, Any]], *, schema: str = "") -> str:
    """YAML of several mappings in one, with an empty line between them.

    Editors find the JSON Schema at the path ``schema``.

    Values are text, numbers, lists, mappings or :class:`Remarked`; what is empty is left out, and
    None is a key with nothing behind it.
    """
    blocks = ["\n".join(_mapping(section, "")) for section in sections]
    head = f"# yaml-language-server: $schema={schema}\n" if schema else ""
    return head + "\n\n".join(block for block in blocks if block) + "\n"


def _mapping(mapping: Mapping[str, Any], margin: str) -> Iterator[str]:
    for key, value in mapping.items():
        yield from _pair(key, value, margin)


def _pair(key: str, value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, Remarked):
        yield from _comments(value.remarks, margin)
        value = value.value
    if value is None:
        yield f"{margin}{key}:"
    elif isinstance(value, Mapping):
        lines = list(_mapping(value, f"{margin}  "))
        if any(not line.lstrip().startswith("#") for line in lines):
            yield f"{margin}{key}:"
            yield from lines
        else:
            # A key that holds nothing but comments would be no mapping.
            yield from (line.removeprefix("  ") for line in lines)
    elif isinstance(value, int):
        yield f"{margin}{key}: {value}"
    elif isinstance(value, str):
        yield from [f"{margin}{key}: {plain(value)}"] if value else []
    elif value:
        yield from _list(key, list(value), margin)


def _comments(remarks: Sequence[str], margin: str) -> Iterator[str]:
    for remark in remarks:
        yield from textwrap.wrap(
            remark,
            _WIDTH,
            initial_indent=f"{margin}# ",
            subsequent_indent=f"{margin}# ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _list(key: str, values: list[Any], margin: str) -> Iterator[str]:
    flow = len(values) > 1
    texts = [plain(value, flow=flow) for value in values if isinstance(value, str)]
    shown = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    line = f"{margin}{key}: {shown}"
    if len(texts) == len(values) and len(line) <= _WIDTH:
        yield line
        return
    yield f"{margin}{key}:"
    for value in values:
        yield from _item(value, f"{margin}  ")


def _item(value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, Remarked):
        yield from _comments(value.remarks, margin)
        value = value.value
    if isinstance(value, str):
        yield f"{margin}- {plain(value)}"
    elif value:
        lines = [line.removeprefix(f"{margin}  ") for line in _mapping(value, f"{margin}  ")]
        lead = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        yield from (f"{margin}{line}" for line in lines[:lead])
        yield f"{margin}- {lines[lead]}"
        yield from (f"{margin}  {line}" for line in lines[lead + 1 :])
