"""Data sets that name the release of the library that they belong to."""

import posixpath
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any

# `libproj-1eb8c554.so.25.9.5.1`: SONAME's version 25, release 9.5.1, as libtool and CMake name the
# real file; auditwheel keeps that name behind a hash.
BUNDLED = re.compile(r"(?P<library>lib[\w+]+?)-[\w-]*\.so\.\d+\.(?P<release>\d+\.\d+(?:\.\d+)*)")
SQLITE = b"SQLite format 3\0"


class UnreadableDataError(Exception):
    """A data set is not what its name says, or does not name its release."""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A kind of data file.

    Args:
        file: its name.
        library: stem of the library that it belongs to.
        release: reads its content; raises :class:`UnreadableDataError`.
    """

    file: str
    library: str
    release: Callable[[bytes], str]


def proj_release(content: bytes) -> str:
    """The release of PROJ that ``proj.db`` was made for.

    Raises:
        UnreadableDataError: no database, or one that does not say.
    """
    if not content.startswith(SQLITE):
        raise UnreadableDataError("is not an SQLite database")
    # Not Connection.deserialize: a Python whose SQLite is older than 3.36 may lack it.
    with NamedTemporaryFile(suffix=".db") as file:
        file.write(content)
        file.flush()
        with closing(sqlite3.connect(f"file:{file.name}?immutable=1", uri=True)) as database:
            try:
                query = "SELECT value FROM metadata WHERE key = 'PROJ.VERSION'"
                row = database.execute(query).fetchone()
            except sqlite3.Error as error:
                raise UnreadableDataError(f"cannot be read: {error}") from None
    if row is None:
        raise UnreadableDataError("does not name a release of PROJ")
    return str(row[0])


# GDAL's, HDF5's and certificates' do not say of which release they are.
DATA_SETS = (DataSet(file="proj.db", library="libproj", release=proj_release),)


def library_release(
    library: str, manifest: Mapping[str, Any] | None, members: Iterable[str]
) -> str | None:
    """Which release of a library a wheel holds; None where its files do not tell.

    Args:
        library: its stem: ``libproj``.
        manifest: of a library wheel.
        members: of the wheel.
    """
    if manifest is not None:
        upstream = [str(each.get("upstream")) for each in manifest["libraries"]]
        own = any(soname.startswith(f"{library}.so") for soname in upstream)
        return str(manifest.get("upstream-version")) if own else None
    matches = (BUNDLED.fullmatch(posixpath.basename(member)) for member in members)
    found = {match["release"] for match in matches if match and match["library"] == library}
    return found.pop() if len(found) == 1 else None
