"""Each file finds what it needs, wherever the tree lies."""

import posixpath
import re
from collections.abc import Iterator

from commonwheel.check.case import Case
from commonwheel.check.gate import EVERY, MILD, OURS, Found, Gate
from commonwheel.check.inspect import Binary
from commonwheel.check.resolve import Linker

ORIGIN = re.compile(r"\$(?:ORIGIN|\{ORIGIN\})(?=/|$)")


class RpathOnly(Gate):
    """Search paths stand in DT_RPATH, none in DT_RUNPATH.

    Why: DT_RUNPATH is not searched for what a library's dependencies need, and loses to
    LD_LIBRARY_PATH; where it stands, DT_RPATH is not read at all. Mixing the two broke Julia 1.8
    and ROCm.

    Fix: repair writes DT_RPATH and removes DT_RUNPATH: let it be the last tool that changes the
    file. By hand: `patchelf --force-rpath --set-rpath`, or link with `-Wl,--disable-new-dtags`.
    """

    id = "CW301"
    title = "search paths are DT_RPATH, never DT_RUNPATH"
    message = "has DT_RUNPATH {runpath}"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Look at the dynamic section of each."""
        yield from self.unread(case)
        for binary in case.wheel.binaries:
            if binary.elf.runpath:
                yield self.finding(case, binary.member, runpath=":".join(binary.elf.runpath))


class RelativePaths(Gate):
    """Every search path of a file begins with `$ORIGIN`, the folder that the file lies in.

    Why: any other path is that of the machine that built the wheel. On another it is absent, or
    somebody else's: whoever may write there has their library loaded. An empty path means the
    working folder. shapely's and scipy's wheels of November 2026 have such paths.

    Fix: remove the entry (`patchelf --set-rpath`), and mend the build that wrote it: CMake's
    `CMAKE_INSTALL_RPATH` or `CMAKE_SKIP_RPATH`, `-Wl,-rpath` in LDFLAGS. Repair replaces all
    search paths in our wheels.
    """

    id = "CW302"
    title = "every search path begins with $ORIGIN"
    message = "its {tag} has the entry '{entry}', {fault}"
    levels = EVERY

    def check(self, case: Case) -> Found:
        """Look at each entry."""
        yield from self.unread(case)
        for binary in case.wheel.binaries:
            for tag, entry in _tagged(binary):
                if not ORIGIN.match(entry):
                    fault = _fault(entry)
                    yield self.finding(case, binary.member, tag=tag, entry=entry, fault=fault)


class PathsInside(Gate):
    """No search path leads out of site-packages, and in our wheels each to what the file needs.

    Scripts and data lie where no relative path leads to site-packages, so they can have none.

    Why: outside of site-packages lies another installation, and which one is chance. A folder
    that holds nothing that is needed is searched first all the same, in every process.

    Fix: repair reckons the paths from DT_NEEDED; repair the wheel again. A program that needs
    libraries belongs inside the package, behind a console script.
    """

    id = "CW303"
    title = "every search path stays inside of site-packages"
    message = "its search path '{entry}' {fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Follow each entry from where the file is installed."""
        yield from self.unread(case)
        linker, is_ours = Linker(case), case.wheel.kind != "foreign"
        for binary in case.wheel.binaries:
            entries = [entry for _, entry in _tagged(binary) if ORIGIN.match(entry)]
            if entries and binary.installed is None:
                if is_ours:
                    fault = "leads nowhere: the file lies outside of site-packages"
                    yield self.finding(case, binary.member, entry=entries[0], fault=fault)
                else:
                    yield self.unchecked("lies outside of site-packages", binary.member)
                continue
            absent = _absent(linker, binary)
            needed = {folder for _, folder, _ in _needs(linker, binary)}
            for entry in entries:
                target = _target(binary, entry)
                if target.split("/")[0] == "..":
                    fault = f"leads out of site-packages, to {target}"
                elif is_ours and target not in needed and absent:
                    yield self.unchecked(f"whether {target} holds {absent[0]}", binary.member)
                    continue
                elif is_ours and target not in needed:
                    fault = f"leads to {target}, which holds nothing that it needs"
                else:
                    continue
                yield self.finding(case, binary.member, entry=entry, fault=fault)


class NeedsAreReached(Gate):
    """Every library that a file needs, of its wheel or of a library wheel, lies on its DT_RPATH.

    Each file reaches its own; what the extension that loads a library can reach does not count.

    Why: a library is also loaded by its path, by itself: by ctypes, by another consumer, by a
    program. A search path that only one of its users has breaks all others.

    Fix: repair writes a path to each library wheel and each folder of the wheel's own: repair it
    again, as the last step.
    """

    id = "CW304"
    title = "every needed library lies on the file's own search path"
    message = "needs {soname}, and no search path of it leads to {folder}"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Follow the paths to each needed library."""
        yield from self.unread(case)
        linker = Linker(case)
        for binary in case.wheel.binaries:
            # What has DT_RUNPATH has no DT_RPATH for the loader.
            entries = binary.elf.runpath or binary.elf.rpath
            reached = {
                _target(binary, entry)
                for entry in entries
                if binary.installed is not None and ORIGIN.match(entry)
            }
            for soname in _absent(linker, binary):
                yield self.unchecked(f"{soname} is not at hand", binary.member)
            for soname, folder, shown in _needs(linker, binary):
                if folder is None or folder not in reached:
                    yield self.finding(case, binary.member, soname=soname, folder=shown)


class Loads(Gate):
    """Each library and extension module loads by its absolute path, in a process of its own.

    The wheel and what it requires are laid out as installed, and a fitting Python without any
    environment variable forks once for each file (RTLD_NOW, RTLD_LOCAL). Nothing is imported, and
    programs are not run. In wheels of others, a library that another file of the wheel needs is
    loaded with that file, whose DT_RPATH it may rely on.

    Why: all other gates argue from what files say; this one asks the loader. It also runs the
    initialisers, which crash where two copies of a library meet.

    Fix: the message is the loader's. For a missing library or symbol see CW201, CW205 and CW304;
    for a crash, load the file under a debugger: `gdb --args python -c "import ctypes;
    ctypes.CDLL('…')"`.
    """

    id = "CW305"
    title = "every library and extension module loads by itself"
    message = "does not load: {fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Load each, once for this gate and the next."""
        yield from self.unread(case)
        yield from (self.unchecked(why, member) for member, why in case.trial.untried.items())
        for member, fault in case.trial.first.items():
            yield self.finding(case, member, fault=fault)


class LoadsMoved(Gate):
    """What loads also loads after the whole tree has been moved elsewhere.

    Why: virtual environments are copied, layers are unpacked below another folder, and build
    folders vanish. What loads only where it was first laid out has an absolute path in it.

    Fix: look for the first folder's path in the file (`strings`), and for search paths that CW302
    reports.
    """

    id = "CW306"
    title = "every library and extension module loads from a moved tree"
    message = "does not load once the tree has moved: {fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Load each again, of those that did load."""
        yield from self.unread(case)
        yield from (self.unchecked(why, member) for member, why in case.trial.untried.items())
        for member in case.trial.first:
            yield self.unchecked("does not load where it was laid out first", member)
        for member, fault in case.trial.moved.items():
            yield self.finding(case, member, fault=fault)


def _tagged(binary: Binary) -> Iterator[tuple[str, str]]:
    """(tag, entry) of both search paths."""
    yield from (("DT_RPATH", entry) for entry in binary.elf.rpath)
    yield from (("DT_RUNPATH", entry) for entry in binary.elf.runpath)


def _fault(entry: str) -> str:
    if not entry:
        return "which means the working folder"
    if entry.startswith("/"):
        return "a path of the machine that built it"
    return "which is reckoned from the working folder"


def _target(binary: Binary, entry: str) -> str:
    """The folder below site-packages that an entry with $ORIGIN leads to."""
    folder = posixpath.dirname(binary.installed or "")
    rest = ORIGIN.sub("", entry, count=1).strip("/")
    return posixpath.normpath(posixpath.join(folder, rest))


def _needs(linker: Linker, binary: Binary) -> Iterator[tuple[str, str | None, str]]:
    """(SONAME, folder below site-packages, the same to be shown) of what wheels give a file."""
    for soname in dict.fromkeys(binary.elf.needed):
        owner = linker.owner(soname, binary.elf)
        if owner is None:
            continue
        held = owner.by_soname[soname]
        if held.installed is None:
            yield soname, None, f"{owner.name}:{held.member}"
        else:
            folder = posixpath.dirname(held.installed) or "."
            yield soname, folder, folder


def _absent(linker: Linker, binary: Binary) -> list[str]:
    """SONAMEs whose owner is not at hand."""
    return [
        soname
        for soname in binary.elf.needed
        if linker.owner(soname, binary.elf) is None and not linker.is_platform(soname)
    ]


GATES: tuple[Gate, ...] = (
    RpathOnly(),
    RelativePaths(),
    PathsInside(),
    NeedsAreReached(),
    Loads(),
    LoadsMoved(),
)
