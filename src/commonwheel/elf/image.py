"""A bounds-checked view of an ELF file: structures by file offset, tables by virtual address.

Source: System V gABI, chapters 4 (object files) and 5 (program loading).
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from operator import attrgetter
from pathlib import Path
from struct import Struct
from typing import Literal, TypeAlias

from commonwheel.errors import ElfError

Bits: TypeAlias = Literal[32, 64]
Endian: TypeAlias = Literal["little", "big"]
Buffer: TypeAlias = bytes | memoryview | mmap

MAGIC = b"\x7fELF"
IDENT_SIZE = 16
CLASSES: dict[int, Bits] = {1: 32, 2: 64}
ORDERS: dict[int, Endian] = {1: "little", 2: "big"}

PT_LOAD = 1
PT_DYNAMIC = 2
PT_INTERP = 3
PT_NOTE = 4
PT_GNU_STACK = 0x6474E551
PT_GNU_RELRO = 0x6474E552
PT_GNU_PROPERTY = 0x6474E553
PF_X = 1
PN_XNUM = 0xFFFF


def malformed(name: str, what: str) -> ElfError:
    """The error for a file that is not what its own headers say."""
    hint = "the file is cut short or was damaged by an earlier edit: get or build it again"
    return ElfError(f"malformed ELF file: {what}", where=name, hint=hint)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The structures of one ELF class (32 or 64 bits) in one byte order."""

    bits: Bits
    endian: Endian
    header: Struct
    program_header: Struct
    section_header: Struct
    dynamic: Struct
    symbol: Struct
    rel: Struct
    rela: Struct
    half: Struct
    word: Struct
    native: Struct
    symbol_shift: int
    """How far to shift a relocation's r_info to the right for its symbol index."""

    @property
    def order(self) -> str:
        """The byte order as ``struct`` writes it."""
        return "<" if self.endian == "little" else ">"

    def words(self, count: int) -> Struct:
        """``count`` 32-bit words."""
        return Struct(f"{self.order}{count}I")


@cache
def layout(bits: Bits, endian: Endian) -> Layout:
    """The layout of one class and byte order."""
    order = "<" if endian == "little" else ">"
    wide = bits == 64  # noqa: PLR2004

    def pick(for_64: str, for_32: str) -> Struct:
        return Struct(order + (for_64 if wide else for_32))

    return Layout(
        bits=bits,
        endian=endian,
        header=pick("HHIQQQIHHHHHH", "HHIIIIIHHHHHH"),
        program_header=pick("IIQQQQQQ", "IIIIIIII"),
        section_header=pick("IIQQQQIIQQ", "IIIIIIIIII"),
        dynamic=pick("QQ", "II"),
        symbol=pick("IBBHQQ", "IIIBBH"),
        rel=pick("QQ", "II"),
        rela=pick("QQq", "IIi"),
        half=pick("H", "H"),
        word=pick("I", "I"),
        native=pick("Q", "I"),
        symbol_shift=32 if wide else 8,
    )


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One program header: offset, address, size (in the file) and alignment, all in bytes."""

    type: int
    flags: int
    offset: int
    address: int
    size: int
    align: int


START = attrgetter("address")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The fields of the ELF header that something here reads."""

    type: int
    machine: int
    program_offset: int
    program_entry: int
    program_count: int
    section_offset: int
    section_entry: int
    section_count: int
    section_names: int


@dataclass(frozen=True, kw_only=True)
class Image:
    """An ELF file's bytes with its headers; every access outside of them is an ElfError."""

    name: str
    data: Buffer
    layout: Layout
    header: Header
    segments: tuple[Segment, ...] = ()
    loads: tuple[Segment, ...] = ()
    """The PT_LOAD segments that have bytes in the file, by address; they do not overlap."""

    def cut(self, offset: int, size: int, what: str) -> bytes:
        """A copy of ``size`` bytes at the file offset ``offset``.

        Raises:
            ElfError: they are not all in the file; ``what`` names the structure.
        """
        if offset < 0 or size < 0 or offset + size > len(self.data):
            reach = f"{what} (offset {offset:#x}, {size} bytes)"
            raise malformed(self.name, f"{reach} is outside the file of {len(self.data)} bytes")
        return bytes(self.data[offset : offset + size])

    def find(self, kind: int) -> Segment | None:
        """The first segment of type ``kind``."""
        return next((segment for segment in self.segments if segment.type == kind), None)

    def locate(self, address: int, what: str) -> tuple[int, int]:
        """File offset of a virtual address, and how many bytes its segment holds from it on.

        Raises:
            ElfError: no PT_LOAD segment has that address in the file.
        """
        index = bisect_right(self.loads, address, key=START) - 1
        if index >= 0:
            segment = self.loads[index]
            into = address - segment.address
            if into < segment.size:
                return segment.offset + into, segment.size - into
        msg = f"{what} is at address {address:#x}, which no PT_LOAD segment holds"
        raise malformed(self.name, msg)

    def table(self, address: int, size: int, what: str) -> bytes:
        """A copy of ``size`` bytes at a virtual address, all within one PT_LOAD segment."""
        offset, available = self.locate(address, what)
        if size > available:
            reach = f"{what} at address {address:#x}"
            raise malformed(self.name, f"{reach} has {size} bytes, its segment only {available}")
        return self.cut(offset, size, what)


def map_file(path: Path, name: str) -> mmap:
    """A file's content, without a copy of it; the caller closes it.

    Raises:
        ElfError: it cannot be read, or is empty.
    """
    try:
        with path.open("rb") as file:
            # mmap refuses an empty file.
            if not file.peek(1):
                raise ElfError("is empty", where=name)
            return mmap(file.fileno(), 0, access=ACCESS_READ)
    except OSError as error:
        raise ElfError(f"cannot be read: {error.strerror}", where=name) from error
    except ValueError as error:
        # A path with a NUL, or a file of /proc, which has bytes but no size.
        raise ElfError(f"cannot be read: {error}", where=name) from error


def open_image(data: Buffer, name: str) -> Image:
    """Check the identification and read the ELF header and all program headers.

    Raises:
        ElfError: not ELF, of an unknown class or byte order, or cut short.
    """
    ident = bytes(data[:IDENT_SIZE])
    if ident[:4] != MAGIC:
        what = "is empty" if not ident else "is not an ELF file"
        raise ElfError(what, where=name)
    if len(ident) < IDENT_SIZE:
        raise malformed(name, "the identification is cut short")
    bits, endian = CLASSES.get(ident[4]), ORDERS.get(ident[5])
    if bits is None or endian is None:
        msg = f"unknown class {ident[4]} or byte order {ident[5]} in the identification"
        raise malformed(name, msg)
    shape = layout(bits, endian)
    bare = Image(name=name, data=data, layout=shape, header=_header(data, shape, name))
    segments = _segments(bare)
    return Image(
        name=name,
        data=data,
        layout=shape,
        header=bare.header,
        segments=segments,
        loads=_loads(name, segments),
    )


def _loads(name: str, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    loads = sorted((s for s in segments if s.type == PT_LOAD and s.size), key=START)
    for one, other in pairwise(loads):
        # What an address then holds depends on who reads.
        if one.address + one.size > other.address:
            reach = f"{one.address:#x} and {other.address:#x}"
            raise malformed(name, f"the segments at addresses {reach} overlap")
    return tuple(loads)


def _header(data: Buffer, shape: Layout, name: str) -> Header:
    raw = bytes(data[IDENT_SIZE : IDENT_SIZE + shape.header.size])
    if len(raw) < shape.header.size:
        raise malformed(name, "the ELF header is cut short")
    kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = (
        shape.header.unpack(raw)
    )
    return Header(
        type=kind,
        machine=machine,
        program_offset=phoff,
        program_entry=phentsize,
        program_count=phnum,
        section_offset=shoff,
        section_entry=shentsize,
        section_count=shnum,
        section_names=shstrndx,
    )


def _segments(image: Image) -> tuple[Segment, ...]:
    header, shape = image.header, image.layout
    if header.program_count == 0:
        return ()
    if header.program_count == PN_XNUM:
        raise ElfError("has more than 65534 program headers: not a library", where=image.name)
    entry = shape.program_header.size
    if header.program_entry != entry:
        msg = f"program headers of {header.program_entry} bytes, not {entry}"
        raise malformed(image.name, msg)
    size = entry * header.program_count
    raw = image.cut(header.program_offset, size, "the program header table")
    return tuple(_segment(image, fields) for fields in shape.program_header.iter_unpack(raw))


def _segment(image: Image, fields: tuple[int, ...]) -> Segment:
    if image.layout.bits == 64:  # noqa: PLR2004
        kind, flags, offset, address, _, size, _, align = fields
    else:
        kind, offset, address, _, size, _, flags, align = fields
    if kind == PT_LOAD:
        if offset + size > len(image.data):
            reach = f"the segment at address {address:#x} ends at offset {offset + size:#x}"
            raise malformed(image.name, f"{reach}, the file at {len(image.data):#x}")
        if address + size > 1 << image.layout.bits:
            msg = f"the segment at address {address:#x} ends beyond the address space"
            raise malformed(image.name, msg)
    return Segment(type=kind, flags=flags, offset=offset, address=address, size=size, align=align)
