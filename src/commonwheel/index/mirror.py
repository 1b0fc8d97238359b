"""What an upstream index offers of a project, to list it beside the files of this one.

pypi-simple reads the pages, in HTML (PEP 503) and in JSON (PEP 691).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit

import requests
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pypi_simple import (
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnexpectedRepoVersionWarning,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from commonwheel.errors import SiteError, SourceError, UsageError, WheelError
from commonwheel.index.artifact import parse_name
from commonwheel.index.state import IndexedFile
from commonwheel.names import Names
from commonwheel.recipe.address import redacted
from commonwheel.source.download import verification
from commonwheel.source.settings import SourceSettings

UPLOADED = "%Y-%m-%dT%H:%M:%S.%fZ"


class NotThereError(SourceError):
    """The index can be read, and has nothing of what is asked for."""


Upstream: TypeAlias = Callable[[Requirement], dict[str, IndexedFile]]
"""What an upstream index offers that fits a requirement, by file name."""


def parse_wanted(words: Sequence[str], lists: Sequence[Path]) -> list[Requirement]:
    """Projects to list, from the command line and from files with one on each line.

    Args:
        words: ``numpy``, ``shapely<=2.1.2``.
        lists: files; what follows a ``#`` is a comment.

    Raises:
        UsageError: one is not a project with versions at most, or a file cannot be read.
    """
    return [_parse(word) for word in (*words, *(line for file in lists for line in _lines(file)))]


def _lines(file: Path) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    for line in text.splitlines():
        if word := line.partition("#")[0].strip():
            yield word


def _parse(word: str) -> Requirement:
    try:
        wanted = Requirement(word)
    except InvalidRequirement:
        wanted = None
    if wanted is None or wanted.extras or wanted.marker or wanted.url:
        raise UsageError(
            f"{word!r} is not a project to mirror",
            hint="give a name, with versions where not all are wanted: 'shapely<=2.1.2'",
        )
    return wanted


def refuse_owned(wanted: Sequence[Requirement], names: Names) -> None:
    """Refuse to list upstream files under the names of library wheels.

    Raises:
        SiteError: a name begins with the owner's prefix.
    """
    for each in wanted:
        if canonicalize_name(each.name).startswith(f"{names.prefix}-"):
            raise SiteError(
                f"{each.name} is a library wheel's name, and takes no files of another index: "
                "whoever has the name there could publish a higher version, which would win",
                hint="name projects that are not yours; library wheels are given as files",
            )


def upstream(url: str, settings: SourceSettings) -> Upstream:
    """A reader of an upstream index.

    Args:
        url: of its simple API; empty for the one that pip uses, by default the public one.
        settings: how servers are reached.
    """
    endpoint = url or settings.pip.index_url
    session = requests.Session()
    client = PyPISimple(endpoint, session=session) if endpoint else PyPISimple(session=session)
    session.verify = verification(client.endpoint, settings)

    def read(wanted: Requirement) -> dict[str, IndexedFile]:
        where = redacted(client.get_project_url(wanted.name))
        timeout = (settings.connect_timeout, settings.read_timeout)
        try:
            with warnings.catch_warnings():
                # Of a minor version that the reader does not know: what it knows still holds.
                warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
                page = client.get_project_page(wanted.name, timeout=timeout)
        except NoSuchProjectError:
            raise NotThereError("the index has no such project", where=where) from None
        except (
            requests.RequestException,
            UnsupportedContentTypeError,
            UnsupportedRepoVersionError,
            ValueError,
        ) as error:
            raise SourceError(
                f"cannot be read as a package index: {redacted(str(error))}",
                where=where,
                hint="is --upstream the address of a simple API, and is it reachable?",
            ) from None
        return dict(_fitting(page.packages, wanted, where))

    return read


def _fitting(
    packages: Sequence[DistributionPackage], wanted: Requirement, where: str
) -> Iterator[tuple[str, IndexedFile]]:
    found = False
    for package in packages:
        try:
            project, version = parse_name(package.filename)
        except WheelError:
            continue  # eggs and installers, which pip and uv pass over, too
        if project != canonicalize_name(wanted.name):
            continue
        if wanted.specifier.contains(Version(version), prereleases=True):
            found = True
            yield package.filename, _record(package, project, version, where)
    if not found:
        raise NotThereError(f"the index has no wheel or sdist of {wanted}", where=where)


def _record(package: DistributionPackage, project: str, version: str, where: str) -> IndexedFile:
    sha256 = package.digests.get("sha256")
    if sha256 is None:
        raise SourceError(
            f"{package.filename} has no sha256 there",
            where=where,
            hint="a file without one cannot be listed: nobody would notice other bytes",
        )
    reason = package.yanked_reason or ""
    digests = package.metadata_digests or {}
    return IndexedFile(
        project=project,
        version=version,
        sha256=sha256.lower(),
        size=package.size,
        uploaded=package.upload_time.strftime(UPLOADED) if package.upload_time else None,
        requires_python=package.requires_python,
        metadata=digests.get("sha256", True) if package.has_metadata else None,
        yanked=reason if package.is_yanked else None,
        url=_public(package.url, where),
    )


def _public(url: str, where: str) -> str:
    """An address to publish: without user, password and fragment."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise SourceError(f"{redacted(url)} is no address of the web", where=where)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
