"""A wheel or sdist that goes onto an index: what its name and metadata say, checked."""

import hashlib
import re
import tarfile
import zlib
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import WheelError
from commonwheel.index.library import read_library
from commonwheel.index.state import IndexedFile, Origin
from commonwheel.names import Names
from commonwheel.repair.providers import read_manifest
from commonwheel.wheel.read import Wheel, read_wheel

SUFFIXES = (".whl", ".tar.gz")
PKG_INFO = re.compile(r"[^/]+/PKG-INFO")
BROKEN = "it is damaged, or was cut short: copy or build it again"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file to publish.

    Args:
        path: where it is now.
        indexed: its record.
        metadata: METADATA of a wheel, which is published beside it (PEP 658).
        snapshot: the ABI of a library wheel.
    """

    path: Path
    indexed: IndexedFile
    metadata: bytes | None = None
    snapshot: Snapshot | None = None


def read_artifact(path: Path, digest: str, uploaded: str, names: Names) -> Artifact:
    """Read a file and check that it is what its name says.

    Args:
        path: a wheel or sdist.
        digest: its sha256.
        uploaded: ISO 8601, UTC.
        names: of the owner of library wheels.

    Raises:
        WheelError: it is neither, is damaged, or its metadata name another release.
        SnapshotError: a library wheel's snapshot is damaged, or it holds no library.
        ElfError: a library is malformed.
    """
    project, version = parse_name(path.name)
    if path.name.endswith(".whl"):
        wheel = read_wheel(path)
        wheel.verify()
        fields, metadata = wheel.metadata_fields, wheel.metadata
        line, origin, snapshot = _library(wheel, project, names) or (None, None, None)
    else:
        fields, metadata = _sdist_fields(path), None
        line, origin, snapshot = None, None, None
    _check(path.name, fields, project, version)
    indexed = IndexedFile(
        project=project,
        version=version,
        sha256=digest,
        size=path.stat().st_size,
        uploaded=uploaded,
        requires_python=fields.get("Requires-Python"),
        metadata=None if metadata is None else hashlib.sha256(metadata).hexdigest(),
        line=line,
        origin=origin,
    )
    return Artifact(path=path, indexed=indexed, metadata=metadata, snapshot=snapshot)


def parse_name(name: str) -> tuple[str, str]:
    """(normalised project, normalised version) of a file name.

    Raises:
        WheelError: it is neither a wheel's nor an sdist's.
    """
    try:
        # Of what ends otherwise, the latter complains.
        if name.endswith(".whl"):
            project, version, _, _ = parse_wheel_filename(name)
        else:
            project, version = parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise WheelError(
            f"is not the name of a wheel or an sdist: {error}",
            where=name,
            hint="an index holds NAME-VERSION-TAGS.whl and NAME-VERSION.tar.gz (PEP 427, PEP 625)",
        ) from None
    return str(project), str(version)


def _check(file: str, fields: Message, project: str, version: str) -> None:
    said = f"{fields.get('Name', '')} {fields.get('Version', '')}"
    try:
        fits = (
            canonicalize_name(fields.get("Name", "")) == project
            and str(Version(fields.get("Version", ""))) == version
        )
    except InvalidVersion:
        fits = False
    if not fits:
        raise WheelError(
            f"its metadata say {said.strip() or 'nothing'}, its file name {project} {version}",
            where=file,
            hint="installers refuse such a file: build it again rather than renaming it",
        )


def _library(wheel: Wheel, project: str, names: Names) -> tuple[str, Origin, Snapshot] | None:
    manifest = read_manifest(wheel.path, names)
    if manifest is None:
        return None
    # The line names a folder of the site.
    line = str(manifest.get("line", ""))
    if names.distribution(line) != project:
        raise WheelError(
            f"its manifest is of the line {line!r}, its name is {project}",
            where=wheel.path.name,
            hint="build the library wheel again",
        )
    return line, *read_library(wheel, manifest, names)


def _sdist_fields(path: Path) -> Message:
    """PKG-INFO of an sdist (PEP 643); nothing where it has none."""
    found = b""
    try:
        with tarfile.open(path, "r:gz") as archive:
            # To the end: an archive that is cut short shows only there.
            for member in archive:
                if PKG_INFO.fullmatch(member.name) and (file := archive.extractfile(member)):
                    found = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise WheelError(
            f"cannot be read as an sdist: {error}", where=path.name, hint=BROKEN
        ) from None
    return HeaderParser().parsestr(found.decode("utf-8", "replace"))
