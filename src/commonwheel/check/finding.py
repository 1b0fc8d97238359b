"""What gates have found, and how each ended."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["error", "warning"]
Verdict: TypeAlias = Literal["passed", "failed", "warned", "waived", "not checked"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a gate has found.

    Args:
        gate: its id.
        level: an ``error`` keeps the wheel out of the wheelhouse.
        wheel: file name of the wheel.
        member: the member of the wheel that it is about; empty for the whole.
        message: one sentence, fit to be shown.
        fields: the values that stand in the message, by name.
        waiver: the reason that the recipe gives for letting it pass.
    """

    gate: str
    level: Level
    wheel: str
    member: str = ""
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    waiver: str | None = None

    @property
    def where(self) -> str:
        """``wheel:member``, or the wheel."""
        return f"{self.wheel}:{self.member}" if self.member else self.wheel

    @property
    def symbol(self) -> str:
        """The symbol that it is about; empty where it is about none."""
        return self.fields.get("symbol", "")

    @property
    def fails(self) -> bool:
        """Whether it keeps a wheel out."""
        return self.level == "error" and self.waiver is None


@dataclass(frozen=True, kw_only=True)
class NotChecked:
    """Why a gate could not look at a wheel, or at one member of it."""

    gate: str
    member: str = ""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one gate ended for one wheel."""

    gate: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[NotChecked, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """How the gates ended for one wheel.

    Args:
        wheel: file name.
        sha256: of the file.
        kind: ``library``, ``consumer`` (both made by this kit) or ``foreign``.
        tag: the lowest platform tag that is true; None for a wheel without binaries, or of a
            platform that is not known.
        outcomes: of each gate that has something to say on this kind of wheel, by id.
    """

    wheel: str
    sha256: str
    kind: str
    tag: str | None = None
    outcomes: tuple[Outcome, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all gates."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.findings)

    @property
    def passes(self) -> bool:
        """Whether the wheel may enter the wheelhouse."""
        return not any(finding.fails for finding in self.findings)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many gates ended with each verdict."""
        return Counter(outcome.verdict for outcome in self.outcomes)


def outcome(gate: str, found: Sequence[Finding | NotChecked]) -> Outcome:
    """The outcome of a gate that has found this.

    A finding of whatever level is no pass, and neither is what could not be looked at.
    """
    findings = tuple(each for each in found if isinstance(each, Finding))
    unchecked = tuple(each for each in found if isinstance(each, NotChecked))
    verdict: Verdict = "passed"
    if any(each.fails for each in findings):
        verdict = "failed"
    elif any(each.waiver is None for each in findings):
        verdict = "warned"
    elif findings:
        verdict = "waived"
    elif unchecked:
        verdict = "not checked"
    return Outcome(gate=gate, verdict=verdict, findings=findings, unchecked=unchecked)
