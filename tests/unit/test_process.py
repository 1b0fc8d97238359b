"""What is done with a subprocess's output; that it runs is tried in tests/integration."""

from commonwheel.process import ProcessError, last_lines, significant_lines

LOG = """\
-- Checking for something - no
[1/9] Building C object a.o
a.c:3:1: error: unknown type name 'foo'
    3 | foo bar;
      | ^~~
[2/9] Building C object b.o
[3/9] Building C object c.o
/usr/bin/ld: b.o: undefined reference to `zlibVersion'
collect2: error: ld returned 1 exit status
ninja: build stopped
"""


def test_the_lines_that_say_what_went_wrong() -> None:
    assert significant_lines(LOG) == [
        "a.c:3:1: error: unknown type name 'foo'",
        "    3 | foo bar;",
        "      | ^~~",
        "/usr/bin/ld: b.o: undefined reference to `zlibVersion'",
        "collect2: error: ld returned 1 exit status",
        "ninja: build stopped",
    ]


def test_at_most_so_many() -> None:
    assert len(significant_lines("x: error: y\n" * 100, most=7)) == 7


def test_a_log_without_complaints_ends_with_what_matters() -> None:
    lines = [f"line {number}" for number in range(100)]
    assert significant_lines("\n\n".join(lines), most=3) == lines[-3:]
    assert significant_lines("") == []


def test_warnings_are_no_complaints() -> None:
    assert significant_lines("cc -Werror=format -c a.c\nwarning: x\nlast", most=1) == ["last"]


def test_last_lines() -> None:
    assert last_lines("a\n\nb\n \nc\n", 2) == "b\n  c"


def test_an_error_shows_the_beginning_of_the_command_and_the_end_of_its_output() -> None:
    output = "\n".join(f"line {number}" for number in range(50))
    error = ProcessError(["cc", *("-x" * 1 for _ in range(20))], code=3, output=output)
    assert error.what == "'cc -x -x -x -x -x …' ended with exit code 3"
    assert error.hint.splitlines()[-1] == "  line 49"
    assert len(error.hint.splitlines()) == 20
    assert (error.code, error.output) == (3, output)
