"""File names in addresses, and what must not be shown of them."""

import pytest

from commonwheel.recipe.address import file_name, redacted, with_credentials


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/a/proj-9.1.1.tar.gz", "proj-9.1.1.tar.gz"),
        (
            "https://example.org/zlib_1.3.dfsg%2Breally1.3.1.tgz?x=1#y",
            "zlib_1.3.dfsg+really1.3.1.tgz",
        ),
        ("https://example.org/", "source"),
        ("https://example.org/a/.stamp.json", "stamp.json"),
        ("https://example.org/a%20b%2F..%2Fc", "c"),
    ],
)
def test_file_name(url: str, name: str) -> None:
    assert file_name(url) == name


def test_redacted() -> None:
    assert redacted("https://user:secret@example.org:81/x?y") == "https://example.org:81/x?y"
    assert redacted("https://user:sec@ret@[broken/a@b") == "https://[broken/a@b"
    for url in ("https://example.org/a//b@c", "/a/b//c@d", "git@example.org:x", ""):
        assert redacted(url) == url


def test_credentials_only_for_the_same_host() -> None:
    index = ("https://user:secret@example.org/simple",)
    assert with_credentials("https://example.org/f", index) == "https://user:secret@example.org/f"
    assert with_credentials("http://example.org/f", index) == "http://example.org/f"
    assert with_credentials("https://other.example.org/f", index) == "https://other.example.org/f"
