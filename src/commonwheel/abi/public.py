"""Which exported symbols are public: what the headers declare, and the recipe means to export.

A library exports more than it promises. Of 24 upgrades that rightly kept their SONAME, 13 remove
some symbol, and 3 remove one that the old headers name. Android's header-abi-checker draws the same
line.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from commonwheel.abi.headers import code, header_words, is_named
from commonwheel.abi.mangled import path
from commonwheel.abi.snapshot import DATA, Evidence
from commonwheel.elf import Symbol

# What only C++ has; headers in C have none of it outside of comments, which begin their lines
# otherwise.
CXX = re.compile(
    rb"^[ \t]*(?:namespace\s+\w|template\s*<|class\s+(?:\w+\s+)*\w+\s*[:{])", re.MULTILINE
)
# Where a variable is declared, a name is followed so; where it is that of a parameter, it is not.
VARIABLE = re.compile(rb"\b(\w+)\s*(?:\[[^\]\n]*\]\s*)*[;=]")
SEVERAL = re.compile(rb"\bextern\b[^;(){}]*,[^;(){}]*;")
WORD = re.compile(rb"\w+")
# Emitted wherever a template or an inline function is used: whoever needs one has it.
VAGUE = frozenset({"weak", "unique"})


@dataclass(frozen=True, kw_only=True)
class Headers:
    """The public headers of a release, as far as names go.

    Args:
        words: every identifier in them.
        variables: those that may be variables' names. A library's own variables have short names
            (``handle``), as parameters do.
        cxx: whether they declare an interface in C++.
    """

    words: frozenset[str]
    variables: frozenset[str]
    cxx: bool


def read_headers(contents: Iterable[bytes]) -> Headers | None:
    """What the headers tell; None where there are none."""
    every = [code(content) for content in contents]
    if not every:
        return None
    return Headers(
        words=header_words(every),
        variables=frozenset(word.decode() for content in every for word in _variables(content)),
        cxx=any(map(CXX.search, every)),
    )


def _variables(content: bytes) -> Iterator[bytes]:
    yield from VARIABLE.findall(content)
    for several in SEVERAL.findall(content):
        yield from WORD.findall(several)


def judge(
    headers: Headers | None, exports: Sequence[str], *, private: bool
) -> tuple[Callable[[Symbol], bool], tuple[Evidence, ...]]:
    """How to tell the public symbols of a library, and by what they are told.

    All that is known must agree. Where nothing is known, every symbol counts as public, but for
    what C++ compilers emit in every object.

    Args:
        headers: of the release.
        exports: the recipe's patterns for this library; none where it has none.
        private: only libraries of the same release may use it.
    """
    if private:
        return lambda _: False, ("role",)
    evidence: list[Evidence] = []
    if exports:
        evidence.append("exports")
    if headers is not None:
        evidence.append("headers")

    def is_public(symbol: Symbol) -> bool:
        if exports and not any(fnmatchcase(symbol.name, pattern) for pattern in exports):
            return False
        return _is_declared(symbol, headers)

    return is_public, tuple(evidence) or ("nothing",)


def _is_declared(symbol: Symbol, headers: Headers | None) -> bool:
    if not symbol.name.startswith("_Z"):
        if headers is None:
            return True
        if symbol.type in DATA and symbol.name in headers.words:
            return symbol.name in headers.variables
        return is_named(symbol.name, headers.words)
    if symbol.binding in VAGUE if headers is None else not headers.cxx:
        return False
    # The standard library's names have no path.
    names = path(symbol.name)
    return bool(names) and (headers is None or all(name in headers.words for name in names))
