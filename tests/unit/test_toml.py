import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonwheel.errors import ConfigurationError
from commonwheel.toml import Document, read

TEXT = """\
# url = "in a comment"
top = "url = 1"
"quoted key" = 1
'literal' = 2
dotted . inner = 3
list = [
  "url",
  "top",
]

[indexes]
url = "url"
extra-url = "url"
  indented = '''
url = "in a text"
'''
[ "a b".'c' ]
"url" = 4
inline = { url = 5, "in ner" = { url = 6 } }

[[tables]]
name = 1
[[tables]]
name = 2
url.deep = 3
"""


def document(text: str = TEXT) -> Document:
    return Document(source="f.toml", text=text, value=tomllib.loads(text))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (["top"], "2:1"),
        (["quoted key"], "3:1"),
        (["literal"], "4:1"),
        (["dotted"], "5:1"),
        (["dotted", "inner"], "5:10"),
        (["list"], "6:1"),
        (["list", 1], "6:1"),
        (["indexes"], "11:2"),
        (["indexes", "url"], "12:1"),
        (["indexes", "extra-url"], "13:1"),
        (["indexes", "indented"], "14:3"),
        (["a b"], "17:3"),
        (["a b", "c"], "17:9"),
        (["a b", "c", "url"], "18:1"),
        (["a b", "c", "inline", "url"], "19:12"),
        (["a b", "c", "inline", "in ner"], "19:21"),
        (["a b", "c", "inline", "in ner", "url"], "19:34"),
        (["tables"], "21:3"),
        (["tables", 0, "name"], "22:1"),
        (["tables", 1, "name"], "24:1"),
        (["tables", 1, "url", "deep"], "25:5"),
        # What is not there has the place of the nearest parent.
        (["indexes", "none"], "11:2"),
        (["none"], "1:1"),
        ([], "1:1"),
    ],
)
def test_a_key_is_found_where_it_was_written(path: list[str | int], place: str) -> None:
    assert document().where(path) == f"f.toml:{place}"


def test_a_key_that_is_written_with_escapes_has_its_parents_place() -> None:
    assert document('[a]\n"\\u0062" = 1\n').where(["a", "b"]) == "f.toml:1:2"


KEYS = st.text("ab-", min_size=1, max_size=3)
QUOTED = st.sampled_from(["{}", '"{}"', "'{}'"])


@given(st.lists(st.tuples(KEYS, QUOTED), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_each_of_many_keys_is_found_on_its_own_line(pairs: list[tuple[str, str]]) -> None:
    # Every text holds every key, so that only the parser can tell which is which.
    words = " ".join(key for key, _ in pairs)
    lines = [f'{form.format(key)} = "{words}" # {words}' for key, form in pairs]
    found = document("\n".join(lines))
    for number, (key, _) in enumerate(pairs, 1):
        assert found.where([key]) == f"f.toml:{number}:1"


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (b"a = \n", "1:5", "not TOML: Invalid value"),
        (b"a = 1\r\nb\r\n", "2:2", "not TOML: Expected '='"),
        (b"a = 1\na = 2\n", "2:6", "not TOML: Cannot overwrite a value"),
        (b'a = 1\nb = """\n', "3:1", "not TOML: Unterminated string"),
        (b"a = 1\nb = '\xff'\n", "2:6", "not UTF-8: invalid start byte"),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(
    tmp_path: Path, content: bytes, place: str, problem: str
) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        read(file)
    assert caught.value.where == f"{file}:{place}"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigurationError, match="cannot be read: ") as caught:
            read(path)
        assert caught.value.where == str(path)


def test_windows_lines_count_as_lines(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"a = 1\r\n\r\n[b]\r\nc = 1\r\n")
    assert read(file).where(["b", "c"]) == f"{file}:4:1"
