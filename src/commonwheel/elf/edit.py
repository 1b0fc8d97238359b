"""Edit SONAME, DT_NEEDED and DT_RPATH: the one place that runs patchelf.

The edited copy is read again and compared with what was asked before it takes the file's place.
It is a new file, so hard links (uv's and pip's caches) keep their bytes.
"""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from commonwheel.elf.read import Elf, read_elf
from commonwheel.elf.symbols import Symbol
from commonwheel.elf.tools import find_patchelf
from commonwheel.errors import ElfError
from commonwheel.process import run


def edit(
    path: Path,
    *,
    soname: str | None = None,
    needed: Mapping[str, str] | None = None,
    rpath: Sequence[str] | None = None,
) -> bool:
    """Make one shared library or executable say what is asked; nothing is touched when it does.

    Strip before, never after: binutils may damage the layout that patchelf leaves.

    Args:
        path: the file; a symlink is followed.
        soname: the new DT_SONAME.
        needed: DT_NEEDED old → new, in the needed versions' file names too; names that the file
            does not need are passed over.
        rpath: the elements of the new DT_RPATH, in place of any DT_RUNPATH; empty removes both.

    Returns:
        Whether the file was changed.

    Raises:
        ElfError: not an object with a dynamic section, or the result is not what was asked.
        MissingProgramError: patchelf is absent, or one that damages files.
        ProcessError: patchelf failed.
    """
    path = path.resolve()
    before = read_elf(path)
    _check_rpath(path, rpath or ())
    expected = _expected(before, soname=soname, needed=needed or {}, rpath=rpath)
    if expected == before:
        return False
    if before.tables is None:
        msg = "has no dynamic section, so it has neither SONAME, DT_NEEDED nor DT_RPATH"
        raise ElfError(msg, where=str(path))
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        for options in _options(before, expected):
            source = part if part.exists() else path
            run([find_patchelf(), *options, "--output", part, source])
        shutil.copymode(path, part)
        _verify(before, expected, read_elf(part, name=str(path)))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return True


def _check_rpath(path: Path, rpath: Sequence[str]) -> None:
    for element in rpath:
        if not element or ":" in element:
            msg = f"{element!r} cannot be an element of DT_RPATH"
            raise ElfError(msg, where=str(path), hint="elements are joined with colons")


def _expected(
    before: Elf,
    *,
    soname: str | None,
    needed: Mapping[str, str],
    rpath: Sequence[str] | None,
) -> Elf:
    return replace(
        before,
        soname=before.soname if soname is None else soname,
        needed=tuple(needed.get(name, name) for name in before.needed),
        version_needs=tuple((needed.get(file, file), v) for file, v in before.version_needs),
        rpath=before.rpath if rpath is None else tuple(rpath),
        runpath=before.runpath if rpath is None else (),
    )


def _options(before: Elf, expected: Elf) -> Iterator[list[str]]:
    """Patchelf's options for the differences, a list for each of its runs."""
    options: list[str] = []
    if expected.soname != before.soname:
        options += ["--set-soname", expected.soname or ""]
    names = dict(zip(before.needed, expected.needed, strict=True))
    needs = zip(before.version_needs, expected.version_needs, strict=True)
    # --replace-needed renames the files of needed versions, too.
    names |= {old[0]: new[0] for old, new in needs}
    for old, new in names.items():
        if old != new:
            options += ["--replace-needed", old, new]
    if (expected.rpath, expected.runpath) != (before.rpath, before.runpath):
        if expected.rpath:
            options += ["--force-rpath", "--set-rpath", ":".join(expected.rpath)]
        else:
            # Removing alone leaves the path in the string table, where it tells of the build.
            yield ["--set-rpath", ""]
            options += ["--remove-rpath"]
    if options:
        yield options


def _fixed(elf: Elf) -> list[Symbol]:
    """The dynamic symbols as they must stay: patchelf moves sections, and so their symbols."""
    return [s._replace(value=0) if s.type == "section" else s for s in elf.symbols]


def _verify(before: Elf, expected: Elf, after: Elf) -> None:
    wrong = [
        f"{field.name} is {getattr(after, field.name)!r}, not {getattr(expected, field.name)!r}"
        for field in fields(Elf)
        if field.compare and getattr(after, field.name) != getattr(expected, field.name)
    ]
    if not wrong and _fixed(after) != _fixed(before):
        wrong = ["the dynamic symbols changed"]
    if wrong:
        msg = f"patchelf did not do what was asked: {'; '.join(wrong)}"
        hint = "the file is as it was; please report it, with the file"
        raise ElfError(msg, where=before.name, hint=hint)
