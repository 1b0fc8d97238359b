"""Gates of closure: a wheel that trips each, and one that is as close as can be and passes."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.abi.records import Records
from commonwheel.check.case import Case
from commonwheel.check.expected import Expected
from commonwheel.check.inspect import inspect
from commonwheel.check.resolve import Linker, unresolved
from commonwheel.process import run
from commonwheel.repair.loader import LoaderFacts, UsedProvider, consumer_loader
from tests.integration.check.kit import (
    HARDENED,
    NAMES,
    checked,
    compiled,
    findings,
    found,
    library,
    seen,
    unchecked,
    write,
)
from tests.integration.kit import PLAIN

FOO = "libfoo-commonwheel.so.1"
RPATH = "-Wl,-rpath,$ORIGIN/../commonwheel_libs/foo_so1/lib"
REQUIRES = ('commonwheel-foo-so1>=1.0; sys_platform == "linux"',)
EXTENSION = "int foo(void); int call(void) { return foo(); }"
DLOPEN = Expected(recipe="use", version="1.0", license="MIT", dlopen=("foo-so1",))


def shared(folder: Path, soname: str, source: str, *flags: str) -> bytes:
    """A library under its SONAME."""
    return compiled(folder, soname, source, f"-Wl,-soname,{soname}", *flags)


def foo(
    folder: Path,
    source: str = "int foo(void) { return 1; }",
    *,
    header: str = "int foo(void);",
    version: str = "1.0",
) -> Path:
    """The library wheel that the others use; its library lies in ``folder``, to link with."""
    code = shared(folder, FOO, source)
    members = {"include/foo.h": header.encode()} if header else {}
    return library(folder / "wheels", "foo-so1", version, {FOO: code}, members=members)


def extension(folder: Path, source: str = EXTENSION, *flags: str) -> bytes:
    """An extension module; ``flags`` name the libraries to link with."""
    return compiled(folder, "ext.so", source, RPATH, *flags)


def consumer(
    folder: Path,
    code: bytes,
    *,
    requires: Sequence[str] = REQUIRES,
    others: dict[str, bytes] | None = None,
) -> Path:
    members = {"use/__init__.py": b"", "use/ext.so": code, **(others or {})}
    return write(folder / "wheels", "use", "1.0+commonwheel.1", members, requires=requires)


def foreign(
    folder: Path, name: str, members: dict[str, bytes], requires: Sequence[str] = ()
) -> Path:
    return write(folder / "wheels", name, "1.0", members, requires=requires)


def test_cw201_trips_on_a_library_that_nobody_owns(tmp_path: Path) -> None:
    shared(tmp_path, "libbar.so.9", "int foo(void) { return 1; }")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libbar.so.9"))
    report = checked(consumer(tmp_path, code, requires=()))
    assert findings(report, "CW201") == [
        (
            "use/ext.so: needs libbar.so.9, which neither the wheel, nor a library wheel, nor the "
            "platform has"
        )
    ]


def test_cw201_near_miss_of_libraries_of_the_wheel_and_of_a_provider(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    bar = shared(tmp_path, "libbar.so.9", "int bar(void) { return 1; }")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libbar.so.9"), str(tmp_path / FOO))
    path = consumer(tmp_path, code, others={"use.libs/libbar.so.9": bar})
    assert "CW201" not in found(checked(path, provider))


def test_cw201_trips_on_a_platform_library_that_has_a_recipe(tmp_path: Path) -> None:
    code = compiled(tmp_path, "ext.so", "int f(void) { return 1; }", "-Wl,--no-as-needed", "-lz")
    report = checked(consumer(tmp_path, code, requires=()), claimed=["libz.so.1"])
    assert findings(report, "CW201") == [
        (
            "use/ext.so: needs libz.so.1, which neither the wheel, nor a library wheel, nor the "
            "platform has"
        )
    ]


def test_cw201_near_miss_of_such_a_library_in_a_foreign_wheel(tmp_path: Path) -> None:
    code = compiled(tmp_path, "ext.so", "int f(void) { return 1; }", "-Wl,--no-as-needed", "-lz")
    path = foreign(tmp_path, "theirs", {"theirs/ext.so": code})
    assert "CW201" not in found(checked(path, claimed=["libz.so.1"]))


def test_cw201_trips_on_libpython_in_words_of_its_own(tmp_path: Path) -> None:
    shared(tmp_path, "libpython3.11.so.1.0", "int foo(void) { return 1; }")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libpython3.11.so.1.0"))
    report = checked(foreign(tmp_path, "theirs", {"theirs/ext.so": code}, ["numpy"]))
    assert findings(report, "CW201") == [
        (
            "theirs/ext.so: needs libpython3.11.so.1.0, the interpreter's own library, which many "
            "interpreters do not have"
        )
    ]


def test_cw201_does_not_judge_what_an_absent_wheel_may_hold(tmp_path: Path) -> None:
    cuda = shared(tmp_path, "libcuda.so.12", "int foo(void) { return 1; }")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libcuda.so.12"))
    path = foreign(tmp_path, "theirs", {"theirs/ext.so": code}, ["nvidia-cuda"])
    alone = checked(path)
    assert not findings(alone, "CW201")
    assert unchecked(alone)["CW201"] == [
        "libcuda.so.12 may be in nvidia-cuda, which is not at hand"
    ]
    held = foreign(tmp_path, "nvidia_cuda", {"nvidia/libcuda.so.12": cuda})
    beside = checked(path, held)
    assert not findings(beside, "CW201")
    assert "CW201" not in unchecked(beside)


def test_cw202_trips_on_a_provider_that_is_not_required(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO)), requires=())
    assert findings(checked(path, provider), "CW202") == [
        "uses foo-so1, and Requires-Dist does not name commonwheel-foo-so1"
    ]


def test_cw202_trips_on_a_range_without_the_release_at_hand(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    code = extension(tmp_path, EXTENSION, str(tmp_path / FOO))
    path = consumer(tmp_path, code, requires=["commonwheel-foo-so1>=1.1"])
    assert findings(checked(path, provider), "CW202") == [
        "uses foo-so1, and Requires-Dist has commonwheel-foo-so1>=1.1, which 1.0 is not"
    ]


def test_cw202_trips_on_a_library_that_is_opened_and_not_required(tmp_path: Path) -> None:
    path = consumer(tmp_path, compiled(tmp_path, "ext.so", "int f;"), requires=())
    assert findings(checked(path, foo(tmp_path), expected=DLOPEN), "CW202") == [
        "uses foo-so1, and Requires-Dist does not name commonwheel-foo-so1"
    ]


def test_cw202_near_miss_of_a_range_that_ends_at_the_release(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    code = extension(tmp_path, EXTENSION, str(tmp_path / FOO))
    path = consumer(tmp_path, code, requires=["Commonwheel.Foo_so1<=1.0"])
    assert "CW202" not in found(checked(path, provider))


def test_cw203_trips_on_a_provider_that_nothing_needs(tmp_path: Path) -> None:
    path = consumer(tmp_path, compiled(tmp_path, "ext.so", "int f;"))
    assert findings(checked(path, foo(tmp_path)), "CW203") == [
        "requires commonwheel-foo-so1, of which nothing in the wheel needs a library"
    ]
    # With nothing at hand that could be it, either.
    assert findings(checked(path), "CW203") == [
        "requires commonwheel-foo-so1, of which nothing in the wheel needs a library"
    ]


def test_cw203_near_miss_of_a_library_that_is_opened(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    code = compiled(tmp_path, "ext.so", "int f;")
    path = consumer(tmp_path, code, requires=[*REQUIRES, "numpy"])
    assert "CW203" not in found(checked(path, provider, expected=DLOPEN))
    used = UsedProvider(
        module=NAMES.module("foo-so1"),
        distribution="commonwheel-foo-so1",
        floor="1.0",
        dlopen=True,
    )
    loader = consumer_loader(LoaderFacts(consumer="use", providers=(used,)))
    path = consumer(tmp_path, code, others={"use/_commonwheel.py": loader.encode()})
    assert "CW203" not in found(checked(path, provider))


def test_cw203_does_not_judge_a_provider_that_is_not_at_hand(tmp_path: Path) -> None:
    foo(tmp_path)
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO)))
    report = checked(path)
    assert not findings(report, "CW203")
    assert unchecked(report)["CW203"] == ["commonwheel-foo-so1 is not at hand"]


def halves(folder: Path, name: str, hidden: str) -> Path:
    """A wheel with ``libhl.so.1``, as others have it, which needs the library ``hidden``."""
    folder = folder / name
    low = shared(folder, hidden, "int low(void) { return 1; }")
    high = shared(
        folder,
        "libhl.so.1",
        "int low(void); int foo(void) { return low(); }",
        "-Wl,-rpath,$ORIGIN",
        str(folder / hidden),
    )
    libraries = ["libhl.so.1", hidden]
    code = compiled(folder, "ext.so", EXTENSION, *(str(folder / each) for each in libraries))
    members = {f"{name}.libs/libhl.so.1": high, f"{name}.libs/{hidden}": low}
    return foreign(folder, name, {f"{name}/ext.so": code, **members})


def test_cw204_trips_on_two_wheels_that_share_by_halves(tmp_path: Path) -> None:
    one = halves(tmp_path, "one", "liblow-1111.so.1")
    two = halves(tmp_path, "two", "liblow-2222.so.1")
    assert findings(checked(two, one), "CW204") == [
        (
            "two.libs/libhl.so.1: libhl.so.1 is shared by halves: it needs liblow-2222.so.1 here, "
            f"and liblow-1111.so.1 in {one.name}:one.libs/libhl.so.1"
        )
    ]


def test_cw204_near_miss_of_two_wheels_that_share_all_of_it(tmp_path: Path) -> None:
    one = halves(tmp_path, "one", "liblow-1111.so.1")
    two = halves(tmp_path, "two", "liblow-1111.so.1")
    assert "CW204" not in found(checked(two, one))


def owning(folder: Path, hidden: str) -> Path:
    """A library wheel with a second library of its own."""
    low = shared(folder, hidden, "int low(void) { return 1; }")
    source = "int low(void); int foo(void) { return low(); }"
    high = shared(folder, FOO, source, "-Wl,-rpath,$ORIGIN", str(folder / hidden))
    return library(folder / "wheels", "foo-so1", "1.0", {FOO: high, hidden: low})


def test_cw204_trips_on_an_untagged_need_of_a_library_wheel(tmp_path: Path) -> None:
    assert findings(checked(owning(tmp_path, "liblow.so.1")), "CW204") == [
        (
            f"commonwheel_libs/foo_so1/lib/{FOO}: {FOO} is shared by halves: it needs liblow.so.1, "
            "which anybody's copy may answer to"
        )
    ]


def test_cw204_near_miss_of_a_tagged_private_library(tmp_path: Path) -> None:
    assert "CW204" not in found(checked(owning(tmp_path, "liblow-commonwheel.so.1")))


def test_cw205_trips_on_a_symbol_of_a_later_release(tmp_path: Path) -> None:
    foo(tmp_path / "new", "int foo(void) { return 1; } int foo_new(void) { return 2; }")
    source = "int foo_new(void); int call(void) { return foo_new(); }"
    code = extension(tmp_path, source, str(tmp_path / "new" / FOO))
    assert findings(checked(consumer(tmp_path, code), foo(tmp_path)), "CW205") == [
        "use/ext.so: needs foo_new, which nothing that it loads defines"
    ]


def test_cw205_near_miss_of_a_weak_symbol_of_a_later_release(tmp_path: Path) -> None:
    foo(tmp_path / "new", "int foo(void) { return 1; } int foo_new(void) { return 2; }")
    source = (
        "int foo(void); int foo_new(void) __attribute__((weak)); void *PyObject_Str(void *);"
        "int call(void) { PyObject_Str(0); return foo_new ? foo_new() : foo(); }"
    )
    code = extension(tmp_path, source, str(tmp_path / "new" / FOO))
    assert "CW205" not in found(checked(consumer(tmp_path, code), foo(tmp_path)))


def test_cw205_trips_on_the_interpreters_symbols_in_a_library_wheel(tmp_path: Path) -> None:
    source = "void *PyObject_Str(void *); int foo(void) { return PyObject_Str(0) != 0; }"
    assert findings(checked(foo(tmp_path, source)), "CW205") == [
        (
            f"commonwheel_libs/foo_so1/lib/{FOO}: needs PyObject_Str, which nothing that it loads "
            "defines"
        )
    ]


def versioned(folder: Path, script: str, source: str) -> bytes:
    """The library with version nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "map").write_text(script)
    return shared(folder, FOO, source, f"-Wl,--version-script={folder / 'map'}")


ONE = "FOO_1 { global: foo; local: *; };"
TWO = "FOO_1 { global: foo; local: *; }; FOO_2 { global: foo_new; } FOO_1;"
BOTH = "int foo(void) { return 1; } int foo_new(void) { return 2; }"
HEADERS = "int foo(void); int foo_new(void);"
USES_BOTH = "int foo(void), foo_new(void); int call(void) { return foo() + foo_new(); }"


def test_cw205_trips_on_a_version_node_that_is_not_there(tmp_path: Path) -> None:
    versioned(tmp_path / "new", TWO, BOTH)
    old = versioned(tmp_path, ONE, "int foo(void) { return 1; }")
    code = extension(tmp_path, USES_BOTH, str(tmp_path / "new" / FOO))
    provider = library(tmp_path / "wheels", "foo-so1", "1.0", {FOO: old})
    assert findings(checked(consumer(tmp_path, code), provider), "CW205") == [
        f"use/ext.so: needs the version node FOO_2 of {FOO}, which nothing that it loads defines"
    ]


def test_cw205_near_miss_of_a_library_that_has_gained_nodes(tmp_path: Path) -> None:
    shared(tmp_path / "old", FOO, BOTH)
    new = versioned(tmp_path, TWO, BOTH)
    code = extension(tmp_path, USES_BOTH, str(tmp_path / "old" / FOO))
    provider = library(tmp_path / "wheels", "foo-so1", "1.0", {FOO: new})
    assert "CW205" not in found(checked(consumer(tmp_path, code), provider))


def test_cw205_near_miss_of_a_library_that_relies_on_its_loader(tmp_path: Path) -> None:
    """In a wheel of others; ours must load by themselves."""
    low = shared(tmp_path, "liblow.so.1", "int low(void) { return 1; }")
    source = "int low(void); int foo(void) { return low(); }"
    high = shared(tmp_path, "libhigh.so.1", source)
    libraries = [str(tmp_path / each) for each in ("libhigh.so.1", "liblow.so.1")]
    code = extension(tmp_path, EXTENSION, *libraries)
    members = {"use.libs/libhigh.so.1": high, "use.libs/liblow.so.1": low}
    theirs = foreign(tmp_path, "use", {"use/ext.so": code, **members})
    assert "CW205" not in found(checked(theirs))
    ours = consumer(tmp_path, code, requires=(), others=members)
    assert findings(checked(ours), "CW205") == [
        "use.libs/libhigh.so.1: needs low, which nothing that it loads defines"
    ]


def test_cw205_near_miss_of_a_plugin_of_a_program(tmp_path: Path) -> None:
    (tmp_path / "tool.c").write_text("int foo(void) { return 1; } int main(void) { return 0; }")
    run(["gcc", "-rdynamic", "-o", tmp_path / "tool", tmp_path / "tool.c"], env=PLAIN)
    plugin = compiled(tmp_path, "plugin.so", EXTENSION)
    tool = {"theirs/bin/tool": (tmp_path / "tool").read_bytes()}
    path = foreign(tmp_path, "theirs", {"theirs/plugin.so": plugin, **tool})
    assert "CW205" not in found(checked(path))
    path = foreign(tmp_path, "theirs", {"theirs/plugin.so": plugin})
    assert findings(checked(path), "CW205") == [
        "theirs/plugin.so: needs foo, which nothing that it loads defines"
    ]


def test_musl_is_not_judged_by_this_hosts_libc(tmp_path: Path) -> None:
    musl = "libc.musl-x86_64.so.1"
    shared(tmp_path, musl, "int puts(const char *text) { return 0; }", "-nostdlib")
    source = 'int puts(const char *); int call(void) { return puts(""); }'
    flags = ["-nostdlib", str(tmp_path / musl)]
    code = compiled(tmp_path, "ext.so", source, *flags, hardened=False)
    tag = "cp311-cp311-musllinux_1_2_x86_64"
    path = write(tmp_path / "wheels", "theirs", "1.0", {"theirs/ext.so": code}, tag=tag)
    report = checked(path)
    assert not {"CW201", "CW205"} & found(report).keys()
    assert unchecked(report)["CW205"] == [f"whether puts is there: {musl} is not at hand"]


def test_version_nodes_of_an_unknown_architecture_are_not_judged(tmp_path: Path) -> None:
    code = bytearray(compiled(tmp_path, "ext.so", '#include <stdio.h>\nvoid f(void) { puts(""); }'))
    code[18:20] = (22).to_bytes(2, "little")  # e_machine: s390x
    report = checked(foreign(tmp_path, "theirs", {"theirs/ext.so": bytes(code)}))
    assert "CW205" not in found(report)
    assert unchecked(report)["CW205"] == [
        "whether the version node GLIBC_2.2.5 is there: libc.so.6 is not at hand"
    ]


def test_cw205_does_not_judge_without_the_library(tmp_path: Path) -> None:
    foo(tmp_path)
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO)))
    report = checked(path)
    assert not findings(report, "CW205")
    assert unchecked(report)["CW205"] == [f"whether foo is there: {FOO} is not at hand"]


# Of the newer of two releases.
SYMBOLS = ["foo", "foo_new", "bar", "baz"]


@pytest.mark.parametrize("with_nodes", [False, True])
@pytest.mark.parametrize("kept", [SYMBOLS, SYMBOLS[:3], SYMBOLS[1:], SYMBOLS[:1]])
def test_what_resolves_is_what_the_loader_says(
    tmp_path: Path, kept: list[str], *, with_nodes: bool
) -> None:
    """Against ``ldd -r``, with the library replaced by a release that has less."""

    def release(folder: Path, symbols: list[str]) -> None:
        source = "".join(f"int {each}(void) {{ return 1; }}\n" for each in symbols)
        nodes = [f"N_{each} {{ global: {each}; }};" for each in symbols] if with_nodes else []
        versioned(folder, "\n".join(nodes) or "{ global: *; };", source)

    release(tmp_path / "new", SYMBOLS)
    release(tmp_path / "old", kept)
    calls = " + ".join(f"{each}()" for each in SYMBOLS)
    source = f"#include <math.h>\nint {', '.join(f'{each}(void)' for each in SYMBOLS)};\n"
    source += "int gone(void) __attribute__((weak));\n"
    source += f"double call(double x) {{ return gone ? gone() : sin(x) + {calls}; }}"
    (tmp_path / "ext.c").write_text(source)
    target, linked = tmp_path / "ext.so", tmp_path / "new" / FOO
    # Lazy: what is bound at once ends ldd at the first symbol.
    flags = [flag for flag in HARDENED if flag != "-Wl,-z,now"]
    lazy: list[str | Path] = [
        *flags,
        "-Wl,-z,lazy",
        "-o",
        target,
        tmp_path / "ext.c",
        linked,
        "-lm",
    ]
    run(["gcc", "-shared", *lazy], env=PLAIN)

    environ = {**PLAIN, "LD_LIBRARY_PATH": str(tmp_path / "old")}
    said = run(["ldd", "-r", target], env=environ, check=False).output
    missing_nodes = set(re.findall(r"version `(\w+)' not found", said))
    lost = set(re.findall(r"undefined symbol: (\w+)", said))

    shutil.copy(tmp_path / "old" / FOO, tmp_path / FOO)
    members = {"use/ext.so": target.read_bytes(), f"use.libs/{FOO}": (tmp_path / FOO).read_bytes()}
    wheel, contents = inspect(foreign(tmp_path, "use", members), NAMES)
    linker = Linker(Case(wheel=wheel, contents=contents))
    left = unresolved(linker.scope(linker.library(wheel.by_member["use/ext.so"])), interpreter=True)
    assert {node for _, node in left.nodes} == missing_nodes
    # To the loader the symbols of a missing node are missing, too.
    of_nodes = {node.removeprefix("N_") for _, node in left.nodes}
    assert {symbol.name for symbol in left.symbols} == lost - of_nodes
    assert of_nodes | {symbol.name for symbol in left.symbols} == set(SYMBOLS) - set(kept)


def test_cw206_trips_on_a_symbol_that_no_header_names(tmp_path: Path) -> None:
    provider = foo(tmp_path, BOTH, header="int foo(void); /* foo_newer is another */")
    code = extension(tmp_path, USES_BOTH, str(tmp_path / FOO))
    assert findings(checked(consumer(tmp_path, code), provider), "CW206") == [
        "use/ext.so: uses foo_new of commonwheel-foo-so1, which no header of it names"
    ]


def test_cw206_near_miss_of_a_symbol_that_a_macro_stands_for(tmp_path: Path) -> None:
    provider = foo(tmp_path, BOTH, header="int foo(void);\n#define foo2() foo_new()\n")
    code = extension(tmp_path, USES_BOTH, str(tmp_path / FOO))
    assert "CW206" not in found(checked(consumer(tmp_path, code), provider))


def cplusplus(folder: Path, header: str) -> tuple[Path, Path]:
    """A consumer of a C++ class, and its provider."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "#include <string>\nnamespace geo { namespace detail {\nstruct Point {"
    body += " double area(const std::string &) const; }; } }\n"
    own = body + "double geo::detail::Point::area(const std::string &) const { return 1; }\n"
    code = compiled(folder, FOO, own, f"-Wl,-soname,{FOO}", suffix=".cpp")
    members = {"include/geo.hpp": header.encode()}
    provider = library(folder / "wheels", "foo-so1", "1.0", {FOO: code}, members=members)
    use = body + "double call() { return geo::detail::Point().area(std::string()); }\n"
    code = compiled(folder, "ext.so", use, RPATH, str(folder / FOO), suffix=".cpp")
    return consumer(folder, code), provider


def test_cw206_trips_on_a_class_of_a_namespace_that_no_header_names(tmp_path: Path) -> None:
    report = checked(*cplusplus(tmp_path, "namespace geo { class Point { double area(); }; }"))
    (finding,) = findings(report, "CW206")
    assert re.fullmatch(
        r"use/ext\.so: uses _ZNK3geo6detail5Point4areaE\w+ of commonwheel-foo-so1, which no header "
        r"of it names",
        finding,
    )


def test_cw206_near_miss_of_a_class_whose_parameters_no_header_names(tmp_path: Path) -> None:
    header = "namespace geo { namespace detail { class Point { double area(); }; } }"
    assert "CW206" not in found(checked(*cplusplus(tmp_path, header)))


def test_cw206_trips_on_a_private_library(tmp_path: Path) -> None:
    code = shared(tmp_path, FOO, "int foo(void) { return 1; }")
    manifest = {
        "schema": 1,
        "line": "foo-so1",
        "distribution": "commonwheel-foo-so1",
        "module": NAMES.module("foo-so1"),
        "version": "1.0",
        "stability": "line",
        "libraries": [{"soname": FOO, "upstream": "libfoo.so.1", "role": "private"}],
    }
    provider = library(
        tmp_path / "wheels",
        "foo-so1",
        "1.0",
        {FOO: code},
        members={"include/foo.h": b"int foo(void);"},
        info={NAMES.manifest: json.dumps(manifest).encode()},
    )
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO)))
    assert findings(checked(path, provider), "CW206") == [
        f"use/ext.so: uses {FOO} of commonwheel-foo-so1, which is private to it"
    ]


def test_cw206_does_not_judge_without_headers(tmp_path: Path) -> None:
    provider = foo(tmp_path, header="")
    report = checked(
        consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO))), provider
    )
    assert not findings(report, "CW206")
    assert unchecked(report)["CW206"] == ["commonwheel-foo-so1 has no headers"]


def test_a_sound_pair_passes(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO)))
    mine = {gate for gate in found(checked(path, provider)) if gate.startswith(("CW2", "CW3"))}
    assert mine == set()


def test_a_file_that_cannot_be_read_is_not_checked(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    code = extension(tmp_path, EXTENSION, str(tmp_path / FOO))
    report = checked(consumer(tmp_path, code[:200]), provider)
    assert not [gate for gate in found(report) if gate.startswith(("CW2", "CW3"))]
    for gate in ("CW201", "CW203", "CW205", "CW206", "CW302", "CW305"):
        assert "cut short" in unchecked(report)[gate][0] or "outside" in unchecked(report)[gate][0]


def releases(folder: Path, *sources: str, header: str = HEADERS) -> list[Path]:
    """Releases 1.0, 1.1, … of the library wheel; the last one's library is what is linked to."""
    return [
        foo(folder, source, header=header, version=f"1.{number}")
        for number, source in enumerate(sources)
    ]


def test_cw207_trips_on_each_release_that_lacks_a_symbol(tmp_path: Path) -> None:
    one = "int foo(void) { return 1; }"
    paths = releases(tmp_path, one, one, BOTH)
    path = consumer(tmp_path, extension(tmp_path, USES_BOTH, str(tmp_path / FOO)))
    assert findings(checked(path, *paths), "CW207") == [
        (
            "use/ext.so: requires commonwheel-foo-so1>=1.0, which admits 1.0: that lacks foo_new; "
            "raise the floor to 1.2"
        ),
        (
            "use/ext.so: requires commonwheel-foo-so1>=1.0, which admits 1.1: that lacks foo_new; "
            "raise the floor to 1.2"
        ),
    ]


def test_cw207_near_miss_of_a_release_that_the_range_leaves_out(tmp_path: Path) -> None:
    paths = releases(tmp_path, "int foo(void) { return 1; }", BOTH, BOTH)
    requires = ("commonwheel-foo-so1>=1.1",)
    code = extension(tmp_path, USES_BOTH, str(tmp_path / FOO))
    report = checked(consumer(tmp_path, code, requires=requires), *paths)
    assert "CW207" not in found(report) | unchecked(report)


def test_cw207_trips_on_a_recorded_release_that_has_lost_a_symbol(tmp_path: Path) -> None:
    newer = seen(foo(tmp_path / "newer", "int foo_new(void) { return 1; }", version="2.0")).snapshot
    provider = foo(tmp_path)
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, str(tmp_path / FOO)))
    what = "requires commonwheel-foo-so1>=1.0, which admits 2.0: that lacks foo; keep it below 2.0"
    for beside in ([provider], []):
        records = [newer, seen(provider).snapshot]
        report = checked(path, *beside, records=Records(tuple(records)))
        assert findings(report, "CW207") == [f"use/ext.so: {what}"]


def test_cw207_near_miss_of_a_symbol_that_is_weak(tmp_path: Path) -> None:
    paths = releases(tmp_path, "int foo(void) { return 1; }", BOTH)
    source = "int foo(void); int foo_new(void) __attribute__((weak));\n"
    source += "int call(void) { return foo_new ? foo_new() : foo(); }"
    path = consumer(tmp_path, extension(tmp_path, source, str(tmp_path / FOO)))
    assert "CW207" not in found(checked(path, *paths)) | unchecked(checked(path, *paths))


def test_cw207_trips_on_a_version_node_that_a_release_has_lost(tmp_path: Path) -> None:
    new = library(tmp_path / "wheels", "foo-so1", "1.1", {FOO: shared(tmp_path / "new", FOO, BOTH)})
    old = library(tmp_path / "wheels", "foo-so1", "1.0", {FOO: versioned(tmp_path, TWO, BOTH)})
    path = consumer(tmp_path, extension(tmp_path, USES_BOTH, str(tmp_path / FOO)))
    assert findings(checked(path, old, new), "CW207") == [
        (
            "use/ext.so: requires commonwheel-foo-so1>=1.0, which admits 1.1: that lacks the "
            "version node FOO_1, the version node FOO_2; keep it below 1.1"
        )
    ]


def test_cw207_near_miss_of_a_release_that_has_gained_nodes(tmp_path: Path) -> None:
    old = library(tmp_path / "wheels", "foo-so1", "1.0", {FOO: shared(tmp_path, FOO, BOTH)})
    code = versioned(tmp_path / "new", TWO, BOTH)
    new = library(tmp_path / "wheels", "foo-so1", "1.1", {FOO: code})
    path = consumer(tmp_path, extension(tmp_path, USES_BOTH, str(tmp_path / FOO)))
    assert "CW207" not in found(checked(path, old, new))


def boost(folder: Path, version: str, soname: str) -> Path:
    """A wheel of others' that has a library for others; it lies in ``folder``, to link with."""
    code = shared(folder, soname, "int foo(void) { return 1; }")
    members = {f"cmeel.prefix/lib/{soname}": code}
    return write(folder / "wheels", "cmeel-boost", version, members)


def test_cw207_trips_on_a_foreign_wheel_whose_range_admits_another_soname(tmp_path: Path) -> None:
    """As pin 2.6.17, which needs Boost 1.81's libraries, and takes any."""
    old = boost(tmp_path, "1.81.0", "libboost_python311.so.1.81.0")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libboost_python311.so.1.81.0"))
    new = boost(tmp_path, "1.87.0", "libboost_python311.so.1.87.0")
    path = foreign(tmp_path, "pin", {"pin/ext.so": code}, ["cmeel-boost"])
    lost = "the library libboost_python311.so.1.81.0 (it has libboost_python311.so.1.87.0)"
    assert findings(checked(path, old, new), "CW207") == [
        (
            f"pin/ext.so: requires cmeel-boost, which admits 1.87.0: that lacks {lost}; "
            "keep it below 1.87.0"
        )
    ]
    # The right one need not be at hand.
    assert findings(checked(path, new), "CW207") == [
        (
            f"pin/ext.so: requires cmeel-boost, which admits 1.87.0: that lacks {lost}; "
            "no known release that it admits will do"
        )
    ]


def test_cw207_near_miss_of_a_foreign_wheel_with_a_range(tmp_path: Path) -> None:
    old = boost(tmp_path, "1.81.0", "libboost_python311.so.1.81.0")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libboost_python311.so.1.81.0"))
    new = boost(tmp_path, "1.87.0", "libboost_python311.so.1.87.0")
    path = foreign(tmp_path, "pin", {"pin/ext.so": code}, ["cmeel-boost ~=1.81.0"])
    report = checked(path, old, new)
    assert "CW207" not in found(report)
    assert unchecked(report)["CW207"] == ["no other release of cmeel-boost is known"]


def test_cw207_trips_on_a_hashed_name_of_another_release(tmp_path: Path) -> None:
    old = boost(tmp_path, "1.0", "libfoo-1a2b3c4d.so.1.2.3")
    code = extension(tmp_path, EXTENSION, str(tmp_path / "libfoo-1a2b3c4d.so.1.2.3"))
    new = boost(tmp_path, "1.1", "libfoo-5e6f7a8b.so.1.2.4")
    path = foreign(tmp_path, "pin", {"pin/ext.so": code}, ["cmeel-boost>=1"])
    assert findings(checked(path, old, new), "CW207") == [
        (
            "pin/ext.so: requires cmeel-boost>=1, which admits 1.1: that lacks the library "
            "libfoo-1a2b3c4d.so.1.2.3 (libfoo.so.1.2.3 under a hash; it has "
            "libfoo-5e6f7a8b.so.1.2.4); keep it below 1.1"
        )
    ]


def test_cw206_trips_on_a_symbol_that_another_release_has_made_private(tmp_path: Path) -> None:
    old = foo(tmp_path, BOTH, header=HEADERS)
    new = foo(tmp_path, BOTH, header="int foo(void);", version="1.1")
    path = consumer(tmp_path, extension(tmp_path, USES_BOTH, str(tmp_path / FOO)))
    assert findings(checked(path, old, new), "CW206") == [
        "use/ext.so: uses foo_new of commonwheel-foo-so1, which no header of 1.1 names"
    ]


IDLE = "int call(void) { return 1; }"


def test_cw208_trips_on_a_library_that_nothing_is_taken_of(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    code = extension(tmp_path, IDLE, "-Wl,--no-as-needed", str(tmp_path / FOO))
    report = checked(consumer(tmp_path, code), provider)
    assert findings(report, "CW208") == [
        f"use/ext.so: needs {FOO} of commonwheel-foo-so1, and takes nothing of it"
    ]
    assert report.passes


def test_cw208_trips_on_a_library_of_a_library(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    bar = "libbar-commonwheel.so.2"
    code = shared(tmp_path, bar, IDLE, "-Wl,--no-as-needed", str(tmp_path / FOO))
    path = library(tmp_path / "wheels", "bar-so2", "1.0", {bar: code}, requires=REQUIRES)
    (finding,) = findings(checked(path, provider), "CW208")
    assert finding.endswith(f"needs {FOO} of commonwheel-foo-so1, and takes nothing of it")


def test_cw208_near_miss_of_a_weak_symbol(tmp_path: Path) -> None:
    provider = foo(tmp_path)
    source = "int foo(void) __attribute__((weak)); int call(void) { return foo ? foo() : 0; }"
    code = extension(tmp_path, source, "-Wl,--no-as-needed", str(tmp_path / FOO))
    assert "CW208" not in found(checked(consumer(tmp_path, code), provider))


def test_cw208_near_miss_of_a_library_that_brings_the_one_that_is_used(tmp_path: Path) -> None:
    foo(tmp_path)
    low = (tmp_path / FOO).read_bytes()
    high = "libhigh-commonwheel.so.1"
    code = shared(tmp_path, high, IDLE, "-Wl,--no-as-needed", str(tmp_path / FOO))
    provider = library(tmp_path / "wheels", "foo-so1", "1.0", {FOO: low, high: code})
    flags = ("-Wl,--no-as-needed", "-Wl,--unresolved-symbols=ignore-all", str(tmp_path / high))
    path = consumer(tmp_path, extension(tmp_path, EXTENSION, *flags))
    assert "CW208" not in found(checked(path, provider))
