"""Makes this package use the native libraries of the library wheels that Python would import.

Its extension modules find those libraries by DT_RPATH, a path relative to themselves. That path
fails, or leads to another release, when packages are spread over several folders of sys.path:
a venv over the system's packages, a user site, an overlay. So ``load()`` asks the import system,
and loads by absolute path what DT_RPATH would not reach; the dynamic linker then takes what is
loaded already, which it knows by its SONAME. Mostly nothing needs loading.

Nothing becomes global (RTLD_LOCAL), and no environment variable is read or set.
"""

import importlib
import os
import sys
from types import ModuleType

# --- constants: the generator replaces this block
# Start-up counts: pathlib is not imported.
# ruff: noqa: PTH100, PTH118, PTH120, PTH121
CONSUMER = "example"
# module, distribution, oldest release, pin, its lib/ from this folder by DT_RPATH, SONAMEs used,
# whether this package opens the libraries itself
PROVIDERS: tuple["tuple[str, str, str, str | None, str | None, tuple[str, ...], bool]", ...] = ()
# --- end of constants

HERE = os.path.dirname(os.path.abspath(__file__))

_loaded: "dict[str, ModuleType]" = {}  # all providers, each after those that it needs


def load() -> None:
    """Make sure that the libraries are there, new enough, and the ones that will be used.

    Raises:
        ImportError: one is missing, too old, damaged, or cannot be reached.
    """
    if _loaded or not PROVIDERS:
        return
    found: dict[str, ModuleType] = {}
    for entry in PROVIDERS:
        _find(entry[:4], CONSUMER, found)
        _check_libraries(found[entry[0]], entry[5])
    strays = _strays(found)
    if strays and not _known_by_soname():
        raise ImportError(_unreachable(found[strays[0]]), name=strays[0])
    opened = [entry[0] for entry in PROVIDERS if entry[6]]
    for module in [each for each in found if each in strays or each in opened]:
        try:
            found[module].load()
        except OSError as error:
            message = f"{CONSUMER} cannot load {found[module].DISTRIBUTION}: {error}"
            raise ImportError(message, name=module) from error
    _loaded.update(found)


def data_dir(line: str, name: "str | None" = None) -> str:
    """A provider's folder of data; the provider by its line (``proj-so25``) or name (``proj``).

    Raises:
        LookupError: no provider of that name, or no such data.
    """
    load()
    for provider in _loaded.values():
        if line in (provider.LINE, provider.LINE.rpartition("-")[0]):
            return str(provider.data_dir(name))
    message = f"{CONSUMER} uses no library {line!r}; it uses {', '.join(_loaded) or 'none'}"
    raise LookupError(message)


def library_path(name: str) -> str:
    """The path of a library, named by its SONAME, or as a linker would: ``proj``.

    Raises:
        LookupError: no provider has it.
    """
    load()
    for provider in _loaded.values():
        try:
            return str(provider.library_path(name))
        except LookupError:
            continue
    message = f"{CONSUMER} uses no library {name!r}; it uses {', '.join(_loaded) or 'none'}"
    raise LookupError(message)


def _find(
    wanted: "tuple[str, str, str, str | None]", dependent: str, found: "dict[str, ModuleType]"
) -> None:
    """Add a provider to ``found``, after all that it needs itself."""
    module, distribution, floor, pin = wanted
    provider = _import(module)
    if provider is None or not _fits(provider.__version__, floor, pin):
        spec = distribution + _range(floor, pin)
        message = (
            f"{dependent} needs {spec}, and {_instead(module, provider)}.\n"
            f'  Install it: python -m pip install "{spec}"'
        )
        raise ImportError(message, name=module)
    if module not in found:
        for entry in provider.PROVIDERS:
            _find(entry[:4], provider.DISTRIBUTION, found)
        found[module] = provider


def _import(module: str) -> "ModuleType | None":
    try:
        provider = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise
        return None
    # A folder that an uninstaller left behind is a namespace package: it has no version.
    return provider if hasattr(provider, "__version__") else None


def _instead(module: str, provider: "ModuleType | None") -> str:
    if provider is not None:
        return f"only {provider.__version__} was found, in {provider.prefix}"
    namespace = getattr(sys.modules.get(module.rpartition(".")[0]), "__file__", None)
    hidden = f" ({namespace} hides it; delete that file)" if namespace else ""
    return f"no {module} was found on sys.path{hidden}"


def _check_libraries(provider: ModuleType, sonames: "tuple[str, ...]") -> None:
    for soname in sonames:
        if soname not in provider.LIBRARIES:
            message = (
                f"{CONSUMER} needs {soname}, which {provider.DISTRIBUTION} "
                f"{provider.__version__} in {provider.prefix} does not have"
            )
            raise ImportError(message, name=provider.__name__)


def _strays(found: "dict[str, ModuleType]") -> "list[str]":
    """The providers that some DT_RPATH does not reach, though it should.

    Dependents come before what they need here, as folders from which each may be loaded must be
    known: its own, and (hard links) another that holds the very same files.
    """
    reached: dict[str, list[str]] = {module: [] for module in found}
    for entry in PROVIDERS:
        if entry[4] is not None:
            reached[entry[0]].append(os.path.join(HERE, entry[4]))
    strays = []
    for module, provider in reversed(list(found.items())):
        home = provider.lib_dir
        others = [path for path in reached[module] if not _same(path, home)]
        if not all(_same_files(path, home, provider.LIBRARIES) for path in others):
            strays.append(module)
            others = []
        for folder in [home, *others]:
            for needed, *_ in provider.PROVIDERS:
                sibling = needed.rpartition(".")[2]
                reached[needed].append(os.path.join(folder, "..", "..", sibling, "lib"))
    return strays


def _same_files(one: str, other: str, names: "tuple[str, ...]") -> bool:
    return all(_same(os.path.join(one, name), os.path.join(other, name)) for name in names)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _known_by_soname() -> bool:
    """Whether a loaded library satisfies a later DT_NEEDED: with glibc it does, with musl not."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, OSError, ValueError):
        return False


def _unreachable(provider: ModuleType) -> str:
    return (
        f"{CONSUMER} cannot use {provider.DISTRIBUTION} {provider.__version__} in "
        f"{provider.prefix}: this system's C library (musl) finds it only in the folder that "
        f"holds {CONSUMER} too.\n  Install both into one folder, such as one virtual environment"
    )


def _range(floor: str, pin: "str | None") -> str:
    return f"=={pin}" if pin == floor else f">={floor}" + (f",=={pin}" if pin else "")


def _fits(version: str, floor: str, pin: "str | None") -> bool:
    if _order(version) < _order(floor):
        return False
    if pin is None or not pin.endswith(".*"):
        return pin is None or _order(version) == _order(pin)
    wanted = [int(part) for part in pin[:-2].split(".")]
    release = _order(version)[0] + [0] * len(wanted)
    return release[: len(wanted)] == wanted


def _order(version: str) -> "tuple[list[int], int]":
    """PEP 440's order, as far as library wheels go: a release, perhaps ``.postN``."""
    release, _, post = version.partition("+")[0].partition(".post")
    numbers, stage = [], int(post) if post else -1
    for part in release.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if digits != part:
            stage = -2  # 1.0rc1 is older than 1.0
        numbers.append(int(digits or 0))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, stage
