"""What `apt-cache showsrc` says."""

from commonwheel.source.apt import Tarball, choose, releases_of, tarballs_of

SHOWSRC = """\
W: something that apt folds in
Package: sqlite3
Version: 3.46.1-7
Checksums-Sha256:
 aa 10 sqlite3_3.46.1-7.dsc
 bb 20 sqlite3_3.46.1.orig-www.tar.xz
 cc 30 sqlite3_3.46.1.orig.tar.xz
 ee 40 sqlite3_3.46.1-7.debian.tar.xz

Package: sqlite3
Version: 3.46.1-10
Checksums-Sha256:
 b2 21 sqlite3_3.46.1.orig-www.tar.xz
 c2 31 sqlite3_3.46.1.orig.tar.xz

Package: sqlite3
Version: 1:3.46.1-1
Checksums-Sha256:
 c3 31 sqlite3_3.46.1.orig.tar.xz

Package: sqlite3-other
Version: 2:3.46.1-99
Checksums-Sha256:
 dd 31 sqlite3-other_3.46.1.orig.tar.xz

Package: native
Version: 1.0
Checksums-Sha256:
 ff 31 native_1.0.tar.xz
 f0 31 native_1.0.dsc
"""


def found(showsrc: str, package: str, upstream: str) -> tuple[Tarball, ...]:
    releases = [each for each in releases_of(showsrc) if each.package == package]
    return tarballs_of(releases, upstream)


def test_the_highest_revision_is_taken() -> None:
    tarballs = found(SHOWSRC.replace("1:3.46.1-1", "0:3.46.1-1"), "sqlite3", "3.46.1")
    assert {tarball.version for tarball in tarballs} == {"3.46.1-10"}
    with_epoch = found(SHOWSRC, "sqlite3", "3.46.1")
    assert {tarball.version for tarball in with_epoch} == {"1:3.46.1-1"}


def test_a_component_is_chosen_by_name() -> None:
    tarballs = found(SHOWSRC.replace("1:3.46.1-1", "0:3.46.1-1"), "sqlite3", "3.46.1")
    main, www = choose(tarballs, None), choose(tarballs, "www")
    assert main is not None
    assert www is not None
    assert (main.sha256, www.sha256) == ("c2", "b2")
    assert choose(tarballs, "doc") is None


def test_a_native_package_has_no_orig() -> None:
    main = choose(found(SHOWSRC, "native", "1.0"), None)
    assert main is not None
    assert main.name == "native_1.0.tar.xz"


def test_debians_own_changes_are_never_the_source() -> None:
    tarballs = found(SHOWSRC, "sqlite3", "3.46.1")
    only = [tarball for tarball in tarballs if ".debian." in tarball.name]
    assert choose(only, None) is None


def test_nothing_found() -> None:
    assert found("", "sqlite3", "3.46.1") == ()
    assert found(SHOWSRC, "sqlite3", "3.46") == ()


def test_a_release_is_read_whole() -> None:
    text = SHOWSRC.replace(
        "Version: 1.0\n", "Version: 1:1.0+dfsg-2\nHomepage: https://example.org/\n"
    )
    native = releases_of(text)[-1]
    assert (native.package, native.upstream) == ("native", "1.0+dfsg")
    assert native.homepage == "https://example.org/"
    assert [tarball.name for tarball in native.tarballs] == ["native_1.0.tar.xz"]
