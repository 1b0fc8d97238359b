"""Every gate, by family; ids are never given twice, and never change their meaning."""

from commonwheel.check.gate import Gate
from commonwheel.check.gates import (
    abi,
    closure,
    contents,
    hardening,
    identity,
    leaks,
    loading,
    metadata,
    portability,
    releases,
)

# First digit of the id → the family's name and what it is about.
FAMILIES = {
    "1": ("Identity", "Who owns a shared library, and what it is called."),
    "2": ("Closure", "All that is needed is there, and all that is declared is needed."),
    "3": ("Loading", "Each file finds what it needs, wherever the tree lies."),
    "4": ("Hardening", "What compiler and linker do against attacks."),
    "5": ("Portability", "The machines that a wheel runs on are those that it promises."),
    "6": ("Contents", "What is in the wheel, and what is said about it."),
    "7": ("Leaks", "What shows and should not, and what recipes allow for nothing."),
    "8": ("ABI", "A release can take the place of the others of its line."),
}

GATES: tuple[Gate, ...] = (
    *identity.GATES,
    *closure.GATES,
    *releases.GATES,
    *loading.GATES,
    *hardening.GATES,
    *portability.GATES,
    *contents.GATES,
    *metadata.GATES,
    *leaks.GATES,
    *abi.GATES,
)
