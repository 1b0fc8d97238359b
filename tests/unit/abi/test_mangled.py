"""The names on the path of a symbol."""

import pytest

from commonwheel.abi.mangled import path


@pytest.mark.parametrize(
    ("symbol", "names"),
    [
        ("proj_create", ("proj_create",)),
        ("_Z3fooi", ("foo",)),
        ("_ZN3geo5Point4areaEv", ("geo", "Point", "area")),
        ("_ZNK3geo5Point4areaERKNSt7__cxx1112basic_stringIcEE", ("geo", "Point", "area")),
        ("_ZN3geo5PointC1ERKS0_", ("geo", "Point")),
        ("_ZN3geo5PointD0Ev", ("geo", "Point")),
        ("_ZN3geo4GridIiLi12ENS_3MapINS_1KEEEE4cellEv", ("geo", "Grid", "cell")),
        ("_ZN3geo4GridILb1E5OtherE4cellEv", ("geo", "Grid", "cell")),
        ("_ZN3geo4nameB5cxx11Ev", ("geo", "name")),
        ("_ZN3geo5PointplERKS0_", ("geo", "Point")),
        ("_ZN3geo5PointcvdEv", ("geo", "Point")),
        ("_ZTVN3geo5PointE", ("geo", "Point")),
        ("_ZTI5Point", ("Point",)),
        ("_ZThn16_N3geo5Point4areaEv", ("geo", "Point", "area")),
        ("_ZTv0_n24_N3geo5PointD1Ev", ("geo", "Point")),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", ()),
        ("_ZSt4cout", ()),
        ("_ZlsRSoRK5Point", ()),
        # Damaged: no names, and no end without one.
        ("_ZN", ()),
        ("_ZN3geo4GridI", ("geo", "Grid")),
        ("_ZN99foo", ("foo",)),
    ],
)
def test_the_names_on_the_path(symbol: str, names: tuple[str, ...]) -> None:
    assert path(symbol) == names
