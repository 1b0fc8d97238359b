"""Compare the types of two releases through libabigail's abidiff, where all it needs is there.

Signatures, structs and enumerators stand in debug information alone. abidiff is asked about the
public symbols that both releases have, and about types that the public headers show: asked about
everything, it takes opaque structs and C++ templates for breaks. Of a release that is kept as a
record, abidw has written down the types (ABIXML, compressed): its debug information is long gone.
"""

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from commonwheel.abi.change import Change
from commonwheel.abi.compare import NO_TYPES, Types, pairs
from commonwheel.abi.debug import has_types, separate_file
from commonwheel.abi.encoding import read_types
from commonwheel.abi.kinds import breaks
from commonwheel.abi.material import Material
from commonwheel.abi.snapshot import Library, Snapshot
from commonwheel.elf import read_elf
from commonwheel.elf.tools import find_program
from commonwheel.errors import MissingProgramError
from commonwheel.files import replacing
from commonwheel.process import ProcessError, run

# libabigail, "abidiff": bits of the exit code.
ERROR = 1 | 2
CHANGE = 4
# Of a report: what begins the changes of one function or variable.
ENTRY = re.compile(r"^  \[C\] '(?P<what>.*)' (?:was changed|has some)")
VARIABLE = re.compile(r"\b(?P<name>\w+)(?:\[\d*\])*$")
FUNCTION = re.compile(r"\b(?P<name>\w+)\(.*\)(?: const)?$")
# Of the lines below.
QUOTED = re.compile(r"'(?:(?:const|typedef|struct|class|union|enum) )*([^']+?)[*&]*'")
EARLIER = "reported earlier"
NEUTRAL = re.compile(r"type size hasn't changed|entity changed from '.*' to compatible type '.*'")
RENAMED = re.compile(r"(?:type name changed from )?'([^']*)'(?: changed)? to '([^']*)'")
# C's own types are told apart by their names alone.
BASIC = frozenset(
    (
        *("void", "bool", "_Bool", "char", "short", "int", "long", "float", "double", "signed"),
        *("unsigned", "const", "volatile", "_Complex", "complex", "__int128", "wchar_t"),
        *("char8_t", "char16_t", "char32_t"),
    )
)
SHOWN = 6
HINT = "install it: the system package 'abigail-tools'"
# What depends on the place, or on how a file came about, would differ from build to build.
WRITING = (
    *("--drop-private-types", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"),
    *("--no-elf-needed", "--no-parameter-names", "--type-id-style", "hash"),
)
SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class Side:
    """One release.

    Args:
        snapshot: of it.
        material: what it was taken from; None where it was read as a snapshot.
        types: by the stem of a library, the file that its types were written to.
    """

    snapshot: Snapshot
    material: Material | None = None
    types: Mapping[str, Path] = field(default_factory=dict)

    def missing(self, library: Library) -> str:
        """What abidiff would need of it, and does not get."""
        if library.stem in self.types:
            return ""
        if self.material is None:
            return f"nothing is recorded of those of {self.snapshot.shown}"
        return _missing(self.material, library)


def compare_types(old: Side, new: Side) -> Types:
    """The changes of types that break callers; *not checked*, and why, where one cannot tell.

    Raises:
        ProcessError: abidiff fails.
        ElfError: debug information is malformed.
    """
    if not all(side.material or side.types for side in (old, new)):
        return NO_TYPES
    changes: list[Change] = []
    unchecked: list[str] = []
    for before, after in pairs(old.snapshot, new.snapshot):
        if before is None or after is None or before.role == "private":
            continue
        reason = old.missing(before) or new.missing(after)
        if reason:
            unchecked.append(f"types of {before.soname}: {reason}")
            continue
        try:
            changes += _compare(old, before, new, after)
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


def write_types(side: Side, library: Library, target: Path) -> None:
    """Write the public types of a library down, as :attr:`Side.types` has them.

    Raises:
        MissingProgramError: abidw is not installed.
        ProcessError: it fails.
        SnapshotError: what is recorded of them is damaged.
    """
    with TemporaryDirectory(prefix="commonwheel-abi-") as place:
        content = gzip.compress(_written(Path(place), side, library).read_bytes(), mtime=0)
    with replacing(target) as part:
        part.write_bytes(content)


def _written(folder: Path, side: Side, library: Library) -> Path:
    """A file with the public types of a library: abidw's, or what is recorded of them."""
    target = folder / f"{library.stem}.abi"
    if library.stem in side.types:
        target.write_bytes(read_types(side.types[library.stem]))
        return target
    program = find_program("abidw", hint=HINT)
    names = {symbol.name for symbol in library.symbols if symbol.public}
    found = _laid_out(folder, side, library)
    run(
        [
            *(program, *WRITING, "--kmi-whitelist", _listed(folder, names)),
            *(*found.words(""), "--out-file", target, found.path),
        ],
        timeout=SECONDS,
    )
    return target


def _compare(old: Side, before: Library, new: Side, after: Library) -> Iterator[Change]:
    program = find_program("abidiff", hint=HINT)
    common = {name for name in before.by_name if name in after.by_name}
    public = {s.name for s in before.symbols if s.public and s.name in common}
    if not public:
        return
    recorded = before.stem in old.types or after.stem in new.types
    with TemporaryDirectory(prefix="commonwheel-abi-") as place:
        folder = Path(place)
        (folder / "old").mkdir()
        (folder / "new").mkdir()
        if recorded:
            # One side has no places of its types any more, by which private ones are told: both
            # are without, and without private types.
            words: list[str | Path] = [
                _written(folder / "old", old, before),
                _written(folder / "new", new, after),
            ]
        else:
            one = _laid_out(folder / "old", old, before)
            other = _laid_out(folder / "new", new, after)
            words = ["--drop-private-types", *one.words("1"), *other.words("2")]
            words += [one.path, other.path]
        done = run(
            [
                *(program, "--no-added-syms", "--ignore-soname", "--redundant", "--no-show-locs"),
                *("--kmi-whitelist", _listed(folder, public), *words),
            ],
            check=False,
            timeout=SECONDS,
        )
    if done.code & ERROR or done.code & ~(CHANGE | 8):
        asked = [str(program), before.member, after.member]
        raise ProcessError(asked, code=done.code, output=done.output)
    if done.code & CHANGE:
        yield from entries(done.output, before.soname)


def _listed(folder: Path, names: Iterable[str]) -> Path:
    symbols = folder / "symbols"
    symbols.write_text("[abi_whitelist]\n" + "".join(f"  {name}\n" for name in sorted(names)))
    return symbols


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where libabigail finds a library, its headers and its debug information."""

    path: Path
    headers: Path
    debug: Path | None

    def words(self, which: str) -> list[str | Path]:
        found: list[str | Path] = [f"--headers-dir{which}", self.headers]
        if self.debug is not None:
            found += [f"--debug-info-dir{which}", self.debug]
        return found


def _laid_out(folder: Path, side: Side, library: Library) -> _Place:
    material = side.material
    assert material is not None
    for member, content in material.headers.items():
        target = folder / "include" / member.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    path = folder / Path(library.member).name
    path.write_bytes(material.libraries[library.member])
    return _Place(path=path, headers=folder / "include", debug=material.debug)


def entries(report: str, soname: str) -> Iterator[Change]:
    """The changes that a report of abidiff tells, one for each function and variable.

    That a type has another name is none: names of types are in no program, and what stands behind
    an opaque pointer is nobody's business.
    """
    found = _cut(report)
    real = {what for what, lines in found.items() if any(map(_is_real, lines))}
    types = {name for what in real for line in found[what] for name in QUOTED.findall(line)}
    for what, lines in found.items():
        # What is said of a type once is not said again.
        again = (name for line in lines if EARLIER in line for name in QUOTED.findall(line))
        if what not in real and not any(name in types for name in again):
            continue
        match = FUNCTION.search(what) or VARIABLE.search(what)
        told = "; ".join(line.strip() for line in lines[:SHOWN]).replace(":; ", ": ")
        detail = told + ("; …" if len(lines) > SHOWN else "")
        yield breaks.InterfaceChanged.of(soname, match["name"] if match else what, detail=detail)


def _is_real(line: str) -> bool:
    """Whether a line tells of more than where, of which name, or what was said before."""
    text = line.strip()
    if text.endswith(":") or EARLIER in text or NEUTRAL.fullmatch(text):
        return False
    match = RENAMED.fullmatch(text)
    return match is None or any(map(_is_basic, match.groups()))


def _is_basic(name: str) -> bool:
    return not set(name.split()) - BASIC


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
