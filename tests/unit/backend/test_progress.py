"""What a build counts beforehand is what the console counts while it runs."""

from typing import get_args

import pytest

from commonwheel import console
from commonwheel.backend import library
from commonwheel.backend.drivers import DRIVERS
from commonwheel.backend.drivers.situation import Command
from commonwheel.recipe.model import Build

COMPILING = [
    "gcc -O2 -c -o a.o a.c",
    "depbase=`echo a.lo`; ./libtool --mode=compile gcc -MT a.lo -c -o a.lo a.c",
    "        gcc -c a.c",
]
OTHER = [
    "libtool: compile:  gcc -c a.c -o .libs/a.o",
    "gcc -shared -o liba.so a.o",
    "ar cr liba.a a.o",
    "./configure --disable-c",
]


@pytest.mark.parametrize("line", COMPILING)
def test_compilations(line: str) -> None:
    assert library.COMPILATION.search(line)
    assert console.COMPILATION.match(line)


@pytest.mark.parametrize("line", OTHER)
def test_other_lines(line: str) -> None:
    assert not library.COMPILATION.search(line)
    assert not console.COMPILATION.match(line)


def test_every_driver_is_a_recipes_word() -> None:
    assert set(DRIVERS) == set(get_args(Build.model_fields["driver"].annotation))


def test_a_command_is_named_by_what_it_runs() -> None:
    assert Command(words=("make", "-j2")).name == "make"
    assert Command(words=("sh", "/a/b/configure", "--x")).name == "configure"
