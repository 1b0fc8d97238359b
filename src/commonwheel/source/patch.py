"""Apply patches strictly: each hunk where its context says, each file changed, or an error."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from commonwheel.errors import SourceError
from commonwheel.process import Completed, last_lines, run
from commonwheel.source.git_program import git_command

_HINT = "Make the patch anew against this very source (paths as in `diff -u a/FILE b/FILE`)."
_State = Mapping[Path, tuple[int, bytes] | None]


def apply_patches(tree: Path, patches: Sequence[Path]) -> None:
    """Apply ``patches`` in order to the folder ``tree``; paths in them lose one leading part.

    No fuzz, no rejected hunks, nothing that is applied already. A patch is applied whole or not at
    all; those before one that fails stay applied, so ``tree`` is of no use after an error.

    Raises:
        SourceError: a patch is missing, does not apply, or leads outside the tree.
        MissingProgramError: there is no git here.
    """
    root = tree.resolve()
    for patch in patches:
        _apply(root, patch)


def already_applied(tree: Path, patch: Path) -> bool:
    """Whether ``tree`` holds what ``patch`` would change it to."""
    command = git_command("apply", "--reverse", "--check", patch.absolute(), ceiling=tree.parent)
    return run(command, cwd=tree, check=False).code == 0


def _apply(root: Path, patch: Path) -> None:
    if not patch.is_file():
        msg = "the patch does not exist"
        raise SourceError(msg, where=str(patch))
    paths = _paths(root, patch)
    before = _state(paths)
    _git_apply(root, patch, "--whitespace=nowarn")
    # `git apply` passes over files that it believes to be outside its work tree, and succeeds.
    after = _state(paths)
    same = [path for path in paths if before[path] == after[path]]
    if same or not paths:
        names = ", ".join(str(path.relative_to(root)) for path in same) or "any file"
        msg = f"it does not change {names}"
        raise SourceError(msg, where=str(patch), hint=_HINT)


def _paths(root: Path, patch: Path) -> list[Path]:
    output = _git_apply(root, patch, "--numstat", "-z").output
    # "added<TAB>deleted<TAB>path<NUL>"
    names = [entry.split("\t", 2)[-1] for entry in output.split("\0") if "\t" in entry]
    return [_inside(root, name, patch) for name in names]


def _inside(root: Path, name: str, patch: Path) -> Path:
    pure = PurePosixPath(name)
    path = root / pure
    outside = pure.is_absolute() or ".." in pure.parts
    if outside or not path.parent.resolve().is_relative_to(root) or path.is_symlink():
        msg = f"it would change '{name}', which is a link or outside the source"
        raise SourceError(msg, where=str(patch))
    return path


def _state(paths: Sequence[Path]) -> _State:
    return {
        path: (path.stat().st_mode, path.read_bytes()) if path.is_file() else None for path in paths
    }


def _git_apply(root: Path, patch: Path, *options: str) -> Completed:
    command = git_command("apply", *options, patch.absolute(), ceiling=root.parent)
    done = run(command, cwd=root, check=False)
    if done.code != 0:
        said = last_lines(done.output)
        msg = f"the patch does not apply:\n  {said}"
        raise SourceError(msg, where=str(patch), hint=_HINT)
    return done
