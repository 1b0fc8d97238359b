"""Read ELF objects from their program headers; section headers are not needed.

Source: System V gABI; LSB for notes and hardening facts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from commonwheel.elf.dynamic import (
    DF_1_NOW,
    DF_1_PIE,
    DF_BIND_NOW,
    DF_TEXTREL,
    DT_BIND_NOW,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_NEEDED,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_TEXTREL,
    no_dynamic,
    read_dynamic,
)
from commonwheel.elf.image import (
    MAGIC,
    PF_X,
    PT_GNU_PROPERTY,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_INTERP,
    PT_NOTE,
    Bits,
    Buffer,
    Endian,
    Image,
    malformed,
    map_file,
    open_image,
)
from commonwheel.elf.strings import text
from commonwheel.elf.symbols import (
    Symbol,
    SymbolTables,
    keep_exported,
    keep_undefined,
    symbol_tables,
)
from commonwheel.elf.versions import read_versions

ElfType: TypeAlias = Literal["shared", "executable", "other"]

ET_EXEC = 2
ET_DYN = 3
NT_GNU_BUILD_ID = 3
NT_GNU_PROPERTY_TYPE_0 = 5
NOTE_HEADER_WORDS = 3
PROPERTY_HEADER_WORDS = 2

# (machine, GNU property) → the name of each bit.
BRANCH_PROTECTIONS = {
    ("x86_64", 0xC0000002): {1: "IBT", 2: "SHSTK"},
    ("i686", 0xC0000002): {1: "IBT", 2: "SHSTK"},
    ("aarch64", 0xC0000000): {1: "BTI", 2: "PAC", 4: "GCS"},
}
GNU_PROPERTY_X86_ISA_1_NEEDED = 0xC0008002
# The highest comes first; the lowest bit is the architecture's baseline.
ISA_LEVELS = {8: "x86_64_v4", 4: "x86_64_v3", 2: "x86_64_v2"}

# e_machine → the name that wheel platform tags use; 64-bit little-endian Power has its own.
MACHINES = {
    3: "i686",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "armv7l",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
    258: "loongarch64",
}


@dataclass(frozen=True, kw_only=True)
class Elf:
    """The facts of one ELF object; equality leaves out the symbols."""

    name: str
    """Its path as it was given, or the name that the caller gave to bytes."""
    bits: Bits
    endian: Endian
    machine: str
    """As in wheel platform tags: x86_64, aarch64, ppc64le…; ``machine-<number>`` when unknown."""
    type: ElfType
    interpreter: str | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    """DT_RPATH split at colons."""
    runpath: tuple[str, ...] = ()
    """DT_RUNPATH split at colons."""
    version_definitions: tuple[str, ...] = ()
    """Version nodes defined, without the base one, which is named as the file."""
    version_needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(file name, version nodes) per library that versions are needed of."""
    has_gnu_stack: bool = False
    exec_stack: bool = True
    """The loader makes the stack executable: PT_GNU_STACK says so or, just as bad, is missing."""
    relro: bool = False
    bind_now: bool = False
    textrel: bool = False
    build_id: str | None = None
    """Hexadecimal."""
    branch_protection: frozenset[str] = frozenset()
    """What every part of the code is made for: IBT, SHSTK (x86); BTI, PAC, GCS (aarch64)."""
    isa_level: str | None = None
    """The x86-64 level that its notes ask for (``x86_64_v3``); None for the baseline."""
    tables: SymbolTables | None = field(default=None, repr=False, compare=False)

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every dynamic symbol but the null one, in table order.

        Raises:
            ElfError: the symbol table is malformed.
        """
        return () if self.tables is None else self.tables.parse()


def is_elf(prefix: bytes | memoryview) -> bool:
    """Whether a file that begins so (4 bytes are enough) is an ELF object."""
    return bytes(prefix[: len(MAGIC)]) == MAGIC


def read_elf(data: bytes | memoryview | Path, *, name: str | None = None) -> Elf:
    """Read one object; nothing stays open, and symbols are parsed when asked for.

    Args:
        data: the file's path, or its whole content.
        name: what errors call it; its path, or ``<bytes>``, when None.

    Raises:
        ElfError: it cannot be read, is not ELF, or is malformed.
    """
    if not isinstance(data, Path):
        view = data.cast("B") if isinstance(data, memoryview) else data
        return _read(view, name or "<bytes>")
    name = name or str(data)
    with map_file(data, name) as content:
        return _read(content, name)


def exported(elf: Elf) -> tuple[Symbol, ...]:
    """Symbols that other objects can bind to, without the markers of version nodes.

    Linkers add an absolute symbol per version node, named as the node. Parsed anew at each call.
    """
    if elf.tables is None:
        return ()
    found = elf.tables.parse(keep_exported)
    nodes = set(elf.version_definitions)
    return tuple(s for s in found if not (s.absolute and s.name in nodes)) if nodes else found


def exported_names(elf: Elf) -> set[tuple[str, str | None]]:
    """(name, version) of every exported symbol: for look-ups, faster than :func:`exported`."""
    if elf.tables is None:
        return set()
    return elf.tables.pairs(keep_exported) - {(node, node) for node in elf.version_definitions}


def undefined(elf: Elf) -> tuple[Symbol, ...]:
    """Symbols that the object takes from others, weak ones included. Parsed anew at each call."""
    return () if elf.tables is None else elf.tables.parse(keep_undefined)


def _read(data: Buffer, name: str) -> Elf:
    image = open_image(data, name)
    dynamic = read_dynamic(image) or no_dynamic(name)
    versions = read_versions(image, dynamic)
    flags, flags_1 = dynamic.number(DT_FLAGS), dynamic.number(DT_FLAGS_1)
    sonames = dynamic.all_strings(DT_SONAME)
    interpreter = _interpreter(image)
    stack = image.find(PT_GNU_STACK)
    machine = _machine(image)
    properties = _properties(image)
    return Elf(
        name=name,
        bits=image.layout.bits,
        endian=image.layout.endian,
        machine=machine,
        type=_type(image, has_soname=bool(sonames), interpreter=interpreter, flags_1=flags_1),
        interpreter=interpreter,
        soname=sonames[-1] if sonames else None,
        needed=dynamic.all_strings(DT_NEEDED),
        rpath=dynamic.paths(DT_RPATH),
        runpath=dynamic.paths(DT_RUNPATH),
        version_definitions=versions.definitions,
        version_needs=versions.needs,
        has_gnu_stack=stack is not None,
        exec_stack=stack is None or bool(stack.flags & PF_X),
        relro=image.find(PT_GNU_RELRO) is not None,
        bind_now=DT_BIND_NOW in dynamic.entries or bool(flags & DF_BIND_NOW or flags_1 & DF_1_NOW),
        textrel=DT_TEXTREL in dynamic.entries or bool(flags & DF_TEXTREL),
        build_id=_build_id(image),
        branch_protection=_branch_protection(machine, properties),
        isa_level=_isa_level(machine, properties),
        tables=symbol_tables(image, dynamic, versions),
    )


def _machine(image: Image) -> str:
    name = MACHINES.get(image.header.machine, f"machine-{image.header.machine}")
    return "ppc64le" if name == "ppc64" and image.layout.endian == "little" else name


def _type(image: Image, *, has_soname: bool, interpreter: str | None, flags_1: int) -> ElfType:
    if image.header.type == ET_EXEC:
        return "executable"
    if image.header.type != ET_DYN:
        return "other"
    # libc.so.6 has an interpreter and a SONAME; a static PIE has neither.
    if flags_1 & DF_1_PIE:
        return "executable"
    return "shared" if has_soname or interpreter is None else "executable"


def _interpreter(image: Image) -> str | None:
    segment = image.find(PT_INTERP)
    if segment is None or segment.size == 0:
        return None
    return text(image.cut(segment.offset, segment.size, "PT_INTERP").partition(b"\0")[0])


def _build_id(image: Image) -> str | None:
    for kind, content in _gnu_notes(image, PT_NOTE):
        if kind == NT_GNU_BUILD_ID:
            return content.hex()
    return None


def _properties(image: Image) -> dict[int, int]:
    """GNU properties that are one 32-bit word, by type."""
    found: dict[int, int] = {}
    header, word = image.layout.words(PROPERTY_HEADER_WORDS), image.layout.word
    pad = image.layout.native.size
    # Older linkers make a PT_NOTE for them alone.
    for kind, content in (*_gnu_notes(image, PT_GNU_PROPERTY), *_gnu_notes(image, PT_NOTE)):
        at = 0
        while kind == NT_GNU_PROPERTY_TYPE_0 and at + header.size <= len(content):
            property_type, size = header.unpack_from(content, at)
            at += header.size
            if size == word.size and at + size <= len(content):
                found[property_type] = word.unpack_from(content, at)[0]
            at += -(-size // pad) * pad
    return found


def _branch_protection(machine: str, properties: dict[int, int]) -> frozenset[str]:
    return frozenset(
        name
        for (kind, number), bits in BRANCH_PROTECTIONS.items()
        for bit, name in bits.items()
        if kind == machine and properties.get(number, 0) & bit
    )


def _isa_level(machine: str, properties: dict[int, int]) -> str | None:
    if machine != "x86_64":
        return None
    needed = properties.get(GNU_PROPERTY_X86_ISA_1_NEEDED, 0)
    return next((name for bit, name in ISA_LEVELS.items() if needed & bit), None)


def _gnu_notes(image: Image, segment_type: int) -> Iterator[tuple[int, bytes]]:
    """(type, content) of each of GNU's notes in segments of one type."""
    segments = [segment for segment in image.segments if segment.type == segment_type]
    if sum(segment.size for segment in segments) > len(image.data):
        raise malformed(image.name, "the note segments are larger than the file")
    for segment in segments:
        raw = image.cut(segment.offset, segment.size, "a note segment")
        for kind, owner, content in _notes(image, raw, align=8 if segment.align == 8 else 4):  # noqa: PLR2004
            if owner == b"GNU\0":
                yield kind, content


def _notes(image: Image, raw: bytes, *, align: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(type, owner, content) of each note; both are padded to ``align`` bytes."""
    header = image.layout.words(NOTE_HEADER_WORDS)
    at = 0
    while at + header.size <= len(raw):
        owner_size, size, kind = header.unpack_from(raw, at)
        owner_at = at + header.size
        content_at = -(-(owner_at + owner_size) // align) * align
        if content_at + size > len(raw):
            raise malformed(image.name, "a note is longer than PT_NOTE")
        owner = raw[owner_at : owner_at + owner_size]
        yield kind, owner, raw[content_at : content_at + size]
        at = -(-(content_at + size) // align) * align
