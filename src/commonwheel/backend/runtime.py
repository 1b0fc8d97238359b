"""The Python side of a library wheel: its package's ``__init__.py`` and its PyInstaller hook."""

from dataclasses import dataclass

from commonwheel.template import fill

TEMPLATES = "commonwheel.backend.templates"
HOOK_FOLDER = "_pyinstaller"
HEAD = "# Written by commonwheel for this wheel; the rest of the file is the same in all.\n"


@dataclass(frozen=True, kw_only=True)
class ProviderFacts:
    """A library wheel that another one needs.

    Attributes:
        module: import package, ``commonwheel_libs.sqlite3_so0``.
        distribution: ``commonwheel-sqlite3-so0``.
        floor: the oldest release that will do, ``3.46.1``.
        exact: a pin besides, ``3.46.1`` or ``3.46.*``; None where the line's promise is enough.
    """

    module: str
    distribution: str
    floor: str
    exact: str | None = None


@dataclass(frozen=True, kw_only=True)
class LibraryFacts:
    """What a library wheel's package says of itself.

    Attributes:
        prefix: the owner's tag in SONAMEs, ``commonwheel``.
        module: import package, ``commonwheel_libs.proj_so25``.
        line: ``proj-so25``.
        distribution: ``commonwheel-proj-so25``.
        version: the wheel's version.
        libraries: file names (= SONAMEs) in ``lib/``, each after those that it needs.
        providers: the library wheels that these libraries need.
        data: folders of data relative to the package, ``share/proj``.
        tools: names of programs in ``bin/`` that get a console script.
    """

    prefix: str
    module: str
    line: str
    distribution: str
    version: str
    libraries: tuple[str, ...]
    providers: tuple[ProviderFacts, ...] = ()
    data: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


def library_init(facts: LibraryFacts) -> str:
    """``__init__.py`` of a library wheel's package: Python 3.9 and newer, standard library only."""
    providers = tuple((p.module, p.distribution, p.floor, p.exact) for p in facts.providers)
    return fill(
        TEMPLATES,
        "library_init.py",
        head=HEAD,
        constants={
            "PREFIX": facts.prefix,
            "LINE": facts.line,
            "DISTRIBUTION": facts.distribution,
            "__version__": facts.version,
            "LIBRARIES": facts.libraries,
            "PROVIDERS": providers,
            "DATA": facts.data,
            "TOOLS": facts.tools,
        },
    )


def tool_function(name: str) -> str:
    """The function that a tool's console script calls: ``gdal-config`` → ``_tool_gdal_config``."""
    return "_tool_" + "".join(c if c.isalnum() else "_" for c in name)


def pyinstaller_hook(facts: LibraryFacts) -> tuple[str, str]:
    """Path within the package, and source, of the hook that the entry point ``hook-dirs`` leads to.

    By itself PyInstaller copies the libraries that an extension needs, but no data; it does not see
    libraries that are loaded by name, nor imports by :func:`importlib.import_module`.
    """
    folder = facts.module.replace(".", "/")
    hidden = "".join(f'    "{provider.module}",\n' for provider in facts.providers)
    source = f'''\
"""What PyInstaller must collect of {facts.distribution}; written by commonwheel."""

import os

from {facts.module} import DATA, LIBRARIES, lib_dir, prefix

hiddenimports = [
{hidden}]
binaries = [(os.path.join(lib_dir, name), "{folder}/lib") for name in LIBRARIES]
datas = [(os.path.join(prefix, name), "{folder}/" + name) for name in DATA]
'''
    return f"{HOOK_FOLDER}/hook-{facts.module}.py", source
