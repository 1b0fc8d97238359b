"""Addresses: the file name in one, and how one is shown."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit


def file_name(url: str) -> str:
    """The last path component, fit to be a file's name."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return re.sub(r"[^\w.+~-]", "_", name).lstrip(".") or "source"


def redacted(url: str) -> str:
    """``url`` without a user name and password."""
    # Not by parsing it: what is no URL at all is shown in messages, too.
    return re.sub(r"^([^/?#]*//)[^/?#]*@", r"\1", url)


def with_credentials(url: str, others: tuple[str, ...]) -> str:
    """``url`` with the credentials of the first of ``others`` on the same host, as pip does it."""
    parts = urlsplit(url)
    for other in map(urlsplit, others):
        user, has_user, host = other.netloc.rpartition("@")
        if has_user and (other.scheme, host) == (parts.scheme, parts.netloc):
            return urlunsplit(parts._replace(netloc=f"{user}@{host}"))
    return url
