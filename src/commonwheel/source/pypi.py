"""``pypi:`` sources: unearth finds the sdist where pip on this host would; nothing is built."""

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from unearth import PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import PyPIClient
from unearth.link import Link

from commonwheel.errors import SourceError
from commonwheel.recipe.address import with_credentials
from commonwheel.recipe.sources import PypiSource
from commonwheel.source.settings import PipSettings, SourceSettings


@dataclass(frozen=True, kw_only=True)
class Sdist:
    """An sdist as an index offers it; ``sha256`` where the index states one."""

    version: str
    url: str
    sha256: str | None


def find_sdist(source: PypiSource, settings: SourceSettings) -> str:
    """The address of the sdist, which its index offers with the pinned sha256 or with none.

    Raises:
        SourceError: no index has that sdist, or only with other bytes; with the reason alone.
    """
    return _pinned(list_sdists(f"{source.pypi}=={source.version}", settings), source.sha256)


def list_sdists(requirement: str, settings: SourceSettings) -> Sequence[Sdist]:
    """The sdists that the configured indexes offer, newest first.

    Yanked releases and pre-releases are left out, unless ``requirement`` names one exactly.

    Raises:
        SourceError: no index has one, or none answered; with the reason alone.
    """
    with _warnings_kept() as said:
        try:
            sdists = _sdists(Requirement(requirement), settings)
        except Exception as error:  # the HTTP client's own, which differs by unearth's release
            msg = f"the package index did not answer: {str(error) or type(error).__name__}"
            raise SourceError(msg) from error
    if not sdists:
        msg = "; ".join(["no index has this sdist", *said])
        raise SourceError(msg)
    return sdists


def _sdists(requirement: Requirement, settings: SourceSettings) -> list[Sdist]:
    pip = settings.pip
    indexes = tuple(url for url in (pip.index_url, *pip.extra_index_urls) if url)
    client = PyPIClient(
        trusted_hosts=pip.trusted_hosts,
        verify=_trust(settings),
        timeout=settings.connect_timeout,
        follow_redirects=True,
    )
    # Passwords from ~/.netrc and the keyring, as pip has them.
    client.auth = MultiDomainBasicAuth(prompting=False, index_urls=list(indexes))
    with client:
        matches = _finder(requirement.name, client, pip).find_matches(requirement)
        return [
            Sdist(
                version=str(match.version),
                url=with_credentials(match.link.normalized, indexes),
                sha256=_sha256(match.link),
            )
            for match in matches
            if not match.link.is_wheel
        ]


def _finder(project: str, client: PyPIClient, pip: PipSettings) -> PackageFinder:
    links = [str(Path(link).expanduser()) if "://" not in link else link for link in pip.find_links]
    present = [link for link in links if "://" in link or Path(link).exists()]
    # A finder without any place of its own takes the default index, as pip does.
    finder = PackageFinder(
        session=client,  # type: ignore[arg-type] # unearth's class does not fit its own protocol
        index_urls=_own_index(pip),
        find_links=present if pip.no_index else (),
        ignore_compatibility=True,  # the sdist of a release that needs another Python is wanted too
        no_binary=[project],
    )
    if not pip.no_index:
        for url in pip.extra_index_urls:
            finder.add_index_url(url)
        for link in present:
            finder.add_find_links(link)
    return finder


def _own_index(pip: PipSettings) -> Sequence[str]:
    return [pip.index_url] if pip.index_url and not pip.no_index else []


def _trust(settings: SourceSettings) -> ssl.SSLContext | bool:
    path = settings.pip.certificates or settings.certificates
    return ssl.create_default_context(cafile=str(path)) if path else True


def _pinned(sdists: Sequence[Sdist], sha256: str) -> str:
    for wanted in (sha256, None):
        for sdist in sdists:
            if sdist.sha256 == wanted:
                return sdist.url
    digests = ", ".join(sorted({sdist.sha256 for sdist in sdists if sdist.sha256}))
    msg = f"the index has it with sha256 {digests}, but the recipe pins {sha256}"
    raise SourceError(msg)


def _sha256(link: Link) -> str | None:
    digests = (link.hash_option or {}).get("sha256", [])
    return digests[0] if digests else None


@contextmanager
def _warnings_kept() -> Iterator[list[str]]:
    """What unearth warns of (an index that does not answer), for the error and not for stderr."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, handler = logging.getLogger("unearth"), Keep(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
