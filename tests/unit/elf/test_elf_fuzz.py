"""Damaged objects, drawn by hypothesis: nothing but ElfError, and soon."""

import struct
import sysconfig
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonwheel.abi.debug import has_types
from commonwheel.elf import exported, exported_names, read_elf, undefined
from commonwheel.elf.sections import section_names
from commonwheel.errors import ElfError
from tests.unit.elf.kit import samples

SYNTHETIC = [*samples()]
EDGES = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
SECONDS = 10.0
"""Of processor time for one object of at most 100 kB; they take milliseconds."""
FUZZ = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])


def small_modules() -> list[bytes]:
    """Real objects: the smallest extension modules of this Python and its packages."""
    folders = [Path(sysconfig.get_path(scheme)) for scheme in ("platstdlib", "platlib")]
    found = {path for folder in folders for path in folder.rglob("*.so") if path.is_file()}
    small = sorted((path.stat().st_size, path) for path in found)[:12]
    return [path.read_bytes() for size, path in small if size < 100_000]


REAL = small_modules()


def everything(data: bytes) -> None:
    """Ask all that can be asked; a time limit stands for a hang."""
    began = time.process_time()
    asks: tuple[Callable[[bytes], object], ...] = (
        lambda content: read_elf(content).symbols,
        lambda content: exported(read_elf(content)),
        lambda content: undefined(read_elf(content)),
        lambda content: exported_names(read_elf(content)),
        lambda content: has_types(content, "x.so"),
        section_names,
    )
    for ask in asks:
        with suppress(ElfError):
            ask(data)
    assert time.process_time() - began < SECONDS


def overwritten(data: st.DataObject, raw: bytearray) -> None:
    """A field of 1 to 8 bytes takes a value at which arithmetic goes wrong."""
    size = data.draw(st.sampled_from((1, 2, 4, 8)))
    order = data.draw(st.sampled_from(("<", ">")))
    value = data.draw(st.sampled_from(EDGES)) % (1 << 8 * size)
    # Headers and tables lie at both ends, and on even places.
    near = st.integers(0, min(4096, len(raw)) // 2).map(lambda half: 2 * half)
    place = data.draw(st.one_of(near, near.map(lambda at: len(raw) - at)))
    at = max(0, min(place, len(raw) - size))
    packed = struct.pack(order + "Q", value)
    raw[at : at + size] = packed[:size] if order == "<" else packed[-size:]


def flipped(data: st.DataObject, raw: bytearray) -> None:
    """Some bytes take any value."""
    where = st.integers(0, len(raw) - 1)
    for at, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=8)):
        raw[at] = value


def cut(data: st.DataObject, raw: bytearray) -> None:
    """The end is missing."""
    del raw[data.draw(st.integers(1, len(raw))) :]


def spliced(data: st.DataObject, raw: bytearray) -> None:
    """A piece of another object, or of itself, comes in or takes the place of what is there."""
    other = data.draw(st.sampled_from([*SYNTHETIC, *REAL]))
    start, size = data.draw(st.integers(0, len(other) - 1)), data.draw(st.integers(1, 512))
    at, gone = data.draw(st.integers(0, len(raw))), data.draw(st.sampled_from((0, size)))
    raw[at : at + gone] = other[start : start + size]


CHANGES = (overwritten, overwritten, flipped, cut, spliced)


def damage(data: st.DataObject, whole: bytes) -> None:
    """Change an object some times, then ask everything of it."""
    raw = bytearray(whole)
    for change in data.draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=6)):
        if raw:
            change(data, raw)
    everything(bytes(raw))


@pytest.mark.parametrize("number", range(len(SYNTHETIC)))
def test_synthetic_objects_are_sound(number: int) -> None:
    read = read_elf(SYNTHETIC[number])
    assert read.symbols
    assert exported_names(read) == {(s.name, s.version) for s in exported(read)}
    section_names(SYNTHETIC[number])
    has_types(SYNTHETIC[number], "x.so")


@FUZZ
@given(data=st.data())
def test_damaged_synthetic_objects(data: st.DataObject) -> None:
    damage(data, data.draw(st.sampled_from(SYNTHETIC)))


@FUZZ
@given(data=st.data())
def test_damaged_real_objects(data: st.DataObject) -> None:
    assert REAL, "neither this Python nor its packages have a small extension module"
    damage(data, data.draw(st.sampled_from(REAL)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_memory_of_damaged_objects(data: st.DataObject) -> None:
    """The limits of text are the largest that an object of this size may take."""
    whole = data.draw(st.sampled_from([*SYNTHETIC, *REAL]))
    tracemalloc.start()
    try:
        damage(data, whole)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
