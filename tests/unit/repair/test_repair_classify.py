"""Owners of what the files of a wheel need, and the DT_RPATH that follows."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.elf import Elf
from commonwheel.errors import RepairError
from commonwheel.repair.classify import Binary, check_foreign, classify
from commonwheel.repair.providers import Providers, ProviderWheel
from commonwheel.repair.repair import rpath


def binary(member: str, *needed: str, soname: str | None = None, fixed: bool = True) -> Binary:
    elf = Elf(
        name=f"w.whl:{member}",
        bits=64,
        endian="little",
        machine="x86_64",
        type="shared",
        soname=soname,
        needed=needed,
    )
    return Binary(member=member, installed=member if fixed else None, elf=elf)


def provider(name: str) -> ProviderWheel:
    return ProviderWheel(
        path=Path(f"{name}.whl"),
        line=f"{name}-so1",
        distribution=f"commonwheel-{name}-so1",
        module=f"commonwheel_libs.{name}_so1",
        version="1.0",
        stability="line",
        sonames=(f"lib{name}-commonwheel.so.1", f"lib{name}_c-commonwheel.so.1"),
        upstream=(f"lib{name}.so.1", f"lib{name}_c.so.1"),
    )


GIVEN = Providers(wheels=(provider("geos"), provider("z")))


def paths(binaries: Sequence[Binary]) -> list[list[str]]:
    return [rpath(need) for need in classify(binaries, GIVEN, ())]


def test_rpath_has_each_folder_once_in_the_order_of_need() -> None:
    found = paths(
        [
            binary(
                "pkg/sub/_ext.so",
                "libz-commonwheel.so.1",
                "libown.so.2",
                "libgeos_c-commonwheel.so.1",
                "libgeos-commonwheel.so.1",
                "libbeside.so.1",
                "libc.so.6",
            ),
            binary("pkg.libs/libown.so.2", "libz-commonwheel.so.1", soname="libown.so.2"),
            binary("pkg/sub/libbeside.so.1", soname="libbeside.so.1"),
        ]
    )
    assert found == [
        [
            "$ORIGIN/../../pkg.libs",
            "$ORIGIN",
            "$ORIGIN/../../commonwheel_libs/z_so1/lib",
            "$ORIGIN/../../commonwheel_libs/geos_so1/lib",
        ],
        ["$ORIGIN/../commonwheel_libs/z_so1/lib"],
        [],
    ]


def test_a_library_without_a_soname_is_known_by_its_file() -> None:
    needs = classify([binary("p/_e.so", "libraw.so"), binary("p/libraw.so")], GIVEN, ())
    assert needs[0].own == ("p",)
    assert needs[0].foreign == ()


def test_a_wheels_own_copy_goes_before_a_provider() -> None:
    own = binary("p.libs/libgeos.so", soname="libgeos-commonwheel.so.1")
    needs = classify([binary("p/_e.so", "libgeos-commonwheel.so.1"), own], GIVEN, ())
    assert needs[0].providers == ()
    assert needs[0].own == ("p.libs",)


def test_a_library_in_scripts_is_nobodys() -> None:
    lost = binary("p-1.data/scripts/libx.so.1", soname="libx.so.1", fixed=False)
    needs = classify([binary("p/_e.so", "libx.so.1"), lost], GIVEN, ())
    assert needs[0].foreign == ("libx.so.1",)


def test_a_library_with_a_recipe_is_never_the_platforms() -> None:
    extension = [binary("p/_e.so", "libz.so.1", "libX11.so.6", "libc.so.6")]
    assert classify(extension, Providers(wheels=()), ())[0].foreign == ()
    assert classify(extension, Providers(wheels=()), ["libX11.so.6"])[0].foreign == ("libX11.so.6",)
    assert classify(extension, GIVEN, ())[0].foreign == ("libz.so.1",)


def test_grafts() -> None:
    needs = classify([binary("p/_e.so", "libfoo.so.7", "libbar.so.1")], GIVEN, ())
    assert check_foreign(needs, ["libfoo.so.*", "libbar.so.1"], GIVEN, "w.whl") == [
        "libfoo.so.7",
        "libbar.so.1",
    ]
    with pytest.raises(RepairError, match="needs libbar") as error:
        check_foreign(needs, ["libfoo*"], GIVEN, "w.whl")
    assert error.value.where == "w.whl:p/_e.so"
    with pytest.raises(RepairError, match=r"graft 'libold\*'"):
        check_foreign(needs, ["lib[fb]*", "libold*"], GIVEN, "w.whl")


def test_what_was_grafted_before_keeps_its_allowance() -> None:
    hashed = "libfoo-0a1b2c3d.so.7"
    needs = classify(
        [binary("p/_e.so", hashed), binary(f"p.libs/{hashed}", soname=hashed)], GIVEN, ()
    )
    assert check_foreign(needs, ["libfoo.so.*"], GIVEN, "w.whl") == []
