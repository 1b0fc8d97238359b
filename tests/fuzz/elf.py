"""Fuzz target: whatever can be asked of an ELF object, ElfError is all that it raises."""

import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["commonwheel.elf", "commonwheel.abi.debug"]):
    from commonwheel.abi.debug import has_types
    from commonwheel.elf import exported, exported_names, read_elf, undefined
    from commonwheel.elf.sections import section_names

from commonwheel.errors import ElfError
from tests.fuzz.kit import MOST_BYTES, fuzz
from tests.unit.elf.kit import samples


def facts(data: bytes) -> None:
    """Read an object and all of its symbols."""
    elf = read_elf(data)
    found = exported(elf)
    assert len(found) + len(undefined(elf)) <= len(elf.symbols)
    # An absolute symbol is a node's marker by its name in the one, by name and version in the
    # other; they differ where an object is odd, not where it is sound.
    assert len(exported_names(elf)) <= len(elf.symbols)


def one(data: bytes) -> None:
    """Ask everything."""
    with suppress(ElfError):
        facts(data)
    with suppress(ElfError):
        section_names(data)
    with suppress(ElfError):
        has_types(data, "x.so")


def seeds() -> Iterator[bytes]:
    """Objects of every form, and the small extension modules of this Python."""
    yield from samples()
    for scheme in ("platstdlib", "platlib"):
        for path in sorted(Path(sysconfig.get_path(scheme)).rglob("*.so")):
            if path.stat().st_size <= MOST_BYTES:
                yield path.read_bytes()


if __name__ == "__main__":
    fuzz("elf", one, seeds())
