"""Compare the types of two releases through libabigail's abidiff, where all it needs is there.

Signatures, structs and enumerators stand in debug information alone. abidiff is asked about the
public symbols that both releases have, and about types that the public headers show: asked about
everything, it takes opaque structs and C++ templates for breaks.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from commonwheel.abi.change import Change
from commonwheel.abi.compare import NO_TYPES, Types, pairs
from commonwheel.abi.debug import has_types, separate_file
from commonwheel.abi.kinds import breaks
from commonwheel.abi.material import Material
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.elf import read_elf
from commonwheel.elf.tools import find_program
from commonwheel.errors import MissingProgramError
from commonwheel.process import ProcessError, run

# libabigail, "abidiff": bits of the exit code.
ERROR = 1 | 2
CHANGE = 4
# Of a report: what begins the changes of one function or variable.
ENTRY = re.compile(r"^  \[C\] '(?P<what>.*)' (?:was changed|has some)")
VARIABLE = re.compile(r"\b(?P<name>\w+)(?:\[\d*\])*$")
FUNCTION = re.compile(r"\b(?P<name>\w+)\(.*\)(?: const)?$")
SHOWN = 6
SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class Side:
    """One release.

    Args:
        snapshot: of it.
        material: what it was taken from; None where it was read as a snapshot.
    """

    snapshot: Snapshot
    material: Material | None = None


def compare_types(old: Side, new: Side) -> Types:
    """The changes of types that break callers; *not checked*, and why, where one cannot tell.

    Raises:
        ProcessError: abidiff fails.
        ElfError: debug information is malformed.
    """
    if old.material is None or new.material is None:
        return NO_TYPES
    changes: list[Change] = []
    unchecked: list[str] = []
    for before, after in pairs(old.snapshot, new.snapshot):
        if before is None or after is None or before.role == "private":
            continue
        reason = _missing(old.material, before) or _missing(new.material, after)
        if reason:
            unchecked.append(f"types of {before.soname}: {reason}")
            continue
        try:
            changes += _compare(old.material, before, new.material, after)
        except MissingProgramError:
            unchecked.append(
                f"types of {before.soname}: abidiff is not installed (Debian: abigail-tools)"
            )
    return Types(changes=tuple(changes), unchecked=tuple(unchecked))


def _missing(material: Material, library: Library) -> str:
    """What abidiff would need of a release, and has not."""
    if not material.headers:
        return f"{material.name} has no headers"
    content = material.libraries[library.member]
    file = separate_file(material.debug, read_elf(content).build_id)
    if has_types(content, library.member) or (
        file is not None and has_types(file.read_bytes(), str(file))
    ):
        return ""
    return f"{material.name} has no debug information with types in it"


def _compare(old: Material, before: Library, new: Material, after: Library) -> Iterator[Change]:
    program = find_program("abidiff", hint="install it: the system package 'abigail-tools'")
    common = {name for name in before.by_name if name in after.by_name}
    public = {s.name for s in before.symbols if s.public and s.name in common}
    if not public:
        return
    with TemporaryDirectory(prefix="commonwheel-abi-") as place:
        folder = Path(place)
        symbols = folder / "symbols"
        symbols.write_text("[abi_whitelist]\n" + "".join(f"  {name}\n" for name in sorted(public)))
        one = _laid_out(folder / "old", old, before)
        other = _laid_out(folder / "new", new, after)
        done = run(
            [
                *(program, "--no-added-syms", "--ignore-soname", "--redundant", "--no-show-locs"),
                *("--drop-private-types", "--kmi-whitelist", symbols),
                *_places("1", folder / "old", old),
                *_places("2", folder / "new", new),
                *(one, other),
            ],
            check=False,
            timeout=SECONDS,
        )
    if done.code & ERROR or done.code & ~(CHANGE | 8):
        raise ProcessError([str(program), str(one), str(other)], code=done.code, output=done.output)
    if done.code & CHANGE:
        yield from entries(done.output, before.soname)


def _laid_out(folder: Path, material: Material, library: Library) -> Path:
    for member, content in material.headers.items():
        target = folder / "include" / member.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    path = folder / Path(library.member).name
    path.write_bytes(material.libraries[library.member])
    return path


def _places(which: str, folder: Path, material: Material) -> list[str | Path]:
    places: list[str | Path] = [f"--headers-dir{which}", folder / "include"]
    if material.debug is not None:
        places += [f"--debug-info-dir{which}", material.debug]
    return places


def entries(report: str, soname: str) -> Iterator[Change]:
    """The changes that a report of abidiff tells, one for each function and variable."""
    for what, lines in _cut(report).items():
        match = FUNCTION.search(what) or VARIABLE.search(what)
        told = "; ".join(line.strip() for line in lines[:SHOWN]).replace(":; ", ": ")
        detail = told + ("; …" if len(lines) > SHOWN else "")
        yield breaks.InterfaceChanged.of(soname, match["name"] if match else what, detail=detail)


def _cut(report: str) -> Mapping[str, list[str]]:
    """Lines of a report by the function or variable that they are about."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in report.splitlines():
        if match := ENTRY.match(line):
            current = found.setdefault(match["what"], [])
        elif not line.startswith("    "):
            current = None
        elif current is not None:
            current.append(line)
    return found
