"""TODO."""

from commonwheel.check.gate import Gate

GATES: tuple[Gate, ...] = ()
