"""Debian's lists of symbols, its versions, and the names of its packages."""

import pytest

from ci.debian.archive import Package
from ci.debian.symbols import Listed, between, listed, upstream

TEXT = """\
libz.so.1 zlib1g #MINVER#
| zlib1g (>= 1:1.2.3) #MINVER#
* Build-Depends-Package: zlib1g-dev
 ZLIB_1.2.9@ZLIB_1.2.9 1:1.2.9
 adler32_z@ZLIB_1.2.9 1:1.2.11.dfsg 1
 (optional|arch=amd64)deflate@Base 1:1.1.4
 (c++)"std::x(int)@Base" 1:1.1.4
#MISSING: 1.2.4# gone@Base 1:1.1.4
libother.so.2 libother2 #MINVER#
 other@Base 0
"""


def test_a_list_is_read() -> None:
    assert list(listed(TEXT)) == [
        Listed("libz.so.1", "adler32_z", "ZLIB_1.2.9", "1:1.2.11.dfsg"),
        Listed("libz.so.1", "deflate", None, "1:1.1.4"),
        Listed("libother.so.2", "other", None, "0"),
    ]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1:1.2.11.dfsg-2+deb11u2", "1.2.11"),
        ("1:1.3.dfsg+really1.3.1-1", "1.3.1"),
        ("3.46.1-5~", "3.46.1"),
        ("3.9.0~", "3.9.0"),
        ("3.9.0~rc1-1", "3.9.0~rc1"),
        ("1.10.8+repack1-1", "1.10.8"),
        ("1.5.7+dfsg-4", "1.5.7"),
        ("1.1.1w-0+deb11u1", "1.1.1w"),
        ("0", "0"),
    ],
)
def test_upstreams_part_of_a_version(version: str, expected: str) -> None:
    assert upstream(version) == expected


@pytest.mark.parametrize(
    ("since", "before", "fits"),
    [
        ("3.11.1", "3.9.0", True),
        ("3.10.0", "3.9.0", True),
        ("3.11.1~rc1", "3.9.0", True),
        ("3.9.0", "3.9.0", False),
        ("3.12.0", "3.9.0", False),
        ("0", None, True),
        ("3.12.0", None, False),
    ],
)
def test_an_interval_has_its_upper_end(since: str, before: str | None, fits: bool) -> None:
    assert between(since, before, "3.11.1") is fits


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("libgeos-c1v5", "libgeos-c1"),
        ("libgeos-c1t64", "libgeos-c1"),
        ("libcurl3t64-gnutls", "libcurl3-gnutls"),
        ("libhdf5-103-1", "libhdf5-103-1"),
        ("zlib1g", "zlib1g"),
    ],
)
def test_a_package_that_was_renamed_is_the_same(name: str, family: str) -> None:
    assert Package(name=name, version="1", source="x").family == family
