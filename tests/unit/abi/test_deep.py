from commonwheel.abi.deep import entries

REPORT = """\
Functions changes summary: 0 Removed, 3 Changed, 0 Added functions
Variables changes summary: 0 Removed, 1 Changed, 0 Added variable

3 functions with some indirect sub-type change:

  [C] 'function int area(const point*)' has some indirect sub-type changes:
    parameter 1 of type 'const point*' has sub-type changes:
      in pointed to type 'const point':
        type size changed from 64 to 96 (in bits)
        1 data member insertion:
          'int w', at offset 0 (in bits)
        2 data member changes:
          'int x' offset changed from 0 to 32 (in bits) (by +32 bits)

  [C] 'method double geo::Point::length(int) const' has some indirect sub-type changes:
    return type changed

1 Changed variable:

  [C] 'int table[4]' was changed to 'int table[8]':
    size of symbol changed from 16 to 32

"""


def test_each_function_and_variable_of_a_report_is_a_change() -> None:
    found = list(entries(REPORT, "libx.so.1"))
    assert [change.subject for change in found] == ["area", "length", "table"]
    assert {change.id for change in found} == {"CWA201"}
    assert found[0].message.startswith("area: parameter 1 of type 'const point*'")
    assert found[0].message.endswith("; …")
    assert found[2].message == "table: size of symbol changed from 16 to 32"


def test_a_report_without_changes_has_none() -> None:
    assert list(entries("Functions changes summary: 0 Removed\n", "libx.so.1")) == []


OPAQUE = """\
Functions changes summary: 0 Removed, 2 Changed, 0 Added functions

  [C] 'function Params* params_create()' at c.cpp:1:1 has some sub-type changes:
    return type changed:
      in pointed to type 'typedef Params':
        entity changed from 'typedef Params' to compatible type 'class geos::Parameters'
          type name changed from 'Params_t' to 'geos::Parameters'
          type size hasn't changed

  [C] 'function void params_set(Params*)' has some sub-type changes:
    parameter 1 of type 'Params*' changed:
      in pointed to type 'typedef Params':
        entity changed from 'typedef Params' to compatible type 'class geos::Parameters'
          details were reported earlier

  [C] 'function double params_use(const Params*)' has some sub-type changes:
    parameter 1 of type 'const Params*' changed:
      in pointed to type 'const Params':
        'const Params' changed to 'const geos::Parameters'

"""
BASIC = """\
  [C] 'function int area(int)' has some sub-type changes:
    parameter 1 of type 'int' changed:
      type name changed from 'int' to 'float'
      type size hasn't changed

"""
AGAIN = """\
  [C] 'function int area(const box*)' has some indirect sub-type changes:
    parameter 1 of type 'const box*' has sub-type changes:
      in pointed to type 'const box':
        in unqualified underlying type 'struct box':
          type size changed from 32 to 64 (in bits)

  [C] 'function int rim(box*)' has some indirect sub-type changes:
    parameter 1 of type 'box*' has sub-type changes:
      pointed to type 'struct box' changed, as reported earlier

"""


def test_a_name_behind_an_opaque_pointer_is_no_change() -> None:
    assert not list(entries(OPAQUE, "libseed.so.1"))


def test_one_basic_type_in_anothers_place_is_a_change() -> None:
    assert [change.subject for change in entries(BASIC, "libseed.so.1")] == ["area"]


def test_what_was_said_of_a_type_holds_for_each_that_has_it() -> None:
    found = [change.subject for change in entries(AGAIN + OPAQUE, "libseed.so.1")]
    assert found == ["area", "rim"]


VALUES = """\
  [C] 'function int paint(col)' has some sub-type changes:
    parameter 1 of type 'enum col' has sub-type changes:
      type size hasn't changed
      2 enumerator changes:
        'col::RED' from value '0' to '1'
        'col::GREEN' from value '1' to '0'

"""


def test_other_values_of_enumerators_are_a_change() -> None:
    assert [change.subject for change in entries(VALUES, "libseed.so.1")] == ["paint"]
