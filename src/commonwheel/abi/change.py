"""What can change between two releases: each kind is a class with a stable id.

A kind's docstring says what it is (the first paragraph), why it matters (``Why:``) and what to do
about it (``Fix:``); the catalogue page is made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

Level: TypeAlias = Literal["breaking", "warning", "addition", "note"]
"""``breaking``: something built against the old release fails. ``warning``: it works, if what
surrounds it does. ``addition``: something new can be used. ``note``: nobody should see it."""

Verdict: TypeAlias = Literal["breaking", "additive", "equal"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs.

    Args:
        id: of its kind.
        level: how grave it is.
        library: upstream's SONAME in the old release, or in the new one where it is new there.
        subject: the symbol, version node or library that it is about.
        message: one sentence, fit to be shown.
        fields: the values that stand in the message, by name.
    """

    id: str
    level: Level
    library: str
    subject: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)


class Kind:
    """A kind of change. Ids are CWA and three digits, of which the first is the family's."""

    id: ClassVar[str]
    title: ClassVar[str]
    level: ClassVar[Level]
    message: ClassVar[str]

    @classmethod
    def of(cls, library: str, subject: str, **fields: object) -> Change:
        """A change of this kind."""
        told = {name: str(value) for name, value in fields.items()}
        return Change(
            id=cls.id,
            level=cls.level,
            library=library,
            subject=subject,
            message=cls.message.format(library=library, subject=subject, **told),
            fields=told,
        )
