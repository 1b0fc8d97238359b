"""Record a release of a line: what later ones are held against, and ranges are computed from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from commonwheel.abi.compare import Comparison, compare
from commonwheel.abi.deep import write_types
from commonwheel.abi.encoding import SUFFIX, write_snapshot
from commonwheel.abi.records import record_file, types_file
from commonwheel.abi.snapshot import Snapshot
from commonwheel.check.case import Case
from commonwheel.check.finding import Finding
from commonwheel.check.gates.abi import LineHolds
from commonwheel.check.line import Line
from commonwheel.check.run import check_case
from commonwheel.errors import AbiBreakError, MissingProgramError

TYPES = "types"
SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A release that has been recorded.

    Args:
        file: the record.
        snapshot: what it says.
        comparisons: with the releases around it, and with the record that it had before.
        notes: what could not be recorded.
    """

    file: Path
    snapshot: Snapshot
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]


def accept(case: Case, folder: Path, *, again: bool = False) -> Accepted:
    """Record the library wheel of a case.

    Args:
        case: the wheel, with the records and the wheels of its line that are known.
        folder: of the recipes below which it is recorded.
        again: whether what its own record says, and it does not, may go.

    Raises:
        AbiBreakError: it breaks its line, and its recipe does not waive that.
        CommonwheelError: its ABI cannot be read, or abidiff or abidw fails.
    """
    line = case.line
    broken = [each for each in _breaks(case) if not (again and _is_own(each))]
    if broken:
        raise _refusal(line, broken)
    file = record_file(folder, line.own)
    file.parent.mkdir(parents=True, exist_ok=True)
    notes = tuple(_write_types(line, folder))
    snapshot = replace(line.own, types_since=_types_since(case, line))
    write_snapshot(file, snapshot)
    # It may have been short enough before, or too long.
    other = file.with_suffix("") if file.name.endswith(SUFFIX) else Path(f"{file}{SUFFIX}")
    other.unlink(missing_ok=True)
    return Accepted(file=file, snapshot=snapshot, comparisons=line.comparisons, notes=notes)


def _breaks(case: Case) -> Iterator[Finding]:
    report = check_case(case, [LineHolds()])
    return (each for each in report.findings if each.fails)


def _is_own(finding: Finding) -> bool:
    """Whether it tells of the release and its own record."""
    return finding.fields["old"] == finding.fields["new"]


def _refusal(line: Line, broken: list[Finding]) -> AbiBreakError:
    lines = [each.message for each in broken]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    hint = ""
    if all(map(_is_own, broken)):
        hint = "if the record was wrong, and no wheel of it is published: --again"
    what = f"is not recorded, since it breaks {line.own.line}:"
    return AbiBreakError(
        "\n  ".join([what, *lines[:SHOWN], *more]), where=line.own.shown, hint=hint
    )


def _types_since(case: Case, line: Line) -> str:
    """Since which release its types have been the same, as far as the release before tells."""
    number = line.own.number
    before = case.records.of(line.own.line).before(number)
    for each in line.comparisons:
        if before is not None and each.old is before and each.new is line.own:
            complete = not any(reason.startswith(TYPES) for reason in each.unchecked)
            if complete and each.verdict != "breaking":
                return before.types_since or before.number
    # Without debug information at hand, what is known stays known.
    return line.record.snapshot.types_since if line.record and _is_same(line) else ""


def _is_same(line: Line) -> bool:
    """Whether its symbols are those of its record."""
    return line.record is not None and compare(line.record.snapshot, line.own).verdict == "equal"


def _write_types(line: Line, folder: Path) -> Iterator[str]:
    side = line.side
    for library in side.snapshot.libraries:
        file = types_file(folder, side.snapshot, library)
        if not library.public:
            continue
        reason = side.missing(library)
        if not reason:
            try:
                write_types(side, library, file)
            except MissingProgramError:
                reason = "abidw is not installed (Debian: abigail-tools)"
        if reason and file.is_file() and _is_same(line):
            yield f"types of {library.soname}: as they were recorded before, since {reason}"
        elif reason:
            file.unlink(missing_ok=True)
            yield f"types of {library.soname}: not recorded, {reason}"
