"""One wheel under check, with all that it is held against."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from commonwheel.abi.records import Records
from commonwheel.check.admitted import Admitted, admitted
from commonwheel.check.expected import Expected
from commonwheel.check.inspect import Contents, Inspected
from commonwheel.check.line import Line, line_of
from commonwheel.check.trial import Trial, try_loading
from commonwheel.names import Names


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What gates may use beside their eyes.

    Args:
        load: whether native code of the wheels may be run: loading a library runs its
            initialisers.
        scan: whether instructions are looked at, which takes seconds to minutes.
        types: whether abidiff is asked about types, which takes seconds to a minute.
        debug: folder with the debug information of what is checked, by build-id; None: beside it.
        cache: folder for the results of such scans; None keeps none.
        scratch: folder for temporary folders.
        environ: where interpreters are looked for (PATH, PYENV_ROOT).
    """

    load: bool = False
    scan: bool = False
    types: bool = False
    debug: Path | None = None
    cache: Path | None = None
    scratch: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One wheel, its content, and its company.

    Args:
        wheel: what is checked.
        contents: the content of each of its members.
        others: wheels that are to be installed beside it: those checked in the same run that come
            before it, and what was given to be its providers.
        releases: by distribution, every wheel at hand that `others` are chosen from.
        family: other wheels of the same distribution and version, and earlier releases of it.
        expected: what its recipe says; None where there is none.
        names: the names that follow from the prefix.
        claimed: SONAMEs, as upstream gives them, of all libraries that have a recipe.
        records: the releases of its line, and of those that it uses, as they are recorded.
        tools: what gates may use.
    """

    wheel: Inspected
    contents: Contents
    others: tuple[Inspected, ...] = ()
    releases: Mapping[str, tuple[Inspected, ...]] = field(default_factory=dict)
    family: tuple[Inspected, ...] = ()
    expected: Expected | None = None
    names: Names = field(default_factory=Names)
    claimed: frozenset[str] = frozenset()
    records: Records = field(default_factory=Records)
    tools: Tools = field(default_factory=Tools)

    @property
    def providers(self) -> Iterator[Inspected]:
        """The library wheels beside it."""
        return (other for other in self.others if other.provider is not None)

    @cached_property
    def owners(self) -> dict[str, Inspected]:
        """Library wheel by the tagged SONAME that its manifest owns."""
        return {
            soname: other
            for other in self.providers
            if other.provider is not None
            for soname in other.provider.sonames
        }

    @cached_property
    def admitted(self) -> Admitted:
        """Every known release of its providers that it admits, and what it takes of them."""
        return admitted(self.wheel, self.others, self.releases, self.records)

    @cached_property
    def required(self) -> tuple[Inspected, ...]:
        """The wheels beside it that it requires, and those that these require."""
        by_distribution = {other.distribution: other for other in self.others}
        queue, seen = [self.wheel], {self.wheel.distribution}
        for wheel in queue:  # grows meanwhile
            names = [n for n in wheel.requires if n in by_distribution and n not in seen]
            seen.update(names)
            queue += [by_distribution[name] for name in names]
        return tuple(queue[1:])

    @cached_property
    def line(self) -> Line:
        """A library wheel's line.

        Raises:
            CommonwheelError: its ABI, or that of another release, cannot be read.
        """
        return line_of(
            self.wheel,
            self.family,
            self.records,
            self.names,
            exports=self.expected.exports if self.expected else None,
            types=self.tools.types,
            debug=self.tools.debug,
        )

    @cached_property
    def trial(self) -> Trial:
        """How its files load; all its native code runs, where `tools.load` allows that."""
        if not self.tools.load:
            return Trial(untried={"": "native code is not run unless asked for"})
        return try_loading(
            self.wheel,
            self.contents,
            self.required,
            scratch=self.tools.scratch,
            environ=self.tools.environ,
        )
