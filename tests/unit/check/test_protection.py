"""Which file of a release is which."""

from typing import Any

import pytest

from commonwheel.check.inspect import Binary
from commonwheel.check.protection import counterpart


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.libs/libgeos-0123abcd.so.3.11", "a.libs/libgeos-fedcba98.so.3.11"),
        ("a.libs/libgdal-fiona-0123abcd.so.34", "a.libs/libgdal-fedcba98.so.34"),
        ("a/_x.cpython-311-x86_64-linux-gnu.so", "a/_x.cpython-312-x86_64-linux-gnu.so"),
        ("a/_x.abi3.so", "a/_x.cpython-313t-x86_64-linux-gnu.so"),
        ("a/_x.pypy310-pp73-x86_64-linux-gnu.so", "a/_x.so"),
    ],
)
def test_the_same(one: str, other: str, named: Any) -> None:
    assert counterpart(named(one)) == counterpart(named(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/_x.so", "b/_x.so"),
        ("a/_x.abi3.so", "a/_y.abi3.so"),
        ("a/libgeos-0123abc.so", "a/libgeos.so"),
        ("a.libs/libgeos-0123abcd.so.3.11", "a.libs/libgeos-0123abcd.so.3.12"),
    ],
)
def test_not_the_same(one: str, other: str, named: Any) -> None:
    assert counterpart(named(one)) != counterpart(named(other))


@pytest.fixture
def named() -> Any:
    def make(member: str) -> Binary:
        nothing: Any = None
        return Binary(member=member, installed=member, elf=nothing, sha256="", size=0)

    return make
