"""The loader at work: which file each process maps, over many ways to lay wheels out.

Real libraries and extension modules, laid out as installed wheels, in fresh processes.

Library wheels: ``liba`` 1.0, ``liba`` 1.1 (one symbol more), ``libb`` (needs liba). Consumers:
``one`` (libb and liba of 1.0), ``two`` (liba's new symbol), ``onlyb``, ``bare`` (as ``one``, but no
loader), and ``opener``, which opens libb through ctypes.
"""

import os
import shutil
import sys
import sysconfig
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from commonwheel.backend.runtime import LibraryFacts, ProviderFacts, library_init
from commonwheel.process import ProcessError, run
from commonwheel.repair.loader import LoaderFacts, UsedProvider, consumer_loader, insert_call

LIBA, LIBB = "liba-acme.so.1", "libb-acme.so.1"
RPATH_A, RPATH_B = ("../acme_libs/a_so1/lib", "../acme_libs/b_so1/lib")

A_SOURCE = {
    "1.0": "int a_value(void) { return 100; }",
    "1.1": "int a_value(void) { return 110; } int a_new(void) { return 111; }",
}
B_SOURCE = "int a_value(void); int b_value(void) { return 1000 + a_value(); }"
TOOL_SOURCE = """
#include <stdio.h>
int a_value(void);
int main(int argc, char **argv) {
    printf("%d", a_value());
    for (int i = 1; i < argc; i++) printf(" [%s]", argv[i]);
    return 7;
}
"""
EXTENSION = """
#include <Python.h>
%(declare)s
static PyObject *value(PyObject *self, PyObject *none) { return PyLong_FromLong(%(call)s); }
static PyMethodDef methods[] = {{"value", value, METH_NOARGS, 0}, {0}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "%(name)s", 0, -1, methods};
PyMODINIT_FUNC PyInit_%(name)s(void) { return PyModule_Create(&module); }
"""
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

USES_A = UsedProvider(
    module="acme_libs.a_so1",
    distribution="acme-a-so1",
    floor="1.0",
    rpath=RPATH_A,
    sonames=(LIBA,),
)
USES_B = UsedProvider(
    module="acme_libs.b_so1",
    distribution="acme-b-so1",
    floor="1.0",
    rpath=RPATH_B,
    sonames=(LIBB,),
)
USES_NEW_A = UsedProvider(
    module="acme_libs.a_so1",
    distribution="acme-a-so1",
    floor="1.1",
    rpath=RPATH_A,
    sonames=(LIBA,),
)
OPENS_B = UsedProvider(
    module="acme_libs.b_so1",
    distribution="acme-b-so1",
    floor="1.0",
    sonames=(LIBB,),
    dlopen=True,
)


def rpath(*folders: str) -> list[str]:
    """Linker options for a DT_RPATH (not RUNPATH) of folders relative to the file."""
    joined = ":".join(f"$ORIGIN/{folder}" for folder in folders)
    return ["-Wl,--disable-new-dtags", f"-Wl,-rpath,{joined}"]


def compile_c(source: str, target: Path, *options: str | Path) -> Path:
    """Compile ``source`` into ``target``."""
    text = target.with_name(target.name + ".c")
    text.write_text(source)
    run(["gcc", "-O1", "-o", target, text, *options])
    return target


def shared(source: str, target: Path, *options: str | Path) -> Path:
    """Compile ``source`` into a shared library of which the SONAME is its file name."""
    return compile_c(source, target, "-shared", "-fPIC", f"-Wl,-soname,{target.name}", *options)


def extension(name: str, declare: str, call: str, target: Path, *options: str | Path) -> Path:
    """Compile an extension module with one function, ``value()``."""
    source = EXTENSION % {"name": name, "declare": declare, "call": call}
    headers = f"-I{sysconfig.get_path('include')}"
    return compile_c(source, target, "-shared", "-fPIC", headers, *options)


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """Unpacked wheels: each folder is what one of them puts into a site folder."""

    root: Path

    def __getitem__(self, name: str) -> Path:
        return self.root / name


def library_wheel(root: Path, wheel: str, facts: LibraryFacts) -> Path:
    """The package of a library wheel, with an empty ``lib/``; gives ``lib/``."""
    package = root.joinpath(wheel, *facts.module.split("."))
    (package / "lib").mkdir(parents=True)
    package.joinpath("__init__.py").write_text(library_init(facts))
    return package / "lib"


def consumer_wheel(root: Path, name: str, init: str, *used: UsedProvider) -> Path:
    """The package of a consumer wheel without its extension; gives the package."""
    package = root / name / name
    package.mkdir(parents=True)
    package.joinpath("__init__.py").write_bytes(insert_call(init.encode()))
    facts = LoaderFacts(consumer=name, providers=used)
    package.joinpath("_commonwheel.py").write_text(consumer_loader(facts))
    return package


def _libraries(root: Path) -> tuple[Path, Path, Path]:
    built = []
    for version, source in A_SOURCE.items():
        facts = LibraryFacts(
            prefix="acme",
            module="acme_libs.a_so1",
            line="a-so1",
            distribution="acme-a-so1",
            version=version,
            libraries=(LIBA,),
            data=("share/a",),
            tools=("a-tool",),
        )
        lib = library_wheel(root, f"a-{version}", facts)
        file = shared(source, lib / LIBA)
        built.append(file)
        bin_dir = lib.parent / "bin"
        bin_dir.mkdir()
        compile_c(TOOL_SOURCE, bin_dir / "a-tool", file, *rpath("../lib"))
    facts = LibraryFacts(
        prefix="acme",
        module="acme_libs.b_so1",
        line="b-so1",
        distribution="acme-b-so1",
        version="1.0",
        libraries=(LIBB,),
        providers=(
            ProviderFacts(module="acme_libs.a_so1", distribution="acme-a-so1", floor="1.0"),
        ),
    )
    old, new = built
    lib = library_wheel(root, "b", facts)
    return old, new, shared(B_SOURCE, lib / LIBB, old, *rpath("../../a_so1/lib"))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    root = tmp_path_factory.mktemp("wheels")
    old, new, libb = _libraries(root)
    declare, call = "int a_value(void); int b_value(void);", "b_value() * 10000 + a_value()"
    # The RPATH of a repaired extension names only what it needs itself.
    for name, used in [("one", (USES_B, USES_A)), ("bare", ())]:
        init = f'"""Uses a and b."""; from {name}._{name} import value'
        package = consumer_wheel(root, name, init, *used)
        target = package / f"_{name}{SUFFIX}"
        extension(f"_{name}", declare, call, target, libb, old, *rpath(RPATH_B, RPATH_A))
    package = consumer_wheel(root, "onlyb", "from onlyb._onlyb import value\n", USES_B)
    options: list[str | Path] = [libb, f"-Wl,-rpath-link,{old.parent}", *rpath(RPATH_B)]
    target = package / f"_onlyb{SUFFIX}"
    extension("_onlyb", "int b_value(void);", "b_value()", target, *options)
    init = "from __future__ import annotations\nfrom two._two import value\n"
    package = consumer_wheel(root, "two", init, USES_NEW_A)
    target = package / f"_two{SUFFIX}"
    extension("_two", "int a_new(void);", "a_new()", target, new, *rpath(RPATH_A))
    init = f'import ctypes\nvalue = ctypes.CDLL("{LIBB}").b_value\n'
    consumer_wheel(root, "opener", init, OPENS_B)
    for leftover in root.rglob("*.c"):
        leftover.unlink()
    return Wheels(root=root)


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Site folders, filled with wheels, and fresh processes that see them."""

    root: Path
    wheels: Wheels

    def install(self, site: str, *names: str) -> Path:
        """Copy wheels into a site folder."""
        for name in names:
            shutil.copytree(self.wheels[name], self.root / site, dirs_exist_ok=True)
        return self.root / site

    def link(self, site: str, *names: str, hard: bool = False) -> None:
        """Install as ``uv --link-mode=symlink`` (or hardlink) does: file by file, from a cache."""
        for name in names:
            cache = self.root / "cache" / name
            if not cache.exists():
                shutil.copytree(self.wheels[name], cache)
            for file in [path for path in cache.rglob("*") if path.is_file()]:
                target = self.root / site / file.relative_to(cache)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(file) if hard else target.symlink_to(file)

    def python(
        self, *path: str, code: str, env: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        """What ``code`` prints in a new isolated process with these site folders on its path.

        The process checks by itself that its environment stays and that nothing is mapped twice.
        """
        folders = [str(self.root / site) for site in path]
        before = f"""\
            import os, sys
            sys.path[:0] = {folders!r}
            environment = dict(os.environ)
            def mapped():
                lines = open("/proc/self/maps").read().splitlines()
                files = {{line.split(None, 5)[5] for line in lines if "-acme.so" in line}}
                return {{os.path.relpath(file, {str(self.root)!r}) for file in files}}
            """
        after = """\
            assert dict(os.environ) == environment
            names = [os.path.basename(file) for file in mapped()]
            assert len(names) == len(set(names)), mapped()
            """
        script = "\n".join(map(textwrap.dedent, [before, code, after]))
        command = [sys.executable, "-I", "-S", "-B", "-c", script]
        done = run(command, env=dict(env or {}), cwd=self.root, check=check)
        return done.output.strip()


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    """A folder of libraries with the SONAMEs of ours, and other answers."""
    folder = tmp_path / "decoys"
    folder.mkdir()
    shared("int a_value(void) { return 666; }", folder / LIBA)
    shared("int b_value(void) { return 666; }", folder / LIBB)
    return folder


@pytest.fixture
def sites(tmp_path: Path, wheels: Wheels) -> Sites:
    return Sites(root=Path(os.path.realpath(tmp_path)), wheels=wheels)


# --- the tests

A, B = f"acme_libs/a_so1/lib/{LIBA}", f"acme_libs/b_so1/lib/{LIBB}"
OLD, NEW = "11000100", "11100110"  # what one.value() gives with liba 1.0 and 1.1

SHOW_ONE = "import one; print(one.value(), *sorted(mapped()))"


def test_all_in_one_site(sites: Sites) -> None:
    sites.install("site", "a-1.0", "b", "one")
    assert sites.python("site", code=SHOW_ONE) == f"{OLD} site/{A} site/{B}"


def test_ctypes_stays_unimported_when_nothing_needs_loading(sites: Sites) -> None:
    sites.install("site", "a-1.0", "b", "one")
    assert sites.python("site", code="import one; print('ctypes' in sys.modules)") == "False"


@pytest.mark.parametrize("order", [["x", "y", "z"], ["z", "y", "x"], ["y", "z", "x"]])
def test_each_in_its_own_site(sites: Sites, order: list[str]) -> None:
    sites.install("x", "one")
    sites.install("y", "b")
    sites.install("z", "a-1.1")
    assert sites.python(*order, code=SHOW_ONE) == f"{NEW} y/{B} z/{A}"


def test_transitive_provider_elsewhere(sites: Sites) -> None:
    """The extension's RPATH reaches libb, libb's does not reach liba."""
    sites.install("x", "onlyb", "b")
    sites.install("z", "a-1.0")
    code = "import onlyb; print(onlyb.value(), *sorted(mapped()))"
    assert sites.python("x", "z", code=code) == f"1100 x/{B} z/{A}"


def test_without_the_loader_the_provider_elsewhere_is_not_found(sites: Sites) -> None:
    """That the tests above test something."""
    sites.install("x", "bare")
    sites.install("y", "b", "a-1.0")
    with pytest.raises(ProcessError, match=LIBB):
        sites.python("x", "y", code="import bare")


BOTH_ORDERS = pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])


@BOTH_ORDERS
def test_two_releases_on_one_path(sites: Sites, order: tuple[str, str]) -> None:
    """Pitfall 29: the import system's release serves both consumers, in both orders."""
    sites.install("system", "a-1.0", "b", "one")
    sites.install("user", "a-1.1", "two")
    code = f"import {order[0]}, {order[1]}; print(one.value(), two.value(), *sorted(mapped()))"
    assert sites.python("user", "system", code=code) == f"{NEW} 111 system/{B} user/{A}"


def test_two_releases_need_the_loader(sites: Sites) -> None:
    """The same without a loader in the one: an undefined symbol."""
    sites.install("system", "a-1.0", "b", "bare")
    sites.install("user", "a-1.1", "two")
    with pytest.raises(ProcessError, match="undefined symbol: a_new"):
        sites.python("user", "system", code="import bare, two")


@BOTH_ORDERS
def test_two_complete_sites(sites: Sites, order: tuple[str, str]) -> None:
    """Both sites hold libb as well: only the import system's is used."""
    sites.install("system", "a-1.0", "b", "one")
    sites.install("user", "a-1.1", "b", "two")
    code = f"import {order[0]}, {order[1]}; print(one.value(), two.value(), *sorted(mapped()))"
    assert sites.python("user", "system", code=code) == f"{NEW} 111 user/{A} user/{B}"


def test_the_older_release_first_on_the_path_is_refused(sites: Sites) -> None:
    sites.install("system", "a-1.0", "b", "one")
    sites.install("user", "a-1.1", "two")
    code = """
        import one
        try:
            import two
        except ImportError as error:
            print(error)
    """
    home = sites.root / "system/acme_libs/a_so1"
    assert sites.python("system", "user", code=code) == (
        f"two needs acme-a-so1>=1.1, and only 1.0 was found, in {home}.\n"
        '  Install it: python -m pip install "acme-a-so1>=1.1"'
    )


@pytest.mark.parametrize(
    ("installed", "needs"),
    [(["one", "b"], "acme-b-so1 needs acme-a-so1>=1.0"), (["one"], "one needs acme-b-so1>=1.0")],
)
def test_provider_missing(sites: Sites, installed: list[str], needs: str) -> None:
    sites.install("site", *installed)
    with pytest.raises(ProcessError) as raised:
        sites.python("site", code="import one")
    line, command = raised.value.output.strip().splitlines()[-2:]
    spec = needs.rpartition(" ")[2]
    module = spec.partition(">")[0].replace("acme-", "acme_libs.").replace("-", "_")
    assert line == f"ImportError: {needs}, and no {module} was found on sys.path."
    assert command == f'  Install it: python -m pip install "{spec}"'


def test_provider_too_old(sites: Sites) -> None:
    sites.install("x", "two")
    sites.install("y", "a-1.0")
    with pytest.raises(ProcessError, match=r"only 1\.0 was found, in .*/y/acme_libs/a_so1\."):
        sites.python("x", "y", code="import two")


@pytest.mark.parametrize("hard", [False, True])
def test_linked_file_by_file(sites: Sites, hard: bool) -> None:
    sites.link("site", "a-1.0", "b", "one", hard=hard)
    origin = "site" if hard else "cache"
    a, b = (f"site/{A}", f"site/{B}") if hard else (f"cache/a-1.0/{A}", f"cache/b/{B}")
    assert (sites.root / origin).is_dir()
    assert sites.python("site", code=SHOW_ONE) == f"{OLD} {a} {b}"


def test_linked_file_by_file_over_sites(sites: Sites) -> None:
    sites.link("x", "one")
    sites.link("y", "b")
    sites.link("z", "a-1.0")
    assert sites.python("x", "y", "z", code=SHOW_ONE) == f"{OLD} cache/a-1.0/{A} cache/b/{B}"


@BOTH_ORDERS
def test_one_file_in_two_sites_by_hard_links(sites: Sites, order: tuple[str, str]) -> None:
    """libb is one inode in both sites, liba is not: where libb is loaded from decides."""
    sites.link("system", "a-1.0", "b", "one", hard=True)
    sites.link("user", "a-1.1", "b", "two", hard=True)
    code = f"import {order[0]}, {order[1]}; print(one.value(), two.value(), *sorted(mapped()))"
    shown = sites.python("user", "system", code=code).split()
    assert shown[:2] == [NEW, "111"]
    assert f"user/{A}" in shown


def test_site_that_is_a_link_to_a_folder(sites: Sites) -> None:
    sites.install("real", "a-1.0", "b", "one")
    (sites.root / "site").symlink_to("real")
    assert sites.python("site", code=SHOW_ONE).split()[0] == OLD


def test_package_that_is_a_link_to_a_folder(sites: Sites) -> None:
    """$ORIGIN/.. leads out of the link's target: the RPATH misses, the import system does not."""
    sites.install("checkout", "one")
    sites.install("site", "a-1.0", "b")
    (sites.root / "site" / "one").symlink_to(sites.root / "checkout" / "one")
    assert sites.python("site", code=SHOW_ONE) == f"{OLD} site/{A} site/{B}"


@pytest.mark.parametrize("spread", [False, True])
def test_decoy_on_ld_library_path(sites: Sites, decoys: Path, spread: bool) -> None:
    sites.install("site", "b", "one")
    sites.install("other" if spread else "site", "a-1.0")
    env = {"LD_LIBRARY_PATH": str(decoys)}
    folder = "other" if spread else "site"
    assert sites.python("site", "other", code=SHOW_ONE, env=env) == " ".join(
        [OLD, *sorted([f"{folder}/{A}", f"site/{B}"])]
    )


@pytest.mark.parametrize("spread", [False, True])
def test_moved_tree(sites: Sites, spread: bool) -> None:
    sites.install("before/site", "a-1.0", "one")
    sites.install("before/other" if spread else "before/site", "b")
    shutil.move(sites.root / "before", sites.root / "after")
    folder = "other" if spread else "site"
    expected = sorted([f"after/site/{A}", f"after/{folder}/{B}"])
    shown = sites.python("after/site", "after/other", code=SHOW_ONE)
    assert shown == " ".join([OLD, *expected])


@pytest.mark.parametrize("spread", [False, True])
def test_consumer_that_opens_the_library_itself(sites: Sites, spread: bool) -> None:
    sites.install("site", "b", "opener")
    sites.install("other" if spread else "site", "a-1.0")
    code = "import opener; print(opener.value())"
    assert sites.python("site", "other", code=code) == "1100"


def test_path_given_to_a_consumer_that_opens_by_path(sites: Sites) -> None:
    sites.install("site", "opener")
    sites.install("other", "a-1.0", "b")
    code = """
        import ctypes, opener
        path = opener._commonwheel.library_path("b")
        print(ctypes.CDLL(path).b_value(), path, opener._commonwheel.data_dir("a"))
    """
    home = sites.root / "other"
    expected = f"1100 {home / B} {home}/acme_libs/a_so1/share/a"
    assert sites.python("site", "other", code=code) == expected


def test_library_that_is_loaded_already_is_not_loaded_again(sites: Sites) -> None:
    """A consumer with RPATH alone came first: its file serves all, no second one is mapped."""
    sites.install("system", "a-1.0", "b", "bare")
    sites.install("user", "a-1.1", "b", "one")
    code = """
        sys.path.remove(sys.path[0])
        from bare import _bare
        sys.path.insert(0, SITE)
        import one
        print(one.value(), *sorted(mapped()))
    """
    code = code.replace("SITE", repr(str(sites.root / "user")))
    shown = sites.python("user", "system", code=code)
    assert shown == f"{OLD} system/{A} system/{B}"


def test_nothing_is_global(sites: Sites) -> None:
    sites.install("x", "one")
    sites.install("y", "b", "a-1.0")
    code = """
        import ctypes, one
        print(hasattr(ctypes.CDLL(None), "a_value"))
    """
    assert sites.python("x", "y", code=code) == "False"


def test_library_wheel_loads_by_itself(sites: Sites) -> None:
    sites.install("x", "b")
    sites.install("y", "a-1.1")
    code = """
        from acme_libs import b_so1
        print(*sorted(mapped()), b_so1.load()[0].b_value(), *sorted(mapped()))
        assert b_so1.load() is b_so1.load()
    """
    assert sites.python("x", "y", code=code) == f"1110 x/{B} y/{A}"


def test_tool_becomes_the_process(sites: Sites) -> None:
    sites.install("site", "a-1.1")
    code = """
        sys.argv = ["/venv/bin/a-tool", "-x", "two words"]
        from acme_libs.a_so1 import _tool_a_tool
        sys.exit(_tool_a_tool())
    """
    with pytest.raises(ProcessError) as raised:
        sites.python("site", code=code)
    assert raised.value.code == 7
    assert raised.value.output == "110 [-x] [two words]"


MUSL = """
    os.confstr = lambda name: None
    try:
        import one
    except ImportError as error:
        print(error)
    print(*sorted(mapped()))
"""


def test_musl_refuses_what_it_could_not_match(sites: Sites) -> None:
    sites.install("x", "one", "b")
    sites.install("y", "a-1.0")
    home = sites.root / "y/acme_libs/a_so1"
    assert sites.python("x", "y", code=MUSL) == (
        f"one cannot use acme-a-so1 1.0 in {home}: this system's C library (musl) finds it only in "
        "the folder that holds one too.\n"
        "  Install both into one folder, such as one virtual environment"
    )


def test_musl_with_all_in_one_site(sites: Sites) -> None:
    sites.install("x", "one", "b", "a-1.0")
    assert sites.python("x", code=MUSL) == f"x/{A} x/{B}"


@BOTH_ORDERS
def test_threads_that_import_at_once(sites: Sites, order: tuple[str, str]) -> None:
    sites.install("system", "a-1.0", "b", "one")
    sites.install("user", "a-1.1", "two")
    code = f"""
        import importlib, threading
        sys.setswitchinterval(1e-6)
        names = {order!r} * 4
        threads = [threading.Thread(target=importlib.import_module, args=(n,)) for n in names]
        for each in threads: each.start()
        for each in threads: each.join()
        import one, two
        print(one.value(), two.value(), *sorted(mapped()))
    """
    assert sites.python("user", "system", code=code) == f"{NEW} 111 system/{B} user/{A}"


def test_libraries_under_test_have_a_dt_rpath(sites: Sites) -> None:
    """What the tests rest on: the linker wrote the transitive kind."""
    with (sites.wheels["b"] / B).open("rb") as stream:
        dynamic = ELFFile(stream).get_section_by_name(".dynamic")
        assert isinstance(dynamic, DynamicSection)
        tags = {tag.entry.d_tag for tag in dynamic.iter_tags()}
    assert "DT_RPATH" in tags
    assert "DT_RUNPATH" not in tags


def test_overhead(sites: Sites) -> None:
    """A loose bound, to notice an import of something heavy; bench/ measures."""
    sites.install("site", "a-1.0", "b", "one")
    code = """
        import time
        import one._commonwheel
        one._commonwheel._loaded.clear()
        started = time.perf_counter()
        one._commonwheel.load()
        print(time.perf_counter() - started)
    """
    assert float(sites.python("site", code=code)) < 0.02
