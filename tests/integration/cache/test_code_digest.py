"""A change of the toolkit's own code changes keys; what runs is a copy of the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import commonwheel

CODE = """
import commonwheel.cache.keys as keys
assert keys.__file__.startswith({root!r}), keys.__file__
print(*(keys.key_of(keys.code_digests(parts)) for parts in (keys.BUILD_CODE, keys.REPAIR_CODE)))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(commonwheel.__file__).parent, root / "commonwheel")
    return root


def digests(root: Path) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(root=str(root))],
        env={"PYTHONPATH": str(root)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    build, repair = done.stdout.split()
    return build, repair


@pytest.mark.parametrize(
    ("module", "changes"),
    [
        ("names.py", (True, True)),
        ("elf/read.py", (True, True)),
        ("backend/library.py", (True, False)),
        ("backend/templates/library_init.py", (True, False)),
        ("sbom.py", (True, False)),
        ("source/unpack.py", (True, False)),
        ("repair/repair.py", (False, True)),
        ("console.py", (False, False)),
        ("pipeline/run.py", (False, False)),
        ("doctor.py", (False, False)),
    ],
)
def test_a_changed_module_changes_the_digests_that_it_is_part_of(
    copy: Path, module: str, changes: tuple[bool, bool]
) -> None:
    before = digests(copy)
    file = copy / "commonwheel" / module
    old = file.read_bytes() if file.exists() else b""
    file.write_bytes(old + b"\n# a change\n")
    after = digests(copy)
    file.write_bytes(old)
    assert tuple(one != other for one, other in zip(before, after, strict=True)) == changes
    assert digests(copy) == before


def test_a_new_module_and_compiled_ones(copy: Path) -> None:
    before = digests(copy)
    cache = copy / "commonwheel" / "backend" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "x.cpython-311.pyc").write_bytes(b"compiled")
    assert digests(copy) == before
    (copy / "commonwheel" / "backend" / "new.py").touch()
    assert digests(copy)[0] != before[0]
