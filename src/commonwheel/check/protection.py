"""What a stripped ELF file tells of how it was compiled; which file of a release is which."""

import posixpath
import re
from collections.abc import Iterable

from commonwheel.abi.soname import HASH
from commonwheel.check.inspect import Binary
from commonwheel.elf import exported
from commonwheel.elf.image import PF_X, PT_LOAD, open_image
from commonwheel.errors import ElfError

EXTENSION = re.compile(r"\.(cpython-\w+(-[\w-]+)?|abi3(-[\w-]+)?|pypy\w+(-[\w-]+)?)\.so$")
PROTECTOR = frozenset({"__stack_chk_fail", "__stack_chk_fail_local", "__stack_smash_handler"})
CHECKED = re.compile(r"__\w+_chk")
# Not those that print to a buffer: GCC folds their checked forms where it can tell that they fit.
PRINTING = frozenset(
    {"printf", "fprintf", "vprintf", "vfprintf", "dprintf", "vdprintf", "asprintf", "vasprintf"}
)
# Those of the C library's start files, which every file has.
START_FILES = frozenset({"_init", "_fini"})
# What a function begins with that was compiled for protected branches: endbr64; bti c, paciasp.
LANDINGS = {
    "x86_64": frozenset({b"\xf3\x0f\x1e\xfa"}),
    "aarch64": frozenset({b"\x5f\x24\x03\xd5", b"\x3f\x23\x03\xd5"}),
}
INSTRUCTION = 4


def is_linked(binary: Binary) -> bool:
    """Whether it is a library or a program, and no object file or core dump."""
    return binary.elf.type != "other"


def counterpart(binary: Binary) -> tuple[str, str]:
    """What a file shares with its like in another release: folder, and name.

    The name goes without what a repair tool or the ABI of a Python adds to it.
    """
    folder, name = posixpath.split(binary.member)
    return folder, EXTENSION.sub(".so", HASH.sub("", name))


def same_files(binaries: Iterable[Binary]) -> dict[tuple[str, str], Binary]:
    """The files of a release by what they share with those of another."""
    return {counterpart(binary): binary for binary in binaries}


def checks_stack(binary: Binary) -> bool:
    """Whether some function of it checks its stack.

    Raises:
        ElfError: its symbol table is malformed.
    """
    return not PROTECTOR.isdisjoint(binary.imports)


def fortified(binary: Binary) -> tuple[bool | None, str]:
    """Whether it was compiled with ``_FORTIFY_SOURCE``, and the function that shows it.

    The first is None where that cannot be told.

    Raises:
        ElfError: its symbol table is malformed.
    """
    checked = min(filter(CHECKED.fullmatch, binary.imports), default="")
    plain = min(PRINTING & binary.imports, default="")
    if checked:
        return True, checked
    return (False, plain) if plain else (None, "")


def code_size(content: bytes) -> int:
    """Bytes of its executable segments; 0 where it is malformed."""
    try:
        segments = open_image(content, "").segments
    except ElfError:
        return 0
    return sum(each.size for each in segments if each.type == PT_LOAD and each.flags & PF_X)


def entries(binary: Binary, content: bytes) -> set[bytes]:
    """The first four bytes of its exported functions.

    Raises:
        ElfError: its symbol table is malformed.
    """
    image = open_image(content, binary.member)
    found = set()
    for symbol in exported(binary.elf):
        if symbol.type == "func" and symbol.name not in START_FILES:
            found.add(image.table(symbol.value, INSTRUCTION, symbol.name))
    return found
