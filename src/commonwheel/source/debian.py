"""``debian:`` sources: the host's apt finds the tarball in Debian's archive."""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from commonwheel.cache.usage import claim
from commonwheel.errors import SourceError
from commonwheel.process import ProcessError, last_lines
from commonwheel.recipe.sources import DebianSource
from commonwheel.source.apt import AptSuite, DebianRelease, Tarball, choose, tarballs_of
from commonwheel.source.apt_config import RELEASES, AptEntry, debian_archives, host_entries
from commonwheel.source.progress import Progress
from commonwheel.source.settings import SourceSettings

_NOT_SERVED = "does not have a Release file"

# Suites whose lists this process has brought up to date: once is enough.
_updated: set[Path] = set()


def fetch_debian(
    source: DebianSource, folder: Path, settings: SourceSettings, progress: Progress
) -> Path:
    """Bring the tarball into ``folder``.

    Raises:
        SourceError: no apt here, no Debian archive in its configuration, no such version, or the
            archive has it with another sha256; with the reason alone.
        ProcessError: apt failed.
    """
    archives = _archives(settings)
    names = (source.suite,) if source.suite else RELEASES
    suites = [AptSuite(folder=settings.cache / "apt" / name, suite=name) for name in names]
    # The lists that are there first; an update costs seconds and tens of megabytes.
    for fresh in (False, True):
        for suite in suites:
            with _held(suite, archives, settings):
                if fresh:
                    _update_once(suite, progress)
                found = choose(_tarballs(suite, source), source.component)
                if found is not None and (fresh or found.sha256 == source.sha256):
                    path = _try_download(suite, source, found, folder, progress)
                    if path is not None:
                        return path
    msg = f"not in Debian's {', '.join(names)}"
    raise SourceError(msg)


@dataclass(frozen=True, kw_only=True)
class DebianListing:
    """What Debian's indexes list: releases by suite, and what apt says of suites it has not."""

    releases: Mapping[str, tuple[DebianRelease, ...]]
    problems: Mapping[str, str]


def list_debian(
    packages: Collection[str],
    suites: Sequence[str],
    settings: SourceSettings,
    progress: Progress,
) -> DebianListing:
    """All releases of source packages in each of ``suites``, from indexes of today.

    Offline the lists that are there count.

    Raises:
        SourceError: no apt here, or the archive does not answer; with the reason alone.
    """
    archives = _archives(settings)
    releases: dict[str, tuple[DebianRelease, ...]] = {}
    problems: dict[str, str] = {}
    for name in suites:
        suite = AptSuite(folder=settings.cache / "apt" / name, suite=name)
        with _held(suite, archives, settings):
            try:
                if not settings.offline:
                    _update_once(suite, progress)
            except ProcessError as error:
                problems[name] = _complaint(error.output)
                if _NOT_SERVED not in problems[name]:
                    raise SourceError(problems[name]) from None
            else:
                releases[name] = suite.releases(*packages) if suite.has_lists() else ()
    return DebianListing(releases=releases, problems=problems)


def _complaint(output: str) -> str:
    """The first error among what apt said."""
    lines = [line.strip() for line in output.splitlines()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return errors[0] if errors else last_lines(output, 1)


def _archives(settings: SourceSettings) -> tuple[AptEntry, ...]:
    if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
        msg = "no apt here"
        raise SourceError(msg)
    archives = debian_archives(host_entries(settings.apt_configuration))
    if not archives:
        msg = f"no entry of the apt configuration in {settings.apt_configuration} serves Debian"
        raise SourceError(msg)
    return archives


@contextmanager
def _held(
    suite: AptSuite, archives: tuple[AptEntry, ...], settings: SourceSettings
) -> Iterator[None]:
    # apt refuses, not waits, where another apt has its state.
    claim(settings.cache / "apt", suite.folder)
    with FileLock(suite.folder / ".lock"):
        suite.prepare(archives, timeout=settings.connect_timeout)
        yield


def _tarballs(suite: AptSuite, source: DebianSource) -> tuple[Tarball, ...]:
    releases = suite.releases(source.debian) if suite.has_lists() else ()
    return tarballs_of(releases, source.version)


def _update_once(suite: AptSuite, progress: Progress) -> None:
    if suite.folder in _updated:
        return
    progress.start(f"Debian's list of sources in {suite.suite}", None)
    try:
        suite.update()
    finally:
        progress.done()
    _updated.add(suite.folder)


def _try_download(
    suite: AptSuite, source: DebianSource, tarball: Tarball, folder: Path, progress: Progress
) -> Path | None:
    """None where the lists may be too old: the caller updates them and tries once more."""
    if tarball.sha256 != source.sha256:
        msg = f"{tarball.name} has sha256 {tarball.sha256}, but the recipe pins {source.sha256}"
        raise SourceError(msg)
    progress.start(tarball.name, tarball.size)
    try:
        suite.download(source.debian, tarball.version, folder)
        progress.advance(tarball.size)
    except ProcessError:
        if suite.folder in _updated:
            raise
        return None
    finally:
        progress.done()
    return folder / tarball.name
