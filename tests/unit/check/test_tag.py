"""Platform tags."""

import pytest

from commonwheel.check.gates.portability import around
from commonwheel.check.tag import arch_of, parse_tag


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("manylinux1_x86_64", "manylinux_2_5_x86_64"),
        ("manylinux2010_i686", "manylinux_2_12_i686"),
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
        ("manylinux_2_28_ppc64le", "manylinux_2_28_ppc64le"),
        ("musllinux_1_2_x86_64", "musllinux_1_2_x86_64"),
        ("any", "None"),
        ("linux_x86_64", "None"),
        ("macosx_11_0_arm64", "None"),
    ],
)
def test_legacy_names_count_as_the_new_ones(tag: str, expected: str) -> None:
    assert str(parse_tag(tag)) == expected


@pytest.mark.parametrize(
    ("tag", "arch"),
    [
        ("linux_x86_64", "x86_64"),
        ("manylinux2014_ppc64le", "ppc64le"),
        ("musllinux_1_2_i686", "i686"),
        ("linux_armv6l", None),
        ("macosx_11_0_x86_64", None),
        ("win_amd64", None),
        ("any", None),
    ],
)
def test_architectures(tag: str, arch: str | None) -> None:
    assert arch_of(tag) == arch


@pytest.mark.parametrize(
    ("tag", "older", "newer"),
    [
        ("manylinux_2_17_x86_64", "manylinux_2_17", "manylinux_2_17"),
        ("manylinux_2_30_x86_64", "manylinux_2_28", "manylinux_2_31"),
        ("manylinux_2_4_x86_64", None, "manylinux_2_5"),
        ("manylinux_2_17_riscv64", None, "manylinux_2_31"),
        ("manylinux_2_999_x86_64", "manylinux_2_41", None),
        ("manylinux_2_17_pdp11", None, None),
    ],
)
def test_platforms_around_a_tag(tag: str, older: str | None, newer: str | None) -> None:
    parsed = parse_tag(tag)
    assert parsed
    assert tuple(p and p.name for p in around(parsed)) == (older, newer)
