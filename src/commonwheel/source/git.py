"""``git:`` sources: one commit of a repository as a tar archive."""

from pathlib import Path, PurePosixPath

from commonwheel.errors import SourceError
from commonwheel.process import ProcessError, last_lines, run
from commonwheel.recipe.sources import GitSource
from commonwheel.source.git_program import git_command
from commonwheel.source.progress import Progress


def fetch_git(source: GitSource, folder: Path, progress: Progress) -> Path:
    """Archive the commit into ``folder``.

    The repository that is archived holds this one commit and no ref, however it was fetched: the
    stream must not depend on that where files have the attribute ``export-subst``.

    Raises:
        SourceError: git failed; with the reason alone.
        MissingProgramError: there is no git here.
    """
    repository, archive = folder / "repository", folder / archive_name(source)
    progress.start(source.describe(), None)
    try:
        run(git_command("init", "-q", "--bare", repository))
        _fetch_commit(source, repository, folder / "mirror")
        # Without its parents' absence on record the commit is not shown as "(grafted)".
        (repository / "shallow").unlink(missing_ok=True)
        run(_archive_command(source, repository, archive))
    except ProcessError as error:
        msg = f"git failed:\n  {last_lines(error.output)}"
        raise SourceError(msg) from None
    finally:
        progress.done()
    return archive


def list_tags(url: str) -> dict[str, str]:
    """The tags of a repository, each with the commit that it leads to.

    Raises:
        SourceError: git failed; with the reason alone.
        MissingProgramError: there is no git here.
    """
    try:
        done = run(git_command("ls-remote", "--tags", "--", url, configured=True))
    except ProcessError as error:
        msg = f"git failed:\n  {last_lines(error.output)}"
        raise SourceError(msg) from None
    rows = (
        line.split("\trefs/tags/") for line in done.output.splitlines() if "\trefs/tags/" in line
    )
    # An annotated tag is listed twice; the line with ^{} says the commit, and comes second.
    return {name.removesuffix("^{}"): commit for commit, name in rows}


def archive_name(source: GitSource) -> str:
    return f"{_name(source)}-{source.commit}.tar"


def _name(source: GitSource) -> str:
    last = PurePosixPath(source.git.replace(":", "/").rstrip("/")).name
    return last.removesuffix(".git") or "source"


def _fetch_commit(source: GitSource, repository: Path, mirror: Path) -> None:
    shallow = ("-C", repository, "fetch", "-q", "--no-tags", "--depth=1")
    try:
        run(git_command(*shallow, "--", source.git, source.commit, configured=True))
    except ProcessError:
        # A server need not serve a commit by its hash (uploadpack.allowReachableSHA1InWant).
        run(git_command("clone", "-q", "--mirror", "--", source.git, mirror, configured=True))
        run(git_command("-C", mirror, "config", "uploadpack.allowAnySHA1InWant", "true"))
        run(git_command(*shallow, "--", mirror.absolute().as_uri(), source.commit))


def _archive_command(source: GitSource, repository: Path, archive: Path) -> list[str | Path]:
    prefix = f"--prefix={_name(source)}-{source.commit}/"
    plain = ("-c", "core.abbrev=40", "-c", "core.autocrlf=false")
    words = ("archive", "--format=tar", prefix, "-o", archive.absolute(), source.commit)
    return git_command(*plain, "-C", repository, *words)
