"""What a release changed, by symbols."""

from pathlib import PurePosixPath

import pytest

from commonwheel.errors import SiteError
from commonwheel.index import abi
from commonwheel.index.abi import Abi, Library, compare


def facts(symbols: dict[str, str], machine: str = "x86_64", libc: str = "glibc") -> Abi:
    return Abi(
        line="proj-so25",
        machine=machine,
        libc=libc,
        upstream_version="9.1.1",
        origin="somewhere",
        origin_sha256="",
        patches=(),
        libraries=tuple(
            Library(soname=soname, upstream=soname, role="public", symbols=tuple(names.split()))
            for soname, names in symbols.items()
        ),
    )


def test_symbols_that_came_and_went() -> None:
    found = compare([facts({"libproj.so.25": "b c d@V2"})], [facts({"libproj.so.25": "a b d@V1"})])
    (change,) = found.changes
    assert (change.compared, change.added, change.removed) == (True, ("c", "d@V2"), ("a", "d@V1"))
    assert found.gone == ()


def test_a_library_that_came_and_one_that_went() -> None:
    found = compare([facts({"new.so.2": "a"})], [facts({"old.so.1": "a"})])
    assert not found.changes[0].compared
    assert found.gone == ("old.so.1",)


def test_a_first_release() -> None:
    found = compare([facts({"libproj.so.25": "a"})], [])
    assert (found.against, found.changes[0].compared, found.gone) == (None, False, ())


def test_like_is_compared_with_like() -> None:
    arm, musl = facts({"a.so": "x"}, "aarch64"), facts({"a.so": "y"}, libc="musl")
    found = compare([arm, musl], [facts({"a.so": "z"}), facts({"a.so": "y w"}, libc="musl")])
    assert found.facts is musl
    assert (found.changes[0].added, found.changes[0].removed) == ((), ("w",))


def test_nothing_alike() -> None:
    found = compare([facts({"a.so": "x"}, "aarch64")], [facts({"a.so": "x"})])
    assert (found.against, found.changes[0].compared, found.gone) == (None, False, ())


def test_what_is_written_is_read() -> None:
    one = facts({"libproj.so.25": "a b"})
    assert abi.load(abi.dump(one).encode(), PurePosixPath("x.json")) == one
    with pytest.raises(SiteError, match=r"x\.json: is not what commonwheel wrote"):
        abi.load(b"{}", PurePosixPath("x.json"))
