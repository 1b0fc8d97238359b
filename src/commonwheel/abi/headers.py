"""The names that a library's public headers have, those that macros paste together too."""

import re
from collections.abc import Collection, Iterable

# Numbers too: macros paste them as well.
WORD = re.compile(rb"\w+")
# Stands among the words of headers that paste.
PASTE = "##"
# A character, so that none is taken for the beginning of a string; a string; a comment.
# What has no end takes the rest of its line, or of the file: so each character is looked at once.
PROSE = re.compile(
    rb"""'(?:\\.|[^'\\\n])'|"(?:\\.|[^"\\\n])*+"?|//[^\n]*|/\*.*?(?:\*/|\Z)""", re.DOTALL
)
# Between two pastings an underscore is a word. At the end of a name it is what Fortran's compilers
# add, and says nothing of the names that others paste.
BETWEEN = re.compile(rb"##\s*_\s*##")


def code(header: bytes) -> bytes:
    """A header without comments, and without the strings that are more than one word.

    A string of one word may be what a symbol is called (``__asm__("open64")``).
    """
    return PROSE.sub(_kept, header)


def _kept(match: re.Match[bytes]) -> bytes:
    text = match[0]
    is_name = text[:1] in {b'"', b"'"} and b" " not in text
    return text if is_name else b" "


def header_words(headers: Iterable[bytes]) -> frozenset[str]:
    """Every identifier and number of some headers, and ``##`` where one pastes tokens.

    A lone underscore is among them where one is pasted between two others.
    """
    found: set[bytes] = set()
    underscore = False
    for content in map(code, headers):
        found.update(WORD.findall(content))
        if PASTE.encode() in content:
            found.add(PASTE.encode())
            underscore = underscore or BETWEEN.search(content) is not None
    if not underscore:
        found.discard(b"_")
    return frozenset(word.decode() for word in found)


def is_named(name: str, words: Collection[str]) -> bool:
    """Whether headers with these words name a symbol.

    Where they paste, two or three words that meet at underscores will do: OpenSSL declares
    ``X509_free`` by ``name##_free``, FFTW ``fftw_execute`` by ``fftw_`` and ``execute``, and PCRE2
    ``pcre2_compile_8`` by ``pcre2_compile_`` and 8.
    """
    if name in words:
        return True
    return PASTE in words and any(
        first in words and (rest in words or _ends(rest, words)) for first, rest in _split(name)
    )


def _ends(rest: str, words: Collection[str]) -> bool:
    return any(middle in words and last in words for middle, last in _split(rest))


def _split(name: str) -> list[tuple[str, str]]:
    """A name in two, wherever one part ends or the other begins with an underscore."""
    places = (at for at in range(1, len(name)) if "_" in {name[at - 1], name[at]})
    return [(name[:at], name[at:]) for at in places]
