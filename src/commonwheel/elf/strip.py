"""Split debug information off an object, filed by build-id as gdb and debuginfod look it up.

Source: GDB manual, "Debugging Information in Separate Files".
"""

import secrets
import shutil
from pathlib import Path

from commonwheel.elf.read import Elf, read_elf
from commonwheel.elf.sections import section_names
from commonwheel.elf.tools import find_program
from commonwheel.errors import ElfError
from commonwheel.process import run

DEBUG_SECTIONS = frozenset({".debug_info", ".zdebug_info"})
STRIPPABLE = frozenset({".symtab"})


def strip(path: Path, debug_dir: Path) -> Path | None:
    """Move debug information to ``debug_dir/.build-id/ab/cdef….debug`` and drop ``.symtab``.

    The object is linked to it by build-id and by .gnu_debuglink. Done twice, it changes nothing.

    Returns:
        The debug file; None when the object has no debug information.

    Raises:
        ElfError: malformed, or debug information without a build-id to file it under.
        MissingProgramError: binutils is absent.
        ProcessError: objcopy failed.
    """
    path = path.resolve()
    before = read_elf(path)
    sections = section_names(path)
    has_debug = bool(sections & DEBUG_SECTIONS)
    if not has_debug and not sections & STRIPPABLE:
        return None
    objcopy = find_program("objcopy", hint="install it: the system package 'binutils'")
    debug = _split(objcopy, path, _debug_path(before, debug_dir)) if has_debug else None
    _strip(objcopy, path, before, debug)
    return debug


def _debug_path(elf: Elf, debug_dir: Path) -> Path:
    if elf.build_id is None:
        msg = "has debug information but no build-id to file it under"
        raise ElfError(msg, where=elf.name, hint="link it with -Wl,--build-id=sha1")
    return debug_dir / ".build-id" / elf.build_id[:2] / f"{elf.build_id[2:]}.debug"


def _split(objcopy: Path, path: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(4)}.part")
    try:
        # NASM names its sources by their paths, which hold the folder of one build: the debug file
        # would differ each time, and with it the checksum in .gnu_debuglink.
        paths = ("--wildcard", "--strip-symbol=/*")
        run([objcopy, "--only-keep-debug", "--compress-debug-sections", *paths, path, part])
        # objcopy copies the object's mode; a debug file is no program.
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _strip(objcopy: Path, path: Path, before: Elf, debug: Path | None) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    link = [] if debug is None else [f"--add-gnu-debuglink={debug}"]
    try:
        run([objcopy, "--strip-unneeded", *link, path, part])
        after = read_elf(part, name=before.name)
        if after != before or after.symbols != before.symbols:
            msg = "objcopy --strip-unneeded changed more than it should; the file is as it was"
            hint = "strip before patchelf edits a file, never after"
            raise ElfError(msg, where=before.name, hint=hint)
        shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
