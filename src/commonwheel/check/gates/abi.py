"""ABI: a release can take the place of those before it on its line, and of those after it."""

from abc import abstractmethod

from commonwheel.abi.change import Change
from commonwheel.abi.compare import Comparison, compare
from commonwheel.abi.history import ordered
from commonwheel.abi.snapshot import Snapshot
from commonwheel.check.case import Case
from commonwheel.check.gate import LIBRARY, MILD_LIBRARY, Found, Gate
from commonwheel.check.line import Line
from commonwheel.errors import CommonwheelError
from commonwheel.text import counted

RAISE = "make a new line: raise the recipe's `abi.label`"
RESTORE = "restore it"
WAIVE = "waive CW801 for it, with the reason"
SONAME, NODE = "CWA102", "CWA103"


class OfLine(Gate):
    """A gate that looks at a library wheel beside the other releases of its line."""

    def check(self, case: Case) -> Found:
        """Look at the line, if it can be read."""
        try:
            yield from self.judge(case, case.line)
        except CommonwheelError as error:
            yield self.unchecked(error.what)

    @abstractmethod
    def judge(self, case: Case, line: Line) -> Found:
        """Look at the release and those around it."""


class LineHolds(OfLine):
    """What a release of a line gives, each later one gives, too.

    Held against one another are the release before and this one, this one and the release after,
    and this one and what is recorded of it: those in `recipes/abi/`, and those that are checked in
    the same run. Public is what the headers declare and the recipe exports; private symbols come
    and go as they like. What every kind of change is: [ABI changes](abi-changes.md).

    Why: within a line the newest release serves every consumer, those on the index for ever
    included, and none of them is asked. A wheel cannot be corrected after upload.

    Fix: one of three ways, and the finding says which. Make a new line (`abi.label`): both are
    installed side by side, and consumers move when they are built anew. Restore the symbol: by an
    option that the build has lost, or by a patch. Or waive this gate for the symbol, with a reason,
    where nobody can have used it; `commonwheel abi impact` lists the wheels that do. Where the
    release is right and its record is not: `commonwheel abi accept`.
    """

    id = "CW801"
    title = "no release breaks what another one of its line promises"
    message = "{old} → {new}: {what} [{kind}]; {way}"
    levels = LIBRARY
    compares = True

    def judge(self, case: Case, line: Line) -> Found:
        """Compare with the nearest releases on either side."""
        if not line.others:
            yield self.unchecked(
                f"no baseline: {line.own.line} has no other release on record, and none is at hand"
            )
        for comparison in line.comparisons:
            members = {each.soname: each.member for each in line.own.libraries}
            for change in comparison.of_level("breaking"):
                yield self.finding(
                    case,
                    members.get(change.library, ""),
                    old=comparison.old.shown,
                    new=comparison.new.shown,
                    what=change.message,
                    kind=change.id,
                    symbol=change.subject,
                    way=way(change, comparison),
                )
            if line.record is None or comparison.old is not line.record.snapshot:
                title = f"{comparison.old.shown} → {comparison.new.shown}"
                for reason in comparison.unchecked:
                    yield self.unchecked(f"{title}: {reason}")


class VersionFitsChange(OfLine):
    """A patch release removes nothing.

    Looked at are the same pairs of releases as by CW801; a break that is waived there counts.

    Why: whoever reads 9.1.1 → 9.1.2 expects mended bugs. A removal there is mostly a build that has
    lost a feature, or an accident of upstream's that the next release undoes.

    Fix: look into upstream's release notes. If nothing there tells of it, the build is wrong:
    compare the two configure logs. If upstream does mean it, see CW801.
    """

    id = "CW802"
    title = "upstream's version fits what has changed"
    message = "{new} is a patch release of {old}, and breaks {count}: {first}"
    levels = MILD_LIBRARY
    compares = True

    def judge(self, case: Case, line: Line) -> Found:
        """Look at breaks between releases of one series."""
        if not line.others:
            yield self.unchecked("no baseline")
        for comparison in line.comparisons:
            old, new = comparison.old, comparison.new
            breaking = comparison.of_level("breaking")
            if breaking and is_patch(old, new):
                yield self.finding(
                    case,
                    old=old.shown,
                    new=new.shown,
                    count=counted(len(breaking), "promise"),
                    first=breaking[0].message,
                )


class IsRecorded(OfLine):
    """What is recorded of a release, in `recipes/abi/` and in its wheel, is what it is.

    Why: the record is what later releases are held against, and what ranges are computed from. One
    that says less than the release gives lets the next release lose the rest unseen.

    Fix: `commonwheel abi accept WHEEL` writes the record; commit it with the recipe. If the release
    should not have changed, find out what the build did differently. A wheel whose own snapshot is
    untrue was edited after its repair: repair it again.
    """

    id = "CW803"
    title = "the record of a release is true"
    message = "{record} {fault}"
    levels = MILD_LIBRARY

    def judge(self, case: Case, line: Line) -> Found:
        """Compare the release with its record, and with what the wheel carries."""
        if line.carried is not None and line.carried != line.own:
            yield self.finding(case, record="its own snapshot", fault="is not what its files say")
        if line.record is None:
            yield self.unchecked(
                f"{line.own.shown} is not recorded: commonwheel abi accept {case.wheel.name}"
            )
            return
        added = compare(line.record.snapshot, line.own).of_level("addition")
        if added:
            yield self.finding(
                case,
                record=f"the record of {line.own.shown}",
                fault=f"knows nothing of {counted(len(added), 'addition')}: {added[0].message}",
            )


def way(change: Change, comparison: Comparison) -> str:
    """Which of the three ways is right for a break."""
    old, new = comparison.old, comparison.new
    if change.id == SONAME:
        return f"upstream says by it that the two are not to be exchanged: {RAISE}"
    if old.release == new.release:
        return f"upstream's release is the same, so the build has lost it: {RESTORE}"
    if change.id == NODE:
        return f"the loader ends every program that was linked with it: {RESTORE}"
    if is_patch(old, new):
        return f"a patch release removes nothing on purpose: {RESTORE}, or {WAIVE}"
    return f"{RAISE}; where `commonwheel abi impact` finds nobody who uses it, {WAIVE}"


def is_patch(old: Snapshot, new: Snapshot) -> bool:
    """Whether two releases are of one series: 9.1.1 and 9.1.2, not 9.1 and 9.2."""
    one, other = ordered(old.number).release, ordered(new.number).release
    return one[:2] == other[:2] and len(one) > 1 and len(other) > 1


GATES: tuple[Gate, ...] = (LineHolds(), VersionFitsChange(), IsRecorded())
