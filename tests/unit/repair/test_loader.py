"""A consumer's loader, as far as it goes without native code, and the line that calls it."""

import ast
import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from commonwheel.backend.runtime import LibraryFacts, ProviderFacts, library_init
from commonwheel.errors import RepairError
from commonwheel.repair.loader import (
    MARKER,
    LoaderFacts,
    UsedProvider,
    consumer_loader,
    insert_call,
)
from commonwheel.repair.templates import consumer_loader as template

CALL = "from . import _commonwheel; _commonwheel.load()"
LINE = f"{CALL}  {MARKER}\n"
ENTIRE = LINE.encode()

# --- the inserted line


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"# only a comment\n", b""),
        (b"#!/usr/bin/env python\n# -*- coding: latin-1 -*-\n# \xe9\n\n", b"import os\n"),
        (b'"""Doc."""\n', b"import os\n"),
        (b'"""Doc."""  # and why\n', b"\nimport os\n"),
        (b'"""Doc\nof two lines."""\nfrom __future__ import annotations\n', b"x = 1\n"),
        (b"from __future__ import annotations\n", b""),
        (b"from __future__ import (\n    annotations,  # why\n)\n", b"x = 1\n"),
        (b"# a\nfrom __future__ import annotations; from __future__ import division\n", b"x = 1\n"),
        (b"'a' \\\n'b'\n", b"x = 1\n"),
        (b"'a' \\\n\n", b"x = 1\n"),
        (b"# c\n", b"@decorated(\n)\ndef f(): pass\n"),
        (b"", b"f'no docstring'\n"),
        (b"", b"b'no docstring'\n"),
        (b"'doc';\n", b"x = 1\n"),
        (b"'doc'; \\\n", b"x = 1\n"),
        (b'"""D."""\n', b"# a comment stays with what follows\nfrom .future import annotations\n"),
        (b"\x0c'doc'\n", b"\x0c\nx = 1\n"),
    ],
)
def test_call_stands_after_what_must_be_first(before: bytes, after: bytes) -> None:
    changed = insert_call(before + after)
    assert changed == before + ENTIRE + after
    compile(changed, "__init__.py", "exec")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"""Doc."""; ', b"import os\n"),
        ("'ü';".encode(), b"import os; import sys\n"),
        (b"# coding: latin-1\n'\xfc';", b"import os\n"),
        (b"from __future__ import annotations; ", b"x = '''\n'''\n"),
        (b"'''a\nb'''; from __future__ import division;", b"x = 1"),
    ],
)
def test_call_splits_a_line_that_goes_on(before: bytes, after: bytes) -> None:
    changed = insert_call(before + after)
    assert changed.replace(b"\n" + ENTIRE, b"").replace(ENTIRE, b"") == before + after
    lines = [line for line in changed.split(b"\n") if CALL.encode() in line]
    assert lines == [ENTIRE.rstrip()]
    body = ast.parse(changed).body
    assert isinstance(body[1], ast.ImportFrom)


def test_no_newline_at_the_end() -> None:
    assert insert_call(b"'doc'") == b"'doc'\n" + ENTIRE
    assert insert_call(b"# comment") == b"# comment\n" + ENTIRE


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_newlines_stay(newline: bytes) -> None:
    source = b"'''a\nb'''\nimport os\n".replace(b"\n", newline)
    expected = b"'''a\nb'''\n%simport os\n" % ENTIRE
    assert insert_call(source) == expected.replace(b"\n", newline)


def test_byte_order_mark_stays() -> None:
    source = b"\xef\xbb\xbf'd\xc3\xbc'; import os\n"
    changed = insert_call(source)
    assert changed == b"\xef\xbb\xbf'd\xc3\xbc'; \n" + ENTIRE + b"import os\n"
    compile(changed, "__init__.py", "exec")


def test_byte_order_mark_alone() -> None:
    assert insert_call(b"\xef\xbb\xbf") == b"\xef\xbb\xbf" + ENTIRE


def test_invalid_escapes_are_the_consumers_own_business() -> None:
    assert insert_call(b"x = '\\d'\n") == ENTIRE + b"x = '\\d'\n"


@pytest.mark.parametrize("source", [b"", b"'d'; x = 1\n", b"'doc'\r\nimport os\r\n"])
def test_idempotent(source: bytes) -> None:
    once = insert_call(source)
    assert insert_call(once) == once


def test_call_that_a_recipe_put_elsewhere() -> None:
    source = b"import os\n\nfrom . import _commonwheel\n_commonwheel.load()\n"
    assert insert_call(source) == source


@pytest.mark.parametrize("source", [b"print 'hello'\n", b"x = '\x00'\n", b"# coding: no-such\n"])
def test_not_python(source: bytes) -> None:
    with pytest.raises(RepairError, match=r"shapely/__init__\.py: not valid Python"):
        insert_call(source, member="shapely/__init__.py")


def _source(
    head: list[str], statements: list[str], between: str, *, newline: str, encoding: str
) -> bytes:
    text = "\n".join([*head, between.join(filter(None, statements))])
    return text.replace("\n", newline).encode(encoding)


DOCS = st.sampled_from(["", "'d'", '"""a\n\nü"""', "'a' 'b'", "('d')", "'a' \\\n'b'"])
FUTURES = st.sampled_from(
    ["", "from __future__ import annotations", "from __future__ import (division)"]
)
RESTS = st.sampled_from(["", "x = 1", "y = '''\n;\n'''", "'not a doc'"])
SOURCES = st.builds(
    _source,
    st.lists(st.sampled_from(["", "# ü", "#!x", "\x0c"]), max_size=3),
    st.tuples(DOCS, FUTURES, FUTURES, RESTS, RESTS).map(list),
    st.sampled_from(["\n", ";", " ; ", "  # c\n", ";\n\n", "; \\\n"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
)


@given(SOURCES)
def test_call_never_changes_anything_else(source: bytes) -> None:
    changed = insert_call(source)
    added = len(changed) - len(source)
    cuts = (changed[:start] + changed[start + added :] for start in range(len(source) + 1))
    assert source in cuts, "something was removed or altered"
    was, now = ast.parse(source), ast.parse(changed)
    texts = [ast.unparse(node) for node in now.body]
    first = texts.index("from . import _commonwheel")
    assert texts[first + 1] == "_commonwheel.load()"
    del now.body[first : first + 2]
    assert ast.dump(was) == ast.dump(now)
    assert ast.get_docstring(was) == ast.get_docstring(now)
    assert insert_call(changed) == changed


# --- the loader


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library wheel to lay out: its line, what it holds and needs."""

    line: str
    version: str = "1.0"
    needs: tuple[str, ...] = ()
    floor: str = "1.0"

    @property
    def folder(self) -> str:
        return self.line.replace("-", "_")

    @property
    def soname(self) -> str:
        return f"lib{self.line.partition('-')[0]}-acme.so.1"


@dataclass(kw_only=True)
class World:
    """Site folders on sys.path, and what the loader had loaded."""

    root: Path
    loaded: list[str] = field(default_factory=list)

    def library(self, library: Library, site: str = "site") -> Path:
        folder = self.root / site / "acme_libs" / library.folder
        (folder / "lib").mkdir(parents=True)
        (folder / "lib" / library.soname).write_text(library.version)
        facts = LibraryFacts(
            prefix="acme",
            module=f"acme_libs.{library.folder}",
            line=library.line,
            distribution=f"acme-{library.line}",
            version=library.version,
            libraries=(library.soname,),
            providers=tuple(
                ProviderFacts(
                    module=f"acme_libs.{line.replace('-', '_')}",
                    distribution=f"acme-{line}",
                    floor=library.floor,
                )
                for line in library.needs
            ),
            data=(f"share/{library.line.partition('-')[0]}",),
        )
        source = library_init(facts)
        folder.joinpath("__init__.py").write_text(source)
        return folder

    def consumer(
        self, *used: UsedProvider, site: str = "site", name: str = "acme_user"
    ) -> ModuleType:
        folder = self.root / site / name
        folder.mkdir(parents=True)
        folder.joinpath("__init__.py").touch()
        source = consumer_loader(LoaderFacts(consumer=name, providers=used))
        folder.joinpath("_commonwheel.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module(f"{name}._commonwheel")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(root=tmp_path)
    for site in ["system", "user", "site"]:
        (tmp_path / site).mkdir()
        monkeypatch.syspath_prepend(str(tmp_path / site))

    def cdll(name: str, mode: int) -> str:
        if mode & os.RTLD_NOLOAD:
            raise OSError(name)
        world.loaded.append(Path(name).relative_to(tmp_path).as_posix())
        return name

    monkeypatch.setattr("ctypes.CDLL", cdll)
    yield world
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def use(
    line: str, floor: str = "1.0", *, exact: str | None = None, dlopen: bool = False
) -> UsedProvider:
    folder = line.replace("-", "_")
    return UsedProvider(
        module=f"acme_libs.{folder}",
        distribution=f"acme-{line}",
        floor=floor,
        exact=exact,
        rpath=None if dlopen else f"../acme_libs/{folder}/lib",
        sonames=(f"lib{line.partition('-')[0]}-acme.so.1",),
        dlopen=dlopen,
    )


def test_is_python_3_9_and_imports_only_the_standard_library() -> None:
    facts = LoaderFacts(consumer="c", providers=(use("a-so1"),))
    tree = ast.parse(consumer_loader(facts), feature_version=(3, 9))
    imported = [
        getattr(node, "module", None) or node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert sorted(imported) == ["acme_libs.a_so1", "importlib", "os", "sys", "types"]


def test_prefix_and_namespace_are_settings() -> None:
    source = consumer_loader(LoaderFacts(consumer="c", providers=(use("a-so1"),)))
    assert "commonwheel" not in source.replace("# Written by commonwheel for", "")


def test_template_alone_does_nothing() -> None:
    template.load()
    with pytest.raises(LookupError, match="uses no library 'proj'; it uses none"):
        template.data_dir("proj")


def test_nothing_is_loaded_in_one_site(world: World) -> None:
    world.library(Library(line="a-so1"))
    world.library(Library(line="b-so1", needs=("a-so1",)))
    world.consumer(use("b-so1"), use("a-so1")).load()
    assert world.loaded == []


def test_provider_elsewhere_is_loaded_after_what_it_needs(world: World) -> None:
    world.library(Library(line="a-so1"), "system")
    world.library(Library(line="b-so1", needs=("a-so1",)), "user")
    loader = world.consumer(use("b-so1"))
    loader.load()
    loader.load()
    assert world.loaded == [
        "system/acme_libs/a_so1/lib/liba-acme.so.1",
        "user/acme_libs/b_so1/lib/libb-acme.so.1",
    ]


def test_transitive_provider_elsewhere(world: World) -> None:
    world.library(Library(line="a-so1"), "system")
    world.library(Library(line="b-so1", needs=("a-so1",)), "site")
    world.consumer(use("b-so1")).load()
    assert world.loaded == ["system/acme_libs/a_so1/lib/liba-acme.so.1"]


def test_the_import_systems_release_wins(world: World) -> None:
    world.library(Library(line="a-so1", version="1.0"), "system")
    world.library(Library(line="a-so1", version="1.1"), "site")
    world.consumer(use("a-so1"), site="system").load()
    assert world.loaded == ["site/acme_libs/a_so1/lib/liba-acme.so.1"]


def test_the_release_in_the_dependents_site_is_not_the_import_systems(world: World) -> None:
    world.library(Library(line="a-so1", version="1.1"), "site")
    world.library(Library(line="a-so1", version="1.0"), "system")
    world.library(Library(line="b-so1", needs=("a-so1",)), "system")
    world.consumer(use("a-so1"), use("b-so1"), site="site").load()
    assert world.loaded == [
        "site/acme_libs/a_so1/lib/liba-acme.so.1",
        "system/acme_libs/b_so1/lib/libb-acme.so.1",
    ]


def test_hard_links_do_not_hide_another_folder(world: World) -> None:
    """One libb in two sites, each beside another liba: $ORIGIN is the folder, not the file."""
    world.library(Library(line="a-so1", version="1.0"), "system")
    world.library(Library(line="a-so1", version="1.1"), "site")
    one = world.library(Library(line="b-so1", needs=("a-so1",)), "site") / "lib/libb-acme.so.1"
    other = world.library(Library(line="b-so1", needs=("a-so1",)), "system") / "lib/libb-acme.so.1"
    other.unlink()
    other.hardlink_to(one)
    world.consumer(use("b-so1"), site="system").load()
    assert world.loaded == ["site/acme_libs/a_so1/lib/liba-acme.so.1"]


def test_hard_links_of_all_need_nothing(world: World) -> None:
    for line in ["a-so1", "b-so1"]:
        library = Library(line=line, needs=("a-so1",) if line == "b-so1" else ())
        one = world.library(library, "site") / "lib" / library.soname
        other = world.library(library, "system") / "lib" / library.soname
        other.unlink()
        other.hardlink_to(one)
    world.consumer(use("b-so1"), site="system").load()
    assert world.loaded == []


def test_missing(world: World) -> None:
    loader = world.consumer(use("a-so1", "3.11.1"))
    with pytest.raises(ImportError) as raised:
        loader.load()
    assert raised.value.name == "acme_libs.a_so1"
    assert str(raised.value) == (
        "acme_user needs acme-a-so1>=3.11.1, and no acme_libs.a_so1 was found on sys.path.\n"
        '  Install it: python -m pip install "acme-a-so1>=3.11.1"'
    )


def test_missing_then_installed(world: World) -> None:
    loader = world.consumer(use("a-so1"))
    with pytest.raises(ImportError, match=r"no acme_libs\.a_so1 was found"):
        loader.load()
    world.library(Library(line="a-so1"))
    importlib.invalidate_caches()
    loader.load()


def test_missing_transitive_provider_names_who_needs_it(world: World) -> None:
    world.library(Library(line="b-so1", needs=("a-so1",), floor="1.4"))
    loader = world.consumer(use("b-so1"))
    with pytest.raises(ImportError, match=r"^acme-b-so1 needs acme-a-so1>=1\.4, and no "):
        loader.load()


def test_too_old(world: World) -> None:
    folder = world.library(Library(line="a-so1", version="3.9.1"), "user")
    loader = world.consumer(use("a-so1", "3.11.1"))
    with pytest.raises(ImportError) as raised:
        loader.load()
    assert str(raised.value) == (
        f"acme_user needs acme-a-so1>=3.11.1, and only 3.9.1 was found, in {folder}.\n"
        '  Install it: python -m pip install "acme-a-so1>=3.11.1"'
    )


def test_too_old_for_one_of_two(world: World) -> None:
    world.library(Library(line="a-so1", version="1.2"))
    world.library(Library(line="b-so1", needs=("a-so1",), floor="1.3"))
    loader = world.consumer(use("a-so1", "1.1"), use("b-so1"))
    with pytest.raises(ImportError, match=r"acme-b-so1 needs acme-a-so1>=1\.3, and only 1\.2 was"):
        loader.load()


def test_pinned(world: World) -> None:
    world.library(Library(line="a-so1", version="3.12.0"))
    loader = world.consumer(use("a-so1", "3.11.1", exact="3.11.*"))
    with pytest.raises(ImportError, match=r"needs acme-a-so1>=3\.11\.1,==3\.11\.\*, and only 3\.1"):
        loader.load()


def test_leftover_folder_is_no_provider(world: World) -> None:
    (world.root / "site" / "acme_libs" / "a_so1" / "__pycache__").mkdir(parents=True)
    loader = world.consumer(use("a-so1"))
    with pytest.raises(ImportError, match=r"no acme_libs\.a_so1 was found"):
        loader.load()


def test_leftover_folder_does_not_hide_a_provider(world: World) -> None:
    (world.root / "site" / "acme_libs" / "a_so1" / "__pycache__").mkdir(parents=True)
    world.library(Library(line="a-so1"), "system")
    world.consumer(use("a-so1")).load()
    assert world.loaded == ["system/acme_libs/a_so1/lib/liba-acme.so.1"]


def test_namespace_hidden_by_a_regular_package(world: World) -> None:
    world.library(Library(line="a-so1"), "system")
    stray = world.root / "site" / "acme_libs" / "__init__.py"
    stray.parent.mkdir(parents=True)
    stray.touch()
    loader = world.consumer(use("a-so1"))
    with pytest.raises(ImportError, match=rf"\({stray} hides it; delete that file\)"):
        loader.load()


def test_provider_that_fails_by_itself_is_not_called_missing(world: World) -> None:
    folder = world.library(Library(line="a-so1"))
    folder.joinpath("__init__.py").write_text("import no_such_module\n")
    loader = world.consumer(use("a-so1"))
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        loader.load()


def test_library_that_a_newer_release_lost(world: World) -> None:
    folder = world.library(Library(line="a-so1", version="2.0"))
    source = folder.joinpath("__init__.py").read_text()
    folder.joinpath("__init__.py").write_text(source.replace("liba-acme", "libother-acme"))
    loader = world.consumer(use("a-so1"))
    with pytest.raises(
        ImportError, match=r"needs liba-acme\.so\.1, which acme-a-so1 2\.0 in .*not"
    ):
        loader.load()


def test_file_that_cannot_be_loaded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, mode: int) -> None:
        what = f"{name}: file too short"
        raise OSError(what)

    monkeypatch.setattr("ctypes.CDLL", refuse)
    world.library(Library(line="a-so1"), "user")
    loader = world.consumer(use("a-so1"))
    with pytest.raises(ImportError, match=r"acme_user cannot load acme-a-so1: .*file too short"):
        loader.load()


def test_opened_by_the_consumer_itself(world: World) -> None:
    world.library(Library(line="a-so1"))
    world.library(Library(line="b-so1", needs=("a-so1",)))
    world.consumer(use("b-so1", dlopen=True)).load()
    assert world.loaded == [
        "site/acme_libs/a_so1/lib/liba-acme.so.1",
        "site/acme_libs/b_so1/lib/libb-acme.so.1",
    ]


@pytest.mark.parametrize("answer", [None, "", OSError(), ValueError(), AttributeError()])
def test_musl_refuses_what_would_have_to_be_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: str | Exception | None
) -> None:
    def confstr(name: str) -> str | None:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(os, "confstr", confstr)
    world.library(Library(line="a-so1"), "system")
    loader = world.consumer(use("a-so1"))
    with pytest.raises(ImportError, match=r"cannot use acme-a-so1 1\.0 in .*system/.*\(musl\)"):
        loader.load()
    assert world.loaded == []


def test_musl_needs_nothing_in_one_site(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", lambda _: None)
    world.library(Library(line="a-so1"))
    world.consumer(use("a-so1")).load()
    assert world.loaded == []


@pytest.mark.parametrize("name", ["b-so1", "b", "a"])
def test_data_dir(world: World, name: str) -> None:
    world.library(Library(line="a-so1"), "system")
    home = world.library(Library(line="b-so1", needs=("a-so1",)))
    loader = world.consumer(use("b-so1"))
    expected = world.root / "system/acme_libs/a_so1" if name == "a" else home
    assert loader.data_dir(name) == str(expected / "share" / name[0])
    with pytest.raises(
        LookupError, match=r"acme_user uses no library 'x'; it uses acme_libs\.a_so1"
    ):
        loader.data_dir("x")


@pytest.mark.parametrize("name", ["a", "liba", "liba-acme.so.1"])
def test_library_path(world: World, name: str) -> None:
    world.library(Library(line="a-so1"))
    world.library(Library(line="b-so1", needs=("a-so1",)))
    loader = world.consumer(use("b-so1"))
    assert loader.library_path(name) == str(world.root / "site/acme_libs/a_so1/lib/liba-acme.so.1")
    with pytest.raises(LookupError, match="uses no library 'x'"):
        loader.library_path("x")


def test_the_environment_stays(world: World) -> None:
    before = dict(os.environ)
    world.library(Library(line="a-so1"), "system")
    world.consumer(use("a-so1")).load()
    assert dict(os.environ) == before


# --- versions, against packaging

RELEASES = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
VERSIONS = st.builds(
    lambda release, rest: release + rest,
    RELEASES,
    st.sampled_from(["", "", ".post0", ".post1", ".post12", "+local.1", ".post1+x"]),
)


@given(VERSIONS, VERSIONS)
def test_order_is_that_of_pep_440(one: str, other: str) -> None:
    ours = template._order(one) < template._order(other)
    public = [Version(Version(version).public) for version in (one, other)]
    assert ours == (public[0] < public[1])


@pytest.mark.parametrize("early", ["1.2.0rc1", "1.2rc1", "1.2.dev3", "1.2a1", "1.2.0.rc1"])
def test_a_pre_release_is_older(early: str) -> None:
    assert template._order(early) < template._order("1.2")
    assert template._order("1.1.9") < template._order(early)


@given(VERSIONS, RELEASES, RELEASES, st.booleans())
def test_pins_are_those_of_pep_440(version: str, floor: str, pin: str, prefix: bool) -> None:
    exact = f"{pin}.*" if prefix else pin
    specifier = SpecifierSet(f">={floor},=={exact}")
    assert template._fits(version, floor, exact) == specifier.contains(version)
    assert template._fits(version, floor, None) == SpecifierSet(f">={floor}").contains(version)


def test_range() -> None:
    assert template._range("1.0", None) == ">=1.0"
    assert template._range("1.0", "1.0") == "==1.0"
    assert template._range("1.0", "1.0.*") == ">=1.0,==1.0.*"
