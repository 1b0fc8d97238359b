"""Reading and checking."""

import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonwheel.errors import WheelError
from commonwheel.wheel import read_wheel

Make = Callable[..., Path]
Record = Callable[[Mapping[str, bytes]], bytes]
INFO = "demo_pkg-1.0.dist-info"


def test_a_sound_wheel(make_wheel: Make, content: dict[str, bytes]) -> None:
    wheel = read_wheel(make_wheel())
    wheel.verify()
    assert wheel.dist_info == INFO
    assert wheel.members == (*content, f"{INFO}/RECORD")
    assert all(wheel.read(member) == raw for member, raw in content.items())
    assert wheel.metadata == content[f"{INFO}/METADATA"]
    assert wheel.metadata_fields["Name"] == "Demo.Pkg"
    assert wheel.metadata_fields.get_payload() == "Hello\n"
    assert wheel.wheel_fields.get_all("Tag") == ["cp311-cp311-linux_x86_64"]
    assert not wheel.root_is_purelib


def test_stored_members(make_wheel: Make) -> None:
    read_wheel(make_wheel(method=zipfile.ZIP_STORED)).verify()


def test_other_compression_is_refused(make_wheel: Make) -> None:
    with pytest.raises(WheelError, match="compressed by method 12"):
        read_wheel(make_wheel(method=zipfile.ZIP_BZIP2)).verify()


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("demo/ext.so", ("platlib", "demo/ext.so")),
        ("demo_pkg-1.0.data/platlib/a/b.so", ("platlib", "a/b.so")),
        ("demo_pkg-1.0.data/purelib/a.py", ("purelib", "a.py")),
        ("demo_pkg-1.0.data/scripts/run", ("scripts", "run")),
        ("other-1.0.data/platlib/x", ("platlib", "other-1.0.data/platlib/x")),
    ],
)
def test_install_path(make_wheel: Make, member: str, expected: tuple[str, str]) -> None:
    assert read_wheel(make_wheel()).install_path(member) == expected


def test_install_path_of_a_pure_wheel_and_of_no_scheme(
    make_wheel: Make, content: dict[str, bytes]
) -> None:
    pure = content[f"{INFO}/WHEEL"].replace(b"false", b"true")
    wheel = read_wheel(make_wheel({**content, f"{INFO}/WHEEL": pure}))
    assert wheel.install_path("a.py") == ("purelib", "a.py")
    for member in ("demo_pkg-1.0.data/etc/x", "demo_pkg-1.0.data/purelib"):
        with pytest.raises(WheelError, match="no installation scheme"):
            wheel.install_path(member)


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        ({"demo/new.py": b"x"}, "demo/new.py", "is not listed in RECORD"),
        ({"demo/ext.so": b"x"}, "demo/ext.so", "does not have the hash and size"),
        ({"demo/ext.so": None}, f"{INFO}/RECORD", r"lists demo/ext\.so, which is not in"),
    ],
)
def test_content_and_record_differ(
    *,
    make_wheel: Make,
    content: dict[str, bytes],
    record: Record,
    change: dict[str, bytes | None],
    where: str,
    message: str,
) -> None:
    changed = {name: raw for name, raw in {**content, **change}.items() if raw is not None}
    path = make_wheel(changed, record=record(content))
    with pytest.raises(WheelError, match=message) as raised:
        read_wheel(path).verify()
    assert raised.value.where == f"{path.name}:{where}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"sha256=", b"md5=", "has no sha256"),
        (b"sha256=", b"", "has no sha256"),
        (b",10240\n", b",10241\n", "hash and size"),
        (b",10240\n", b",\n", "hash and size"),
        (b",10240\n", b",x\n", "path,hash,size"),
        (b",10240\n", b"\n", "path,hash,size"),
        (b"demo/ext.so,", b"demo/empty.py,", "more than once"),
        (b"demo", b"\xff", "is not a RECORD"),
        (b"demo", b'"demo', "is not a RECORD|path,hash,size"),
    ],
)
def test_broken_records(
    *,
    make_wheel: Make,
    content: dict[str, bytes],
    record: Record,
    old: bytes,
    new: bytes,
    message: str,
) -> None:
    raw = record(content).replace(old, new, 1 if old == b"demo" else -1)
    with pytest.raises(WheelError, match=message):
        read_wheel(make_wheel(record=raw)).verify()


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "C:/x", "a\0b"]
)
def test_unsafe_names(
    make_wheel: Make, content: dict[str, bytes], name: str, tmp_path: Path
) -> None:
    # zipfile mends names on writing, so they are put in afterwards.
    stand_in = "Q" * len(name)
    path = make_wheel({**content, stand_in: b"x"})
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), name.encode()))
    with pytest.raises(WheelError, match="outside its place"):
        read_wheel(path).verify()


def test_symlinks_and_doubled_members(make_wheel: Make) -> None:
    path = make_wheel()
    info = zipfile.ZipInfo("demo/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "ext.so")
    with pytest.raises(WheelError, match="is a symlink"):
        read_wheel(path).verify()
    path = make_wheel()
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings(action="ignore"):
        archive.writestr("demo/ext.so", b"x")
    with pytest.raises(WheelError, match="is in the archive 2 times"):
        read_wheel(path).verify()


def test_folders_need_no_row(make_wheel: Make) -> None:
    path = make_wheel()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("demo/", b"")
    wheel = read_wheel(path)
    wheel.verify()
    assert "demo/" not in wheel.members


def test_signatures_need_no_hash(
    make_wheel: Make, content: dict[str, bytes], record: Record
) -> None:
    raw = record(content) + f"{INFO}/RECORD.jws,,\n".encode()
    read_wheel(make_wheel({**content, f"{INFO}/RECORD.jws": b"{}"}, record=raw)).verify()


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ("other-1.0-py3-none-any.whl", "does not fit the file name"),
        ("demo_pkg-1.1-py3-none-any.whl", "does not fit the file name"),
        ("demo-pkg.whl", "not a wheel's file name"),
    ],
)
def test_file_name_must_fit(make_wheel: Make, rename: str, message: str) -> None:
    with pytest.raises(WheelError, match=message):
        read_wheel(make_wheel(name=rename))


def test_other_spellings_of_the_name_fit(make_wheel: Make) -> None:
    assert read_wheel(make_wheel(name="Demo.Pkg-1.0-py3-none-any.whl")).dist_info == INFO


def test_exactly_one_dist_info(make_wheel: Make, content: dict[str, bytes]) -> None:
    with pytest.raises(WheelError, match="exactly one"):
        read_wheel(make_wheel({**content, "b-1.dist-info/WHEEL": b""}))


def test_missing_member_and_missing_file(make_wheel: Make, tmp_path: Path) -> None:
    wheel = read_wheel(make_wheel())
    with pytest.raises(WheelError, match="is not in the wheel"):
        wheel.read("nothing")
    with pytest.raises(WheelError, match="cannot be read: No such file"):
        read_wheel(tmp_path / "gone-1.0-py3-none-any.whl")
    wheel.path.unlink()
    with pytest.raises(WheelError, match="cannot be read"):
        wheel.read("demo/ext.so")


def test_metadata_that_is_not_utf8(make_wheel: Make, content: dict[str, bytes]) -> None:
    wheel = read_wheel(make_wheel({**content, f"{INFO}/METADATA": b"Name: \xff\n"}))
    with pytest.raises(WheelError, match="not UTF-8"):
        _ = wheel.metadata_fields


def test_every_truncation_is_a_wheel_error(make_wheel: Make) -> None:
    path = make_wheel()
    raw = path.read_bytes()
    for size in range(0, len(raw), 17):
        path.write_bytes(raw[:size])
        with pytest.raises(WheelError):
            read_wheel(path).verify()


def test_names_that_differ_between_headers(make_wheel: Make) -> None:
    path = make_wheel()
    path.write_bytes(path.read_bytes().replace(b"demo/ext.so", b"demo/EXT.so", 1))
    with pytest.raises(WheelError, match="in its local header"):
        read_wheel(path).verify()


def test_a_bomb_is_not_unpacked(make_wheel: Make, content: dict[str, bytes]) -> None:
    path = make_wheel({**content, "demo/big": bytes(1_000_000)})
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10)))
    with pytest.raises(WheelError, match="size and CRC"):
        read_wheel(path).read("demo/big")


@settings(
    deadline=2000, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_changed_bytes_never_raise_another_error(make_wheel: Make, data: st.DataObject) -> None:
    path = make_wheel()
    raw = bytearray(path.read_bytes())
    where = st.integers(0, len(raw) - 1)
    for at, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=4)):
        raw[at] = value
    path.write_bytes(raw)
    with suppress(WheelError):
        read_wheel(path).verify()
