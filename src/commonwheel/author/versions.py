"""How versions are spelled: in Debian's archive, in addresses and in tags. Pure."""

import re
from collections.abc import Iterable, Iterator

from packaging.version import InvalidVersion, Version

# What Debian adds where its tarball is not upstream's: +dfsg, .dfsg.1, +ds2, ~repack1.
_REPACKED = re.compile(r"[+.~-](?:dfsg|ds|repack|debian)(?:[.+~-]?[0-9]+)*$")
_REALLY = re.compile(r".*[+~.]really")
_TAG = re.compile(
    r"(?:.*?[^0-9.])??[vV]?(?P<version>[0-9]+(?:[._-][0-9]+)+?(?:(?:a|b|rc)[0-9]+)?)"
    r"(?:[._-]20[0-9]{6})?"  # json-c-0.17-20230812
)
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def upstream_version(debian: str) -> str:
    """Upstream's version out of Debian's: ``1.3.dfsg+really1.3.1`` → ``1.3.1``, ``~rc1`` → ``rc1``.

    Args:
        debian: the version without epoch and revision.
    """
    version = _REALLY.sub("", debian)
    while (shorter := _REPACKED.sub("", version)) != version:
        version = shorter
    return version.replace("~", "")


def tag_version(tag: str) -> str | None:
    """The version that a tag names: ``v1.2.3``, ``curl-8_5_0``, ``R_2_6_2``; None for others."""
    match = _TAG.fullmatch(tag)
    return re.sub(r"[_-]", ".", match["version"]) if match else None


def parsed(version: str) -> Version | None:
    """The PEP 440 version, or None where it is none."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


def newest(versions: Iterable[str]) -> str | None:
    """The newest release of those that are PEP 440 versions, pre-releases left out."""
    known = {version: parsed(version) for version in versions}
    final = {text: v for text, v in known.items() if v is not None and not v.is_prerelease}
    return max(final, key=lambda text: final[text], default=None)


def readdressed(address: str, old: str, new: str) -> str | None:
    """``address`` with each spelling of version ``old`` replaced by that of ``new``.

    Folders of a series (``/3.11/``, ``/v3/``) follow. None where the address spells no version.
    """
    spellings = dict(_spellings(old, new))
    choices = "|".join(re.escape(before) for before in spellings)
    # 1.3 does not stand in 1.3.1, nor in 11.3.
    pattern = rf"(?<![0-9])(?<![0-9]\.)(?:{choices})(?!\.?[0-9])"
    moved, count = re.subn(pattern, lambda match: spellings[match[0]], address)
    return _with_series(moved, old, new) if count else None


def _spellings(old: str, new: str) -> Iterator[tuple[str, str]]:
    yield old, new
    if "." in old:
        for separator in "_-":
            yield old.replace(".", separator), new.replace(".", separator)
    before, after = _packed(old), _packed(new)
    if before and after:
        yield before, after


def _packed(version: str) -> str:
    """SQLite's spelling: 3.46.1 is 3460100."""
    if not _NUMBERS.fullmatch(version) or "." not in version:
        return ""
    first, *rest = [int(part) for part in version.split(".")]
    padded = [*rest, 0, 0, 0][: max(3, len(rest))]
    return f"{first}{''.join(f'{part:02d}' for part in padded)}"


def _with_series(address: str, old: str, new: str) -> str:
    """``/3.11/`` → ``/3.13/`` where 3.11 begins the old version and 3.13 the new one."""
    before, after = old.split("."), new.split(".")
    head, slash, name = address.rpartition("/")
    for count in range(min(len(before), len(after)) - 1, 0, -1):
        series, moved = ".".join(before[:count]), ".".join(after[:count])
        head = re.sub(rf"(?<=/)(v?){re.escape(series)}(?=/|$)", rf"\g<1>{moved}", head)
    return f"{head}{slash}{name}"
