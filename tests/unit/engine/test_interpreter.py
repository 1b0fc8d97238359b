import os
import sys
from pathlib import Path

import pytest

from commonwheel.engine.interpreter import find_interpreter, running_version
from commonwheel.errors import UsageError


def test_the_running_python_starts_nothing() -> None:
    found = find_interpreter(running_version(), {})
    assert found.is_file()
    assert found.samefile(getattr(sys, "_base_executable", sys.executable))


def test_a_python_that_is_not_here(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)}
    with pytest.raises(UsageError, match=r"there is no Python 3\.99 on this host") as caught:
        find_interpreter("3.99", environ)
    assert "python3.99 is on PATH" in caught.value.hint


def test_what_only_looks_like_one_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "python3.99").write_text("not executable")
    assert not os.access(tmp_path / "python3.99", os.X_OK)
    with pytest.raises(UsageError):
        find_interpreter("3.99", {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)})


def test_a_program_of_that_name_is_not_asked(tmp_path: Path) -> None:
    # Not even by a link, as virtual environments have it.
    (tmp_path / "real").mkdir()
    program = tmp_path / "real" / "python3.99"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    link = tmp_path / "python3.99"
    link.symlink_to(program)
    assert find_interpreter("3.99", {"PATH": str(tmp_path)}) == link


@pytest.mark.parametrize(("name", "content"), [("python3.99", b"#!"), ("shim", b"\x7fELF")])
def test_a_shim_is_asked(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "real").mkdir()
    program = tmp_path / "real" / name
    program.write_bytes(content)
    program.chmod(0o755)
    (tmp_path / "python3.99").symlink_to(program)
    with pytest.raises(pytest.fail.Exception, match="starts a process"):
        find_interpreter("3.99", {"PATH": str(tmp_path)})
