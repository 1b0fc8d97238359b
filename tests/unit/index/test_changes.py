"""What a release changed, and the picture of a line."""

from dataclasses import replace

from commonwheel.abi.encoding import order
from commonwheel.abi.snapshot import Exported, Libc, Library, Role, Snapshot
from commonwheel.index.changes import Built, Platform, changes, picture

GLIBC, MUSL = "manylinux_2_34", "musllinux_1_2"


def library(names: str, soname: str = "libx.so.1", role: Role = "public") -> Library:
    """``a b@V1 -c``: a hyphen marks a private symbol."""
    found = []
    for word in names.split():
        name, _, node = word.lstrip("-").partition("@")
        found.append(
            Exported(name, node or None, True, "global", "func", None, not word.startswith("-"))
        )
    return Library(
        soname=soname,
        tagged=soname.replace(".so", "-commonwheel.so"),
        evidence=("headers",),
        nodes=tuple(sorted({s.version for s in found if s.version})),
        symbols=tuple(sorted(found, key=order)),
        role=role,
    )


def built(
    *libraries: Library, release: str = "1", arch: str = "x86_64", tag: str = GLIBC, libc: Libc = ""
) -> Built:
    return Built(
        wheel=f"commonwheel_x_so1-{release}-py3-none-{tag}_{arch}.whl",
        snapshot=Snapshot(
            name="x",
            release=release,
            line="x-so1",
            arch=arch,
            libc=libc,
            libraries=libraries,
        ),
    )


def test_symbols_that_came_and_went() -> None:
    found = changes([built(library("b c -d -f"))], [built(library("a b -d -e"))])
    (row,) = found.rows
    assert (row.compared, row.added, row.removed) == (True, ("c",), ("a",))
    assert (row.others, row.private) == ((), 1)
    assert found.verdicts == {Platform("x86_64", "glibc"): "breaking"}
    assert found.unchecked == ("types: a snapshot has none (signatures, structs, enumerators)",)


def test_a_version_node_that_is_lost() -> None:
    (row,) = changes([built(library("a b@V2"))], [built(library("a b@V1"))]).rows
    assert (row.added, row.removed) == ((), ())
    assert [change.id for change in row.others] == ["CWA103", "CWA403"]


def test_a_library_that_came_and_one_that_went() -> None:
    kept = library("k", "kept.so.1")
    found = changes(
        [built(library("a", "new.so.2"), kept)], [built(library("a", "old.so.1"), kept)]
    )
    assert [(row.library.soname, row.compared) for row in found.rows] == [
        ("kept.so.1", True),
        ("new.so.2", False),
    ]
    assert found.gone == ("old.so.1",)


def test_a_soname_that_has_changed() -> None:
    found = changes([built(library("a", "libx.so.2"))], [built(library("a"))])
    assert [change.id for change in found.rows[0].others] == ["CWA102"]
    assert found.gone == ()


def test_a_private_library_is_not_compared() -> None:
    found = changes(
        [built(library("-b", "libx.so.1.1", role="private"))],
        [built(library("-a", "libx.so.1.0", role="private"))],
    )
    assert (found.rows[0].added, found.rows[0].removed, found.rows[0].private) == ((), (), 1)
    assert set(found.verdicts.values()) == {"equal"}


def test_a_first_release() -> None:
    found = changes([built(library("a"))], [])
    assert (found.before, found.rows[0].compared, found.verdicts) == (None, False, {})


def test_like_is_compared_with_like() -> None:
    arm, musl = built(library("x"), arch="aarch64"), built(library("y"), tag=MUSL)
    before = [built(library("z")), built(library("y w"), tag=MUSL)]
    found = changes([arm, musl], before)
    assert (found.built, found.before) == (musl, before[1])
    assert found.rows[0].removed == ("w",)


def test_nothing_alike() -> None:
    found = changes([built(library("x"), arch="aarch64")], [built(library("x"))])
    assert (found.before, found.rows[0].compared, found.gone) == (None, False, ())


def test_the_platform_that_breaks_is_shown() -> None:
    new = [built(library("a b")), built(library("a"), arch="aarch64")]
    old = [built(library("a")), built(library("a b"), arch="aarch64")]
    found = changes(new, old)
    assert found.built is new[1]
    assert list(found.verdicts.values()) == ["additive", "breaking"]


def test_the_libc_is_that_of_the_libraries_where_they_need_one() -> None:
    unrepaired = built(library("a"), tag="linux", libc="musl")
    assert str(unrepaired.platform) == "x86_64 with musl"
    plain = replace(unrepaired, snapshot=replace(unrepaired.snapshot, libc=""))
    assert str(plain.platform) == "x86_64 with glibc"


def test_the_picture_is_of_the_platform_with_most_releases() -> None:
    arm = [built(library("a"), release=str(number), arch="aarch64") for number in range(3)]
    intel = [built(library("a b"), release=str(number)) for number in range(2)]
    found = picture("x-so1", [[arm[0], intel[0]], [arm[1], intel[1]], [arm[2]]])
    assert found is not None
    assert found.platform == Platform("aarch64", "glibc")
    assert "0: 1 public symbols; 1: 1 public symbols, 0 added, 0 removed; 2: " in found.svg


def test_one_release_has_no_picture() -> None:
    two = [built(library("a")), built(library("a"), arch="aarch64")]
    assert picture("x-so1", [two]) is None
    # Each platform has one.
    assert picture("x-so1", [two[:1], two[1:]]) is None
