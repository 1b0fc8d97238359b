"""Everything that is asked of an object, and the limits within which it is answered."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from commonwheel.abi.debug import has_types
from commonwheel.elf import exported, exported_names, read_elf, undefined
from commonwheel.elf.sections import section_names
from commonwheel.errors import ElfError

FORMS = [(bits, endian) for bits in (32, 64) for endian in ("little", "big")]
LAYOUTS = pytest.mark.parametrize(("bits", "endian"), FORMS)
EDGES = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63, 2**64 - 1)
SECONDS = 20.0
"""Of processor time. What is tested took minutes to years before; a busy machine takes 2."""
BASE_TYPE = bytes([1, 0x24, 0, 0, 0])
"""An abbreviation of a basic type: debug information that has it tells of types."""


@contextmanager
def limits(memory: int) -> Iterator[None]:
    """Fail when the block takes more processor time or more bytes than allowed."""
    began = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < SECONDS
    assert peak < memory, f"{peak:,} bytes"


def everything(data: bytes) -> None:
    """All that is asked of an object; of what it raises, only ElfError is let through."""
    errors = []
    for ask in (facts, section_names, lambda content: has_types(content, "x.so")):
        try:
            ask(data)
        except ElfError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def facts(data: bytes) -> None:
    elf = read_elf(data)
    assert len(exported(elf)) + len(undefined(elf)) <= len(elf.symbols)
    exported_names(elf)
