"""What pydantic finds wrong, in the words of the file that a person wrote."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from commonwheel.recipe.sources import SOURCE_KINDS

# What pydantic says of types, in the words of YAML.
EXPECTED = {
    "bool_parsing": "yes or no is expected",
    "dict_type": "a mapping of keys is expected",
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "int_parsing_size": "a whole number of sane size is expected",
    "model_attributes_type": "a mapping of keys is expected",
    "model_type": "a mapping of keys is expected",
    "string_type": "text is expected",
    "too_short": "at least one is needed",
    "tuple_type": "a list is expected",
}
MOST_SHOWN = 60
CREDENTIALS = re.compile(r"[^\s/]+@")


def problems(
    error: ValidationError,
    model: type[BaseModel],
    where: Callable[[Sequence[str | int]], str],
    whole: str,
) -> list[str]:
    """Each problem, after the place that it is at.

    Args:
        error: what ``model`` raised.
        model: knows which keys there are.
        where: ``file:line:column`` of a path of keys and indices.
        whole: what the file is called where a path is empty, ``the recipe``.
    """
    return [
        f"{where(_path(each))}: {_told(each, model, whole)}"
        for each in _first_causes(error.errors(include_url=False))
    ]


def nearest(word: str, known: Iterable[str], prefix: str = "") -> str:
    """``perhaps you meant '…'``; empty where nothing known is alike."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"{prefix}perhaps you meant '{close[0]}'" if close else ""


def _first_causes(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    # pydantic calls a list too short whose items are wrong.
    return [
        each
        for each in errors
        if each["type"] != "too_short"
        or not any(
            other["loc"][: len(each["loc"])] == each["loc"] != other["loc"] for other in errors
        )
    ]


def _path(error: ErrorDetails) -> list[str | int]:
    return [step for index, step in enumerate(error["loc"]) if not _is_tag(index, error["loc"])]


def _told(error: ErrorDetails, model: type[BaseModel], whole: str) -> str:
    path = _path(error)
    shown = ".".join(str(step) for step in path) or whole
    holder = ".".join(str(step) for step in path[:-1]) or whole
    match error["type"]:
        case "extra_forbidden":
            known = _fields_at(model, error["loc"][:-1])
            return _unknown(str(path[-1]), known, holder)
        case "missing":
            return f"the key '{path[-1]}' is missing in {holder}"
        case _:
            return f"{shown}: {_expected(error)}{_found(error['input'])}"


def _unknown(key: str, known: Sequence[str], holder: str) -> str:
    kind = next((each for each in SOURCE_KINDS if each in known), None)
    if kind and key in SOURCE_KINDS:
        return f"{holder} has '{kind}' already; '{key}' is a source of its own"
    what = f"unknown key '{key}' in {holder}"
    return what + (nearest(key, known, prefix="; ") or f"; it knows {', '.join(known)}")


def _expected(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    return EXPECTED.get(error["type"]) or message[:1].lower() + message[1:]


def _found(value: Any) -> str:
    if isinstance(value, dict | list):
        return ""
    text = repr(CREDENTIALS.sub("", value) if isinstance(value, str) else value)
    text = "nothing" if value is None else text
    return f" (found {text[:MOST_SHOWN]}{'…' if len(text) > MOST_SHOWN else ''})"


def _is_tag(index: int, loc: Sequence[int | str]) -> bool:
    # pydantic names the branch of a union in the path: sources.0.url.sha256
    match tuple(loc[: index + 1]):
        case (*_, "sources" | "tests", int(), str(kind)):
            return kind in SOURCE_KINDS
        case _:
            return False


def _alias(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _fields_at(model: Any, path: Sequence[str | int]) -> list[str]:
    """Names of the fields that the model knows below ``path``."""
    models = {model}
    for index, step in enumerate(path):
        if _is_tag(index, path):
            models = {each for each in models if step in each.model_fields}
            continue
        found: set[Any] = set()
        for each in models:
            for name, info in each.model_fields.items():
                if _alias(name) == step:
                    found |= set(_models_in(info.annotation))
        # An index, or the key of a mapping (a version), stays within the same models.
        models = found or models
    return sorted({_alias(name) for each in models for name in each.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models_in(argument)
