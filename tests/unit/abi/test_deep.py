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
