"""A builder of small ELF objects in memory: any class, byte order and hash style."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

BASE = 0x10000
FORMS = [(bits, endian) for bits in (32, 64) for endian in ("little", "big")]


@dataclass(frozen=True, kw_only=True)
class Sym:
    name: str
    bind: int = 1
    type: int = 2
    other: int = 0
    section: int = 7
    size: int = 8
    version: int = 1


@dataclass(kw_only=True)
class Builder:
    bits: int = 64
    endian: str = "little"
    machine: int = 62
    kind: int = 3
    interpreter: str = ""
    soname: str = ""
    needed: Sequence[str] = ()
    rpath: str = ""
    runpath: str = ""
    symbols: Sequence[Sym] = ()
    hash_style: str = "sysv"
    versions: bool = False
    definitions: Sequence[tuple[int, int, str]] = ()
    needs: Sequence[tuple[str, Sequence[tuple[int, str]]]] = ()
    verneed_raw: bytes = b""
    relocations: Sequence[int] = ()
    build_id: bytes = b""
    properties: Sequence[tuple[int, int]] = ()
    """GNU properties of one word: (type, bits)."""
    stack: int | None = 6
    relro: bool = True
    dynamic: Sequence[tuple[int, int]] = ()
    segments: Sequence[tuple[int, int, int, int, int]] = ()
    """More program headers: (type, flags, offset, size, alignment)."""
    section_headers: bool = False
    sections: Sequence[tuple[str, int, bytes]] = ()
    """More sections: (name, flags, content); they bring section headers."""
    strings: bytearray = field(default_factory=lambda: bytearray(b"\0"))
    chunks: bytearray = field(default_factory=bytearray)
    symbol_table: tuple[int, int] = (0, 0)

    def pack(self, wide: str, narrow: str, *values: int) -> bytes:
        order = "<" if self.endian == "little" else ">"
        return struct.pack(order + (wide if self.bits == 64 else narrow), *values)

    def same(self, shape: str, *values: int) -> bytes:
        return self.pack(shape, shape, *values)

    def text(self, value: str) -> int:
        at = len(self.strings)
        self.strings += value.encode() + b"\0"
        return at

    def put(self, raw: bytes) -> int:
        self.chunks += b"\0" * (-len(self.chunks) % 8)
        at = len(self.chunks)
        self.chunks += raw
        return at

    def symbol(self, s: Sym) -> bytes:
        name, info = self.text(s.name), s.bind << 4 | s.type
        if self.bits == 64:
            return self.same("IBBHQQ", name, info, s.other, s.section, 0x40, s.size)
        return self.same("IIIBBH", name, 0x40, s.size, info, s.other, s.section)

    def gnu_hash(self) -> bytes:
        defined = [i for i, s in enumerate(self.symbols, start=1) if s.section]
        word = self.pack("Q", "I", 0)
        if not defined:
            return self.same("IIII", 1, 1, 1, 0) + word + self.same("I", 0)
        first = defined[0]
        chain = [0] * (len(defined) - 1) + [1]
        head = self.same("IIII", 1, first, 1, 0) + word + self.same("I", first)
        return head + b"".join(self.same("I", value) for value in chain)

    def verdef(self) -> bytes:
        out = b""
        for number, (index, flags, name) in enumerate(self.definitions, start=1):
            step = 0 if number == len(self.definitions) else 28
            out += self.same("HHHHIII", 1, flags, index, 1, 0, 20, step)
            out += self.same("II", self.text(name), 0)
        return out

    def verneed(self) -> bytes:
        out = self.verneed_raw
        for number, (file, wanted) in enumerate(self.needs, start=1):
            step = 0 if number == len(self.needs) else 16 + 16 * len(wanted)
            out += self.same("HHIII", 1, len(wanted), self.text(file), 16, step)
            for i, (index, name) in enumerate(wanted, start=1):
                after = 0 if i == len(wanted) else 16
                out += self.same("IHHII", 0, 0, index, self.text(name), after)
        return out

    def tables(self) -> list[tuple[int, int]]:
        tags: list[tuple[int, int]] = []
        tags += [(1, self.text(name)) for name in self.needed]
        for tag, value in ((14, self.soname), (15, self.rpath), (29, self.runpath)):
            tags += [(tag, self.text(value))] if value else []
        null = b"\0" * (24 if self.bits == 64 else 16)
        table = null + b"".join(map(self.symbol, self.symbols))
        self.symbol_table = (self.put(table), len(table))
        tags += [(6, BASE + self.symbol_table[0])]
        count = len(self.symbols) + 1
        if self.hash_style in {"sysv", "both"}:
            words = [1, count, 0] + [0] * count
            odd = self.machine in {22, 0x9026}
            raw = b"".join(self.pack("Q" if odd else "I", "I", w) for w in words)
            tags += [(4, BASE + self.put(raw))]
        if self.hash_style in {"gnu", "both"}:
            tags += [(0x6FFFFEF5, BASE + self.put(self.gnu_hash()))]
        if self.versions:
            raw = b"".join(self.same("H", w) for w in [0, *(s.version for s in self.symbols)])
            tags += [(0x6FFFFFF0, BASE + self.put(raw))]
        for tag, raw, number in (
            (0x6FFFFFFC, self.verdef(), len(self.definitions)),
            (0x6FFFFFFE, self.verneed(), len(self.needs) or 0xFFFF * bool(self.verneed_raw)),
        ):
            tags += [(tag, BASE + self.put(raw)), (tag + 1, number)] if number else []
        if self.relocations:
            shift = 32 if self.bits == 64 else 8
            rows = [self.pack("QQq", "IIi", 0, i << shift | 6, 0) for i in self.relocations]
            tags += [(7, BASE + self.put(b"".join(rows))), (8, len(b"".join(rows)))]
        return tags

    def build(self) -> bytes:
        headers = 2 + (self.stack is not None) + self.relro
        headers += bool(self.interpreter) + bool(self.build_id) + len(self.segments)
        headers += bool(self.properties)
        start, entry = (64, 56) if self.bits == 64 else (52, 32)
        self.chunks += b"\0" * (start + entry * headers)
        tags = [*self.tables(), *self.dynamic]
        tags += [(5, BASE + self.put(bytes(self.strings))), (10, len(self.strings)), (0, 0)]
        raw = b"".join(self.pack("QQ", "II", *tag) for tag in tags)
        segments: list[tuple[int, ...]] = [(2, 6, self.put(raw), len(raw), 8)]
        if self.interpreter:
            path = self.interpreter.encode() + b"\0"
            segments += [(3, 4, self.put(path), len(path), 1)]
        if self.build_id:
            other = self.same("III", 4, 5, 1) + b"GNU\0" + b"\1" * 8
            note = other + self.same("III", 4, len(self.build_id), 3) + b"GNU\0" + self.build_id
            segments += [(4, 4, self.put(note), len(note), 4)]
        if self.properties:
            pad = b"\0" * (4 if self.bits == 64 else 0)
            rows = [self.same("III", kind, 4, bits) + pad for kind, bits in self.properties]
            note = self.same("III", 4, len(b"".join(rows)), 5) + b"GNU\0" + b"".join(rows)
            segments += [(0x6474E553, 4, self.put(note), len(note), 8 if self.bits == 64 else 4)]
        segments += [] if self.stack is None else [(0x6474E551, self.stack, 0, 0, 16)]
        segments += [(0x6474E552, 4, 0, 0, 1)] if self.relro else []
        segments += self.segments
        segments.insert(0, (1, 5, 0, len(self.chunks), 0x1000))
        table = self.section_table() if self.section_headers or self.sections else (0, 0, 0, 0)
        self.chunks[: start + entry * headers] = self.headers(segments, start, entry, table)
        return bytes(self.chunks)

    def section_table(self) -> tuple[int, int, int, int]:
        """Append the section headers: (offset, entry size, count, index of the names)."""
        at, size = self.symbol_table
        entry = 24 if self.bits == 64 else 16
        rows: list[tuple[str, int, int, int, int, int, int]] = [
            ("", 0, 0, 0, 0, 0, 0),
            (".dynsym", 11, 2, BASE + at, at, size, entry),
        ]
        for name, flags, content in self.sections:
            rows.append((name, 1, flags, 0, self.put(content), len(content), 0))
        names = b"".join(row[0].encode() + b"\0" for row in rows) + b".shstrtab\0"
        rows.append((".shstrtab", 3, 0, 0, self.put(names), len(names), 0))
        out = b"".join(
            self.pack(
                "IIQQQQIIQQ", "IIIIIIIIII", names.index(name.encode() + b"\0"), *row, 0, 0, 1, e
            )
            for name, *row, e in rows
        )
        return self.put(out), len(out) // len(rows), len(rows), len(rows) - 1

    def headers(
        self,
        segments: list[tuple[int, ...]],
        start: int,
        entry: int,
        table: tuple[int, int, int, int],
    ) -> bytes:
        ident = b"\x7fELF" + bytes([2 if self.bits == 64 else 1, 1 + (self.endian == "big"), 1])
        sections, *sized = table
        fields = (self.kind, self.machine, 1, 0, start, sections, 0, start, entry, len(segments))
        out = ident.ljust(16, b"\0") + self.pack("HHIQQQIHHHHHH", "HHIIIIIHHHHHH", *fields, *sized)
        rows = [out]
        for kind, flags, at, size, align in segments:
            where = (at, BASE + at, BASE + at, size, size)
            if self.bits == 64:
                rows.append(self.same("IIQQQQQQ", kind, flags, *where, align))
            else:
                rows.append(self.same("IIIIIIII", kind, *where, flags, align))
        return b"".join(rows)


def rich_builder(**options: object) -> Builder:
    """An object with everything that the reader looks at."""
    symbols = [
        Sym(name="needed_fn", section=0, version=4),
        Sym(name="maybe", section=0, bind=2, version=1),
        Sym(name="new_fn", version=3),
        Sym(name="new_fn", version=2 | 0x8000),
        Sym(name="data", type=1, size=24, version=3),
        Sym(name="weak_fn", bind=2, version=3),
        Sym(name="one", bind=10, version=3),
        Sym(name="guarded", other=3, version=3),
        Sym(name="secret", other=2, version=3),
        Sym(name="LIB_1", type=1, section=0xFFF1, size=0, version=2),
        Sym(name="LIB_2", type=1, section=0xFFF1, size=0, version=3),
        Sym(name="thread", type=6, version=3),
        Sym(name="chosen", type=10, version=3),
    ]
    defaults: dict[str, Any] = {
        "soname": "librich.so.1",
        "needed": ["libc.so.6", "libm.so.6"],
        "rpath": "$ORIGIN/a:$ORIGIN/b",
        "symbols": symbols,
        "versions": True,
        "definitions": [(1, 1, "librich.so.1"), (2, 0, "LIB_1"), (3, 0, "LIB_2")],
        "needs": [("libc.so.6", [(4, "GLIBC_2.2.5"), (5, "GLIBC_2.34")])],
        "build_id": bytes(range(20)),
    }
    return replace(Builder(), **{**defaults, **options})


ABBREVIATIONS = bytes([1, 0x11, 1, 3, 0x21, 0x7F, 0, 0, 2, 0x24, 0, 0, 0, 0])
"""A compilation unit with a constant, and a basic type, as ``.debug_abbrev`` has them."""
PROPERTIES = [(0xC0000002, 3), (0xC0008002, 4)]
"""IBT and SHSTK, and x86-64-v3."""


def samples() -> Iterator[bytes]:
    """Objects in every class and byte order, with each way to count symbols."""
    for bits, endian in FORMS:
        form: dict[str, object] = {"bits": bits, "endian": endian}
        for style in ("sysv", "gnu", "both"):
            yield rich_builder(hash_style=style, relocations=[1, 2], **form).build()
        sections = [(".debug_abbrev", 0, ABBREVIATIONS)]
        yield rich_builder(hash_style="gnu", sections=sections, interpreter="/ld", **form).build()
        packer = Builder(bits=bits, endian=endian)
        head = packer.pack("IIQQ", "III", *([1, 0] if bits == 64 else [1]), len(ABBREVIATIONS), 1)
        packed = head + zlib.compress(ABBREVIATIONS)
        yield rich_builder(sections=[(".debug_abbrev", 0x800, packed)], **form).build()
        yield rich_builder(properties=PROPERTIES, **form).build()
        count = [(0x70000011, 14)]
        yield rich_builder(machine=8, hash_style="none", dynamic=count, kind=2, **form).build()
        undefined = [Sym(name="a", section=0), Sym(name="b", section=0)]
        for style in ("gnu", "none"):
            for options in ({"relocations": [2]}, {"section_headers": True}):
                bare: dict[str, Any] = {**form, "symbols": undefined, "hash_style": style}
                yield Builder(**bare, **options).build()
