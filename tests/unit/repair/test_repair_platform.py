"""The platform tag that symbol versions earn."""

import re
from collections.abc import Sequence

import pytest

from commonwheel.elf import Elf
from commonwheel.errors import RepairError
from commonwheel.repair.platform import is_platform, platform_tags


def elf(
    needs: Sequence[tuple[str, tuple[str, ...]]] = (), needed: Sequence[str] = ("libc.so.6",)
) -> Elf:
    return Elf(
        name="w.whl:a.so",
        bits=64,
        endian="little",
        machine="x86_64",
        type="shared",
        needed=tuple(needed),
        version_needs=tuple(needs),
    )


@pytest.mark.parametrize(
    ("library", "nodes", "arch", "tag"),
    [
        ("libc.so.6", [], "x86_64", "manylinux_2_5_x86_64"),
        ("libc.so.6", ["GLIBC_2.2.5"], "x86_64", "manylinux_2_5_x86_64"),
        ("libc.so.6", ["GLIBC_2.5"], "x86_64", "manylinux_2_5_x86_64"),
        ("libc.so.6", ["GLIBC_2.6"], "x86_64", "manylinux_2_12_x86_64"),
        ("libc.so.6", ["GLIBC_2.12"], "x86_64", "manylinux_2_12_x86_64"),
        ("libc.so.6", ["GLIBC_2.14"], "x86_64", "manylinux_2_17_x86_64"),
        ("libc.so.6", ["GLIBC_2.17", "GLIBC_2.2.5"], "x86_64", "manylinux_2_17_x86_64"),
        ("libc.so.6", ["GLIBC_2.18"], "x86_64", "manylinux_2_24_x86_64"),
        ("libm.so.6", ["GLIBC_2.27"], "x86_64", "manylinux_2_27_x86_64"),
        ("libm.so.6", ["GLIBC_2.29"], "x86_64", "manylinux_2_31_x86_64"),
        ("libc.so.6", ["GLIBC_2.34"], "x86_64", "manylinux_2_34_x86_64"),
        ("libc.so.6", ["GLIBC_2.35"], "x86_64", "manylinux_2_35_x86_64"),
        ("libc.so.6", ["GLIBC_2.17"], "aarch64", "manylinux_2_17_aarch64"),
        ("libstdc++.so.6", ["GLIBCXX_3.4"], "x86_64", "manylinux_2_5_x86_64"),
        ("libstdc++.so.6", ["GLIBCXX_3.4.19"], "x86_64", "manylinux_2_17_x86_64"),
        ("libstdc++.so.6", ["GLIBCXX_3.4.20"], "x86_64", "manylinux_2_24_x86_64"),
        ("libstdc++.so.6", ["CXXABI_1.3.7"], "x86_64", "manylinux_2_17_x86_64"),
        # Nodes that are no numbers.
        ("libstdc++.so.6", ["CXXABI_TM_1"], "x86_64", "manylinux_2_17_x86_64"),
        ("libstdc++.so.6", ["CXXABI_FLOAT128"], "x86_64", "manylinux_2_24_x86_64"),
        ("libc.so.6", ["GLIBC_ABI_DT_RELR"], "x86_64", "manylinux_2_36_x86_64"),
        ("libc.so.6", ["GLIBC_ABI_DT_RELR"], "aarch64", "manylinux_2_36_aarch64"),
        # A node of neither the C library's nor the compiler's.
        ("libz.so.1", ["ZLIB_1.2.9"], "x86_64", "manylinux_2_5_x86_64"),
        # The platform's node names in a library of somebody else's.
        ("libmine.so.1", ["GLIBC_2.34"], "x86_64", "manylinux_2_5_x86_64"),
    ],
)
def test_the_lowest_tag_that_is_true(
    library: str, nodes: Sequence[str], arch: str, tag: str
) -> None:
    assert platform_tags([elf([(library, tuple(nodes))])], arch)[0] == tag


def test_every_file_counts() -> None:
    old, new = elf([("libc.so.6", ("GLIBC_2.5",))]), elf([("libc.so.6", ("GLIBC_2.17",))])
    assert platform_tags([old, new, old], "x86_64") == [
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ]


@pytest.mark.parametrize("node", ["GLIBC_2.999", "GLIBC_PRIVATE", "GLIBC_ABI_OF_TOMORROW"])
def test_no_tag_is_better_than_a_wrong_one(node: str) -> None:
    with pytest.raises(RepairError, match=f"needs {re.escape(node)}, which no known") as error:
        platform_tags([elf([("libc.so.6", ("GLIBC_2.5", node))])], "x86_64")
    assert error.value.where == "w.whl:a.so"


def test_an_architecture_without_a_policy() -> None:
    with pytest.raises(RepairError, match="architecture pdp11"):
        platform_tags([elf()], "pdp11")


def test_musl() -> None:
    files = [elf(), elf(needed=["libc.musl-x86_64.so.1"])]
    assert platform_tags(files, "x86_64") == ["musllinux_1_2_x86_64"]


@pytest.mark.parametrize("soname", ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6"])
def test_the_platform(soname: str) -> None:
    assert is_platform(soname)


@pytest.mark.parametrize("soname", ["libpng16.so.16", "libssl.so.3", "libfoo-commonwheel.so.1"])
def test_not_the_platform(soname: str) -> None:
    assert not is_platform(soname)
