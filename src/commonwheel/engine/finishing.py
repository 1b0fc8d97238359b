"""What is done to a raw wheel, wherever it was built: repair it, and hold it against the gates."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from commonwheel.abi.records import Records
from commonwheel.check.case import Tools
from commonwheel.check.expected import Expected
from commonwheel.check.finding import Report
from commonwheel.check.inspect import Inspected
from commonwheel.check.report import as_json
from commonwheel.check.run import CheckOptions, check, gates_for
from commonwheel.errors import GateError
from commonwheel.repair.providers import load_providers
from commonwheel.repair.repair import Repaired, RepairOptions, repair
from commonwheel.text import counted

# More stands in the report.
SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """What there is to know of a job, beside its wheel and the wheels of its providers.

    Args:
        repair: what the repair is told.
        claimed: SONAMEs, as upstream gives them, of all libraries that have a recipe.
        expected: what the recipe promises.
        records: the recorded releases of the job's line, and of its providers' lines.
        debug: folder with the wheel's debug information, by build-id.
    """

    repair: RepairOptions
    claimed: frozenset[str]
    expected: Expected | None
    records: Records = field(default_factory=Records)
    debug: Path | None = None

    def dump(self) -> bytes:
        """As JSON, to travel into a container."""
        return ADAPTER.dump_json(self)

    def repaired(
        self, raw: Path, destination: Path, providers: Sequence[Path], scratch: Path
    ) -> Repaired:
        """Repair a raw wheel; the arguments are those of :func:`commonwheel.repair.repair.repair`.

        Raises:
            RepairError: as that function.
        """
        known = load_providers(providers, self.repair.names)
        return repair(raw, destination, known, self.repair, scratch=scratch)

    def check(
        self, wheel: Path, beside: Sequence[Inspected], tools: Tools, *, together: bool = False
    ) -> Report:
        """Hold a repaired wheel against the gates.

        Args:
            wheel: the file.
            beside: what it is installed with.
            tools: what gates may use.
            together: ask only those that hold the wheels of a set against one another.

        Raises:
            GateError: it does not pass; with the report.
        """
        options = CheckOptions(
            names=self.repair.names,
            claimed=self.claimed,
            tools=tools if together else replace(tools, types=True, debug=self.debug),
            expect=lambda _wheel: self.expected,
            records=lambda _wheel: self.records,
        )
        (report,) = check([wheel], options, beside=beside, gates=gates_for(together=together))
        if not report.passes:
            raise failed(report)
        return report


ADAPTER = TypeAdapter(Finishing)


def failed(report: Report) -> GateError:
    """Every error, up to a screenful; all else stands in the report."""
    found = [each for each in report.findings if each.fails]
    lines = [f"{each.gate} {each.where}: {each.message}" for each in found]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    what = f"did not pass the gates: {counted(len(found), 'error')}"
    error = GateError("\n  ".join([what, *lines[:SHOWN], *more]))
    error.report = as_json([report])
    return error
