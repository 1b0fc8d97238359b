import pytest

from commonwheel.abi.soname import begins, first_number, is_hashed, upstream
from commonwheel.names import Names


@pytest.mark.parametrize(
    ("soname", "real", "hashed"),
    [
        ("libproj.so.25", "libproj.so.25", False),
        ("libproj-commonwheel.so.25", "libproj.so.25", False),
        ("libproj-acme.so.25", "libproj-acme.so.25", False),
        ("libproj-1eb8c554.so.25.9.5.1", "libproj.so.25.9.5.1", True),
        ("libgdal-fiona-0123abcd.so.36", "libgdal.so.36", True),
        ("libgfortran-040039e1-0352e75f.so.5.0.0", "libgfortran.so.5.0.0", True),
        ("libstdc++.so.6", "libstdc++.so.6", False),
        ("libjson-c.so.5", "libjson-c.so.5", False),
        ("plugin.so", "plugin.so", False),
    ],
)
def test_upstreams_name(soname: str, real: str, hashed: bool) -> None:
    assert upstream(soname, Names()) == real
    assert is_hashed(soname) is hashed


def test_the_tag_is_that_of_the_prefix() -> None:
    assert upstream("libproj-acme.so.25", Names(prefix="acme")) == "libproj.so.25"


def test_a_file_begins_with_its_soname() -> None:
    assert begins("libproj.so.25", "libproj.so.25.9.5.1")
    assert begins("libproj.so.25", "libproj.so.25")
    assert not begins("libproj.so.2", "libproj.so.25")
    assert first_number("libproj.so.25.9.5.1") == "25"
    assert first_number("libproj.so") == ""
