"""Gates on leaks: each trips, and does not on the nearest sound thing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from commonwheel.check.expected import Expected
from commonwheel.elf import read_elf
from tests.integration.check.kit import checked, compiled, found, library, unchecked, write

SONAME = "libfoo-commonwheel.so.1"
MEMBER = f"commonwheel_libs/foo_so1/lib/{SONAME}"
FOO = "int foo_a(void) { return 1; } int foo_b(void) { return 2; }"
# Calls what it does not define.
USER = "int foo_a(void); int PyInit__ext(void) { return foo_a(); }"


def recipe(
    *,
    exports: Sequence[str] = (),
    grafts: Sequence[str] = (),
    dlopen: Sequence[str] = (),
) -> Expected:
    return Expected(
        recipe="demo",
        version="1.0",
        license="MIT",
        exports={SONAME: tuple(exports)} if exports else {},
        grafts=tuple(grafts),
        dlopen=tuple(dlopen),
    )


def shared(folder: Path, soname: str, source: str, *flags: str) -> bytes:
    return compiled(folder, soname, source, f"-Wl,-soname,{soname}", *flags)


def foo_wheel(folder: Path, source: str = FOO, *flags: str) -> Path:
    content = shared(folder, SONAME, source, *flags)
    return library(folder / "wheels", "foo-so1", "1.0", {SONAME: content})


def consumer(
    folder: Path,
    members: Mapping[str, bytes],
    *,
    requires: Sequence[str] = ("commonwheel-foo-so1>=1.0",),
) -> Path:
    version = "1.0+commonwheel.1"
    return write(folder / "wheels", "demo", version, members, requires=requires)


def on(wheel: Path, member: str, message: str) -> str:
    """A finding as the kit shows it."""
    return f"{wheel.name}:{member}: {message}"


def test_cw701_trips_on_an_exported_helper(tmp_path: Path) -> None:
    source = f"{FOO} int helper(void) {{ return 3; }} int xmalloc(void) {{ return 4; }}"
    wheel = foo_wheel(tmp_path, source)
    report = checked(wheel, expected=recipe(exports=["foo_*"]))
    message = "exports 2 symbols that the recipe's 'exports' do not admit: helper, xmalloc"
    assert found(report)["CW701"] == [on(wheel, MEMBER, message)]


def test_cw701_near_miss_hidden_helper_and_version_node(tmp_path: Path) -> None:
    versions = tmp_path / "map"
    versions.write_text("FOO_1 { global: foo_*; local: *; };\n")
    source = f"{FOO} int helper(void) {{ return 3; }}"
    wheel = foo_wheel(tmp_path, source, f"-Wl,--version-script={versions}")
    assert "CW701" not in found(checked(wheel, expected=recipe(exports=["foo_*"])))


def test_cw701_near_miss_recipe_without_patterns(tmp_path: Path) -> None:
    report = checked(foo_wheel(tmp_path), expected=recipe())
    assert not {"CW701", "CW706"} & {*found(report), *unchecked(report)}


def test_without_a_recipe_or_the_library_exports_are_not_checked(tmp_path: Path) -> None:
    wheel = foo_wheel(tmp_path)
    for expected, reason in (
        (None, "no recipe is known for this wheel"),
        (
            Expected(recipe="x", version="1", license="MIT", exports={"libbar.so.1": ("*",)}),
            "libbar.so.1 is not in the wheel",
        ),
    ):
        reasons = unchecked(checked(wheel, expected=expected))
        assert reasons["CW701"] == reasons["CW706"] == [reason]


def test_cw702_trips_on_a_static_copy_beside_the_shared_library(tmp_path: Path) -> None:
    provider = foo_wheel(tmp_path)
    source = "int foo_a(void) { return 5; } int foo_c(void); int PyInit__ext(void) { return 1; }"
    flags = ("-Wl,--no-as-needed", f"-L{tmp_path}", f"-l:{SONAME}")
    wheel = consumer(tmp_path, {"demo/_ext.so": compiled(tmp_path, "_ext.so", source, *flags)})
    message = f"exports 1 symbol that {SONAME} of {provider.name} exports too: foo_a"
    assert found(checked(wheel, provider))["CW702"] == [on(wheel, "demo/_ext.so", message)]


def test_cw702_near_miss_hidden_copy_and_weak_symbol(tmp_path: Path) -> None:
    provider = foo_wheel(tmp_path)
    source = """
        __attribute__((visibility("hidden"))) int foo_a(void) { return 5; }
        __attribute__((weak)) int foo_b(void) { return 6; }
        int PyInit__ext(void) { return foo_a() + foo_b(); }
    """
    flags = ("-Wl,--no-as-needed", f"-L{tmp_path}", f"-l:{SONAME}")
    wheel = consumer(tmp_path, {"demo/_ext.so": compiled(tmp_path, "_ext.so", source, *flags)})
    report = checked(wheel, provider)
    assert not {"CW702"} & {*found(report), *unchecked(report)}


def many(number: int) -> str:
    return "".join(f"int foo_{i}(void) {{ return {i}; }} " for i in range(number))


def test_cw702_trips_on_a_copy_that_does_not_need_the_library(tmp_path: Path) -> None:
    provider = foo_wheel(tmp_path, many(9))
    content = compiled(tmp_path, "_copy.so", many(5))
    wheel = write(tmp_path / "wheels", "demo", "1.0", {"demo/_copy.so": content})
    report = checked(wheel, provider)
    names = "foo_0, foo_1, foo_2, …"
    message = f"exports 5 symbols that {SONAME} of {provider.name} exports too: {names}"
    assert found(report)["CW702"] == [on(wheel, "demo/_copy.so", message)]
    assert [each.level for each in report.findings if each.gate == "CW702"] == ["warning"]


def test_cw702_near_miss_few_names_by_chance(tmp_path: Path) -> None:
    provider = foo_wheel(tmp_path, many(9))
    content = compiled(tmp_path, "_copy.so", many(4))
    wheel = write(tmp_path / "wheels", "demo", "1.0", {"demo/_copy.so": content})
    assert "CW702" not in found(checked(wheel, provider))


def bar_wheel(folder: Path, source: str, *flags: str, line: str = "bar-so2") -> Path:
    soname = "libbar-commonwheel.so.2"
    content = shared(folder, soname, source, *flags)
    return library(folder / "wheels", line, "1.0", {soname: content})


def test_cw702_trips_on_two_libraries_with_one_symbol(tmp_path: Path) -> None:
    foo = foo_wheel(tmp_path)
    bar = bar_wheel(tmp_path, "int bar(void) { return 1; } int foo_b(void) { return 7; }")
    message = f"exports 1 symbol that {SONAME} of {foo.name} exports too: foo_b"
    member = "commonwheel_libs/bar_so2/lib/libbar-commonwheel.so.2"
    assert found(checked(bar, foo))["CW702"] == [on(bar, member, message)]


def test_cw702_near_miss_two_lines_of_one_library(tmp_path: Path) -> None:
    foo = foo_wheel(tmp_path)
    assert "CW702" not in found(checked(bar_wheel(tmp_path, FOO, line="foo-so2"), foo))


def test_cw702_near_miss_one_name_under_two_version_nodes(tmp_path: Path) -> None:
    flags = []
    for node in ("FOO_1", "BAR_1"):
        (tmp_path / node).write_text(f"{node} {{ global: *; }};\n")
        flags.append(f"-Wl,--version-script={tmp_path / node}")
    foo = foo_wheel(tmp_path, FOO, flags[0])
    assert "CW702" not in found(checked(bar_wheel(tmp_path, FOO, flags[1]), foo))


def test_cw702_near_miss_templates_of_cpp(tmp_path: Path) -> None:
    source = """
        #include <string>
        #include <vector>
        struct Shape {{ virtual ~Shape() = default; virtual int corners() const {{ return 0; }} }};
        std::string {0}(std::vector<Shape> const& all) {{ return std::to_string(all.size()); }}
    """
    foo = compiled(tmp_path, SONAME, source.format("one"), f"-Wl,-soname,{SONAME}", suffix=".cpp")
    soname = "libbar-commonwheel.so.2"
    bar = compiled(tmp_path, soname, source.format("two"), f"-Wl,-soname,{soname}", suffix=".cpp")
    first = library(tmp_path / "wheels", "foo-so1", "1.0", {SONAME: foo})
    second = library(tmp_path / "wheels", "bar-so2", "1.0", {soname: bar})
    assert "CW702" not in found(checked(second, first))


def test_cw702_near_miss_parts_of_the_standard_library(tmp_path: Path) -> None:
    # As libstdc++_nonshared.a puts them into whatever is linked by older toolsets.
    source = """
        int part(void) __asm__("_ZSt28__throw_bad_array_new_lengthv");
        int part(void) {{ return 1; }}
        int {0}(void) {{ return part(); }}
    """
    first = foo_wheel(tmp_path, source.format("one"))
    assert "CW702" not in found(checked(bar_wheel(tmp_path, source.format("two")), first))


def bundling(folder: Path, source: str, *, linked: bool = True) -> Path:
    """A wheel of another maker with a copied library, which its extension NEEDs if ``linked``."""
    soname = "libfoo-0123abcd.so.1"
    content = shared(folder, soname, FOO)
    flags = ("-Wl,--no-as-needed", f"-L{folder}", f"-l:{soname}")
    extension = compiled(folder, "_ext.so", source, *(flags if linked else ()))
    members = {"demo/_ext.so": extension, f"demo.libs/{soname}": content}
    return write(folder / "wheels", "demo", "1.0", members)


def test_cw702_trips_on_a_second_copy_in_an_extension(tmp_path: Path) -> None:
    wheel = bundling(tmp_path, "int foo_a(void) { return 5; }")
    message = "exports 1 symbol that libfoo-0123abcd.so.1 of this wheel exports too: foo_a"
    assert found(checked(wheel))["CW702"] == [on(wheel, "demo/_ext.so", message)]


def test_cw702_near_miss_extension_that_uses_its_library(tmp_path: Path) -> None:
    assert "CW702" not in found(checked(bundling(tmp_path, USER)))


def test_cw702_near_miss_extension_that_does_not_load_the_copy(tmp_path: Path) -> None:
    wheel = bundling(tmp_path, "int foo_a(void) { return 5; }", linked=False)
    assert "CW702" not in found(checked(wheel))


def test_cw702_trips_on_two_copied_libraries_that_are_loaded_together(tmp_path: Path) -> None:
    first, second = "libfoo-0123abcd.so.1", "libbar-0123abcd.so.2"
    content = shared(tmp_path, first, FOO)
    flags = ("-Wl,--no-as-needed", f"-L{tmp_path}", f"-l:{first}")
    members = {
        f"demo.libs/{first}": content,
        f"demo.libs/{second}": shared(tmp_path, second, "int foo_b(void) { return 5; }", *flags),
    }
    wheel = write(tmp_path / "wheels", "demo", "1.0", members)
    message = f"exports 1 symbol that {first} of this wheel exports too: foo_b"
    assert found(checked(wheel))["CW702"] == [on(wheel, f"demo.libs/{second}", message)]


def test_cw702_near_miss_what_upstream_installs_side_by_side(tmp_path: Path) -> None:
    content = shared(tmp_path, "libfoo.so.1", FOO)
    flags = ("-Wl,--no-as-needed", f"-L{tmp_path}", "-l:libfoo.so.1")
    extension = compiled(tmp_path, "_ext.so", "int foo_a(void) { return 5; }", *flags)
    members = {"demo/libfoo.so.1": content, "demo/_ext.so": extension}
    assert "CW702" not in found(checked(write(tmp_path / "wheels", "demo", "1.0", members)))


def test_cw702_near_miss_copied_libraries_that_need_each_other(tmp_path: Path) -> None:
    first, second = "libfoo-0123abcd.so.1", "libbar-0123abcd.so.2"
    flags = ("-Wl,--no-as-needed", f"-L{tmp_path}")
    bar = "int bar(void) { return 5; }"
    shared(tmp_path, second, bar)
    members = {
        f"demo.libs/{first}": shared(tmp_path, first, FOO, *flags, f"-l:{second}"),
        f"demo.libs/{second}": shared(tmp_path, second, bar, *flags, f"-l:{first}"),
    }
    assert "CW702" not in found(checked(write(tmp_path / "wheels", "demo", "1.0", members)))


def test_cw702_says_when_a_provider_is_not_at_hand(tmp_path: Path) -> None:
    wheel = consumer(tmp_path, {"demo/_ext.so": compiled(tmp_path, "_ext.so", USER)})
    assert unchecked(checked(wheel))["CW702"] == ["commonwheel-foo-so1 is not at hand"]


def test_symbols_that_cannot_be_read_are_not_checked(tmp_path: Path) -> None:
    content = shared(tmp_path, SONAME, FOO)
    tables = read_elf(content).tables
    assert tables is not None
    # Of the last symbol, an exported one, the name lies far outside of the string table.
    at = content.index(tables.symbols) + len(tables.symbols) - tables.layout.symbol.size
    spoilt = content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :]
    wheel = library(tmp_path / "wheels", "foo-so1", "1.0", {SONAME: spoilt})
    report = checked(wheel, bar_wheel(tmp_path, "int bar;"), expected=recipe(exports=["foo_*"]))
    reasons = unchecked(report)
    for gate in ("CW701", "CW702", "CW706"):
        assert len(reasons[gate]) == 1
        assert "name or version index is out of range" in reasons[gate][0]


def test_cw703_trips_on_what_the_recipe_does_not_name(tmp_path: Path) -> None:
    member = "demo.libs/libbar-0123abcd.so.2"
    wheel = consumer(tmp_path, {member: shared(tmp_path, "libbar-0123abcd.so.2", FOO)})
    message = "libbar.so.2 is grafted, and the recipe's 'grafts' do not name it"
    for grafts in ((), ("libbar.so.1",)):
        report = checked(wheel, expected=recipe(grafts=grafts))
        assert found(report)["CW703"] == [on(wheel, member, message)]
    assert unchecked(checked(wheel))["CW703"] == ["no recipe is known for this wheel"]


def test_cw703_trips_on_anything_in_a_library_wheel(tmp_path: Path) -> None:
    member = "commonwheel_foo_so1.libs/libbar-0123abcd.so.2"
    wheel = library(
        tmp_path / "wheels",
        "foo-so1",
        "1.0",
        {SONAME: shared(tmp_path, SONAME, FOO)},
        outside={member: shared(tmp_path, "libbar-0123abcd.so.2", "int bar(void) { return 1; }")},
    )
    message = "libbar.so.2 is grafted, and a library wheel holds nothing but its own"
    assert found(checked(wheel))["CW703"] == [on(wheel, member, message)]


def test_cw703_near_miss_named_by_a_pattern(tmp_path: Path) -> None:
    member = "demo.libs/libbar-0123abcd.so.2"
    wheel = consumer(tmp_path, {member: shared(tmp_path, "libbar-0123abcd.so.2", FOO)})
    report = checked(wheel, expected=recipe(grafts=["libbar.so.*"]))
    assert not {"CW703", "CW704"} & found(report).keys()


def test_cw704_trips_on_a_pattern_that_nothing_needs(tmp_path: Path) -> None:
    member = "demo.libs/libbar-0123abcd.so.2"
    wheel = consumer(tmp_path, {member: shared(tmp_path, "libbar-0123abcd.so.2", FOO)})
    report = checked(wheel, expected=recipe(grafts=["libbar.so.*", "libgomp.so.*"]))
    message = "the recipe allows to graft 'libgomp.so.*', and nothing of the kind is grafted"
    assert found(report)["CW704"] == [f"{wheel.name}: {message}"]


def test_cw704_near_miss_every_pattern_is_used(tmp_path: Path) -> None:
    names = ("libbar-0123abcd.so.2", "libgomp-0123abcd.so.1.0.0")
    members = {f"demo.libs/{name}": shared(tmp_path, name, FOO) for name in names}
    report = checked(
        consumer(tmp_path, members), expected=recipe(grafts=["libbar.so.*", "libgomp.so.*"])
    )
    assert "CW704" not in found(report)


OPENS = b"import ctypes.util\nlibrary = ctypes.CDLL(ctypes.util.find_library('foo'))\n"


def test_cw705_trips_on_a_library_that_nothing_declares(tmp_path: Path) -> None:
    wheel = consumer(tmp_path, {"demo/__init__.py": OPENS}, requires=["numpy"])
    report = checked(wheel, foo_wheel(tmp_path), expected=recipe(dlopen=["foo-so1"]))
    why = "no Requires-Dist names commonwheel-foo-so1"
    message = f"the recipe says that it opens foo-so1 by itself, and {why}"
    assert found(report)["CW705"] == [f"{wheel.name}: {message}"]


def test_cw705_trips_on_a_library_that_is_only_linked(tmp_path: Path) -> None:
    provider = foo_wheel(tmp_path)
    extension = compiled(tmp_path, "_ext.so", USER, f"-L{tmp_path}", f"-l:{SONAME}")
    loader = {"demo/__init__.py": b"", "demo/_commonwheel.py": b"PROVIDERS = 'foo_so1'\n"}
    wheel = consumer(tmp_path, {"demo/_ext.so": extension, **loader})
    report = checked(wheel, provider, expected=recipe(dlopen=["foo-so1"]))
    why = "no file that does not NEED it names any of its libraries"
    message = f"the recipe says that it opens foo-so1 by itself, and {why}"
    assert found(report)["CW705"] == [f"{wheel.name}: {message}"]


def test_cw705_near_miss_opened_by_its_short_name(tmp_path: Path) -> None:
    provider = foo_wheel(tmp_path)
    expected = recipe(dlopen=["foo-so1"])
    wheel = consumer(tmp_path, {"demo/__init__.py": OPENS})
    assert "CW705" not in found(checked(wheel, provider, expected=expected))
    absent = unchecked(checked(wheel, expected=expected))
    assert absent["CW705"] == ["commonwheel-foo-so1 is not at hand"]


def test_cw706_trips_on_a_pattern_without_symbols(tmp_path: Path) -> None:
    wheel = foo_wheel(tmp_path)
    report = checked(wheel, expected=recipe(exports=["foo_*", "fou_*"]))
    message = "the recipe's 'exports' have 'fou_*', which matches no symbol"
    assert found(report)["CW706"] == [on(wheel, MEMBER, message)]


def test_cw706_near_miss_one_symbol_each(tmp_path: Path) -> None:
    report = checked(foo_wheel(tmp_path), expected=recipe(exports=["foo_a", "foo_[b-z]"]))
    assert not {"CW701", "CW706"} & found(report).keys()
