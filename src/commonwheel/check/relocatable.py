"""Absolute paths in the files by which builds find a library: pkg-config's and CMake's."""

import posixpath
import re
from collections.abc import Iterator

# Where the running system keeps what is the system's; no part of an installed tree.
OF_THE_SYSTEM = ("/etc", "/var", "/run", "/dev", "/proc", "/sys")

VARIABLE = re.compile(r"\s*[\w.]+\s*=\s*(/\S*)")
FLAG = re.compile(r"(?<!\S)(?:-[IL]|-isystem\s*|-F)\"?(/[^\s\"]*)")
FILE = re.compile(r"(?<!\S)\"?(/[^\s\"]+\.(?:a|so(?:\.\d+)*))(?=[\s\"]|\Z)")

# *Config.cmake, *-config-version.cmake, *Targets-release.cmake: what find_package() reads.
PACKAGE_FILE = re.compile(r"(?i)(?:config|targets)(?:-?version|-[a-z]+)?\.cmake\Z")
# At least two folders deep: "/fp:precise" and "/" are no paths.
TOKEN = re.compile(r"(?:[\s\"'(;=,]|-[IL])(/[\w.+-]+/[\w.+/-]+)")
COMMENT = re.compile(r"(?m)^\s*#.*$")
# CMake writes it for prefixes like /usr: it compares what symbolic links point to, and guards
# against exactly that.
GUARD = re.compile(r"get_filename_component\(_realCurr .*?unset\(_realCurr\)", re.DOTALL)


def absolute_path(member: str, content: bytes) -> str | None:
    """The first absolute path in a ``.pc`` or CMake package file; None where there is none.

    None, too, for every other file.
    """
    name = posixpath.basename(member)
    if name.endswith(".pc"):
        found = _in_pkg_config(_text(content))
    elif PACKAGE_FILE.search(name):
        found = _in_cmake(_text(content))
    else:
        return None
    paths = (path for path in found if not path.startswith(OF_THE_SYSTEM))
    return next(paths, None)


def _in_pkg_config(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if variable := VARIABLE.match(line):
            yield variable[1]
        for pattern in (FLAG, FILE):
            yield from (match[1] for match in pattern.finditer(line))


def _in_cmake(text: str) -> Iterator[str]:
    plain = GUARD.sub("", COMMENT.sub("", text))
    return (match[1] for match in TOKEN.finditer(plain))


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")
