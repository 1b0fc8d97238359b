"""The files of a wheel: products and licences are there, and nothing of its build."""

import posixpath
import re
from collections.abc import Iterator

from commonwheel.check.build_paths import build_path
from commonwheel.check.case import Case
from commonwheel.check.components import documents, expressions
from commonwheel.check.gate import LIBRARY, MILD, Found, Gate
from commonwheel.check.inspect import Binary
from commonwheel.check.relocatable import absolute_path
from commonwheel.elf.sections import section_names
from commonwheel.errors import ElfError

ARCHIVES = (b"!<arch>\n", b"!<thin>\n")
DEBIAN_PACKAGE = b"!<arch>\ndebian-binary"
LIBTOOL = (".la", ".lo")
OBJECTS = (".a", ".o", ".obj")
ELF_TYPE = slice(16, 18)
# ET_REL in either byte order.
RELOCATABLE = (b"\1\0", b"\0\1")
LOOK = 1024

DEBUG_SECTION = re.compile(r"\.z?debug_")
DEBUG_FILE = re.compile(
    r".*\.(?:debug|dwo|dwp|gcda|gcno|pyc|pyo)|core(?:\.\d+)?|.*\.dSYM", re.DOTALL
)
DEBUG_TEXT = (".debug", ".dwo", ".dwp")

LICENCE_FILE = re.compile(r"(?i)(?:un)?licen[cs]e|copying|copyright|notice")
# The second and the third are from before Metadata 2.4.
LICENCE_FOLDERS = ("licenses/", "", "license_files/")


class Products(Gate):
    """What the recipe promises is in the wheel: libraries, headers, programs and data.

    Where no recipe is known, what the wheel's own manifest names.

    Why: consumers are built against these files; one that is missing is noticed in somebody
    else's build, or at run time on a path that no test takes.

    Fix: if upstream does not install it any more, remove it from the recipe's `products`,
    `libraries` or `data`; otherwise look in the build's log for what switched it off.
    """

    id = "CW601"
    title = "all products of the recipe are present"
    message = "{path} is missing"
    levels = LIBRARY

    def check(self, case: Case) -> Found:
        """Look for each path below the library's prefix."""
        provider, manifest = case.wheel.provider, case.wheel.manifest
        assert provider is not None
        assert manifest is not None
        root = provider.module.replace(".", "/")
        below = {m.removeprefix(f"{root}/") for m in case.contents if m.startswith(f"{root}/")}
        folders = {folder for path in below for folder in _folders(path)}
        promised = [
            *(f"lib/{soname}" for soname in provider.sonames),
            *manifest.get("data", ()),
            *(f"bin/{tool}" for tool in manifest.get("tools", ())),
        ]
        if case.expected is None:
            yield self.unchecked("no recipe is known for this wheel: headers are not looked for")
        else:
            promised += [*case.expected.products, *case.expected.data]
        for path in dict.fromkeys(promised):
            if path not in below and path not in folders:
                yield self.finding(case, path=f"{root}/{path}")


class BuildProducts(Gate):
    """There are no static libraries, object files and libtool archives.

    Why: what links to a static library carries a private copy of it, which is what shared
    libraries are to end; libtool's files name folders of the build. NumPy ships two static
    libraries on purpose: for wheels of others this is a warning.

    Fix: switch the static library off (`-DBUILD_STATIC_LIBS=OFF`, `--disable-static`), or list the
    file in the recipe's `products.exclude`.
    """

    id = "CW602"
    title = "no static library, object file or libtool archive is in the wheel"
    message = "is {kind}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Look at the first bytes of each file, and at names."""
        for member, content in case.contents.items():
            if kind := _build_product(member, content):
                yield self.finding(case, member, kind=kind)


class DebugLeftovers(Gate):
    """There is no debug information, symbol table, coverage data, core dump or bytecode.

    The symbol table (`.symtab`) is asked of our own wheels only; `.gnu_debuglink`, which tells
    debuggers where the separate debug file is, may stay.

    Why: debug information is most of a library's size, and names the folders of its build.
    Bytecode is written by the installer, for the interpreter that runs it.

    Fix: the kit strips all libraries into `wheelhouse/debug/`; a file that escaped was added
    after that step. Others: `strip --strip-unneeded`, or `auditwheel repair --strip`.
    """

    id = "CW603"
    title = "no debug information or other leftover of a build is in the wheel"
    message = "{what}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Look at names, and at the sections of each ELF file."""
        for member in case.contents:
            if what := _leftover(member, case.contents[member]):
                yield self.finding(case, member, what=what)
        for binary in case.wheel.binaries:
            yield from self._sections(case, binary)

    def _sections(self, case: Case, binary: Binary) -> Found:
        if binary.file_name.endswith(DEBUG_TEXT):
            return
        try:
            names = section_names(case.contents[binary.member])
        except ElfError as error:
            yield self.unchecked(f"its sections cannot be read: {error.what}", binary.member)
            return
        found = sorted(name for name in names if DEBUG_SECTION.match(name))
        if case.wheel.kind != "foreign" and ".symtab" in names:
            found.append(".symtab")
        if found:
            shown = ", ".join(found[:3]) + (" and more" if found[3:] else "")
            yield self.finding(case, binary.member, what=f"has the sections {shown}")


class BuildPaths(Gate):
    """No file names a folder of the machine that it was built on.

    These are temporary folders of pip and other build tools, caches, home folders, and the folders
    of containers and CI hosts (`/project/`, `/io/`, `/__w/`, `/opt/_internal/`). Documentation is
    not looked at; of each file the first such path is shown.

    Why: such a path is searched on machines where anybody may have made it, tells who built the
    wheel where, and makes each build's bytes differ.

    Fix: compile with `-ffile-prefix-map=<folder>=.`; give the build relative paths, or configure
    the paths that it searches at run time; remove dead `-rpath` options from its flags.
    """

    id = "CW604"
    title = "no file names a folder of its build"
    message = "names a folder of its build: {path}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Search each file."""
        for member, content in case.contents.items():
            if path := build_path(member, content):
                yield self.finding(case, member, path=path)


class Relocatable(Gate):
    """pkg-config and CMake package files name no absolute path.

    `${pcfiledir}`, `${CMAKE_CURRENT_LIST_DIR}` and `_IMPORT_PREFIX` are the ways to say where the
    files lie.

    Why: a wheel is installed anywhere. With an absolute prefix a build takes another copy of the
    library, if that folder exists, or fails.

    Fix: the kit makes these files relocatable when it finishes a library; a path that is left is
    one outside of the prefix, usually a library of the build host: name the provider in the
    recipe's `uses`, or switch the dependency off.
    """

    id = "CW605"
    title = "pkg-config and CMake files are relocatable"
    message = "names the absolute path {path}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Look at `.pc` files and at what `find_package()` reads."""
        for member, content in case.contents.items():
            if path := absolute_path(member, content):
                yield self.finding(case, member, path=path)


class LicenceTexts(Gate):
    """The wheel holds the licence texts that its metadata name, and at least one.

    In consumer wheels of ours, each library that was grafted and stands in an SBOM has a licence
    there, too.

    Why: nearly every licence asks that its text comes with each copy, and a wheel is a copy.

    Fix: name the files in the recipe's `license-files` (`license-files` in `[project]` for other
    wheels). For a grafted library: use a library recipe in place of the graft, or say in a waiver
    where its licence is.
    """

    id = "CW606"
    title = "the licence texts are in the wheel"
    message = "{fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Hold METADATA's License-File against the files, and look for grafted libraries."""
        dist_info = case.wheel.wheel.dist_info
        named = case.wheel.stated("License-File")
        for file in named:
            # Before Metadata 2.4 they lay beside METADATA.
            places = (
                f"{dist_info}/{folder}{file}" for folder in ("licenses/", "", "license_files/")
            )
            if not any(place in case.contents for place in places):
                yield self.finding(case, fault=f"METADATA names {file}, which is not in the wheel")
        if not named and not any(_is_licence(member, dist_info) for member in case.contents):
            yield self.finding(case, fault="no licence text is in the wheel's .dist-info folder")
        if case.wheel.kind == "consumer":
            yield from self._grafted(case)

    def _grafted(self, case: Case) -> Found:
        for document in documents(case.contents, case.wheel.wheel.dist_info):
            for component in document.components:
                if component.get("type") == "library" and not expressions(component):
                    name = component.get("name")
                    yield self.finding(
                        case, document.member, fault=f"{name} is bundled and has no licence"
                    )


def _folders(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _build_product(member: str, content: bytes) -> str | None:
    if content.startswith(ARCHIVES):
        return None if content.startswith(DEBIAN_PACKAGE) else "a static library"
    if content.startswith(b"\x7fELF") and content[ELF_TYPE] in RELOCATABLE:
        return "an object file"
    if member.endswith(LIBTOOL) and b"libtool" in content[:LOOK]:
        return "a libtool archive"
    # Object files of other systems; a text may have such a name as well.
    if member.endswith(OBJECTS) and b"\0" in content[:LOOK]:
        return "an object file"
    return None


def _leftover(member: str, content: bytes) -> str | None:
    folder, name = posixpath.split(member)
    if "__pycache__" in folder.split("/") or name.endswith((".pyc", ".pyo")):
        return "is bytecode"
    if not DEBUG_FILE.fullmatch(name):
        return None
    if name.startswith("core"):
        # Else `core` is a file like any other.
        return "is a core dump" if content.startswith(b"\x7fELF") else None
    if name.endswith(DEBUG_TEXT):
        return "is debug information" if content.startswith(b"\x7fELF") else None
    return "is coverage data"


def _is_licence(member: str, dist_info: str) -> bool:
    inside = member.removeprefix(f"{dist_info}/")
    return inside != member and (
        inside.startswith("licenses/") or LICENCE_FILE.match(inside) is not None
    )


GATES: tuple[Gate, ...] = (
    Products(),
    BuildProducts(),
    DebugLeftovers(),
    BuildPaths(),
    Relocatable(),
    LicenceTexts(),
)
