"""Which ABI of C++ strings a mangled name is of."""

import pytest

from commonwheel.check.cxx import STANDARD, spelling


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("_Z3fooSs", "old"),
        ("_Z3fooRKSsiS0_", "old"),
        ("_ZN3foo3barESt4listIiSaIiEE", "old"),
        ("_Z3fooNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", "new"),
        ("_Z4nameB5cxx11v", "new"),
        ("_Z4namev", None),
        # What people call their own things.
        ("_Z7ClassSsv", None),
        ("_ZN8St4listSs3fooEi", None),
        ("_Z3fooN2Ss2SsE", None),
        # Substitutions and template parameters are no lengths of names.
        ("_Z3fooIiET_S0_5Thing", None),
        ("_Z3fooIiET0_S1_Ss", "old"),
    ],
)
def test_spelling(symbol: str, kind: str | None) -> None:
    assert spelling(symbol) == kind


@pytest.mark.parametrize(
    "symbol",
    ["_ZNSs6appendEPKc", "_ZNKSt6vectorIiE4sizeEv", "_ZSt4endlv", "_ZTVSt9exception", "_Znwm"],
)
def test_the_standard_librarys(symbol: str) -> None:
    assert STANDARD.match(symbol)


@pytest.mark.parametrize("symbol", ["_Z3fooSt6vectorIiE", "_ZN4geos3fooESs", "_ZTVN3foo3barE"])
def test_not_the_standard_librarys(symbol: str) -> None:
    assert not STANDARD.match(symbol)
