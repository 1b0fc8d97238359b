"""Other people's ELF readers, pyelftools and LIEF: what they say of an object, in our words.

What is known of them: pyelftools finds no symbols without section headers. LIEF gives an empty
object for a file that is cut short, and crashes when symbols outlive their object: hold it.
"""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import lief
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

from commonwheel.elf import Elf, is_elf, read_elf
from commonwheel.elf.image import Endian
from commonwheel.process import run
from commonwheel.wheel.read import read_wheel

MACHINES = {
    "386": "i686",
    "AARCH64": "aarch64",
    "ARM": "armv7l",
    "LOONGARCH": "loongarch64",
    "MIPS": "mips",
    "PPC": "ppc",
    "PPC64": "ppc64",
    "RISCV": "riscv64",
    "S390": "s390x",
    "X86_64": "x86_64",
}
WORDS = {
    "GNU_IFUNC": "ifunc",
    "GNU_UNIQUE": "unique",
    "LOOS": "unique",
}
VISIBILITIES = ("default", "internal", "hidden", "protected")
BASE = 1
"""VER_FLG_BASE: the definition that is named as the file."""
HIDDEN = 0x8000
UNDEFINED = 0
ABSOLUTE = 0xFFF1


class Row(NamedTuple):
    """A dynamic symbol."""

    name: str
    binding: str
    type: str
    defined: bool
    size: int
    absolute: bool
    visibility: str
    value: int
    version: str | None
    default: bool


class Told(NamedTuple):
    """What a reader says of an object."""

    bits: int
    endian: str
    machine: str
    soname: str | None
    needed: tuple[str, ...]
    rpath: str
    runpath: str
    definitions: tuple[str, ...]
    needs: tuple[tuple[str, tuple[str, ...]], ...]
    symbols: tuple[Row, ...]


def ours(elf: Elf) -> Told:
    """What commonwheel says."""
    return Told(
        bits=elf.bits,
        endian=elf.endian,
        machine=elf.machine,
        soname=elf.soname,
        needed=elf.needed,
        rpath=":".join(elf.rpath),
        runpath=":".join(elf.runpath),
        definitions=elf.version_definitions,
        needs=elf.version_needs,
        symbols=tuple(
            Row(*(getattr(symbol, field) for field in Row._fields)) for symbol in elf.symbols
        ),
    )


def machine_of(name: str, endian: str) -> str:
    """The word of platform tags for the name of an e_machine."""
    found = MACHINES[name]
    return "ppc64le" if found == "ppc64" and endian == "little" else found


def word(name: str) -> str:
    """Our word for the name of a binding, type or visibility."""
    return WORDS.get(name, name.lower())


# --- pyelftools


def pyelftools(content: bytes) -> Told:
    """What pyelftools says."""
    file: Any = ELFFile(io.BytesIO(content))
    endian = "little" if file.little_endian else "big"
    tags = tags_of(file)
    definitions, needs = _versions(file)
    return Told(
        bits=file.elfclass,
        endian=endian,
        machine=machine_of(file.header.e_machine.removeprefix("EM_"), endian),
        soname=next(iter(tags.get("DT_SONAME", ())), None),
        needed=tuple(tags.get("DT_NEEDED", ())),
        rpath=next(iter(tags.get("DT_RPATH", ())), ""),
        runpath=next(iter(tags.get("DT_RUNPATH", ())), ""),
        definitions=definitions,
        needs=needs,
        symbols=tuple(_rows(file))[1:],
    )


def tags_of(file: Any) -> dict[str, list[Any]]:
    """The values of the dynamic section by tag, names as text."""
    tags: dict[str, list[Any]] = {}
    names = ("needed", "soname", "rpath", "runpath")
    for segment in file.iter_segments():
        if isinstance(segment, DynamicSegment):
            for tag in segment.iter_tags():
                value = next((getattr(tag, n) for n in names if hasattr(tag, n)), tag.entry.d_val)
                tags.setdefault(tag.entry.d_tag, []).append(value)
    return tags


def _versions(file: Any) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    definitions: list[str] = []
    needs: list[tuple[str, tuple[str, ...]]] = []
    for section in file.iter_sections():
        if isinstance(section, GNUVerDefSection):
            for version, parts in section.iter_versions():
                if not version.entry.vd_flags & BASE:
                    definitions.append(next(parts).name)
        if isinstance(section, GNUVerNeedSection):
            for version, parts in section.iter_versions():
                needs.append((str(version.name), tuple(part.name for part in parts)))
    return tuple(definitions), tuple(needs)


def _rows(file: Any) -> Iterator[Row]:
    table = file.get_section_by_name(".dynsym")
    if not isinstance(table, SymbolTableSection):
        return
    versions = _symbol_versions(file)
    for index, symbol in enumerate(table.iter_symbols()):
        entry = symbol.entry
        kind = entry.st_info.type.removeprefix("STT_")
        version, default = versions[index] if versions else (None, True)
        yield Row(
            name=symbol.name,
            binding=word(entry.st_info.bind.removeprefix("STB_")),
            type="ifunc" if kind == "LOOS" else word(kind),
            defined=entry.st_shndx != "SHN_UNDEF",
            size=entry.st_size,
            absolute=entry.st_shndx == "SHN_ABS",
            visibility=word(entry.st_other.visibility.removeprefix("STV_")),
            value=entry.st_value,
            version=version,
            default=default,
        )


def _symbol_versions(file: Any) -> list[tuple[str | None, bool]]:
    names: dict[int, str | None] = {0: None, 1: None}
    words: list[int] = []
    order: Endian = "little" if file.little_endian else "big"
    for section in file.iter_sections():
        if isinstance(section, GNUVerDefSection):
            for definition, parts in section.iter_versions():
                names.setdefault(definition.entry.vd_ndx, next(parts).name)
        if isinstance(section, GNUVerNeedSection):
            for _, parts in section.iter_versions():
                names.update({part.entry.vna_other: part.name for part in parts})
        if isinstance(section, GNUVerSymSection):
            raw = section.data()
            words = [int.from_bytes(raw[i : i + 2], order) for i in range(0, len(raw), 2)]
    return [(names[word & ~HIDDEN], not word & HIDDEN) for word in words]


# --- LIEF


def by_lief(content: bytes) -> Told:
    """What LIEF says."""
    binary: Any = lief.ELF.parse(io.BytesIO(content))
    assert binary is not None
    endian = "little" if binary.header.identity_data == lief.ELF.Header.ELF_DATA.LSB else "big"
    tag = lief.ELF.DynamicEntry.TAG
    entries: dict[Any, list[Any]] = {}
    for entry in binary.dynamic_entries:
        entries.setdefault(entry.tag, []).append(entry)
    definitions = [
        each.auxiliary_symbols[0].name
        for each in binary.symbols_version_definition
        if not each.flags & BASE
    ]
    needs = [
        (each.name, tuple(aux.name for aux in each.get_auxiliary_symbols()))
        for each in binary.symbols_version_requirement
    ]
    soname, rpath, runpath = (
        next((getattr(entry, field) for entry in entries.get(kind, ())), None)
        for kind, field in ((tag.SONAME, "name"), (tag.RPATH, "rpath"), (tag.RUNPATH, "runpath"))
    )
    return Told(
        bits=64 if binary.header.identity_class == lief.ELF.Header.CLASS.ELF64 else 32,
        endian=endian,
        machine=machine_of(binary.header.machine_type.name.removeprefix("I"), endian),
        soname=soname,
        needed=tuple(entry.name for entry in entries.get(tag.NEEDED, ())),
        rpath=rpath or "",
        runpath=runpath or "",
        definitions=tuple(definitions),
        needs=tuple(needs),
        symbols=tuple(_lief_row(symbol) for symbol in binary.dynamic_symbols)[1:],
    )


def _lief_row(symbol: Any) -> Row:
    version = symbol.symbol_version if symbol.has_version else None
    named = version is not None and version.has_auxiliary_version
    return Row(
        name=symbol.name,
        binding=word(symbol.binding.name),
        type=word(symbol.type.name),
        defined=symbol.shndx != UNDEFINED,
        size=symbol.size,
        absolute=symbol.shndx == ABSOLUTE,
        # Its own .visibility is the whole of st_other, which has bits of the machine's, too.
        visibility=VISIBILITIES[symbol.other & 3],
        value=symbol.value,
        version=version.symbol_version_auxiliary.name if version is not None and named else None,
        default=version is None or not version.value & HIDDEN,
    )


def agree(content: bytes, name: str) -> Elf:
    """Hold the reader against both others, and give what it read.

    Raises:
        AssertionError: they differ; the text says in what, and in which symbol first.
    """
    elf = read_elf(content, name=name)
    mine = ours(elf)
    for other in (pyelftools, by_lief):
        told = other(content)
        for field, one, two in zip(Told._fields[:-1], mine[:-1], told[:-1], strict=True):
            assert one == two, f"{name}: {field} is {one!r}, says {other.__name__}: {two!r}"
        assert len(mine.symbols) == len(told.symbols), f"{name}: {other.__name__}"
        for symbol, row in zip(mine.symbols, told.symbols, strict=True):
            assert symbol == row, f"{name}: {symbol}, says {other.__name__}: {row}"
    return elf


# --- wheels

# One interpreter's wheels, whichever one runs the tests.
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
CHOICE = (
    *("--python-version", "3.11"),
    *(word for platform in PLATFORMS for word in ("--platform", platform)),
)


def download(requirements: Sequence[str], folder: Path) -> list[Path]:
    """Wheels of the package index."""
    pip = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:")
    run([*pip, *CHOICE, "-d", folder, *requirements], env=dict(os.environ))
    return sorted(folder.glob("*.whl"))


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The ELF objects of a wheel: their names, the wheel's before them, and contents."""
    wheel = read_wheel(path)
    for member in wheel.members:
        content = wheel.read(member)
        if is_elf(content[:4]):
            yield f"{path.name}:{member}", content
