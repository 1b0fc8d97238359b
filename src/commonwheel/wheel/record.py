"""RECORD: the list of a wheel's members with their hashes.

Source: PyPA, "Recording installed projects" and "Binary distribution format".
"""

import csv
import hashlib
import io
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from commonwheel.errors import WheelError

ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})
UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
COLUMNS = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: member, ``algorithm=digest`` (urlsafe base64 without padding), size in bytes."""

    member: str
    hash: str = ""
    size: int | None = None


def hash_of(content: bytes, algorithm: str = "sha256") -> str:
    """``algorithm=digest`` as RECORD writes it."""
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}={urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def parse_record(raw: bytes, *, where: str) -> tuple[Row, ...]:
    """The rows in order.

    Raises:
        WheelError: not UTF-8, not three columns, or a size that is no number.
    """
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise WheelError(f"is not a RECORD: {error}", where=where) from None
    return tuple(_row(row, where) for row in rows if row)


def _row(row: list[str], where: str) -> Row:
    if len(row) != COLUMNS or not (row[2] == "" or (row[2].isascii() and row[2].isdigit())):
        raise WheelError(f"has a row that is not path,hash,size: {row}", where=where)
    return Row(member=row[0], hash=row[1], size=int(row[2]) if row[2] else None)


def write_record(rows: Iterable[Row]) -> bytes:
    """RECORD's bytes, one row per line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(
        (row.member, row.hash, "" if row.size is None else str(row.size)) for row in rows
    )
    return out.getvalue().encode()
