import pytest

from commonwheel.author.versions import newest, readdressed, tag_version, upstream_version


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("3.13.1", "3.13.1"),
        ("1.5.7+dfsg", "1.5.7"),
        ("1.5.7+dfsg1", "1.5.7"),
        ("1.0+dfsg+ds1", "1.0"),
        ("4.7.0.dfsg.1", "4.7.0"),
        ("2.0~repack1", "2.0"),
        ("1.3.dfsg+really1.3.1", "1.3.1"),
        ("5.6.1+really5.4.5", "5.4.5"),
        ("3.14.0~rc1", "3.14.0rc1"),
        ("1.1.1w", "1.1.1w"),
    ],
)
def test_debians_additions_are_taken_off(debian: str, upstream: str) -> None:
    assert upstream_version(debian) == upstream


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.3", "1.2.3"),
        ("1.2", "1.2"),
        ("curl-8_5_0", "8.5.0"),
        ("R_2_6_2", "2.6.2"),
        ("release-3.1.4", "3.1.4"),
        ("json-c-0.17-20230812", "0.17"),
        ("3.11.0rc1", "3.11.0rc1"),
        ("v2", None),
        ("n4.4-dev", None),
        ("main", None),
    ],
)
def test_tags(tag: str, version: str | None) -> None:
    assert tag_version(tag) == version


def test_the_newest_is_a_final_release() -> None:
    assert newest(["3.9", "3.10", "3.11rc1", "3.12.dev1", "nightly"]) == "3.10"
    assert newest(["nightly", "1.0rc1"]) is None


@pytest.mark.parametrize(
    ("address", "old", "new", "expected"),
    [
        ("https://x/geos-3.11.1.tar.bz2", "3.11.1", "3.13.1", "https://x/geos-3.13.1.tar.bz2"),
        ("https://x/3.11/g-3.11.1.tgz", "3.11.1", "3.13.0", "https://x/3.13/g-3.13.0.tgz"),
        ("https://x/v3/g-3.11.1.tgz", "3.11.1", "4.0", "https://x/v4/g-4.0.tgz"),
        ("https://x/R_2_6_2/expat-2.6.2.tgz", "2.6.2", "2.7.0", "https://x/R_2_7_0/expat-2.7.0.tgz"),
        ("https://x/2024/sqlite-src-3460100.zip", "3.46.1", "3.47", "https://x/2024/sqlite-src-3470000.zip"),
        # Other numbers of the address stay.
        ("https://x/libpng16/1.6.40/l-1.6.40.tgz", "1.6.40", "1.6.50", "https://x/libpng16/1.6.50/l-1.6.50.tgz"),
        ("https://x/11.3/a-1.3.tgz", "1.3", "1.4", "https://x/11.3/a-1.4.tgz"),
        ("https://x/a-1.3.1.tgz", "1.3", "1.4", None),
        ("https://x/latest.tgz", "1.3", "1.4", None),
    ],
)  # fmt: skip
def test_addresses_follow(address: str, old: str, new: str, expected: str | None) -> None:
    assert readdressed(address, old, new) == expected
