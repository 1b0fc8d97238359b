"""Who owns a shared library, and what it is called."""

import posixpath
from collections.abc import Iterator

from commonwheel.check.case import Case
from commonwheel.check.gate import EVERY, LIBRARY, MILD, Found, Gate
from commonwheel.check.inspect import Binary, Inspected
from commonwheel.check.symbols import some
from commonwheel.text import counted


class SonamePresent(Gate):
    """Every shared library has a DT_SONAME.

    Asked of what lies in the `lib/` of a library wheel, of what a repair tool has copied into a
    wheel of this kit, and of every file that another file of the wheel names in DT_NEEDED; in
    wheels of others, of the last alone. An extension module that nobody NEEDs has none.

    Why: the loader compares DT_NEEDED with the SONAMEs of what is loaded already. A library without
    one is never matched: it is loaded a second time, or not found where it had been loaded first
    by its path.

    Fix: link it with `-Wl,-soname,NAME`, or `patchelf --set-soname NAME FILE`.
    """

    id = "CW101"
    title = "every shared library has a SONAME"
    message = "has no DT_SONAME, {why}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Shared objects without, that somebody NEEDs or is meant to NEED."""
        yield from self.unread(case)
        users = _users(case.wheel)
        for binary in case.wheel.binaries:
            if binary.elf.type != "shared" or binary.elf.soname is not None:
                continue
            user = users.get(binary.file_name)
            if user is not None:
                yield self.finding(case, binary.member, why=f"and {user} NEEDs it by its file name")
            elif case.wheel.kind != "foreign" and _is_shared_library(case.wheel, binary):
                yield self.finding(case, binary.member, why="so nothing can NEED it by name")


class SonameTagged(Gate):
    """Each shared library of a library wheel has a SONAME that carries the prefix's tag.

    Why: the loader answers DT_NEEDED by SONAME. A plain `libproj.so.25` may be answered by the copy
    of the system, of conda or of another wheel that is loaded already (pyproj#368, Fiona#1161);
    `libproj-commonwheel.so.25` has one owner.

    Fix: list the library in the recipe's `abi.libraries`, so that finishing renames it, or leave it
    out with `products.exclude`.
    """

    id = "CW102"
    title = "every SONAME of a library wheel is tagged"
    message = "the SONAME {soname} does not carry the tag '-{prefix}'"
    levels = LIBRARY

    def check(self, case: Case) -> Found:
        """SONAMEs as upstream gave them."""
        yield from self.unread(case)
        for binary in _with_soname(case.wheel):
            soname = binary.answers_to
            if not case.names.is_tagged(soname):
                prefix = case.names.prefix
                yield self.finding(case, binary.member, soname=soname, prefix=prefix)


class SonameIsFileName(Gate):
    """The SONAME of a shared library is the name of its file.

    Asked of libraries: what lies in the `lib/` of a library wheel, what a repair tool has copied
    into a wheel, and, in wheels of this kit, what another file of the wheel NEEDs.

    Why: DT_NEEDED holds the SONAME, and the loader looks for a file of that name. With another name
    the library is found only while somebody else has loaded it before.

    Fix: name the file by its SONAME; wheels hold no symlinks, so there is one file and one name.
    """

    id = "CW103"
    title = "every SONAME is the name of its file"
    message = "has the SONAME {soname}, which is not the file's name"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Libraries that are called otherwise than they answer."""
        yield from self.unread(case)
        for binary in _with_soname(case.wheel):
            needed = case.wheel.kind != "foreign" and binary.answers_to in case.wheel.needed_by
            if binary.answers_to != binary.file_name and (
                needed or _is_shared_library(case.wheel, binary)
            ):
                yield self.finding(case, binary.member, soname=binary.answers_to)


class SonameOwner(Gate):
    """Over all wheels of a set, every SONAME has one owner.

    Asked of the SONAMEs of library wheels, and of those that a file of either wheel NEEDs. The
    finding is on the later wheel. Between wheels of others the same bytes are no conflict at run
    time, only a second copy (CW106); the tagged SONAME of a library wheel has one owner in any
    case, for the next release of either would differ.

    Why: of two files with one SONAME the first loaded serves all, whatever RPATH says. scs 3.3.1
    and cvxopt 1.3.3 bring different builds of `libopenblas-r0-11edc3fa.3.15.so`: which of them both
    use is decided by the order of imports.

    Fix: let one library wheel own it. In a wheel of another maker: repair it with a tool that
    hashes the finished file into the name.
    """

    id = "CW104"
    title = "every SONAME has one owner"
    message = "{soname} is in {other} too ({file}), with {bytes} bytes"
    levels = EVERY
    compares = True

    def check(self, case: Case) -> Found:
        """SONAMEs that another wheel of the set brings."""
        yield from self.unread(case)
        mine = _by_soname(case.wheel)
        for other in case.others:
            theirs = _by_soname(other)
            for soname in sorted(mine.keys() & theirs.keys()):
                yield from self._compare(case, other, mine[soname], theirs[soname])

    def _compare(
        self, case: Case, other: Inspected, mine: list[Binary], theirs: list[Binary]
    ) -> Found:
        soname = mine[0].answers_to
        if not {b.elf.machine for b in mine} & {b.elf.machine for b in theirs}:
            return
        owned = any(w.provider and soname in w.provider.sonames for w in (case.wheel, other))
        needed = soname in case.wheel.needed_by or soname in other.needed_by
        same = {b.sha256 for b in mine} == {b.sha256 for b in theirs}
        if owned or (needed and not same):
            yield self.finding(
                case,
                mine[0].member,
                soname=soname,
                other=other.name,
                file=theirs[0].member,
                bytes="the same" if same else "other",
            )


class PathOwner(Gate):
    """Over all wheels of a set, every installed path has one owner.

    Paths below site-packages, scripts (those that entry points make, too) and data. Folders that
    wheels share are fine, such as namespace packages; each `.dist-info` folder is its wheel's own.
    The finding is on the later wheel.

    Why: the later installation overwrites the file, and uninstalling either wheel takes it from the
    other.

    Fix: leave the file out of all wheels but one; give each wheel a package or a namespace
    subpackage of its own. Tests and examples at the top level belong into the package, or out.
    """

    id = "CW105"
    title = "every installed path has one owner"
    message = "{paths} in {other} too: {names}"
    levels = MILD
    compares = True

    def check(self, case: Case) -> Found:
        """What another wheel of the set installs at the same place."""
        for other in case.others:
            both = sorted(case.wheel.places.keys() & other.places.keys())
            if both:
                yield self.finding(
                    case,
                    case.wheel.places[both[0]],
                    paths=f"{counted(len(both), 'path')} {'is' if len(both) == 1 else 'are'}",
                    other=other.name,
                    names=some(f"{path} ({where})" for where, path in both),
                )


class OneCopy(Gate):
    """The content of every ELF file is there once, in a wheel and over all wheels of a set.

    The finding is on the later wheel; within a wheel, on what is not named by its SONAME.

    Why: wheels cannot hold symlinks. Where a build makes `libX.so → libX.so.1 → libX.so.1.2`, a
    wheel holds three copies, of which the loader maps one for each name that is asked for: disk,
    memory, and state that is kept twice. Copies in several wheels are what library wheels replace.

    Fix: keep the file that is named by its SONAME; a linker script stands in for `libX.so`. For a
    library in several wheels: a library recipe.
    """

    id = "CW106"
    title = "every library's content is there once"
    message = "has the same content as {other}"
    levels = MILD
    compares = True

    def check(self, case: Case) -> Found:
        """ELF files of the same sha256."""
        yield from self.unread(case)
        first = {
            binary.sha256: f"{binary.member} of {other.name}"
            for other in case.others
            for binary in other.binaries
        }
        # The one to keep comes first.
        for binary in sorted(case.wheel.binaries, key=lambda b: b.file_name != b.answers_to):
            if binary.sha256 in first:
                yield self.finding(case, binary.member, other=first[binary.sha256])
            else:
                first[binary.sha256] = binary.member


GATES: tuple[Gate, ...] = (
    SonamePresent(),
    SonameTagged(),
    SonameIsFileName(),
    SonameOwner(),
    PathOwner(),
    OneCopy(),
)


def _users(wheel: Inspected) -> dict[str, str]:
    """Of each file name that a DT_NEEDED holds, with or without a folder, who NEEDs it."""
    return {posixpath.basename(needed): user for needed, user in wheel.needed_by.items()}


def _with_soname(wheel: Inspected) -> Iterator[Binary]:
    return (b for b in wheel.binaries if b.elf.type == "shared" and b.elf.soname is not None)


def _by_soname(wheel: Inspected) -> dict[str, list[Binary]]:
    found: dict[str, list[Binary]] = {}
    for binary in _with_soname(wheel):
        found.setdefault(binary.answers_to, []).append(binary)
    return found


def _is_shared_library(wheel: Inspected, binary: Binary) -> bool:
    """Whether a file is where others find it: plugins in folders below `lib/` are none."""
    if binary.is_bundled:
        return True
    return (
        wheel.provider is not None
        and binary.installed is not None
        and posixpath.dirname(binary.installed) == wheel.provider.lib
    )
