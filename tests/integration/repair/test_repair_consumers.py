"""Consumer wheels that share: what changes in them, and that nothing else does."""

import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from commonwheel.elf import read_elf
from commonwheel.elf.edit import edit
from commonwheel.errors import RepairError
from commonwheel.names import Names
from commonwheel.process import ProcessError
from commonwheel.repair.loader import MARKER
from commonwheel.repair.repair import Repaired, RepairOptions, repair
from commonwheel.wheel import Wheel
from commonwheel.wheel.write import Content
from tests.integration import kit, projects
from tests.integration.kit import Workshop, elf_members
from tests.integration.repair.making import (
    ABI,
    BASE_LIB,
    HOST_PATH,
    SUFFIX,
    Library,
    compile_c,
    consumer,
    given,
    install,
    library,
    module,
    opened,
    options,
    simple,
    streams,
    value,
    write,
)
from tests.unit.recipe import kit as recipes

CALL = f"from . import _commonwheel; _commonwheel.load()  {MARKER}\n".encode()


# --- through the pipeline: a setuptools project


@pytest.fixture(scope="module")
def built(foo: Workshop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Wheel, Wheel]:
    """Raw and repaired wheel of a setuptools project that uses foo."""
    files = projects.sdist("plain", "2.5", files={"plain/data.txt": "data\n"})
    foo.consumer("plain", {"2.5": files}, uses={"foo": None}, build=3)
    foo.built("plain", "--no-test")
    (raw,) = foo.cache.glob("raw/*/*/plain-2.5-*.whl")
    return opened(raw), opened(foo.wheel("plain-2.5+commonwheel.3-").path)


def test_a_setuptools_project_shares(built: tuple[Wheel, Wheel]) -> None:
    raw, wheel = built
    extension = f"plain/_ext{SUFFIX}"
    (before,) = elf_members(raw).values()
    (after,) = elf_members(wheel).values()
    assert before.needed == after.needed
    assert "libfoo-commonwheel.so.1" in after.needed
    assert after.rpath == ("$ORIGIN/../commonwheel_libs/foo_so1/lib",)
    assert after.runpath == ()
    assert wheel.metadata_fields["Version"] == "2.5+commonwheel.3"
    assert wheel.metadata_fields.get_all("Requires-Dist") == [
        'commonwheel-foo-so1>=1.0; sys_platform == "linux"'
    ]
    old, new = "plain-2.5.dist-info", "plain-2.5+commonwheel.3.dist-info"
    assert wheel.dist_info == new
    added = {"plain/_commonwheel.py", f"{new}/commonwheel.ranges.json"}
    assert set(wheel.members) == {m.replace(old, new) for m in raw.members} | added
    changed = {extension, "plain/__init__.py", f"{old}/METADATA", f"{old}/WHEEL", f"{old}/RECORD"}
    ours, theirs = streams(wheel), streams(raw)
    for member in set(raw.members) - changed:
        assert ours[member.replace(old, new)] == theirs[member], member
    source = raw.read("plain/__init__.py")
    docstring = b'"""A consumer."""\n'
    assert wheel.read("plain/__init__.py") == source.replace(docstring, docstring + CALL)
    assert wheel.name.platform[0].startswith("manylinux_2_")
    assert wheel.name.python == (ABI,)


# --- one wheel of every layout


@pytest.fixture(scope="module")
def layouts(
    base: Library, top: Library, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Repaired]:
    folder = tmp_path_factory.mktemp("layouts")
    # As an extension of a pyenv's Python comes: a RUNPATH of the host.
    flags = [f"-Wl,--enable-new-dtags,-rpath,{HOST_PATH}"]
    one = module(folder / "one", "_ext", base, flags=flags)
    deep = module(folder / "deep", "_deep", top, base, flags=flags)
    plain = module(folder / "plain", "_plain")
    own = compile_c(
        folder / "own/libown.so.3",
        "int own(void) { return 1; }",
        "-shared",
        "-Wl,-soname,libown.so.3",
    )
    uses_own = module(folder / "own", "_own", base, flags=[f"-L{own.parent}", "-l:libown.so.3"])
    members: dict[str, Content] = {
        "one/__init__.py": b"from __future__ import annotations\r\nfrom ._ext import value\r\n",
        f"one/{one.name}": one,
        # An extension in a folder without __init__, below a package.
        "two/__init__.py": b"from .sub._deep import value\n",
        f"two/sub/{deep.name}": deep,
        # A namespace package, and a module at the top.
        f"space/inner/{one.name}": one,
        f"{one.name}": one,
        # A package of which nothing needs a provider.
        "quiet/__init__.py": b"",
        f"quiet/{plain.name}": plain,
        # By its own scheme, with its __init__ in the other one.
        "many-1.0.data/platlib/split/nested/" + uses_own.name: uses_own,
        "many-1.0.data/purelib/split/__init__.py": b"from .nested._own import value\n",
        "many.libs/libown.so.3": own,
        "one/data.txt": b"data\n" * 1000,
        "many-1.0.data/scripts/tool": b"#!python\n",
    }
    requires = ["numpy>=1", "commonwheel-base-so1>=0.5", "commonwheel-tools"]
    raw = consumer(folder, "many", members, requires=requires)
    return raw, repair(raw, folder / "out", given(base, top), options())


def test_rpath_of_every_layout(layouts: tuple[Path, Repaired]) -> None:
    found = elf_members(opened(layouts[1].path))
    top_lib = "commonwheel_libs/top_so1/lib"
    data = "many-1.0+commonwheel.1.data/platlib"
    expected = {
        f"one/_ext{SUFFIX}": [f"$ORIGIN/../{BASE_LIB}"],
        f"two/sub/_deep{SUFFIX}": [f"$ORIGIN/../../{top_lib}", f"$ORIGIN/../../{BASE_LIB}"],
        f"space/inner/_ext{SUFFIX}": [f"$ORIGIN/../../{BASE_LIB}"],
        f"_ext{SUFFIX}": [f"$ORIGIN/{BASE_LIB}"],
        f"quiet/_plain{SUFFIX}": [],
        f"{data}/split/nested/_own{SUFFIX}": [
            "$ORIGIN/../../many.libs",
            f"$ORIGIN/../../{BASE_LIB}",
        ],
        "many.libs/libown.so.3": [],
    }
    assert {member: sorted(elf.rpath) for member, elf in found.items()} == {
        member: sorted(paths) for member, paths in expected.items()
    }
    assert not [member for member, elf in found.items() if elf.runpath]


def test_loader_of_every_layout(layouts: tuple[Path, Repaired]) -> None:
    wheel = opened(layouts[1].path)
    data = "many-1.0+commonwheel.1.data/purelib"
    loaders = {m for m in wheel.members if m.endswith("_commonwheel.py")}
    assert loaders == {
        "one/_commonwheel.py",
        "two/_commonwheel.py",
        f"{data}/split/_commonwheel.py",
    }
    assert wheel.read("one/__init__.py") == (
        b"from __future__ import annotations\r\n"
        + CALL.replace(b"\n", b"\r\n")
        + b"from ._ext import value\r\n"
    )
    assert wheel.read("quiet/__init__.py") == b""
    assert sorted(layouts[1].notes) == [
        f"_ext{SUFFIX} is in no regular package: DT_RPATH alone finds libraries",
        f"space/inner/_ext{SUFFIX} is in no regular package: DT_RPATH alone finds libraries",
    ]
    assert b"commonwheel_libs.top_so1" in wheel.read("two/_commonwheel.py")
    assert b"commonwheel_libs.top_so1" not in wheel.read("one/_commonwheel.py")
    assert b"../commonwheel_libs/base_so1/lib" in wheel.read(f"{data}/split/_commonwheel.py")


def test_metadata_names_what_is_used(layouts: tuple[Path, Repaired]) -> None:
    wheel = opened(layouts[1].path)
    # What an earlier repair wrote is replaced, what upstream wrote stays.
    assert wheel.metadata_fields.get_all("Requires-Dist") == [
        "numpy>=1",
        "commonwheel-tools",
        'commonwheel-base-so1>=1.0; sys_platform == "linux"',
        'commonwheel-top-so1>=1.0; sys_platform == "linux"',
    ]
    assert [each.line for each in layouts[1].providers] == ["base-so1", "top-so1"]
    for text in wheel.metadata_fields.get_all("Requires-Dist") or []:
        Requirement(text)


def test_what_need_not_change_is_copied_as_compressed_bytes(
    layouts: tuple[Path, Repaired],
) -> None:
    raw, wheel = opened(layouts[0]), opened(layouts[1].path)
    before, after = streams(raw), streams(wheel)
    kept = [
        "one/data.txt",
        f"quiet/_plain{SUFFIX}",
        "quiet/__init__.py",
        "many.libs/libown.so.3",
        "many-1.0.data/scripts/tool",
    ]
    for member in kept:
        assert after[member.replace("many-1.0", "many-1.0+commonwheel.1")] == before[member]
    # So that this could fail: another level of compression gives other bytes.
    assert len(before["one/data.txt"]) < 200


def test_every_layout_runs(
    layouts: tuple[Path, Repaired], base: Library, top: Library, tmp_path: Path
) -> None:
    every = given(base, top)
    shared = [repair(w.wheel, tmp_path / "w", every, options(None)).path for w in (base, top)]
    site = install(tmp_path / "site", layouts[1].path, *shared)
    assert value(site, "one") == "40"
    assert value(site, "two") == str(42 + 40)
    assert value(site, "space.inner._ext") == "40"
    assert value(site, "_ext") == "40"
    assert value(site, "split") == "40"


def test_repair_is_idempotent(
    layouts: tuple[Path, Repaired], base: Library, top: Library, tmp_path: Path
) -> None:
    first = layouts[1].path
    again = repair(first, tmp_path, given(base, top), options()).path
    assert again.name == first.name
    assert again.read_bytes() == first.read_bytes()
    library_once = repair(top.wheel, tmp_path / "1", given(base, top), options(None)).path
    library_twice = repair(library_once, tmp_path / "2", given(base, top), options(None)).path
    assert library_twice.read_bytes() == library_once.read_bytes()


def test_a_library_wheel_shares_too(base: Library, top: Library, tmp_path: Path) -> None:
    done = opened(repair(top.wheel, tmp_path, given(base, top), options(None)).path)
    elf = elf_members(done)["commonwheel_libs/top_so1/lib/libtop-commonwheel.so.1"]
    assert elf.rpath == ("$ORIGIN/../../base_so1/lib",)
    assert done.metadata_fields["Version"] == "1.0"
    assert done.metadata_fields.get_all("Requires-Dist") == [
        'commonwheel-base-so1>=1.0; sys_platform == "linux"'
    ]
    assert not [m for m in done.members if m.endswith("_commonwheel.py")]
    assert done.name.platform[0].startswith("manylinux")


def test_an_old_rpath_is_replaced(base: Library, tmp_path: Path) -> None:
    raw = simple(
        tmp_path, "old", base, flags=[f"-Wl,--disable-new-dtags,-rpath,{HOST_PATH}:$ORIGIN/x"]
    )
    wheel = opened(repair(raw, tmp_path / "out", given(base), options()).path)
    (elf,) = elf_members(wheel).values()
    assert elf.rpath == (f"$ORIGIN/../{BASE_LIB}",)
    (before,) = elf_members(opened(raw)).values()
    assert HOST_PATH in before.rpath


@pytest.mark.parametrize(
    ("stability", "version", "specifier"),
    [
        ("line", "3.11.1", ">=3.11.1"),
        ("minor", "3.11.1", ">=3.11.1,==3.11.*"),
        ("patch", "3.11.1.2", ">=3.11.1.2,==3.11.1.*"),
        ("exact", "3.11.1", ">=3.11.1,==3.11.1.*"),
        ("exact", "2.0.post1", ">=2.0.post1,==2.0.0.*"),
    ],
)
def test_stability_makes_the_pin(
    tmp_path: Path, stability: str, version: str, specifier: str
) -> None:
    provider = library(tmp_path, "pinned", version, stability=stability)
    raw = simple(tmp_path, "user", provider)
    wheel = opened(repair(raw, tmp_path / "out", given(provider), options()).path)
    (requirement,) = wheel.metadata_fields.get_all("Requires-Dist") or []
    assert requirement == f'commonwheel-pinned-so1{specifier}; sys_platform == "linux"'
    # The loader says the same: a packaging fix of the release passes, what the pin excludes fails.
    allowed = Requirement(requirement).specifier
    done = repair(provider.wheel, tmp_path / "out", given(provider), options(None)).path
    for found in (version, f"{version.partition('.post')[0]}.post7", "3.12.0", "2.0.1", "4.0"):
        site = install(tmp_path / f"site-{found}", wheel.path, done)
        init = site / "commonwheel_libs/pinned_so1/__init__.py"
        init.write_text(init.read_text().replace(f'"{version}"', f'"{found}"'))
        if allowed.contains(found):
            assert value(site, "user") == "42"
            continue
        with pytest.raises(ProcessError) as error:
            value(site, "user")
        assert f"ImportError: user needs commonwheel-pinned-so1{specifier}" in str(error.value)


def test_dlopen(base: Library, top: Library, tmp_path: Path) -> None:
    init = b"import ctypes\n\n\ndef value():\n    name = 'libtop-commonwheel.so.1'\n"
    init += b"    return ctypes.CDLL(name).top_value()\n"
    raw = write(tmp_path, "opener", "1.0", "py3-none-any", {"opener/__init__.py": init})
    every = given(base, top)
    done = repair(raw, tmp_path / "out", every, options(dlopen=("top-so1",)))
    wheel = opened(done.path)
    assert wheel.metadata_fields.get_all("Requires-Dist") == [
        'commonwheel-top-so1>=1.0; sys_platform == "linux"'
    ]
    shared = [
        repair(each.wheel, tmp_path / "out", every, options(None)).path for each in (base, top)
    ]
    site = install(tmp_path / "site", wheel.path, *shared)
    assert value(site, "opener") == "42"
    again = repair(done.path, tmp_path / "again", every, options(dlopen=("top-so1",)))
    assert again.path.read_bytes() == done.path.read_bytes()
    with pytest.raises(RepairError, match="top-so1 by itself, and no such provider"):
        repair(raw, tmp_path / "out", given(base), options(dlopen=("top-so1",)))


def test_dlopen_needs_a_package(base: Library, tmp_path: Path) -> None:
    raw = write(tmp_path, "flat", "1.0", "py3-none-any", {"flat.py": b"x = 1\n"})
    with pytest.raises(RepairError, match="no regular package"):
        repair(raw, tmp_path / "out", given(base), options(dlopen=("base-so1",)))


def test_a_pure_wheel_stays_pure(base: Library, tmp_path: Path) -> None:
    raw = write(tmp_path, "pure", "1.0", "py3-none-any", {"pure/__init__.py": b""}, purelib=True)
    done = repair(raw, tmp_path / "out", given(base), options())
    wheel = opened(done.path)
    assert wheel.path.name == "pure-1.0+commonwheel.1-py3-none-any.whl"
    assert wheel.metadata_fields.get_all("Requires-Dist") is None
    assert wheel.root_is_purelib
    assert not done.providers
    unchanged = repair(raw, tmp_path / "same", given(base), options(None))
    assert unchanged.path.read_bytes() == raw.read_bytes()


def test_the_loader_has_one_name_with_every_prefix(tmp_path: Path, base: Library) -> None:
    raw = simple(tmp_path, "mine", base)
    chosen = RepairOptions(arch="x86_64", names=Names(prefix="acme"), version="1.0+acme.1")
    wheel = opened(repair(raw, tmp_path / "out", given(base), chosen).path)
    assert wheel.path.name.startswith("mine-1.0+acme.1-")
    assert "mine/_commonwheel.py" in wheel.members
    assert b"from . import _commonwheel; _commonwheel.load()" in wheel.read("mine/__init__.py")


# --- on the command line


def test_the_command_takes_a_wheel_and_a_folder_of_providers(
    base: Library, top: Library, tmp_path: Path
) -> None:
    raw = simple(tmp_path, "alone", top)
    providers = tmp_path / "providers"
    providers.mkdir()
    for each in (base, top):
        (providers / each.wheel.name).write_bytes(each.wheel.read_bytes())
    # Other wheels in the folder are passed over.
    (providers / raw.name).write_bytes(raw.read_bytes())
    words = ("repair", raw, "--with", providers, "-w", tmp_path / "out", "--build", "4")
    outcome = kit.commonwheel(*words)
    assert outcome.code == 0, outcome.text
    (path,) = (tmp_path / "out").glob("*.whl")
    assert str(path) in outcome.text
    assert path.name.startswith(f"alone-1.0+commonwheel.4-{ABI}-{ABI}-manylinux")
    again = kit.commonwheel(
        "repair", path, "--with", providers, "-w", tmp_path / "two", "--build", "4"
    )
    assert again.code == 0, again.text
    assert (tmp_path / "two" / path.name).read_bytes() == path.read_bytes()


def test_the_command_does_not_overwrite_other_bytes(base: Library, tmp_path: Path) -> None:
    house = tmp_path / "house"
    words = ("repair", simple(tmp_path, "kept", base), "--with", base.wheel, "-w", house)
    assert kit.commonwheel(*words).code == 0
    (path,) = house.glob("*.whl")
    good = path.read_bytes()
    assert kit.commonwheel(*words).code == 0
    path.write_bytes(b"published")
    refused = kit.commonwheel(*words)
    assert refused.code == 12
    assert "raise --build" in refused.text
    assert path.read_bytes() == b"published"
    assert kit.commonwheel(*words, "--replace").code == 0
    assert path.read_bytes() == good
    # Nothing else is left behind.
    assert {each.name for each in house.iterdir()} <= {path.name, ".lock"}


def test_the_command_knows_what_recipes_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = simple(tmp_path, "zipper", flags=["-l:libz.so.1"])
    folder = tmp_path / "others"
    recipes.read(folder, recipes.library("zlib").replace("libzlib.so.1", "libz.so.1"))
    refused = kit.commonwheel("repair", raw, "--recipes", folder)
    assert refused.code == 10
    assert "needs libz.so.1" in " ".join(refused.text.split())
    # The toolkit's own recipes claim it everywhere.
    assert kit.commonwheel("repair", raw).code == 10


def test_nothing_is_written_to_the_temporary_folder(
    base: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = simple(tmp_path, "tidy", base)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    done = repair(raw, tmp_path / "one/out", given(base), options())
    assert {each.name for each in (tmp_path / "one").iterdir()} == {"out"}
    (tmp_path / "work").mkdir()
    again = repair(raw, tmp_path / "out", given(base), options(), scratch=tmp_path / "work")
    assert again.path.read_bytes() == done.path.read_bytes()
    assert not list((tmp_path / "work").iterdir())


def test_patchelf_and_the_repair_agree_on_what_is_there(base: Library, tmp_path: Path) -> None:
    """The file is read with another program too."""
    raw = simple(tmp_path, "seen", base)
    wheel = opened(repair(raw, tmp_path / "out", given(base), options()).path)
    file = tmp_path / "ext.so"
    file.write_bytes(wheel.read(f"seen/_ext{SUFFIX}"))
    dynamic = subprocess.run(
        ["readelf", "-dW", file], check=True, capture_output=True, text=True
    ).stdout
    assert f"(RPATH)              Library rpath: [$ORIGIN/../{BASE_LIB}]" in dynamic
    assert "RUNPATH" not in dynamic
    assert not edit(file, rpath=[f"$ORIGIN/../{BASE_LIB}"])
    assert read_elf(file).soname is None
