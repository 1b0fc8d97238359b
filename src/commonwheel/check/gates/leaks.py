"""What shows and should not, and what recipes allow for nothing."""

from collections.abc import Iterable, Iterator

from commonwheel.check.case import Case
from commonwheel.check.finding import Finding
from commonwheel.check.gate import OURS, Found, Gate
from commonwheel.recipe.model import Waiver


class UnusedWaiver(Gate):
    """Every waiver of the recipe lets something pass.

    Why: a waiver that nothing needs any more hides the next fault of its kind.

    Fix: remove it, or narrow its `versions` to the releases that need it.
    """

    id = "CW709"
    title = "no waiver is unused"
    message = "the recipe waives {gate}, and nothing needs it"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Nothing: which are unused is known when all gates have been asked (`findings`)."""
        return self.findings(case, ())

    def findings(self, case: Case, unused: Iterable[Waiver]) -> Iterator[Finding]:
        """Those that have let nothing pass."""
        for waiver in unused:
            yield self.finding(case, gate=waiver.gate)


GATES: tuple[Gate, ...] = (UnusedWaiver(),)
