"""Check wheels: each against all gates, in the company of those that are installed with it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from commonwheel.abi.records import Records
from commonwheel.check.case import Case, Tools
from commonwheel.check.company import company, family, releases_beside
from commonwheel.check.expected import Expected
from commonwheel.check.finding import Finding, NotChecked, Outcome, Report, outcome
from commonwheel.check.gate import Gate
from commonwheel.check.gates import GATES
from commonwheel.check.gates.leaks import UnusedWaiver
from commonwheel.check.inspect import Inspected, inspect
from commonwheel.check.tag import true_tag
from commonwheel.names import Names
from commonwheel.recipe.model import Waiver


def nothing_expected(_wheel: Inspected) -> Expected | None:
    """No recipe is known."""
    return None


def nothing_recorded(_wheel: Inspected) -> Records:
    """No release is recorded."""
    return Records()


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What a check is told beside the wheels.

    Args:
        names: the names that follow from the prefix.
        claimed: SONAMEs, as upstream gives them, of all libraries that have a recipe.
        tools: what gates may use.
        expect: what the recipe of a wheel says.
        records: the recorded releases that concern a wheel.
    """

    names: Names = field(default_factory=Names)
    claimed: frozenset[str] = frozenset()
    tools: Tools = field(default_factory=Tools)
    expect: Callable[[Inspected], Expected | None] = nothing_expected
    records: Callable[[Inspected], Records] = nothing_recorded


def gates_for(*, together: bool) -> tuple[Gate, ...]:
    """All gates, or those that hold the wheels of a set against one another."""
    return tuple(gate for gate in GATES if gate.compares) if together else GATES


def check(
    wheels: Sequence[Path],
    options: CheckOptions,
    *,
    beside: Iterable[Inspected] = (),
    gates: Sequence[Gate] = GATES,
) -> Iterator[Report]:
    """Check wheels one after the other; each is held against those before it, too.

    Args:
        wheels: the files.
        options: what else there is to know.
        beside: what may be installed beside them, or came before them; not checked itself.
        gates: those to ask.

    Raises:
        WheelError: a file is no wheel, or a damaged one.
    """
    known = list(beside)
    for path in wheels:
        wheel, contents = inspect(path, options.names)
        case = Case(
            wheel=wheel,
            contents=contents,
            others=company(wheel, known),
            releases=releases_beside(wheel, known),
            family=family(wheel, known),
            expected=options.expect(wheel),
            names=options.names,
            claimed=options.claimed,
            records=options.records(wheel),
            tools=options.tools,
        )
        yield check_case(case, gates)
        known.append(wheel)


def check_case(case: Case, gates: Sequence[Gate] = GATES) -> Report:
    """Ask the gates about one wheel."""
    asked = [gate for gate in gates if case.wheel.kind in gate.levels]
    waivers = list(_waivers(case))
    used: set[int] = set()
    found = {gate.id: [_waived(e, waivers, used) for e in gate.check(case)] for gate in asked}
    if UnusedWaiver.id in found:
        unused = (waiver for i, waiver in enumerate(waivers) if i not in used)
        found[UnusedWaiver.id] += UnusedWaiver().findings(case, unused)
    outcomes: tuple[Outcome, ...] = tuple(outcome(gate, every) for gate, every in found.items())
    return Report(
        wheel=case.wheel.name,
        sha256=case.wheel.sha256,
        kind=case.wheel.kind,
        tag=true_tag(case.wheel, case.names),
        outcomes=outcomes,
    )


def _waivers(case: Case) -> Iterator[Waiver]:
    """Those of the recipe that are for this release."""
    if case.expected is None:
        return
    try:
        version = Version(case.wheel.version)
    except InvalidVersion:
        return
    for waiver in case.expected.waivers:
        if SpecifierSet(waiver.versions).contains(version, prereleases=True):
            yield waiver


def _waived(
    each: Finding | NotChecked, waivers: Sequence[Waiver], used: set[int]
) -> Finding | NotChecked:
    """A finding with the reason of the waiver that fits; which those are is noted in ``used``."""
    if isinstance(each, NotChecked):
        return each
    for i, waiver in enumerate(waivers):
        fits = _matches(each.member, waiver.files)
        if waiver.gate == each.gate and fits and _matches(each.symbol, waiver.symbols):
            used.add(i)
            return replace(each, waiver=waiver.reason)
    return each


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)
