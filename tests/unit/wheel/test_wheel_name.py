"""File names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.errors import WheelError
from commonwheel.wheel.name import (
    escape_name,
    make_wheel_name,
    normalise,
    parse_wheel_name,
)


@pytest.mark.parametrize(
    "filename",
    [
        "fiona-1.10.1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "fiona-3.6.1+commonwheel.1-cp312-cp312-manylinux_2_28_x86_64.whl",
        "six-1.16.0-py2.py3-none-any.whl",
        "demo-1.0-1build-py3-none-any.whl",
        "Foo.Bar-1!2.0rc1-py3-none-any.whl",
        "commonwheel_proj_so25-9.1.1.post1-py3-none-musllinux_1_2_aarch64.whl",
    ],
)
def test_names_survive(filename: str) -> None:
    assert str(parse_wheel_name(filename)) == filename


def test_parts() -> None:
    name = parse_wheel_name("demo_pkg-1.0+a.1-2b-py2.py3-none-linux_x86_64.any.whl")
    assert (name.distribution, name.version, name.build) == ("demo_pkg", "1.0+a.1", "2b")
    assert name.tags == (
        "py2-none-linux_x86_64",
        "py2-none-any",
        "py3-none-linux_x86_64",
        "py3-none-any",
    )
    assert name.dist_info == "demo_pkg-1.0+a.1.dist-info"
    assert name.data == "demo_pkg-1.0+a.1.data"
    assert name.normalised == "demo-pkg"


@pytest.mark.parametrize(
    ("filename", "message"),
    [
        ("demo-1.0.tar.gz", "not a wheel's file name"),
        ("demo-py3-none-any.whl", "not a wheel's file name"),
        ("a-b-c-1.0-1-py3-none-any.whl", "not a wheel's file name"),
        ("demo-1.0-x1-py3-none-any.whl", "'x1' cannot be a build tag"),
        ("-1.0-py3-none-any.whl", "cannot be a distribution"),
        ("../demo-1.0-py3-none-any.whl", "cannot be a distribution"),
        ("demo-1/0-py3-none-any.whl", "cannot be a version"),
        ("demo-1.0-py3-none-.whl", "cannot be a platform tag"),
        ("demo-1.0-py3..py2-none-any.whl", "cannot be a Python tag"),
    ],
)
def test_what_is_no_name(filename: str, message: str) -> None:
    with pytest.raises(WheelError, match=message) as raised:
        parse_wheel_name(filename)
    assert raised.value.where == filename


def test_make() -> None:
    name = make_wheel_name("commonwheel-proj.so25", "9.1.1", "py3-none-linux_x86_64", build="3")
    assert str(name) == "commonwheel_proj_so25-9.1.1-3-py3-none-linux_x86_64.whl"
    assert str(make_wheel_name("A", "1")) == "a-1-py3-none-any.whl"
    with pytest.raises(WheelError, match="version"):
        make_wheel_name("a", "1 0")


def test_normalise_and_escape() -> None:
    assert normalise("Foo__Bar.-baz") == "foo-bar-baz"
    assert escape_name("Foo__Bar.-baz") == "foo_bar_baz"


@given(
    st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,9}[A-Za-z0-9]", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,2}){0,3}(\+[a-z0-9]{1,4})?", fullmatch=True),
)
def test_what_is_made_is_parsed(name: str, version: str) -> None:
    made = make_wheel_name(name, version)
    assert parse_wheel_name(str(made)) == made
    assert made.normalised == normalise(name)
