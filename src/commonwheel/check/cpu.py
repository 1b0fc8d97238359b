"""Instructions beyond the x86-64 baseline, and whether a stripped file asks for them first."""

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonwheel.check.inspect import Binary
from commonwheel.elf import Symbol, exported
from commonwheel.elf.count import relocation_tables
from commonwheel.elf.dynamic import read_dynamic
from commonwheel.elf.image import open_image
from commonwheel.elf.tools import find_program
from commonwheel.files import write_atomically
from commonwheel.process import run

# Every AVX, FMA and AVX-512 instruction begins with a v; those of virtual machines and segments do
# too. tzcnt is left out: compilers write `rep bsf` for any processor, which is the same bytes.
WIDE = re.compile(
    r"v(?!err|erw|m(call|func|gexit|launch|load|mcall|ptr|read|resume|run|save|write|x|clear))\w+|"
    r"andn|bextr|blsi|blsr|blsmsk|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx"
)
LINE = re.compile(r"\s*(?P<at>[0-9a-f]+):\t(\{\w+\} )?(?P<mnemonic>[vabmprscx]\w+)")
ASKING = frozenset({"cpuid", "xgetbv"})
# libgcc's own table, and what the kernel tells.
DETECTION = frozenset(
    {"__cpu_model", "__cpu_indicator_init", "__cpu_features2", "getauxval", "__getauxval"}
)
R_X86_64_IRELATIVE = 37
# An exported function that is called so says what it is for.
NAMED = re.compile(r"avx|fma|bmi|haswell|skylake|icelake|x86_64_v[34]", re.IGNORECASE)
# Of what is stored: raised when the rules change.
SCHEMA = 1
WHOLE = "the file"


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a scan found: (where, instruction) of each fault."""

    faults: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class _Listing:
    """What matters of a disassembly: addresses in their order, and the instructions there."""

    wide: list[tuple[int, str]] = field(default_factory=list)
    asks: list[int] = field(default_factory=list)

    def line(self, line: str) -> None:
        match = LINE.match(line)
        if match is None:
            return
        mnemonic = match["mnemonic"]
        if mnemonic in ASKING:
            self.asks.append(int(match["at"], 16))
        elif WIDE.fullmatch(mnemonic):
            self.wide.append((int(match["at"], 16), mnemonic))


def scan(content: bytes, binary: Binary, *, cache: Path | None, scratch: Path | None) -> Scanned:
    """Disassemble a file, or look up what came of it before.

    Args:
        content: of the file.
        binary: its facts.
        cache: folder for results, by the file's sha256; None keeps none.
        scratch: folder for the file that objdump reads.

    Raises:
        ElfError: its symbol table is malformed.
        MissingProgramError: binutils is absent.
        ProcessError: objdump failed.
    """
    kept = None if cache is None else cache / "cpu" / f"{binary.sha256}.json"
    if kept is not None and (known := _load(kept)) is not None:
        return known
    listing = _disassemble(content, scratch)
    detects = bool(listing.asks) or _detects(content, binary)
    exports = functions(binary)
    found = faults(listing.wide, listing.asks, exports, detects=detects)
    scanned = Scanned(faults=tuple(found))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, json.dumps({"schema": SCHEMA, "faults": scanned.faults}))
    return scanned


def functions(binary: Binary) -> Sequence[Symbol]:
    """The exported functions, without those that are chosen at load (IFUNC)."""
    return [s for s in exported(binary.elf) if s.type == "func" and s.size]


def faults(
    wide: Sequence[tuple[int, str]],
    asks: Sequence[int],
    exports: Sequence[Symbol],
    *,
    detects: bool,
) -> list[tuple[str, str]]:
    """Where a file uses an instruction without asking the processor.

    Args:
        wide: address and mnemonic of each instruction beyond the baseline, in order.
        asks: addresses of instructions that ask.
        exports: the exported functions.
        detects: whether anything in the file asks.
    """
    if not wide:
        return []
    if not detects:
        return [(WHOLE, wide[0][1])]
    found = []
    for function in exports:
        end = function.value + function.size
        first = next((name for at, name in wide if function.value <= at < end), None)
        own = any(function.value <= at < end for at in asks)
        if first and not own and not NAMED.search(function.name):
            found.append((function.name, first))
    return found


def _disassemble(content: bytes, scratch: Path | None) -> _Listing:
    objdump = find_program("objdump", hint="install it: the system package 'binutils'")
    listing = _Listing()
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".so") as file:
        file.write(content)
        file.flush()
        run([objdump, "-d", "--no-show-raw-insn", file.name], on_line=listing.line)
    return listing


def _detects(content: bytes, binary: Binary) -> bool:
    if not DETECTION.isdisjoint(binary.imports | binary.exports):
        return True
    if any(symbol.type == "ifunc" for symbol in exported(binary.elf)):
        return True
    image = open_image(content, binary.member)
    dynamic = read_dynamic(image)
    for address, size, with_addend in relocation_tables(dynamic) if dynamic else ():
        shape = image.layout.rela if with_addend else image.layout.rel
        raw = image.table(address, size - size % shape.size, "a relocation table")
        if any(row[1] & 0xFFFFFFFF == R_X86_64_IRELATIVE for row in shape.iter_unpack(raw)):
            return True
    return False


def _load(path: Path) -> Scanned | None:
    try:
        stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if stored.get("schema") != SCHEMA:
        return None
    return Scanned(faults=tuple((str(w), str(i)) for w, i in stored["faults"]))
