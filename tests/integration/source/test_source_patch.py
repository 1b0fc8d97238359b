"""Patches are applied strictly, wherever the source lies."""

from pathlib import Path

import pytest

from commonwheel.errors import MissingProgramError, SourceError
from commonwheel.process import run
from commonwheel.source.git_program import git_command
from commonwheel.source.patch import apply_patches

LINES = [f"line {number}\n" for number in range(20)]
CHANGE = """\
--- a/src/file.c
+++ b/src/file.c
@@ -9,3 +9,3 @@
 line 8
-line 9
+line nine
 line 10
"""
CREATE = """\
--- /dev/null
+++ b/new.c
@@ -0,0 +1 @@
+new
"""
DELETE = """\
--- a/gone.c
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""
MISSING = CHANGE.replace("file.c", "missing.c")


@pytest.fixture(params=["plain", "ignored", "tracked"])
def tree(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A source: alone, in an ignored folder of another repository, or in a tracked one."""
    if request.param != "plain":
        run(git_command("init", "-q"), cwd=tmp_path)
    if request.param == "ignored":
        (tmp_path / ".gitignore").write_text("build/\n")
    folder = tmp_path / "build/tree"
    (folder / "src").mkdir(parents=True)
    (folder / "src/file.c").write_text("".join(LINES))
    (folder / "gone.c").write_text("gone\n")
    return folder


def patch(tree: Path, text: str, name: str = "a.patch") -> Path:
    path = tree.parent / name
    path.write_text(text)
    return path


def test_changes_creates_and_deletes(tree: Path) -> None:
    apply_patches(tree, [patch(tree, CHANGE), patch(tree, CREATE + DELETE, "b.patch")])
    assert "line nine" in (tree / "src/file.c").read_text()
    assert (tree / "new.c").read_text() == "new\n"
    assert not (tree / "gone.c").exists()


def test_a_rename_with_a_mode(tree: Path) -> None:
    text = (
        "diff --git a/gone.c b/moved.c\nold mode 100644\nnew mode 100755\n"
        "similarity index 100%\nrename from gone.c\nrename to moved.c\n"
    )
    apply_patches(tree, [patch(tree, text)])
    assert (tree / "moved.c").stat().st_mode & 0o100
    assert not (tree / "gone.c").exists()


def test_an_offset_is_no_fuzz(tree: Path) -> None:
    (tree / "src/file.c").write_text("".join(["more\n"] * 3 + LINES))
    apply_patches(tree, [patch(tree, CHANGE)])
    assert "line nine" in (tree / "src/file.c").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(CHANGE.replace("line 10", "line ten"), "does not apply", id="fuzz"),
        pytest.param(CREATE.replace("new.c", "gone.c"), "already exists", id="exists"),
        pytest.param(MISSING, "missing.c", id="missing-file"),
        pytest.param(CREATE + MISSING, "missing.c", id="all-or-nothing"),
        pytest.param(CREATE.replace("b/new.c", "b/../new.c"), r"\.\./new\.c", id="dotdot"),
        pytest.param(CREATE.replace("b/new.c", "b//nonexistent/new.c"), "new.c", id="absolute"),
        pytest.param("", "does not apply", id="empty"),
        pytest.param("no patch at all\n", "does not apply", id="prose"),
    ],
)
def test_what_is_refused(tree: Path, text: str, message: str) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    with pytest.raises(SourceError, match=message) as caught:
        apply_patches(tree, [patch(tree, text)])
    assert caught.value.where.endswith("a.patch")
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before
    assert not (tree.parent / "new.c").exists()


def test_applied_and_reversed_ones_are_refused(tree: Path) -> None:
    path = patch(tree, CHANGE)
    apply_patches(tree, [path])
    with pytest.raises(SourceError, match="does not apply"):
        apply_patches(tree, [path])
    reverse = CHANGE.replace("-line 9\n+line nine\n", "-line nine\n+line 9\n")
    apply_patches(tree, [patch(tree, reverse)])
    with pytest.raises(SourceError, match="does not apply"):
        apply_patches(tree, [patch(tree, reverse)])


def test_links_are_not_followed(tree: Path) -> None:
    (tree.parent / "outside").mkdir()
    (tree.parent / "outside/new.c").write_text("old\n")
    (tree / "link").symlink_to("../outside")
    (tree / "single.c").symlink_to("../outside/new.c")
    text = CREATE.replace("--- /dev/null", "--- a/new.c").replace("-0,0 +1", "-1 +1")
    text = text.replace("+new", "-old\n+new")
    for name in ("link/new.c", "single.c"):
        with pytest.raises(SourceError, match=r"outside the source|beyond a symbolic link"):
            apply_patches(tree, [patch(tree, text.replace("new.c", name))])
    assert (tree.parent / "outside/new.c").read_text() == "old\n"


def test_a_missing_patch(tree: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        apply_patches(tree, [tree / "none.patch"])


def test_foreign_git_variables_do_not_count(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tree.parent.parent / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tree.parent.parent))
    apply_patches(tree, [patch(tree, CHANGE)])
    assert "line nine" in (tree / "src/file.c").read_text()


def test_no_git(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = patch(tree, CHANGE)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingProgramError, match="install the package that brings it: git"):
        apply_patches(tree, [path])
