"""Where installers put what wheels bring."""

from pathlib import Path

import pytest

from commonwheel.check.places import places
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name
from commonwheel.wheel.read import read_wheel
from commonwheel.wheel.write import write_wheel


def put(tmp_path: Path, *members: str, entry_points: bytes | None = None) -> dict[str, str]:
    """``scheme:path`` → member, of a wheel with these members."""
    name = make_wheel_name("demo", "1.0", "py3-none-any")
    files = {
        "METADATA": make_metadata(
            name="demo", version="1.0", summary="of a test", license_expression="MIT"
        ),
        "WHEEL": make_wheel_file(["py3-none-any"], purelib=True, generator="a test"),
    }
    if entry_points is not None:
        files["entry_points.txt"] = entry_points
    own = {f"{name.dist_info}/{path}": content for path, content in files.items()}
    write_wheel(tmp_path / str(name), {**dict.fromkeys(members, b""), **own}, epoch=1_500_000_000)
    found = places(read_wheel(tmp_path / str(name)))
    return {f"{scheme}:{path}": member for (scheme, path), member in found.items()}


@pytest.mark.parametrize(
    ("member", "place"),
    [
        ("demo/x.py", "site-packages:demo/x.py"),
        ("demo-1.0.data/platlib/demo/x.py", "site-packages:demo/x.py"),
        ("demo-1.0.data/scripts/tool", "scripts:tool"),
        ("demo-1.0.data/data/bin/tool", "scripts:tool"),
        ("demo-1.0.data/data/share/demo/x", "data:share/demo/x"),
        ("demo-1.0.data/data/lib/python3.12/site-packages/x.py", "site-packages:x.py"),
        ("demo-1.0.data/data/lib/python3.12/x.py", "data:lib/python3.12/x.py"),
    ],
)
def test_each_scheme_has_its_place(tmp_path: Path, member: str, place: str) -> None:
    assert put(tmp_path, member) == {place: member}


@pytest.mark.parametrize("member", ["demo-1.0.data/headers/demo.h", "demo-1.0.data/other/x"])
def test_what_no_other_wheel_can_meet_is_left_out(tmp_path: Path, member: str) -> None:
    assert put(tmp_path, member) == {}


def test_entry_points_make_scripts(tmp_path: Path) -> None:
    text = b"[console_scripts]\nDemo-Info = demo:info\n[gui_scripts]\nview=demo:view\n[x]\na = b\n"
    assert set(put(tmp_path, entry_points=text)) == {"scripts:Demo-Info", "scripts:view"}


@pytest.mark.parametrize("text", [b"no section\n", b"\xff", b"[console_scripts\n"])
def test_malformed_entry_points_make_none(tmp_path: Path, text: bytes) -> None:
    assert put(tmp_path, entry_points=text) == {}
