"""GitHub's expressions, as far as the workflows here use them.

Source: GitHub's documentation, "Evaluate expressions in workflows and actions".
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>==|!=|&&|\|\||[!().,*\[\]]))"
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
WORDS = {"true": True, "false": False, "null": None}


class ExpressionError(Exception):
    """What GitHub would refuse, or what this evaluator does not know."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Contexts by name, and the functions that say how a job or step stands."""

    contexts: Mapping[str, Any]
    status: Mapping[str, Callable[[], bool]] = field(default_factory=dict)

    def value(self, text: str) -> Any:
        """The value of an expression without its braces."""
        parser = _Parser(text, self)
        value = parser.either()
        parser.end()
        return value

    def fill(self, template: Any) -> Any:
        """A value of the YAML with its expressions filled in; one that is all keeps its type."""
        if isinstance(template, Mapping):
            return {key: self.fill(value) for key, value in template.items()}
        if isinstance(template, Sequence) and not isinstance(template, str):
            return [self.fill(value) for value in template]
        if not isinstance(template, str):
            return template
        if (whole := EXPRESSION.fullmatch(template.strip())) and "${{" not in whole[1]:
            return self.value(whole[1])
        return EXPRESSION.sub(lambda match: as_text(self.value(match[1])), template)


def as_text(value: Any) -> str:
    """A value as it stands in a string or a variable."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


class _Every(list[Any]):
    """What ``.*`` gives: the same property is taken of each."""


class _Parser:
    def __init__(self, text: str, scope: Scope) -> None:
        self.text, self.scope = text, scope
        self.tokens: list[tuple[str, str]] = []
        place, text = 0, text.rstrip()
        while place < len(text):
            match = TOKEN.match(text, place)
            if match is None:
                raise ExpressionError(f"cannot read {text[place:]!r} in {text!r}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind]))
            place = match.end()
        self.place = 0

    def end(self) -> None:
        if self.place < len(self.tokens):
            raise ExpressionError(f"too much in {self.text!r}: {self.tokens[self.place :]}")

    def _take(self, *signs: str) -> str | None:
        if self.place < len(self.tokens) and self.tokens[self.place] in {
            ("sign", sign) for sign in signs
        }:
            self.place += 1
            return self.tokens[self.place - 1][1]
        return None

    def either(self) -> Any:
        left = self._both()
        while self._take("||"):
            right = self._both()
            left = left or right
        return left

    def _both(self) -> Any:
        left = self._equal()
        while self._take("&&"):
            right = self._equal()
            left = left and right
        return left

    def _equal(self) -> Any:
        left = self._one()
        while sign := self._take("==", "!="):
            right = self._one()
            left = (left == right) == (sign == "==")
        return left

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            value = self.either()
            self._need(")")
            return value
        kind, token = self._next()
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return int(token)
        if kind != "name":
            raise ExpressionError(f"unexpected {token!r} in {self.text!r}")
        if self._take("("):
            value = self._call(token)
        elif token in WORDS:
            return WORDS[token]
        elif token in self.scope.contexts:
            value = self.scope.contexts[token]
        else:
            raise ExpressionError(f"there is no context {token!r} here: {self.text!r}")
        return self._properties(value)

    def _properties(self, value: Any) -> Any:
        while self._take("."):
            if self._take("*"):
                value = _Every(value.values() if isinstance(value, Mapping) else value)
                continue
            kind, name = self._next()
            if isinstance(value, _Every):
                value = _Every(each[name] for each in value if name in each)
                continue
            if kind != "name":
                raise ExpressionError(f"a name is expected after a dot in {self.text!r}")
            if not isinstance(value, Mapping) or name not in value:
                # GitHub gives null, and the mistake shows late or never.
                raise ExpressionError(f"nothing is called {name!r} in {self.text!r}")
            value = value[name]
        return value

    def _call(self, name: str) -> Any:
        arguments = []
        while not self._take(")"):
            arguments.append(self.either())
            self._take(",")
        if name in self.scope.status:
            return self.scope.status[name]()
        if name == "contains":
            return arguments[1] in arguments[0]
        if name == "fromJSON":
            return json.loads(arguments[0])
        if name == "toJSON":
            return json.dumps(arguments[0])
        raise ExpressionError(f"there is no function {name!r} here: {self.text!r}")

    def _next(self) -> tuple[str, str]:
        if self.place == len(self.tokens):
            raise ExpressionError(f"{self.text!r} ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(f"{sign} is missing in {self.text!r}")
