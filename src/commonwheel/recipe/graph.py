"""Directed graphs of names: closure, topological levels, and cycles by name."""

from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from commonwheel.errors import PlanError


def closure(start: Iterable[str], needs: Callable[[str], Iterable[str]]) -> list[str]:
    """All that ``start`` needs, itself included, in order of discovery."""
    found: dict[str, None] = {}
    waiting = list(start)
    for name in waiting:
        if name not in found:
            found[name] = None
            waiting.extend(needs(name))
    return list(found)


def levels(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Names in levels: each needs only names of earlier levels. Sorted within a level.

    Raises:
        PlanError: there is a cycle; the message names it.
    """
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        ring = " → ".join(reversed(error.args[1]))
        raise PlanError(
            f"recipes need one another in a circle: {ring}",
            hint="remove one of these from a recipe's 'requires.libraries'",
        ) from None
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found.append(ready)
        sorter.done(*ready)
    return found
