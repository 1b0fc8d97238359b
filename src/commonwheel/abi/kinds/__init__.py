"""Every kind of change, by family; ids are never given twice, and never change their meaning."""

from commonwheel.abi.change import Kind
from commonwheel.abi.kinds import additions, breaks, notes, surroundings

# First digit of the id → the family's name and what it is about.
FAMILIES = {
    "1": ("Breaks", "What was built against the old release fails with the new one."),
    "2": ("Types", "What only debug information tells; not checked without it."),
    "3": ("Surroundings", "It works, where what it needs is there."),
    "4": ("Additions", "What can be used from the new release on."),
    "5": ("Notes", "What no program that keeps to the public headers can see."),
}

KINDS: tuple[type[Kind], ...] = (
    *breaks.KINDS,
    *surroundings.KINDS,
    *additions.KINDS,
    *notes.KINDS,
)
