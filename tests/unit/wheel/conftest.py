"""Wheels made in memory with zipfile, so that the writer is not tested with itself."""

import base64
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

METADATA = b"Metadata-Version: 2.1\nName: Demo.Pkg\nVersion: 1.0\nRequires-Dist: numpy\n\nHello\n"
WHEEL = b"""\
Wheel-Version: 1.0
Generator: test 1
Root-Is-Purelib: false
Tag: cp311-cp311-linux_x86_64
"""
FILE = "demo_pkg-1.0-cp311-cp311-linux_x86_64.whl"
INFO = "demo_pkg-1.0.dist-info"

CONTENT: dict[str, bytes] = {
    "demo/__init__.py": b"import this\n" * 50,
    "demo/ext.so": bytes(range(256)) * 40,
    "demo/empty.py": b"",
    "demo_pkg-1.0.data/platlib/other.py": b"x = 1\n",
    "demo_pkg-1.0.data/scripts/run": b"#!python\n",
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/WHEEL": WHEEL,
}

MakeWheel = Callable[..., Path]


def digest(content: bytes) -> str:
    raw = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={raw.rstrip(b'=').decode()}"


def record_of(members: Mapping[str, bytes]) -> bytes:
    rows = [f"{name},{digest(raw)},{len(raw)}" for name, raw in members.items()]
    return "\n".join([*rows, f"{INFO}/RECORD,,", ""]).encode()


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    def make(
        members: Mapping[str, bytes] | None = None,
        *,
        name: str = FILE,
        record: bytes | None = None,
        method: int = zipfile.ZIP_DEFLATED,
    ) -> Path:
        members = CONTENT if members is None else members
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", method) as archive:
            for member, raw in members.items():
                info = zipfile.ZipInfo(member, (2021, 3, 4, 5, 6, 8))
                info.compress_type = method
                info.external_attr = (
                    0o100755 if member.endswith(("run", ".so")) else 0o100644
                ) << 16
                archive.writestr(info, raw)
            archive.writestr(f"{INFO}/RECORD", record_of(members) if record is None else record)
        return path

    return make


@pytest.fixture
def content() -> dict[str, bytes]:
    return dict(CONTENT)


@pytest.fixture
def record() -> Callable[[Mapping[str, bytes]], bytes]:
    return record_of
