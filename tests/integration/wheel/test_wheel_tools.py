"""What is written is read by other tools: unzip, pip, packaging."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from commonwheel.wheel import Member, read_wheel, rewrite, write_wheel
from commonwheel.wheel.metadata import make_metadata, make_wheel_file, with_version

NAME = "demo_pkg-1.0-py3-none-any.whl"
INFO = "demo_pkg-1.0.dist-info"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    metadata = make_metadata(
        name="demo-pkg", version="1.0", summary="A demo", license_expression="MIT"
    )
    write_wheel(
        path,
        {
            "demo_pkg/__init__.py": b"VALUE = 1\n",
            "demo_pkg/größe.txt": b"1",
            "demo_pkg-1.0.data/scripts/demo-tool": Member(content=b"#!python\n", executable=True),
            f"{INFO}/METADATA": metadata,
            f"{INFO}/WHEEL": make_wheel_file(["py3-none-any"], purelib=True, generator="test 1"),
        },
    )
    return path


@pytest.fixture
def rewritten(wheel: Path) -> Path:
    source = read_wheel(wheel)
    target = wheel.with_name(NAME.replace("1.0", "1.0+cw.1"))
    moves = {
        f"demo_pkg-1.0.{kind}/": f"demo_pkg-1.0+cw.1.{kind}/" for kind in ("dist-info", "data")
    }
    metadata = with_version(source.metadata, "1.0+cw.1")
    rewrite(source, target, rename=moves, replace={f"{INFO}/METADATA": metadata})
    return target


@pytest.mark.parametrize("kind", ["wheel", "rewritten"])
def test_unzip_finds_no_fault(kind: str, request: pytest.FixtureRequest) -> None:
    unzip = shutil.which("unzip")
    assert unzip, "the integration tests need unzip"
    path = request.getfixturevalue(kind)
    done = subprocess.run([unzip, "-t", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No errors detected" in done.stdout
    assert "warning" not in done.stdout + done.stderr


@pytest.mark.parametrize(("kind", "version"), [("wheel", "1.0"), ("rewritten", "1.0+cw.1")])
def test_pip_installs_it(
    kind: str, version: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path = request.getfixturevalue(kind)
    assert str(parse_wheel_filename(path.name)[1]) == version
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*command, "--target", target, path], check=True, timeout=120)
    assert (target / "demo_pkg/größe.txt").read_bytes() == b"1"
    assert (target / f"demo_pkg-{version}.dist-info/METADATA").is_file()
    assert (target / "bin/demo-tool").is_file()
