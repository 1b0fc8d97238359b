import pytest

from commonwheel.abi.public import judge, read_headers
from commonwheel.elf import Symbol

C_HEADER = b"""
/* class of problems: { none } */
extern int table[4], optind, opterr;
extern const char version[];
int area(const void *handle, int n);
#define DECLARE(name) int name##_free(void *it)
DECLARE(ring);
"""
CXX_HEADER = b"namespace geo {\nclass Point {\n public:\n  double area() const;\n};\n}\n"
LEAKED = "_ZN3geo8internal4areaEv"
AREA = "_ZNK3geo5Point4areaEv"
VECTOR = "_ZNSt6vectorIiSaIiEE9push_backEOi"


def symbol(name: str, kind: str = "func", binding: str = "global") -> Symbol:
    return Symbol(name, None, True, binding, kind, True, 4, False, "default", 0)


@pytest.mark.parametrize(
    ("headers", "exports", "given", "public"),
    [
        ([C_HEADER], (), symbol("area"), True),
        ([C_HEADER], (), symbol("inside"), False),
        ([C_HEADER], (), symbol("ring_free"), True),
        # Variables; a parameter of the same name is none.
        ([C_HEADER], (), symbol("table", "object"), True),
        ([C_HEADER], (), symbol("opterr", "object"), True),
        ([C_HEADER], (), symbol("version", "object"), True),
        ([C_HEADER], (), symbol("handle", "object"), False),
        # The recipe has its word, too.
        ([C_HEADER], ("ar*",), symbol("area"), True),
        ([C_HEADER], ("ring*",), symbol("area"), False),
        ([], ("ar*",), symbol("area"), True),
        ([], ("ring*",), symbol("area"), False),
        # C++: every name on the path.
        ([C_HEADER], (), symbol(AREA), False),
        ([CXX_HEADER], (), symbol(AREA), True),
        ([CXX_HEADER], (), symbol(LEAKED), False),
        ([CXX_HEADER], ("geo_*",), symbol(AREA), False),
        ([CXX_HEADER], (), symbol(VECTOR, binding="weak"), False),
        # A header in C may name all that C++ code is made of.
        ([b"int geo(int Point, int area);"], (), symbol(AREA), False),
        # Nothing is known: public, but for what every object has.
        ([], (), symbol("area"), True),
        ([], (), symbol(AREA), True),
        ([], (), symbol(AREA, binding="weak"), False),
        ([], (), symbol(VECTOR), False),
    ],
)
def test_what_is_public(
    headers: list[bytes], exports: tuple[str, ...], given: Symbol, public: bool
) -> None:
    is_public, _ = judge(read_headers(headers), exports, private=False)
    assert is_public(given) is public


@pytest.mark.parametrize(
    ("headers", "exports", "private", "evidence"),
    [
        ([C_HEADER], ("*",), False, ("exports", "headers")),
        ([C_HEADER], (), False, ("headers",)),
        ([], ("*",), False, ("exports",)),
        ([], (), False, ("nothing",)),
        ([C_HEADER], ("*",), True, ("role",)),
    ],
)
def test_it_is_said_by_what_it_is_told(
    headers: list[bytes], exports: tuple[str, ...], private: bool, evidence: tuple[str, ...]
) -> None:
    is_public, found = judge(read_headers(headers), exports, private=private)
    assert found == evidence
    if private:
        assert not is_public(symbol("area"))
