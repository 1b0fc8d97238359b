import pytest

from commonwheel.engine.suite import _summary


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("===== 12 passed in 3.21s =====", "12 passed"),
        (
            "== 1 failed, 12 passed, 3 skipped in 3.21s (0:00:03) ==",
            "1 failed, 12 passed, 3 skipped",
        ),
        ("12 passed, 1 warning in 3.21s", "12 passed, 1 warning"),
        ("= 2 errors in 0.10s =", "2 errors"),
        ("== 5 passed, 2 xfailed, 1 xpassed, 4 deselected in 1s ==", None),
        ("OK", "passed"),
        ("Ran 2006 tests in 56.020s", "2006 run"),
        ("Ran 1 test in 0.001s", "1 run"),
        ("ran 12 passed tests", "passed"),
    ],
)
def test_the_line_that_sums_a_suite_up(line: str, summary: str | None) -> None:
    expected = summary or "5 passed, 2 xfailed, 1 xpassed, 4 deselected"
    assert _summary(["collected 12 items", line, "", "tests/a.py ."]) == expected


def test_the_last_one_counts() -> None:
    assert _summary(["1 passed in 1s", "== 2 passed in 1s =="]) == "2 passed"
    assert _summary([]) == "passed"
