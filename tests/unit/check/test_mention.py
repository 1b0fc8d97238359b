"""By what names code opens a library."""

from pathlib import Path

import pytest

from commonwheel.check.mention import mention_of
from commonwheel.repair.providers import ProviderWheel

GEOS = ProviderWheel(
    path=Path("commonwheel_geos_so1-3.13.1-py3-none-any.whl"),
    line="geos-so1",
    distribution="commonwheel-geos-so1",
    module="commonwheel_libs.geos_so1",
    version="3.13.1",
    stability="line",
    sonames=("libgeos_c-commonwheel.so.1",),
    upstream=("libgeos_c.so.1",),
)


@pytest.mark.parametrize(
    "text",
    [
        b'CDLL("libgeos_c.so.1")',
        b"find_library('geos_c')",
        b"\0libgeos_c-commonwheel.so.1\0",
        b"from commonwheel_libs import geos_so1",
    ],
)
def test_a_library_is_named(text: bytes) -> None:
    assert mention_of(GEOS).search(text)


@pytest.mark.parametrize("text", [b"libgeos.so", b"geos_cpp", b"mylibgeos_c.so", b"geos-c"])
def test_other_words_do_not_name_it(text: bytes) -> None:
    assert mention_of(GEOS).search(text) is None
