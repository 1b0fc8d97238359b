"""What public headers name."""

import pytest

from commonwheel.abi.headers import header_words, is_named

PLAIN = b"""
int geo_area(const geo_point *);  /* geo_perimeter is
not public */ // nor is geo_width
const char quote = '"', *help = "calls geo_help"; int open(void) __asm__("open64");
int geo_last; // "
int geo_later; // "
"""
PASTING = b"""
#define DECLARE(name) name *name##_new(void); void name##_free(name *);
#define DECLARE_IO(name) name *PEM_read_bio_##name(BIO *); int i2d_##name##_fp(FILE *, name *);
DECLARE(X509)
DECLARE_IO(PrivateKey)
"""


@pytest.mark.parametrize(
    "name", ["geo_area", "geo_point", "int", "open64", "geo_last", "geo_later"]
)
def test_words_of_headers_are_named(name: str) -> None:
    assert is_named(name, header_words([PLAIN]))


@pytest.mark.parametrize("name", ["geo_perimeter", "public", "geo_width", "geo_help"])
def test_words_of_prose_are_not(name: str) -> None:
    assert not is_named(name, header_words([PLAIN]))


def test_an_underscore_is_a_word_where_it_is_pasted_between_two() -> None:
    fortran = b"#define F77(name) name ## _\nint geo; int area;\n"
    assert not is_named("geo_area", header_words([fortran]))
    joined = b"#define JOIN(a, b) a ## _ ## b\nint JOIN(geo, area)(void);\n"
    assert is_named("geo_area", header_words([joined]))


@pytest.mark.parametrize(
    "name", ["X509_free", "X509_new", "PEM_read_bio_PrivateKey", "i2d_PrivateKey_fp"]
)
def test_what_macros_paste_of_two_or_three_words_is_named(name: str) -> None:
    assert is_named(name, header_words([PASTING, PLAIN]))


def test_a_number_is_pasted_as_well() -> None:
    width = b"#if WIDTH == 8\n#define GLUE(a, b) a##b\nint GLUE(pcre2_compile_, WIDTH)(void);\n"
    words = header_words([width])
    assert is_named("pcre2_compile_8", words)
    assert not is_named("pcre2_compile_16", words)


@pytest.mark.parametrize("name", ["X509_dup", "X509free", "geo_area_free", "i2d_PrivateKey_fp_new"])
def test_other_words_and_other_seams_are_not_named(name: str) -> None:
    assert not is_named(name, header_words([PASTING]))


def test_without_pasting_nothing_is_put_together() -> None:
    words = header_words([b"int X509; int _free;"])
    assert not is_named("X509_free", words)


@pytest.mark.parametrize("unit", [b"/*", b'\\"', b"/*\n", b"'"])
def test_what_never_ends_takes_no_longer(unit: bytes) -> None:
    # By the square of its length this would take hours.
    assert header_words([b'"' + unit * 1_000_000]) == frozenset()
