"""What upstream calls a library that a repair tool has renamed."""

import re

from commonwheel.names import SONAME, Names

# auditwheel's hash, and fiona's own mark before it; libraries that were grafted twice have two.
HASH = re.compile(r"(-(fiona-)?[0-9a-f]{8})+(?=\.)")


def upstream(soname: str, names: Names) -> str:
    """A SONAME without our tag, and without a hash.

    ``libproj-commonwheel.so.25`` is ``libproj.so.25``; ``libproj-1eb8c554.so.25.9.5.1`` is
    ``libproj.so.25.9.5.1``, since auditwheel names a library after its file.
    """
    match = SONAME.fullmatch(soname)
    if match is not None and names.is_tagged(soname):
        return match["stem"].removesuffix(f"-{names.prefix}") + match["suffix"]
    return HASH.sub("", soname)


def is_hashed(soname: str) -> bool:
    """Whether auditwheel or its like has given a library this SONAME."""
    return HASH.search(soname) is not None


def begins(soname: str, file: str) -> bool:
    """Whether a SONAME may be that of a file: ``libproj.so.25`` of ``libproj.so.25.9.5.1``."""
    return file == soname or file.startswith(f"{soname}.")


def first_number(soname: str) -> str:
    """The beginning of a SONAME's version, which every name of the library shares: ``25``."""
    return soname.partition(".so.")[2].partition(".")[0]
