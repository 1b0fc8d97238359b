"""Where the native libraries of this wheel are, and how to load them.

Nothing is loaded by importing this package, and no environment variable is read or set.
Packages built against these libraries find them by DT_RPATH; ``load()`` is for the cases in
which that path leads elsewhere, and for ctypes and cffi.

Other wheels, old and new, rely on the names below: they may gain, and never change or lose.
"""

import importlib
import os
import sys

# --- constants: the generator replaces this block
# Start-up counts: pathlib and ctypes are not imported without need.
# ruff: noqa: PLC0415, PTH100, PTH118, PTH120
PREFIX = "example"
LINE = "proj-so25"
DISTRIBUTION = "example-proj-so25"
__version__ = "9.1.1"
LIBRARIES: tuple[str, ...] = ("libproj-example.so.25",)
PROVIDERS: tuple[tuple[str, str, str, "str | None"], ...] = ()
DATA: tuple[str, ...] = ("share/proj",)
TOOLS: tuple[str, ...] = ("proj",)
# --- end of constants

# Not realpath: an installer may link file by file, and the providers are beside the links.
prefix = os.path.dirname(os.path.abspath(__file__))
lib_dir = os.path.join(prefix, "lib")
include_dir = os.path.join(prefix, "include")

_handles: "list[object]" = []


def load() -> "list[object]":
    """Load what these libraries need, then these, each at most once; their ctypes handles."""
    if not _handles:
        for module, *_ in PROVIDERS:
            importlib.import_module(module).load()
        _handles[:] = [_open(name) for name in LIBRARIES]
    return _handles


def library_path(name: str) -> str:
    """The path of a library, named by its file, or as a linker would: ``proj`` or ``libproj``.

    Raises:
        LookupError: this wheel has no such library.
    """
    for file in LIBRARIES:
        stem = file.partition(".so")[0]
        plain = stem[: -len(PREFIX) - 1] if stem.endswith("-" + PREFIX) else stem
        if name in (file, stem, plain) or "lib" + name == plain:
            return os.path.join(lib_dir, file)
    raise LookupError(_no("library", name, LIBRARIES))


def data_dir(name: "str | None" = None) -> str:
    """The path of a folder of data: the only one, or the one named ``share/proj`` or ``proj``.

    Raises:
        LookupError: there is no such folder, or there are several and none was named.
    """
    found = [each for each in DATA if name in (None, each, each.rpartition("/")[2])]
    if len(found) != 1:
        raise LookupError(_no("data folder", name, DATA))
    return os.path.join(prefix, *found[0].split("/"))


def get_include() -> str:
    """The folder of the headers, as ``numpy.get_include()`` gives NumPy's."""
    return include_dir


def __getattr__(name: str) -> object:
    """``_tool_<name>``, what a console script calls, for each of TOOLS."""
    for tool in TOOLS:
        if name == "_tool_" + "".join(c if c.isalnum() else "_" for c in tool):
            return lambda tool=tool: _execute(tool)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def _execute(tool: str) -> None:
    path = os.path.join(prefix, "bin", tool)
    os.execv(path, [path, *sys.argv[1:]])  # noqa: S606 -- a program of this wheel, and no shell


def _hook_dirs() -> "list[str]":
    """Where PyInstaller finds this wheel's hook (entry point ``hook-dirs``)."""
    return [os.path.join(prefix, "_pyinstaller")]


def _open(name: str) -> object:
    import ctypes

    # What has this SONAME already answers every later need of it; a second file never would.
    try:
        return ctypes.CDLL(name, mode=os.RTLD_LOCAL | os.RTLD_NOLOAD)
    except OSError:
        return ctypes.CDLL(os.path.join(lib_dir, name), mode=os.RTLD_LOCAL)


def _no(kind: str, name: "str | None", names: "tuple[str, ...]") -> str:
    return (
        f"{DISTRIBUTION} {__version__} has no {kind} {name!r}; it has {', '.join(names) or 'none'}"
    )
