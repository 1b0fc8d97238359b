"""Gates of identity: each trips, and does not on the nearest sound thing."""

from pathlib import Path
from typing import Any

from tests.integration.check.kit import checked, compiled, found, library, write

FOO = "int foo(void) { return 1; }"
SONAME = "libfoo-commonwheel.so.1"
LIB = "commonwheel_libs/foo_so1/lib"


def foo(folder: Path, soname: str | None = SONAME, source: str = FOO) -> bytes:
    return compiled(folder, "libfoo.so", source, *([f"-Wl,-soname,{soname}"] if soname else []))


def foo_file(folder: Path) -> str:
    """Name of a file with such a library, to link to."""
    foo(folder)
    return "libfoo.so"


def user(folder: Path, *, of: str) -> bytes:
    """An extension module that NEEDs ``of``, a file beside it."""
    source = "int foo(void); int PyInit__ext(void) { return foo(); }"
    return compiled(folder, "_ext.so", source, f"-L{folder}", f"-l:{of}")


def foo_wheel(folder: Path, content: bytes, *, file: str = SONAME, **others: Any) -> Path:
    return library(folder / "wheels", "foo-so1", "1.0", {file: content}, **others)


def demo(folder: Path, name: str, **members: bytes) -> Path:
    """A wheel of another maker; ``members`` lie in its package."""
    return write(folder / "wheels", name, "1.0", {f"{name}/{m}": c for m, c in members.items()})


def on(wheel: Path, member: str, message: str) -> str:
    """A finding as the kit shows it."""
    return f"{wheel.name}:{member}: {message}"


def test_cw101_trips_on_a_library_without_soname(tmp_path: Path) -> None:
    wheel = foo_wheel(tmp_path, foo(tmp_path, None))
    message = "has no DT_SONAME, so nothing can NEED it by name"
    assert found(checked(wheel))["CW101"] == [on(wheel, f"{LIB}/{SONAME}", message)]


def test_cw101_near_miss_plugin_below_lib(tmp_path: Path) -> None:
    plugin = {"lib/plugins/foo.so": foo(tmp_path, None, "int plugin(void) { return 1; }")}
    wheel = foo_wheel(tmp_path, foo(tmp_path), members=plugin)
    assert "CW101" not in found(checked(wheel))


def test_cw101_trips_on_a_library_that_another_file_needs(tmp_path: Path) -> None:
    members = {
        "demo/libfoo.so": foo(tmp_path, None),
        "demo/_ext.so": user(tmp_path, of="libfoo.so"),
    }
    message = "has no DT_SONAME, and demo/_ext.so NEEDs it by its file name"
    for version, level in (("1.0+commonwheel.1", "error"), ("1.0", "warning")):
        wheel = write(tmp_path / "wheels", "demo", version, members)
        report = checked(wheel)
        assert found(report)["CW101"] == [on(wheel, "demo/libfoo.so", message)]
        assert [each.level for each in report.findings if each.gate == "CW101"] == [level]


def test_cw101_near_miss_nobody_needs_it(tmp_path: Path) -> None:
    needed = foo(tmp_path, "libfoo.so")
    members = {
        "demo/libfoo.so": needed,
        "demo/_ext.so": user(tmp_path, of="libfoo.so"),
        "demo/plugin.so": foo(tmp_path / "plugin", None),
    }
    wheel = write(tmp_path / "wheels", "demo", "1.0+commonwheel.1", members)
    assert "CW101" not in found(checked(wheel))


def test_cw101_near_miss_foreign_copy_that_nobody_needs(tmp_path: Path) -> None:
    wheel = write(tmp_path, "demo", "1.0", {"demo.libs/plugin.so": foo(tmp_path, None)})
    assert "CW101" not in found(checked(wheel))


def test_cw102_trips_on_upstreams_soname(tmp_path: Path) -> None:
    wheel = foo_wheel(tmp_path, foo(tmp_path, "libfoo.so.1"), file="libfoo.so.1")
    message = "the SONAME libfoo.so.1 does not carry the tag '-commonwheel'"
    assert found(checked(wheel))["CW102"] == [on(wheel, f"{LIB}/libfoo.so.1", message)]


def test_cw102_near_miss_plugin_without_soname(tmp_path: Path) -> None:
    plugin = {"lib/plugins/foo.so": foo(tmp_path / "plugin", None)}
    wheel = foo_wheel(tmp_path, foo(tmp_path), members=plugin)
    assert "CW102" not in found(checked(wheel))


def test_cw103_trips_on_another_file_name(tmp_path: Path) -> None:
    file = f"{SONAME}.2"
    wheel = foo_wheel(tmp_path, foo(tmp_path), file=file)
    message = f"has the SONAME {SONAME}, which is not the file's name"
    assert found(checked(wheel))["CW103"] == [on(wheel, f"{LIB}/{file}", message)]


def test_cw103_trips_in_libs_folder_of_foreign_wheel(tmp_path: Path) -> None:
    member = "demo.libs/libfoo-0123abcd.so.1"
    wheel = write(tmp_path, "demo", "1.0", {member: foo(tmp_path, "libfoo.so.1")})
    report = checked(wheel)
    message = "has the SONAME libfoo.so.1, which is not the file's name"
    assert found(report)["CW103"] == [on(wheel, member, message)]
    assert [each.level for each in report.findings if each.gate == "CW103"] == ["warning"]


def test_cw103_trips_on_what_another_file_needs(tmp_path: Path) -> None:
    members = {
        "demo/_ext.so": user(tmp_path, of=foo_file(tmp_path)),
        "demo/libfoo.so": foo(tmp_path),
    }
    wheel = write(tmp_path, "demo", "1.0+commonwheel.1", members)
    message = f"has the SONAME {SONAME}, which is not the file's name"
    assert found(checked(wheel))["CW103"] == [on(wheel, "demo/libfoo.so", message)]


def test_cw103_near_miss_nobody_needs_the_name(tmp_path: Path) -> None:
    module = {"demo/_ext.so": foo(tmp_path, "lib_ext.so")}
    wheel = write(tmp_path, "demo", "1.0+commonwheel.1", module)
    assert "CW103" not in found(checked(wheel))


def grafted(folder: Path, name: str, source: str, soname: str) -> Path:
    """A wheel whose extension NEEDs a library that was copied into it."""
    work = folder / name
    content = compiled(work, soname, source, f"-Wl,-soname,{soname}")
    extension = user(work, of=soname)
    members = {f"{name}/_ext.so": extension, f"{name}.libs/{soname}": content}
    return write(folder / "wheels", name, "1.0", members)


def test_cw104_trips_on_two_builds_of_one_soname(tmp_path: Path) -> None:
    # As scs 3.3.1 and cvxopt 1.3.3 do (a hash of what was copied, not of what came of it).
    soname = "libfoo-11edc3fa.so.1"
    first = grafted(tmp_path, "first", FOO, soname)
    second = grafted(tmp_path, "second", "int foo(void) { return 2; }", soname)
    report = checked(second, first)
    message = f"{soname} is in {first.name} too (first.libs/{soname}), with other bytes"
    assert found(report)["CW104"] == [on(second, f"second.libs/{soname}", message)]
    assert not report.passes


def test_cw104_trips_on_a_second_owner_of_a_tagged_soname(tmp_path: Path) -> None:
    content = foo(tmp_path)
    first = foo_wheel(tmp_path, content)
    second = library(tmp_path / "wheels", "foo-so1b", "1.0", {SONAME: content})
    message = f"{SONAME} is in {first.name} too ({LIB}/{SONAME}), with the same bytes"
    member = f"commonwheel_libs/foo_so1b/lib/{SONAME}"
    assert found(checked(second, first))["CW104"] == [on(second, member, message)]


def test_cw104_near_miss_same_bytes(tmp_path: Path) -> None:
    first = grafted(tmp_path, "first", FOO, "libfoo-11edc3fa.so.1")
    second = grafted(tmp_path, "second", FOO, "libfoo-11edc3fa.so.1")
    assert "CW104" not in found(checked(second, first))


def test_cw104_near_miss_another_architecture(tmp_path: Path) -> None:
    content = foo(tmp_path, "libfoo-11edc3fa.so.1")
    extension = user(tmp_path, of="libfoo.so")
    aarch64 = content[:18] + b"\xb7\0" + content[20:]
    first, second = (
        demo(tmp_path, name, **{"libfoo-11edc3fa.so.1": library, "_ext.so": extension})
        for name, library in (("first", content), ("second", aarch64))
    )
    assert "CW104" not in found(checked(second, first))


def test_cw104_near_miss_plugins_that_nobody_needs(tmp_path: Path) -> None:
    # They are opened by path, which is not held against SONAMEs.
    first, second = (
        demo(tmp_path, name, **{"plugin.so": foo(tmp_path, "plugin.so", source)})
        for name, source in (("first", FOO), ("second", "int bar(void) { return 3; }"))
    )
    assert "CW104" not in found(checked(second, first))


def test_cw105_trips_on_one_path_of_two_wheels(tmp_path: Path) -> None:
    shared = {"tests/__init__.py": b"", "tests/test_x.py": b""}
    first = write(tmp_path, "first", "1.0", {"first.py": b"", **shared})
    second = write(tmp_path, "second", "1.0", {"second.py": b"", **shared})
    names = "tests/__init__.py (site-packages), tests/test_x.py (site-packages)"
    message = f"2 paths are in {first.name} too: {names}"
    assert found(checked(second, first))["CW105"] == [on(second, "tests/__init__.py", message)]


def test_cw105_trips_on_one_script_of_two_wheels(tmp_path: Path) -> None:
    # One is a file, the other is made of an entry point.
    first = write(tmp_path, "first", "1.0", {"first-1.0.data/scripts/foo-config": b"#!/bin/sh\n"})
    points = {"entry_points.txt": b"[console_scripts]\nfoo-config = second:main\n"}
    second = write(tmp_path, "second", "1.0", {"second.py": b""}, info=points)
    message = f"1 path is in {first.name} too: foo-config (scripts)"
    member = "second-1.0.dist-info/entry_points.txt"
    assert found(checked(second, first))["CW105"] == [on(second, member, message)]


def test_cw105_near_miss_namespace_package(tmp_path: Path) -> None:
    first = write(tmp_path, "first", "1.0", {"space/one.py": b""})
    second = write(tmp_path, "second", "1.0", {"space/two.py": b""})
    assert "CW105" not in found(checked(second, first))


def test_cw105_near_miss_another_release_is_never_installed_beside(tmp_path: Path) -> None:
    first = foo_wheel(tmp_path, foo(tmp_path))
    second = library(tmp_path / "wheels", "foo-so1", "1.1", {SONAME: foo(tmp_path)})
    assert not {"CW104", "CW105", "CW106"} & found(checked(second, first)).keys()


def test_cw106_trips_on_copies_for_symlinks(tmp_path: Path) -> None:
    content = foo(tmp_path)
    wheel = foo_wheel(tmp_path, content, members={"lib/libfoo-commonwheel.so": content})
    message = f"has the same content as {LIB}/{SONAME}"
    assert found(checked(wheel))["CW106"] == [on(wheel, f"{LIB}/libfoo-commonwheel.so", message)]


def test_cw106_trips_on_a_copy_in_another_wheel(tmp_path: Path) -> None:
    first, second = (demo(tmp_path, name, **{"libfoo.so": foo(tmp_path)}) for name in ("a", "b"))
    report = checked(second, first)
    message = f"has the same content as a/libfoo.so of {first.name}"
    assert found(report)["CW106"] == [on(second, "b/libfoo.so", message)]
    assert [each.level for each in report.findings if each.gate == "CW106"] == ["warning"]


def test_cw106_near_miss_linker_scripts(tmp_path: Path) -> None:
    script = f"INPUT({SONAME})\n".encode()
    members = {"lib/libfoo.so": script, "lib/libfoo_old.so": script}
    wheel = foo_wheel(tmp_path, foo(tmp_path), members=members)
    assert "CW106" not in found(checked(wheel))


def test_what_cannot_be_read_is_not_checked(tmp_path: Path) -> None:
    wheel = demo(tmp_path, "demo", broken=b"\x7fELF" + bytes(60))
    ended = {outcome.gate: outcome.verdict for outcome in checked(wheel).outcomes}
    asked = ("CW101", "CW103", "CW104", "CW106", "CW702")
    assert {ended[gate] for gate in asked} == {"not checked"}
