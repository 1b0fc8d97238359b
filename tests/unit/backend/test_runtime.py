"""The package inside a library wheel."""

import ast
import ctypes
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from commonwheel.backend.runtime import (
    LibraryFacts,
    ProviderFacts,
    library_init,
    pyinstaller_hook,
    tool_function,
)

FACTS = LibraryFacts(
    prefix="acme",
    module="acme_libs.proj_so25",
    line="proj-so25",
    distribution="acme-proj-so25",
    version="9.1.1.post1",
    libraries=("libproj_core-acme.so.25", "libproj-acme.so.25", "libplain.so.2"),
    data=("share/proj",),
    tools=("projinfo", "gdal-config"),
)
SQLITE = ProviderFacts(
    module="acme_libs.sqlite3_so0", distribution="acme-sqlite3-so0", floor="3.46.1"
)

Install = Callable[[LibraryFacts], ModuleType]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(facts: LibraryFacts) -> ModuleType:
        folder = tmp_path.joinpath(*facts.module.split("."))
        folder.mkdir(parents=True)
        folder.joinpath("__init__.py").write_text(library_init(facts))
        importlib.invalidate_caches()
        return importlib.import_module(facts.module)

    yield put
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_libs"]:
        del sys.modules[name]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is opened through ctypes; nothing is loaded when asked for by SONAME."""
    calls: list[tuple[str, int]] = []

    def cdll(name: str, mode: int) -> str:
        if mode & os.RTLD_NOLOAD:
            raise OSError(name)
        calls.append((name, mode))
        return name

    monkeypatch.setattr(ctypes, "CDLL", cdll)
    return calls


def test_is_python_3_9_and_imports_only_the_standard_library() -> None:
    tree = ast.parse(library_init(FACTS), feature_version=(3, 9))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {"ctypes", "importlib", "os", "sys"}


def test_prefix_and_namespace_are_settings() -> None:
    source = library_init(FACTS)
    assert "commonwheel" not in source.replace("# Written by commonwheel for", "")


def test_generated_twice_it_is_the_same() -> None:
    assert library_init(FACTS) == library_init(replace(FACTS))


def test_constants(install: Install) -> None:
    package = install(replace(FACTS, providers=(SQLITE,)))
    assert package.LINE == "proj-so25"
    assert package.DISTRIBUTION == "acme-proj-so25"
    assert package.__version__ == "9.1.1.post1"
    assert FACTS.libraries == package.LIBRARIES
    assert package.PROVIDERS == (("acme_libs.sqlite3_so0", "acme-sqlite3-so0", "3.46.1", None),)
    assert package.DATA == ("share/proj",)
    assert package.TOOLS == ("projinfo", "gdal-config")


def test_constants_survive_any_text(install: Install) -> None:
    odd = 'quote " backslash \\ newline \n ü 😀 \x00'
    assert (odd,) == install(replace(FACTS, data=(odd,))).DATA


def test_paths(install: Install, tmp_path: Path) -> None:
    package = install(FACTS)
    home = tmp_path / "acme_libs" / "proj_so25"
    assert package.prefix == str(home)
    assert package.lib_dir == str(home / "lib")
    assert package.include_dir == package.get_include() == str(home / "include")
    assert package._hook_dirs() == [str(home / "_pyinstaller")]


@pytest.mark.parametrize("name", ["libproj-acme.so.25", "libproj-acme", "libproj", "proj"])
def test_library_path(install: Install, name: str) -> None:
    assert install(FACTS).library_path(name).endswith("proj_so25/lib/libproj-acme.so.25")


def test_library_path_of_an_untagged_library(install: Install) -> None:
    assert install(FACTS).library_path("plain").endswith("proj_so25/lib/libplain.so.2")


def test_library_path_unknown(install: Install) -> None:
    with pytest.raises(
        LookupError, match=r"acme-proj-so25 9.1.1.post1 has no library 'geos'; it has"
    ):
        install(FACTS).library_path("geos")


@pytest.mark.parametrize("name", [None, "proj", "share/proj"])
def test_data_dir(install: Install, name: str | None) -> None:
    assert install(FACTS).data_dir(name).endswith("acme_libs/proj_so25/share/proj")


def test_data_dir_must_be_named_among_several(install: Install) -> None:
    package = install(replace(FACTS, data=("share/proj", "share/grids")))
    assert package.data_dir("grids").endswith("/share/grids")
    with pytest.raises(LookupError, match="it has share/proj, share/grids"):
        package.data_dir()


def test_no_data(install: Install) -> None:
    with pytest.raises(LookupError, match="it has none"):
        install(replace(FACTS, data=())).data_dir()


def test_load_follows_dependencies_once(
    install: Install, opened: list[tuple[str, int]], tmp_path: Path
) -> None:
    install(
        replace(
            FACTS,
            module=SQLITE.module,
            distribution=SQLITE.distribution,
            libraries=("libsqlite3-acme.so.0",),
        )
    )
    package = install(replace(FACTS, providers=(SQLITE,)))
    assert opened == []
    handles = package.load()
    assert package.load() is handles
    home = tmp_path / "acme_libs"
    assert opened == [
        (str(home / "sqlite3_so0" / "lib" / "libsqlite3-acme.so.0"), os.RTLD_LOCAL),
        *((str(home / "proj_so25" / "lib" / name), os.RTLD_LOCAL) for name in FACTS.libraries),
    ]


def test_load_leaves_what_is_loaded(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode: (name, mode))
    package = install(FACTS)
    assert package.load() == [(name, os.RTLD_LOCAL | os.RTLD_NOLOAD) for name in FACTS.libraries]


@pytest.mark.parametrize("tool", FACTS.tools)
def test_tool_becomes_the_process(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str
) -> None:
    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, words: calls.append((path, words)))
    monkeypatch.setattr(sys, "argv", ["script", "--version", "a b"])
    getattr(install(FACTS), tool_function(tool))()
    path = str(tmp_path / "acme_libs" / "proj_so25" / "bin" / tool)
    assert calls == [(path, [path, "--version", "a b"])]


def test_unknown_attribute(install: Install) -> None:
    package = install(FACTS)
    with pytest.raises(AttributeError, match=r"'acme_libs\.proj_so25' has no attribute '_tool_x'"):
        _ = package._tool_x


@pytest.mark.parametrize(
    ("tool", "function"),
    [("gdalinfo", "_tool_gdalinfo"), ("gdal-config", "_tool_gdal_config"), ("a.py", "_tool_a_py")],
)
def test_tool_function(tool: str, function: str) -> None:
    assert tool_function(tool) == function


def test_pyinstaller_hook(install: Install, tmp_path: Path) -> None:
    facts = replace(FACTS, providers=(SQLITE,))
    package = install(facts)
    name, source = pyinstaller_hook(facts)
    path = Path(package.prefix, name)
    path.parent.mkdir()
    path.write_text(source)
    assert [str(path.parent)] == package._hook_dirs()
    assert path.name == "hook-acme_libs.proj_so25.py"
    hook: dict[str, object] = {}
    exec(compile(source, path, "exec"), hook)
    assert hook["hiddenimports"] == ["acme_libs.sqlite3_so0"]
    assert hook["datas"] == [(package.data_dir(), "acme_libs/proj_so25/share/proj")]
    assert hook["binaries"] == [
        (package.library_path(name), "acme_libs/proj_so25/lib") for name in FACTS.libraries
    ]
