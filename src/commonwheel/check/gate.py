"""What a gate is.

Each gate is a class with a stable id. Its docstring says what it asks for (the first paragraph),
why (``Why:``) and how to mend a finding (``Fix:``); the catalogue page is made of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeAlias

from commonwheel.check.case import Case
from commonwheel.check.finding import Finding, Level, NotChecked
from commonwheel.check.inspect import Kind

Found: TypeAlias = Iterator[Finding | NotChecked]

OURS: Mapping[Kind, Level] = {"library": "error", "consumer": "error"}
EVERY: Mapping[Kind, Level] = {**OURS, "foreign": "error"}
# What is a fault of ours may be a habit of others.
MILD: Mapping[Kind, Level] = {**OURS, "foreign": "warning"}
LIBRARY: Mapping[Kind, Level] = {"library": "error"}
# Of nobody's wheels it is more than a remark.
MODEST: Mapping[Kind, Level] = {"library": "warning", "consumer": "warning", "foreign": "warning"}
MILD_LIBRARY: Mapping[Kind, Level] = {"library": "warning"}
CONSUMER: Mapping[Kind, Level] = {"consumer": "error"}


class Gate(ABC):
    """A check with a stable id.

    ``levels`` says on which kinds of wheels it has something to say, and how grave that is;
    ``message`` is filled with the fields of a finding. Ids are CW and three digits, of which the
    first is the family's; those below CW400 cannot be waived for our wheels, but for CW206.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    message: ClassVar[str]
    levels: ClassVar[Mapping[Kind, Level]] = EVERY
    compares: ClassVar[bool] = False
    """Whether it holds wheels against one another: asked again when all of a set are finished."""

    @abstractmethod
    def check(self, case: Case) -> Found:
        """Look at one wheel: a finding for each fault, and what could not be looked at."""

    def finding(self, case: Case, member: str = "", **fields: object) -> Finding:
        """A finding on this wheel."""
        told = {name: str(value) for name, value in fields.items()}
        return Finding(
            gate=self.id,
            level=self.levels[case.wheel.kind],
            wheel=case.wheel.name,
            member=member,
            message=self.message.format(**told),
            fields=told,
        )

    def unchecked(self, reason: str, member: str = "") -> NotChecked:
        """Something that this gate could not look at."""
        return NotChecked(gate=self.id, member=member, reason=reason)

    def unread(self, case: Case) -> Iterator[NotChecked]:
        """The ELF files of this wheel that cannot be read."""
        for member, what in case.wheel.malformed.items():
            yield self.unchecked(what, member)
