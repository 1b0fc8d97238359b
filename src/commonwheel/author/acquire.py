"""Sources whose sha256 is not known yet: each is fetched, and what came is hashed here."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from commonwheel.author.versions import tag_version, upstream_version
from commonwheel.errors import SourceError
from commonwheel.recipe.address import file_name
from commonwheel.recipe.sources import DebianSource, GitSource, PypiSource, Source, UrlSource
from commonwheel.source.apt import DebianRelease, choose
from commonwheel.source.apt_config import MOVING, RELEASES
from commonwheel.source.debian import list_debian
from commonwheel.source.download import download
from commonwheel.source.fetch import fetch
from commonwheel.source.git import archive_name, fetch_git, list_tags
from commonwheel.source.progress import Progress
from commonwheel.source.pypi import list_sdists
from commonwheel.source.settings import SourceSettings
from commonwheel.source.store import Slot, sha256_of
from commonwheel.source.unpack import unpack


@dataclass(frozen=True, kw_only=True)
class Acquired:
    """A source with the sha256 of the file that came from it."""

    source: Source
    path: Path


@dataclass(frozen=True, kw_only=True)
class DebianAcquired:
    """A source that came from Debian, and what the index says of it."""

    acquired: Acquired
    release: DebianRelease
    suite: str


@dataclass(frozen=True, kw_only=True)
class Acquirer:
    """Fetches sources by name, version and address.

    Args:
        settings: of this run.
        progress: told of each transfer.
        suites: Debian suites to look in, the preferred one first.
        scratch: an existing folder that is removed after the run.
    """

    settings: SourceSettings
    progress: Progress
    suites: tuple[str, ...] = (*RELEASES, *MOVING)
    scratch: Path

    def url(self, url: str) -> Acquired:
        """The file at an address.

        Raises:
            SourceError: it cannot be had, or is not an archive; with the reason alone.
        """
        if self.settings.offline:
            raise SourceError("offline, and what it serves is not known yet")
        # Until its own sha256 is known, it has the address's slot: a later run can go on there.
        slot = Slot.of(self.settings.cache, hashlib.sha256(url.encode()).hexdigest())
        name = file_name(url)
        with slot.lock():
            part = slot.part(name)
            download(url, part, self.settings, self.progress)
            try:
                path = self._kept(part, name)
            finally:
                part.unlink()
        return Acquired(source=UrlSource(url=url, sha256=path.parent.name), path=path)

    def local(self, archive: Path, url: str) -> Acquired:
        """An archive on this machine, which ``url`` is said to serve.

        Raises:
            SourceError: it is not an archive.
        """
        path = self._kept(archive, file_name(url))
        return Acquired(source=UrlSource(url=url, sha256=path.parent.name), path=path)

    def debian(
        self, package: str, version: str | None, component: str | None = None
    ) -> DebianAcquired:
        """The tarball of upstream's release ``version``, or of the newest in the first suite.

        Raises:
            SourceError: no suite has it; with the reason alone.
        """
        listed: dict[str, None] = {}
        problems: list[str] = []
        for suite in self.suites:
            found = list_debian([package], [suite], self.settings, self.progress)
            problems += found.problems.values()
            releases = found.releases.get(suite, ())
            listed |= dict.fromkeys(release.upstream for release in releases)
            fitting = [each for each in releases if version in {None, each.upstream, _plain(each)}]
            if fitting:
                release = max(fitting, key=lambda each: each.version)
                return self._from_debian(release, suite, component)
        has = [f"they have {', '.join(listed)}"] if listed else []
        said = "; ".join([f"not in Debian's {', '.join(self.suites)}", *has, *problems])
        raise SourceError(said)

    def _from_debian(
        self, release: DebianRelease, suite: str, component: str | None
    ) -> DebianAcquired:
        tarball = choose(release.tarballs, component)
        if tarball is None:
            raise SourceError(f"Debian's {release.package} has no tarball orig-{component}")
        source = DebianSource(
            debian=release.package,
            version=release.upstream,
            suite=suite,
            component=component,
            sha256=tarball.sha256,
        )
        return DebianAcquired(acquired=self._pinned(source), release=release, suite=suite)

    def pypi(self, project: str, version: str | None) -> Acquired:
        """The sdist of a release, or of the newest.

        Raises:
            SourceError: no index has one; with the reason alone.
        """
        sdist = list_sdists(f"{project}=={version}" if version else project, self.settings)[0]
        digest = sdist.sha256 or self.url(sdist.url).source.sha256
        return self._pinned(PypiSource(pypi=project, version=sdist.version, sha256=digest))

    def git(self, url: str, version: str) -> Acquired:
        """The commit of the one tag that names a release.

        Raises:
            SourceError: there is none, or more than one; with the reason alone.
        """
        tags = {
            tag: commit for tag, commit in list_tags(url).items() if tag_version(tag) == version
        }
        if len(set(tags.values())) != 1:
            which = f"several: {', '.join(tags)}" if tags else "none"
            raise SourceError(f"of its tags, those that name {version}: {which}")
        commit = next(iter(tags.values()))
        source = GitSource(git=url, commit=commit, sha256="0" * 64)
        work = Path(tempfile.mkdtemp(prefix="git-", dir=self.scratch))
        path = self._kept(fetch_git(source, work, self.progress), archive_name(source))
        return Acquired(source=source.model_copy(update={"sha256": path.parent.name}), path=path)

    def unpacked(self, archive: Path, digest: str) -> Path:
        """The tree of an archive, unpacked once in this run; nothing may be changed in it."""
        tree = self.scratch / digest
        return tree if tree.is_dir() else unpack(archive, tree)

    def _pinned(self, source: Source) -> Acquired:
        """A source whose sha256 its index states: what comes is compared with it."""
        try:
            path = fetch([source], self.settings, self.progress).path
        except SourceError as error:
            raise SourceError(_reason(error.what)) from None
        self.unpacked(path, source.sha256)
        return Acquired(source=source, path=path)

    def _kept(self, archive: Path, name: str) -> Path:
        """A copy in the cache, where the next build finds it."""
        digest = sha256_of(archive)
        # A page that says "not found" has a sha256, too.
        self.unpacked(archive, digest)
        slot = Slot.of(self.settings.cache, digest)
        with slot.lock():
            found = slot.verified()
            if found is None:
                shutil.copyfile(archive, slot.part(name))
                found = slot.store(slot.part(name), name)
        return found


def _plain(release: DebianRelease) -> str:
    return upstream_version(release.upstream)


def _reason(text: str) -> str:
    """Of a long story the line that says what is wrong, as apt and git mark it."""
    lines = [line.strip() for line in text.splitlines()]
    marked = [line for line in lines if line.startswith(("E: ", "error: ", "fatal: "))]
    return marked[0] if marked else text
