"""Which releases a consumer admits of a library, by the library's stability."""

import pytest
from packaging.specifiers import SpecifierSet

from commonwheel.names import release_pin
from commonwheel.repair.classify import grafted_name


@pytest.mark.parametrize(
    ("version", "stability", "pin"),
    [
        ("3.11.1", "line", None),
        ("3.11.1", "minor", "3.11.*"),
        ("3.11.1", "patch", "3.11.1.*"),
        ("3.11.1", "exact", "3.11.1.*"),
        ("4.1.0.2", "minor", "4.1.*"),
        ("4.1.0.2", "patch", "4.1.0.*"),
        ("4.1.0.2", "exact", "4.1.0.2.*"),
        ("2", "minor", "2.0.*"),
        ("2", "exact", "2.0.0.*"),
        ("1.0.post2", "patch", "1.0.0.*"),
        ("1.0.post2", "exact", "1.0.0.*"),
    ],
)
def test_pin(version: str, stability: str, pin: str | None) -> None:
    assert release_pin(version, stability) == pin
    if pin is not None:
        allowed = SpecifierSet(f"=={pin}")
        assert allowed.contains(version)
        assert allowed.contains(f"{version.partition('.post')[0]}.post9")


def test_exact_admits_no_other_release() -> None:
    allowed = SpecifierSet(f"=={release_pin('1.0', 'exact')}")
    assert not [v for v in ("1.0.1", "1.1", "2.0", "0.9") if allowed.contains(v)]


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("pkg.libs/libfoo-0a1b2c3d.so.1", "libfoo.so.1"),
        ("pkg.libs/libfoo-bar-0a1b2c3d.so.1.2.3", "libfoo-bar.so.1.2.3"),
        ("pkg.libs/libfoo.so.1", "libfoo.so.1"),
        ("pkg.libs/libglib-2-0a1b2c3d.0.so.0", "libglib-2.0.so.0"),
        ("pkg/libfoo-0a1b2c3d.so.1", None),
        ("libfoo-0a1b2c3d.so.1", None),
    ],
)
def test_grafted_name(member: str, name: str | None) -> None:
    assert grafted_name(member) == name
