from pathlib import Path

import pytest

from commonwheel.constraints import Constraints, read_constraints
from commonwheel.errors import RecipeError

TEXT = """\
# pins
cmake==3.31.10   # the last one
Ninja_Build==1.13.0

numpy==2.0.2; python_version < "3.13"
numpy==2.1.3; python_version >= "3.13"
x @ https://example.org/x.whl#sha256=00
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "constraints.txt").write_text(text, encoding="utf-8")
    return folder


def test_pins_are_by_normalised_project(tmp_path: Path) -> None:
    pins = read_constraints([write(tmp_path, TEXT)]).pins
    assert pins == {
        "cmake": ("cmake==3.31.10",),
        "ninja-build": ("Ninja_Build==1.13.0",),
        "numpy": (
            'numpy==2.0.2; python_version < "3.13"',
            'numpy==2.1.3; python_version >= "3.13"',
        ),
        "x": ("x @ https://example.org/x.whl#sha256=00",),
    }
    assert list(pins) == sorted(pins)


def test_the_text_reads_as_what_it_was_written_from(tmp_path: Path) -> None:
    first = read_constraints([write(tmp_path / "a", TEXT)])
    assert read_constraints([write(tmp_path / "b", first.text)]) == first


def test_a_later_folders_pins_replace_an_earlier_ones(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1", TEXT), write(tmp_path / "2", "NumPy==1.26\nown==1\n")
    pins = read_constraints([one, tmp_path / "absent", two]).pins
    assert pins["numpy"] == ("NumPy==1.26",)
    assert set(pins) == {"cmake", "ninja-build", "numpy", "own", "x"}


def test_no_file_is_no_pins(tmp_path: Path) -> None:
    assert read_constraints([tmp_path]).text == ""


@pytest.mark.parametrize("line", ["-r other.txt", "a b", "==1.0", "a==", "--hash=sha256:00"])
def test_a_line_that_is_no_requirement_is_told(tmp_path: Path, line: str) -> None:
    folder = write(tmp_path, f"ok==1\n\n{line}\n")
    with pytest.raises(RecipeError, match="not a requirement") as caught:
        read_constraints([folder])
    assert caught.value.where == f"{folder}/constraints.txt:3:1"
    assert "\n" not in caught.value.what


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_bytes(b"a==1 # \xff\n")
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_constraints([tmp_path])


PINS = Constraints(pins={"a-b": ("a-b==1", "a-b==2; x"), "c": ("c==3",)})


def test_requirements_are_followed_by_their_pins() -> None:
    wanted = ["A_b[extra]>=0", "d", "c", "c==3"]
    assert PINS.pinned(wanted) == ["A_b[extra]>=0", "a-b==1", "a-b==2; x", "d", "c", "c==3"]
    assert PINS.pinned([]) == []


def test_what_is_no_requirement_is_left_to_pip() -> None:
    assert PINS.pinned(["a b", "c"]) == ["a b", "c", "c==3"]


def test_only_the_pins_of_some() -> None:
    assert PINS.only(["C>=1", "x"]).pins == {"c": ("c==3",)}


def test_a_recipes_own_pin_goes_before() -> None:
    assert PINS.yielding_to(["A.B==3", "c>=1", "d==1"]).pins == {"c": ("c==3",)}
    assert PINS.yielding_to(["a-b==3.*", "c<4"]) == PINS
