"""The wheels in the test suites of auditwheel and delocate against the gates.

They are of ten architectures (s390x is big-endian, armv7l and i686 have 32 bits), of glibc, musl,
Android and macOS, and some are there because something is wrong with them. The platform tags are
those that auditwheel shows, where it shows one. Findings were checked once with readelf.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commonwheel.recipe.sources import PypiSource
from commonwheel.source.fetch import fetch
from commonwheel.source.settings import settings_from_environment
from commonwheel.source.unpack import unpack
from tests.integration.elf.readers import agree, members
from tests.integration.kit import commonwheel

SUITES = (
    PypiSource(
        pypi="auditwheel",
        version="6.8.2",
        sha256="d007c4fd8c9c4b5113690ab0b159e05c5aa9b2d31b69efc40875826cc095594b",
    ),
    PypiSource(
        pypi="delocate",
        version="0.13.0",
        sha256="a93e67a9f56ee01a3f7096a042231d4ac37fecac873cd5ea34ea2b4f43a8fa13",
    ),
)
# A debug build without a licence, and what it needs less than its plain `linux_…` tag says.
SIMPLE = {"CW502": 1, "CW603": 1, "CW606": 1}
# With the start files of Alpine's musl, which name the folder that they were made in.
ALPINE = {**SIMPLE, "CW604": 1}
# The tags linux_armv6l, linux_armv5l and linux_mips64 name no architecture that a policy knows.
UNKNOWN = {"CW603": 1, "CW606": 1}
MACOS = {"CW604": 1, "CW606": 1}
WHEELS: Mapping[str, tuple[str | None, Mapping[str, int]]] = {
    # It needs the library of its Python, and looks for it in /opt/2.7.11/lib.
    "cffi-1.5.0-cp27-none-linux_x86_64": (
        "linux_x86_64",
        {"CW201": 1, "CW302": 1, "CW603": 1, "CW606": 1, "CW609": 1},
    ),
    # It takes PyFPE_jbuf, which no CPython of today has.
    "fpewheel-0.0.0-cp35-cp35m-linux_x86_64": (
        "linux_x86_64",
        {"CW603": 1, "CW604": 1, "CW606": 1, "CW609": 1},
    ),
    # It takes zcalloc, a private symbol of zlib that most builds hide.
    "testzlib-0.0.1-cp310-cp310-linux_x86_64": (
        "linux_x86_64",
        {"CW603": 1, "CW604": 1, "CW606": 1},
    ),
    "python_snappy-0.5.2-pp260-pypy_41-linux_x86_64": ("linux_x86_64", {"CW606": 1}),
    # Its name promises manylinux2014; it needs a newer libstdc++, and the library of its Python.
    "python_mscl-67.0.1.0-cp313-cp313-manylinux2014_aarch64": (
        "linux_aarch64",
        {"CW201": 1, "CW501": 1, "CW505": 4},
    ),
    "spam-0.1.0-cp313-cp313-android_24_arm64_v8a": (None, {"CW606": 1}),
    "plumbum-1.6.8-py2.py3-none-any": (None, {}),
    "testsimple-0.0.1-cp313-cp313-linux_aarch64": ("manylinux_2_17_aarch64", SIMPLE),
    "testsimple-0.0.1-cp313-cp313-linux_armv5l": (None, UNKNOWN),
    "testsimple-0.0.1-cp313-cp313-linux_armv7l": ("manylinux_2_17_armv7l", SIMPLE),
    "testsimple-0.0.1-cp313-cp313-linux_i686": ("manylinux_2_5_i686", SIMPLE),
    # PT_GNU_STACK is executable, and WHEEL has the tag of another Python.
    "testsimple-0.0.1-cp313-cp313-linux_mips64": (None, {**UNKNOWN, "CW401": 1, "CW609": 1}),
    "testsimple-0.0.1-cp313-cp313-linux_ppc64le": ("manylinux_2_17_ppc64le", SIMPLE),
    "testsimple-0.0.1-cp313-cp313-linux_riscv64": ("manylinux_2_31_riscv64", SIMPLE),
    "testsimple-0.0.1-cp313-cp313-linux_s390x": ("manylinux_2_17_s390x", SIMPLE),
    "testsimple-0.0.1-cp313-cp313-linux_x86_64": ("manylinux_2_5_x86_64", SIMPLE),
    # Made for musl, which nothing in it tells: auditwheel refuses it.
    "testsimple-0.0.1-cp310-cp310-linux_x86_64": ("manylinux_2_5_x86_64", ALPINE),
    "testsimple-0.0.1-cp312-cp312-linux_aarch64": ("musllinux_1_2_aarch64", ALPINE),
    # auditwheel shows musllinux_1_2_armv7l: in the file, armv6l looks like that.
    "testsimple-0.0.1-cp312-cp312-linux_armv6l": (None, {**UNKNOWN, "CW604": 1}),
    "testsimple-0.0.1-cp312-cp312-linux_armv7l": ("musllinux_1_2_armv7l", ALPINE),
    "testsimple-0.0.1-cp312-cp312-linux_i686": ("musllinux_1_2_i686", ALPINE),
    "testsimple-0.0.1-cp312-cp312-linux_ppc64le": ("musllinux_1_2_ppc64le", ALPINE),
    "testsimple-0.0.1-cp312-cp312-linux_riscv64": ("musllinux_1_2_riscv64", SIMPLE),
    "testsimple-0.0.1-cp312-cp312-linux_s390x": ("musllinux_1_2_s390x", ALPINE),
    "testsimple-0.0.1-cp312-cp312-linux_x86_64": ("musllinux_1_2_x86_64", ALPINE),
    "fakepkg1-1.0-cp37-abi3-macosx_10_9_universal2": (None, MACOS),
    "fakepkg2-1.0-py3-none-any": (None, {"CW606": 1}),
    "fakepkg_namespace-1.0-cp37-abi3-macosx_10_9_universal2": (None, MACOS),
    "fakepkg_rpath-1.0-cp37-abi3-macosx_10_9_universal2": (None, MACOS),
    "fakepkg_toplevel-1.0-cp37-abi3-macosx_10_9_universal2": (None, MACOS),
}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The wheels of both suites, by their names without the ending."""
    folder = tmp_path_factory.mktemp("suites")
    settings = settings_from_environment(os.environ, folder / "cache", offline=False)
    found: dict[str, Path] = {}
    for suite in SUITES:
        tree = unpack(fetch([suite], settings).path, folder / suite.pypi)
        found |= {path.stem: path for path in tree.rglob("*.whl")}
    return found


def test_every_wheel_of_the_suites_is_listed(bundled: Mapping[str, Path]) -> None:
    assert bundled.keys() == WHEELS.keys()


@pytest.mark.parametrize("name", WHEELS)
def test_what_is_found_is_what_was_checked_by_hand(
    bundled: Mapping[str, Path], name: str, tmp_path: Path
) -> None:
    target = tmp_path / "report.json"
    outcome = commonwheel("check", bundled[name], "--format", "json", "-o", target)
    assert outcome.code in {0, 14}, outcome.text
    (report,) = json.loads(target.read_text(encoding="utf-8"))["reports"]
    gates: Mapping[str, Any] = report["gates"]
    found = {gate: len(each["findings"]) for gate, each in gates.items() if "findings" in each}
    assert (report["tag"], found) == WHEELS[name]


def test_every_elf_object_is_what_other_readers_say(bundled: Mapping[str, Path]) -> None:
    read = [agree(content, name) for path in bundled.values() for name, content in members(path)]
    assert {elf.bits for elf in read} == {32, 64}
    assert {elf.endian for elf in read} == {"little", "big"}
