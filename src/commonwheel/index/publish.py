"""Add to an index: wheels, upstream's files, yanks. All is checked before anything is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import Requirement

from commonwheel.cache.keys import file_digest
from commonwheel.files import each_file
from commonwheel.index.artifact import SUFFIXES, Artifact, read_artifact
from commonwheel.index.described import describe, unmet
from commonwheel.index.lines import human_pages
from commonwheel.index.mirror import Upstream, refuse_owned
from commonwheel.index.pages import simple_pages
from commonwheel.index.site import Site, opened
from commonwheel.index.state import IndexedFile, State
from commonwheel.names import Names


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one run adds or changes.

    Args:
        paths: wheels and sdists, or folders of them.
        mirror: upstream projects to list.
        yank: ``NAME==VERSION``.
        reason: for those.
        restore: ``NAME==VERSION`` that are yanked no more.
        url: where the site is served; None leaves what is recorded.
        now: ISO 8601, UTC.
    """

    paths: Sequence[Path] = ()
    mirror: Sequence[Requirement] = ()
    yank: Sequence[str] = ()
    reason: str = ""
    restore: Sequence[str] = ()
    url: str | None = None
    now: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run did.

    Args:
        added: file names that are published now, and were not before.
        files: how many are published.
        projects: of how many projects.
        pages: how many pages were written.
        unmet: projects that wheels here require and the index does not list, with who does.
    """

    added: tuple[str, ...]
    files: int
    projects: int
    pages: int
    unmet: Mapping[str, Sequence[str]] = field(default_factory=dict)


def publish(root: Path, request: Request, names: Names, upstream: Upstream) -> Outcome:
    """Bring a site up to date; a failure leaves it as it was.

    Raises:
        SiteError: what is published would change, or the folder holds something else.
        WheelError: a file is no wheel or sdist, is damaged, or is not what its name says.
        SourceError: an upstream index does not answer, or lacks a project.
        UsageError: a path does not exist, or a folder holds nothing to publish.
    """
    paths = list(dict.fromkeys(each_file(request.paths, SUFFIXES, "wheel or sdist")))
    refuse_owned(request.mirror, names)
    with opened(root, names) as site:
        known = site.load(names)
        new, artifacts = known, []
        for artifact in _artifacts(paths, known, site, request.now, names):
            # One by one: two of one name may be in one run, too.
            new = new.adding({artifact.path.name: artifact.indexed})
            artifacts.append(artifact)
        for wanted in request.mirror:
            new = new.adding(dict(_listed(upstream(wanted), new)))
        new = _yanked(new, request)
        if request.url is not None:
            new = replace(new, url=request.url.rstrip("/"))
        for artifact in artifacts:
            site.store(artifact)
        site.check(new)
        site.save(new)
        described = describe(new, root)
        pages = site.write_all(simple_pages(new)) + site.write_all(
            human_pages(new, root, described)
        )
        return Outcome(
            added=tuple(sorted(new.files.keys() - known.files.keys())),
            files=len(new.files),
            projects=len(new.projects),
            pages=pages,
            unmet=unmet(new, described),
        )


def _artifacts(
    paths: Iterable[Path], known: State, site: Site, now: str, names: Names
) -> Iterator[Artifact]:
    """The files that are not published yet, or are gone from the site."""
    for path in paths:
        digest, published = file_digest(path), known.files.get(path.name)
        if published is None or published.url is not None:
            yield read_artifact(path, digest, now, names)
        elif published.sha256 != digest:
            # Refused by its digest alone, whatever is in it.
            known.adding({path.name: replace(published, sha256=digest)})
        elif not site.holds(path.name, published):
            again = read_artifact(path, digest, now, names)
            yield replace(again, indexed=published)


def _listed(offered: Mapping[str, IndexedFile], known: State) -> Iterator[tuple[str, IndexedFile]]:
    """Upstream's files; of one that the site holds itself only the digest is compared."""
    for name, file in offered.items():
        own = known.files.get(name)
        held = own is not None and own.url is None and own.sha256 == file.sha256
        if not held:
            yield name, file


def _yanked(state: State, request: Request) -> State:
    for each in request.restore:
        state = state.restoring(each)
    for each in request.yank:
        state = state.yanking(each, request.reason)
    return state
