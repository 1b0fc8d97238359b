from pathlib import Path

import pytest

from commonwheel.engine.suite import Suite, _summary
from commonwheel.errors import ConsumerTestError
from commonwheel.recipe.model import Test as RecipeTest


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


def copied(tmp_path: Path, *files: str) -> list[str]:
    """Where the files of a test come to lie, out of an sdist with two of them."""
    source, folder = tmp_path / "source", tmp_path / "folder"
    for name in ("tests/test_a.py", "tests/data/a.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    folder.mkdir()
    test = RecipeTest(imports=("foo",), files=files)
    suite = Suite(name="foo", test=test, wheel=Path("foo.whl"), libraries=(), source=source)
    suite._copy_files(folder)
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    "files",
    [
        ["tests/data", "tests"],
        ["tests", "tests/data"],
        ["tests/data/a.txt", "tests"],
        ["tests", "tests/data/a.txt"],
        ["."],
    ],
)
def test_files_may_overlap(tmp_path: Path, files: list[str]) -> None:
    assert copied(tmp_path, *files) == ["tests/data/a.txt", "tests/test_a.py"]


def test_files_that_cannot_be_copied_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConsumerTestError, match="foo: its source has no 'docs'"):
        copied(tmp_path, "docs")
    tests = tmp_path / "source/tests"
    (tests / "gone").symlink_to("nowhere")
    (tmp_path / "folder").rmdir()
    with pytest.raises(ConsumerTestError, match=r"'tests' \(test.files\) cannot be copied: .Errno"):
        copied(tmp_path, "tests")
