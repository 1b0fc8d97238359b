"""``commonwheel lock`` on wheels that are made here, with pip and uv to install from the lock."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.pylock import Pylock
from uv import find_uv_bin

from commonwheel.cache.keys import file_digest
from commonwheel.engine.interpreter import running_version
from commonwheel.process import ProcessError
from tests.integration.kit import Outcome, commonwheel, environment, pip_install, says

TAG = f"cp{running_version().replace('.', '')}"
LIBRARY = "commonwheel_thing_so1"


def wheel(folder: Path, name: str, version: str, tag: str, *requires: str, text: str = "") -> Path:
    """A wheel with one module, packed by the reference tool's rules."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    tree = folder / f".{name}-{version}"
    (tree / info).mkdir(parents=True)
    (tree / f"{name}.py").write_text(f"version = {version!r}\n{text}")
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (tree / info / "METADATA").write_text("\n".join(lines) + "\n")
    (tree / info / "WHEEL").write_text(
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    )
    (tree / info / "RECORD").write_text("".join(f"{file},,\n" for file in _files(tree)))
    archive = shutil.make_archive(str(tree), "zip", tree)
    shutil.rmtree(tree)
    return Path(archive).rename(folder / f"{name}-{version}-{tag}.whl")


def _files(tree: Path) -> list[str]:
    found = [str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()]
    return [*found, next(tree.glob("*.dist-info")).name + "/RECORD"]


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A library in two releases, a consumer of it, and what an index has for the consumer."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "1.1"):
        wheel(folder, LIBRARY, version, "py3-none-manylinux_2_17_x86_64")
    wheel(
        folder,
        "user",
        "2.0+commonwheel.1",
        f"{TAG}-{TAG}-manylinux_2_17_x86_64",
        'commonwheel-thing-so1>=1.0 ; sys_platform == "linux"',
        "beside<2",
    )
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    wheel(folder, "beside", "1.5", "py3-none-any")
    wheel(folder, "beside", "2.0", "py3-none-any")
    return folder


def locked(folder: Path, index: Path, *words: str | Path) -> Outcome:
    environ = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull}
    return commonwheel("lock", folder, *words, environ={**os.environ, **environ})


def test_a_lock_has_the_set_and_what_it_needs(wheels: Path, index: Path, tmp_path: Path) -> None:
    file = tmp_path / "pylock.toml"
    outcome = locked(wheels, index, "-o", file)
    assert outcome.code == 0, outcome.text
    data = tomllib.loads(file.read_text())
    lock = Pylock.from_dict(data)  # PEP 751, as packaging reads it
    assert {str(each.name): str(each.version) for each in lock.packages} == {
        "beside": "1.5",
        "commonwheel-thing-so1": "1.1",
        "user": "2.0+commonwheel.1",
    }
    (ours,) = (each for each in data["packages"] if each["name"] == "commonwheel-thing-so1")
    (entry,) = ours["wheels"]
    path = tmp_path / entry["path"]
    assert path.parent == wheels
    assert entry["hashes"] == {"sha256": file_digest(path)}
    # Again, the same.
    before = file.read_bytes()
    assert locked(wheels, index, "-o", file).code == 0
    assert file.read_bytes() == before


def run(command: list[str | Path], **variables: str) -> str:
    env = {**os.environ, **variables}
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_uv_installs_from_the_lock_and_refuses_other_bytes(
    wheels: Path, index: Path, tmp_path: Path
) -> None:
    file = tmp_path / "pylock.toml"
    assert locked(wheels, index, "-o", file).code == 0
    python = environment(tmp_path / "env")
    sync: list[str | Path] = [find_uv_bin(), "pip", "sync", "--python", python, file]
    run([*sync, "--no-config"])
    assert says(python, "import user, beside; print(user.version, beside.version)").split() == [
        "2.0+commonwheel.1",
        "1.5",
    ]
    library = next(wheels.glob(f"{LIBRARY}-1.1*"))
    library.unlink()
    wheel(wheels, LIBRARY, "1.1", "py3-none-manylinux_2_17_x86_64", text="tampered = True\n")
    done = subprocess.run(
        [*sync, "--no-config", "--reinstall", "--no-cache"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode
    assert "Hash mismatch" in done.stderr


def test_pip_installs_what_constraints_pin(wheels: Path, index: Path, tmp_path: Path) -> None:
    file = tmp_path / "constraints.txt"
    assert locked(wheels, index, "--format", "constraints", "-o", file).code == 0
    python = environment(tmp_path / "env")
    places = ("--no-index", "--find-links", wheels, "--find-links", index)
    pip_install(python, *places, "-c", file, "user", environ=clean())
    code = f"import {LIBRARY} as l, beside; print(l.version, beside.version)"
    assert says(python, code).strip() == "1.1 1.5"


def test_pip_installs_requirements_by_their_hashes(
    wheels: Path, index: Path, tmp_path: Path
) -> None:
    file = tmp_path / "requirements.txt"
    assert locked(wheels, index, "--format", "requirements", "-o", file).code == 0
    python = environment(tmp_path / "env")
    words = ("--no-index", "--find-links", wheels, "--find-links", index, "--require-hashes")
    pip_install(python, *words, "-r", file, environ=clean())
    assert says(python, "import user; print(user.version)").strip() == "2.0+commonwheel.1"
    library = next(wheels.glob(f"{LIBRARY}-1.1*"))
    library.unlink()
    wheel(wheels, LIBRARY, "1.1", "py3-none-manylinux_2_17_x86_64", text="tampered = True\n")
    with pytest.raises(ProcessError, match="DO NOT MATCH THE HASHES"):
        pip_install(environment(tmp_path / "other"), *words, "-r", file, environ=clean())


def test_copies_count_once_and_twins_are_refused(wheels: Path, index: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(wheels, other)
    assert locked(wheels, index, other, "-o", tmp_path / "pylock.toml").code == 0
    library = next(other.glob(f"{LIBRARY}-1.1*"))
    library.unlink()
    wheel(other, LIBRARY, "1.1", "py3-none-manylinux_2_17_x86_64", text="twin = True\n")
    outcome = locked(wheels, index, other)
    assert outcome.code == 2
    assert "two wheels have one name and not the same bytes" in outcome.text


@pytest.mark.parametrize("python", ["3", "abc", "3.11.2", "3.14t"])
def test_a_python_that_is_none(wheels: Path, index: Path, python: str) -> None:
    outcome = locked(wheels, index, "--python", python)
    assert outcome.code == 2
    assert f"'{python}' is not a version of Python" in outcome.text


def clean() -> Mapping[str, str]:
    return {**os.environ, "PIP_CONFIG_FILE": os.devnull}


def test_what_an_index_has_for_other_platforms_is_left_out(
    wheels: Path, index: Path, tmp_path: Path
) -> None:
    """The release may be published already; what was built and checked here is what is locked."""
    wheel(index, LIBRARY, "1.1", "py3-none-manylinux_2_17_aarch64")
    shutil.copy(next(wheels.glob(f"{LIBRARY}-1.1*")), index)
    file = tmp_path / "pylock.toml"
    outcome = locked(wheels, index, "-o", file)
    assert outcome.code == 0, outcome.text
    assert "aarch64" not in file.read_text()


def test_other_bytes_of_the_same_name_are_refused(
    wheels: Path, index: Path, tmp_path: Path
) -> None:
    wheel(index, LIBRARY, "1.1", "py3-none-manylinux_2_17_x86_64", text="decoy = True\n")
    outcome = locked(wheels, index, "-o", tmp_path / "pylock.toml")
    assert outcome.code == 16
    assert f"an index has other bytes under the name {LIBRARY}-1.1" in outcome.text
    assert not (tmp_path / "pylock.toml").exists()


def test_a_decoy_of_a_newer_release_does_not_win(wheels: Path, index: Path, tmp_path: Path) -> None:
    wheel(index, LIBRARY, "99.0", "py3-none-manylinux_2_17_x86_64")
    file = tmp_path / "pylock.toml"
    assert locked(wheels, index, "-o", file).code == 0
    assert '"99.0"' not in file.read_text()


def test_what_cannot_be_resolved_is_said(wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = locked(wheels, tmp_path / "empty")
    assert outcome.code == 16
    assert "the set cannot be resolved" in outcome.text
    assert "beside" in outcome.text
    assert "Traceback" not in outcome.text


def test_constraints_and_names_are_checked(wheels: Path, index: Path, tmp_path: Path) -> None:
    wheel(index, "beside", "1.4", "py3-none-any")
    (tmp_path / "c.txt").write_text("beside==1.4\n")
    outcome = locked(wheels, index, "--format", "constraints", "-c", tmp_path / "c.txt")
    assert "beside===1.4" in outcome.text
    assert locked(wheels, index, "-c", tmp_path / "none.txt").code == 2
    outcome = locked(wheels, index, "-o", tmp_path / "lock.toml")
    assert outcome.code == 2
    assert "call it pylock.toml" in outcome.text


def test_published_wheels_are_locked_by_address(wheels: Path, index: Path) -> None:
    outcome = locked(wheels, index, "--url", "https://example.org/wheels")
    (user,) = (each for each in tomllib.loads(outcome.text)["packages"] if each["name"] == "user")
    assert user["wheels"][0]["url"] == (
        f"https://example.org/wheels/user-2.0%2Bcommonwheel.1-{TAG}-{TAG}-manylinux_2_17_x86_64.whl"
    )
