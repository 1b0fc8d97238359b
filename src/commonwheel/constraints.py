"""Pins of the packages that builds take from the package index: ``recipes/constraints.txt``."""

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from commonwheel.errors import RecipeError

FILE = "constraints.txt"
COMMENT = re.compile(r"(?:^|\s)#")


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """Pins by project; a project may have several, told apart by markers."""

    pins: Mapping[str, tuple[str, ...]]

    @property
    def text(self) -> str:
        """The pins as a constraints file for pip."""
        return "".join(f"{line}\n" for lines in self.pins.values() for line in lines)

    def only(self, requirements: Iterable[str]) -> "Constraints":
        """The pins of the named projects."""
        names = {canonicalize_name(Requirement(text).name) for text in requirements}
        return Constraints(pins={key: pins for key, pins in self.pins.items() if key in names})

    def yielding_to(self, requirements: Iterable[str]) -> "Constraints":
        """The pins without those of projects that a requirement pins itself (``cython==3.2.9``)."""
        own = {canonicalize_name(r.name) for r in map(Requirement, requirements) if _is_pin(r)}
        return Constraints(pins={key: pins for key, pins in self.pins.items() if key not in own})

    def pinned(self, requirements: Iterable[str]) -> list[str]:
        """The requirements, each followed by its project's pins; what is none stays, for pip."""
        found: dict[str, None] = {}
        for text in requirements:
            found[text] = None
            with contextlib.suppress(InvalidRequirement):
                name = canonicalize_name(Requirement(text).name)
                found |= dict.fromkeys(self.pins.get(name, ()))
        return list(found)


def _is_pin(requirement: Requirement) -> bool:
    return any(
        each.operator in {"==", "==="} and not each.version.endswith(".*")
        for each in requirement.specifier
    )


def read_constraints(folders: Sequence[Path]) -> Constraints:
    """Read ``constraints.txt`` of each recipe folder; a later folder's pins replace an earlier's.

    Raises:
        RecipeError: a line is not a requirement, or a file is not text.
    """
    pins: dict[str, tuple[str, ...]] = {}
    for folder in folders:
        file = folder / FILE
        if file.is_file():
            pins |= _read(file)
    return Constraints(pins=dict(sorted(pins.items())))


def _read(file: Path) -> dict[str, tuple[str, ...]]:
    pins: dict[str, tuple[str, ...]] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise RecipeError(f"not UTF-8: {error.reason}", where=str(file)) from None
    for number, line in enumerate(lines, 1):
        # As pip reads it: a # within a word (a URL's fragment) begins no comment.
        text = COMMENT.split(line, maxsplit=1)[0].strip()
        if not text:
            continue
        try:
            name = canonicalize_name(Requirement(text).name)
        except InvalidRequirement as error:
            problem = f"not a requirement: {str(error).splitlines()[0]}"
            raise RecipeError(problem, where=f"{file}:{number}:1") from None
        pins[name] = (*pins.get(name, ()), text)
    return pins
