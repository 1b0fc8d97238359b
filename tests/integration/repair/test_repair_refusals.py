"""What a repair refuses, and what it grafts instead of sharing."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from commonwheel.errors import CommonwheelError, RepairError, UsageError, WheelError
from commonwheel.names import Names
from commonwheel.repair.providers import load_providers
from commonwheel.repair.repair import repair
from commonwheel.wheel import rewrite
from tests.integration import kit
from tests.integration.kit import elf_members
from tests.integration.repair.making import (
    BASE_LIB,
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
    value,
    write,
)

FOREIGN = "libcwforeign.so.5"


@pytest.fixture(scope="session")
def foreign(made: Path) -> Path:
    """A library that belongs to nobody; it needs a newer C library than most."""
    source = "#include <dlfcn.h>\nint foreign(void) { return dlopen(0, 1) != 0; }\n"
    return compile_c(made / FOREIGN, source, "-shared", f"-Wl,-soname,{FOREIGN}", "-ldl")


def uses(folder: Path, name: str, foreign: Path, *libraries: Library) -> Path:
    # The RUNPATH lets auditwheel find it, as a library of the host's would be.
    flags: list[str | Path] = ["-Wl,--enable-new-dtags", f"-Wl,-rpath,{foreign.parent}", foreign]
    return simple(folder, name, *libraries, flags=flags)


def refusal(error: pytest.ExceptionInfo[CommonwheelError]) -> str:
    return " ".join(str(error.value).split())


def test_a_foreign_library_is_refused(base: Library, foreign: Path, tmp_path: Path) -> None:
    raw = uses(tmp_path, "stray", foreign, base)
    with pytest.raises(RepairError) as error:
        repair(raw, tmp_path / "out", given(base), options())
    assert f"{raw.name}:stray/_ext{SUFFIX}: needs {FOREIGN}, which no provider owns" in refusal(
        error
    )
    assert "'grafts'" in refusal(error)
    assert not (tmp_path / "out").exists()


def test_an_allowed_library_is_grafted_and_the_rest_is_shared(
    base: Library, foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # patchelf and auditwheel need not be on the caller's PATH.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    raw = uses(tmp_path, "mixed", foreign, base)
    allowing = options(grafts=("libcwforeign.so.*",))
    done = repair(raw, tmp_path / "out", given(base), allowing)
    wheel = opened(done.path)
    (grafted,) = (m for m in wheel.members if m.startswith("mixed.libs/"))
    assert re.fullmatch(r"mixed\.libs/libcwforeign-[0-9a-f]{8}\.so\.5", grafted)
    extension = elf_members(wheel)[f"mixed/_ext{SUFFIX}"]
    assert sorted(extension.rpath) == [f"$ORIGIN/../{BASE_LIB}", "$ORIGIN/../mixed.libs"]
    assert extension.runpath == ()
    assert not [m for m in wheel.members if "libbase" in m]
    # The tag is true of the grafted library too.
    needs = dict(elf_members(wheel)[grafted].version_needs)
    newest = max(int(v.split(".")[1]) for v in needs["libc.so.6"] if v.startswith("GLIBC_2."))
    policy = int(wheel.name.platform[0].split("_")[2])
    assert policy >= newest
    shutil.rmtree(raw.parent / "mixed-build")
    hidden = foreign.with_suffix(".hidden")
    foreign.rename(hidden)
    try:
        provider = repair(base.wheel, tmp_path / "out", given(base), options(None)).path
        site = install(tmp_path / "site", wheel.path, provider)
        assert value(site, "mixed") == "40"
    finally:
        hidden.rename(foreign)
    # A second repair grafts nothing again, and the allowance still counts as used.
    again = repair(done.path, tmp_path / "again", given(base), allowing)
    assert again.path.name == done.path.name
    assert again.path.read_bytes() == done.path.read_bytes()
    once_more = repair(raw_again(tmp_path, raw), tmp_path / "third", given(base), allowing)
    assert once_more.path.read_bytes() == done.path.read_bytes()


def raw_again(folder: Path, raw: Path) -> Path:
    copy = folder / "copy" / raw.name
    copy.parent.mkdir()
    shutil.copyfile(raw, copy)
    return copy


def test_an_allowance_that_nothing_needs_is_an_error(base: Library, tmp_path: Path) -> None:
    raw = simple(tmp_path, "tidy", base)
    with pytest.raises(
        RepairError, match=r"allows to graft 'libcwforeign\*', and nothing needs it"
    ):
        repair(raw, tmp_path / "out", given(base), options(grafts=("libcwforeign*",)))


def test_what_a_graft_brings_along_must_be_allowed_too(
    base: Library, foreign: Path, tmp_path: Path
) -> None:
    second = compile_c(
        tmp_path / "libcwsecond.so.1",
        "int foreign(void); int second(void) { return foreign(); }",
        "-shared",
        "-Wl,-soname,libcwsecond.so.1",
        f"-Wl,-rpath,{foreign.parent}",
        foreign,
    )
    raw = uses(tmp_path, "pair", second, base)
    with pytest.raises(RepairError, match=f"grafted {FOREIGN}, which the recipe does not allow"):
        repair(raw, tmp_path / "out", given(base), options(grafts=("libcwsecond.so.1",)))


def test_the_hosts_copy_of_a_library_with_a_provider_is_an_error(tmp_path: Path) -> None:
    # auditwheel takes libz for a part of the platform.
    zlib = library(tmp_path / "made", "z")
    raw = simple(tmp_path, "zipper", flags=["-l:libz.so.1"])
    with pytest.raises(RepairError) as error:
        repair(raw, tmp_path / "out", given(zlib), options())
    assert "needs libz.so.1" in refusal(error)
    assert "commonwheel-z-so1 has it as libz-commonwheel.so.1" in refusal(error)
    # The same where only a recipe is known, and no provider is given.
    with pytest.raises(RepairError, match=r"needs libz\.so\.1"):
        repair(raw, tmp_path / "out", given(), options(known=frozenset({"libz.so.1"})))
    # Nobody else minds.
    assert repair(raw, tmp_path / "out", given(), options()).path.is_file()


def test_a_missing_provider_is_named(base: Library, top: Library, tmp_path: Path) -> None:
    raw = simple(tmp_path, "lost", top)
    with pytest.raises(RepairError, match=r"needs libtop-commonwheel\.so\.1, which no provider"):
        repair(raw, tmp_path / "out", given(base), options())


def test_a_program_in_scripts_cannot_share(base: Library, tmp_path: Path) -> None:
    source = "int base_value(void); int main(void) { return base_value(); }"
    program = compile_c(tmp_path / "tool", source, *base.flags)
    member = "tooled-1.0.data/scripts/tool"
    raw = consumer(tmp_path, "tooled", {"tooled/__init__.py": b"", member: program})
    with pytest.raises(RepairError) as error:
        repair(raw, tmp_path / "out", given(base), options())
    assert f"{raw.name}:{member}" in refusal(error)
    assert "outside of site-packages" in refusal(error)
    assert "console script" in refusal(error)


def test_a_program_in_scripts_that_needs_nothing_stays(base: Library, tmp_path: Path) -> None:
    program = compile_c(tmp_path / "tool", "int main(void) { return 0; }")
    member = "tooled-1.0.data/scripts/tool"
    raw = consumer(tmp_path, "tooled", {"tooled/__init__.py": b"", member: program})
    wheel = opened(repair(raw, tmp_path / "out", given(base), options()).path)
    renamed = "tooled-1.0+commonwheel.1.data/scripts/tool"
    assert wheel.read(renamed) == program.read_bytes()
    assert wheel.by_name[renamed].mode & 0o111


def test_two_named_releases_of_one_line_are_refused(base: Library, tmp_path: Path) -> None:
    newer = library(tmp_path, "base", "1.1")
    with pytest.raises(RepairError) as error:
        load_providers([base.wheel, newer.wheel], Names())
    assert "two releases of base-so1 are given" in refusal(error)
    assert base.wheel.name in refusal(error)
    assert newer.wheel.name in refusal(error)
    # The same one twice is nothing to complain of.
    assert len(load_providers([base.wheel, base.wheel.parent], Names()).wheels) == 1


def test_of_two_releases_in_a_folder_one_must_be_named(
    base: Library, top: Library, tmp_path: Path
) -> None:
    newer = library(tmp_path, "base", "1.1")
    house = tmp_path / "house"
    house.mkdir()
    for each in (base, newer, top):
        shutil.copy(each.wheel, house)
    every = load_providers([house], Names())
    raw = simple(tmp_path, "torn", base)
    with pytest.raises(RepairError) as error:
        repair(raw, tmp_path / "out", every, options())
    assert error.value.where == raw.name
    assert f"{base.wheel.name} or {newer.wheel.name}" in refusal(error)
    assert "--with FILE" in refusal(error)
    assert not list(tmp_path.glob("out/*"))
    with pytest.raises(RepairError, match="one release of base-so1"):
        repair(raw, tmp_path / "out", every, options(dlopen=("base-so1",)))
    # A wheel that uses another line does not mind, and neither does a release of the line itself.
    assert repair(simple(tmp_path, "calm"), tmp_path / "out", every, options()).providers == ()
    assert repair(base.wheel, tmp_path / "out", every, options(None)).providers == ()
    # A file beats the folder, whichever comes first.
    for chosen in (base, newer):
        for paths in ([house, chosen.wheel], [chosen.wheel, house]):
            given_so = load_providers(paths, Names())
            done = repair(raw, tmp_path / chosen.version, given_so, options())
            assert [each.version for each in done.providers] == [chosen.version]
        # What an earlier repair wrote says it again.
        again = repair(done.path, tmp_path / "again", every, options())
        assert again.path.read_bytes() == done.path.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'{"schema": 1', b'{"schema"', "is not what commonwheel wrote"),
        (b'{"schema": 1, ', b"{", "is not what commonwheel wrote"),
        (b'"schema": 1', b'"schema": 2', "newer than this toolkit"),
        (b'"version": "1.0"', b'"version": 1', "is not what commonwheel wrote"),
        (b'"version": "1.0"', b'"version": "one"', "is not what commonwheel wrote"),
        (b'"stability": "line"', b'"stability": "maybe"', "is not what commonwheel wrote"),
        (b'"soname"', b'"so-name"', "is not what commonwheel wrote"),
        (b'"libraries": [', b'"libraries": ["x", ', "is not what commonwheel wrote"),
    ],
)
def test_a_damaged_manifest_is_an_error(
    base: Library, tmp_path: Path, old: bytes, new: bytes, what: str
) -> None:
    wheel = opened(base.wheel)
    member = wheel.info(Names().manifest)
    content = wheel.read(member)
    assert old in content
    broken = tmp_path / base.wheel.name
    rewrite(wheel, broken, replace={member: content.replace(old, new)})
    for given_so in (broken, tmp_path):
        with pytest.raises(WheelError, match=what) as error:
            load_providers([given_so], Names())
        assert error.value.where == f"{broken.name}:{member}"


def test_what_is_no_provider_is_refused(tmp_path: Path) -> None:
    raw = write(tmp_path, "pure", "1.0", "py3-none-any", {"pure/__init__.py": b""})
    with pytest.raises(RepairError, match="not a library wheel"):
        load_providers([raw], Names())
    assert load_providers([tmp_path], Names()).wheels == ()
    with pytest.raises(UsageError, match="no such file"):
        load_providers([tmp_path / "absent"], Names())


def test_a_record_that_does_not_fit_is_an_error(base: Library, tmp_path: Path) -> None:
    raw = simple(tmp_path / "raw", "lied", base)
    broken = tmp_path / raw.name
    with zipfile.ZipFile(raw) as before, zipfile.ZipFile(broken, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, content + b"# more\n" if name == "lied/__init__.py" else content)
    with pytest.raises(WheelError) as error:
        repair(broken, tmp_path / "out", given(base), options())
    assert error.value.where == f"{broken.name}:lied/__init__.py"


def test_a_damaged_wheel_is_an_error(base: Library, tmp_path: Path) -> None:
    raw = simple(tmp_path / "raw", "torn", base)
    data = raw.read_bytes()
    cut = tmp_path / raw.name
    cut.write_bytes(data[: len(data) // 2])
    outcome = kit.commonwheel("repair", cut, "--with", base.wheel, "-w", tmp_path / "out")
    assert outcome.code == 9
    assert raw.name in outcome.text
    assert "Traceback" not in outcome.text
    member = f"torn/_ext{SUFFIX}"
    at = data.index(b"\x7f"[:0] + member.encode()) + len(member) + 100
    cut.write_bytes(data[:at] + b"\0\0\0\0" + data[at + 4 :])
    with pytest.raises(WheelError) as error:
        repair(cut, tmp_path / "out", given(base), options())
    assert error.value.where.startswith(f"{raw.name}:")
    assert not list(tmp_path.glob("out/*"))


def test_a_damaged_binary_is_an_error(base: Library, tmp_path: Path) -> None:
    built = module(tmp_path, "_ext", base)
    content = built.read_bytes()[:700]
    raw = consumer(tmp_path, "bad", {"bad/__init__.py": b"", f"bad/{built.name}": content})
    outcome = kit.commonwheel("repair", raw, "--with", base.wheel, "-w", tmp_path / "out")
    assert outcome.code == 8
    assert f"{raw.name}:bad/{built.name}" in " ".join(outcome.text.split())


def test_an_init_that_is_not_python_is_an_error(base: Library, tmp_path: Path) -> None:
    raw = simple(tmp_path / "raw", "old", base)
    changed = tmp_path / raw.name
    rewrite(opened(raw), changed, replace={"old/__init__.py": b"print 'two'\n"})
    with pytest.raises(RepairError) as error:
        repair(changed, tmp_path / "out", given(base), options())
    assert error.value.where == f"{raw.name}:old/__init__.py"
