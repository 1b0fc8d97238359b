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
