"""METADATA and WHEEL: made new, or edited as text with all else kept byte for byte.

Source: PyPA, "Core metadata specifications" 2.4 (PEP 639) and "Binary distribution format".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from commonwheel.errors import WheelError
from commonwheel.wheel.name import normalise

METADATA_VERSION = "2.4"
WHEEL_VERSION = "1.0"
REQUIREMENT_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def make_metadata(
    *,
    name: str,
    version: str,
    summary: str,
    license_expression: str,
    license_files: Sequence[str] = (),
    requires_dist: Sequence[str] = (),
    requires_python: str = "",
    project_urls: Mapping[str, str] | None = None,
    description: str = "",
    description_type: str = "text/markdown",
) -> bytes:
    """METADATA 2.4 of a new distribution.

    Args:
        name: the distribution's name.
        version: normalised by PEP 440.
        summary: one line.
        license_expression: SPDX.
        license_files: paths below ``.dist-info/licenses/``.
        requires_dist: requirements (PEP 508), in the order they shall have.
        requires_python: a version specifier.
        project_urls: URL by label.
        description: the body.
        description_type: the body's content type.

    Raises:
        WheelError: a header's value has more than one line.
    """
    urls = [("Project-URL", f"{label}, {url}") for label, url in (project_urls or {}).items()]
    headers = [
        ("Metadata-Version", METADATA_VERSION),
        ("Name", name),
        ("Version", version),
        ("Summary", summary),
        ("License-Expression", license_expression),
        *(("License-File", file) for file in license_files),
        *urls,
        *([("Requires-Python", requires_python)] if requires_python else []),
        *(("Requires-Dist", requirement) for requirement in requires_dist),
        *([("Description-Content-Type", description_type)] if description else []),
    ]
    return _headers(headers) + (f"\n{description}".encode() if description else b"")


def make_wheel_file(
    tags: Iterable[str], *, purelib: bool, generator: str, build: str = ""
) -> bytes:
    """A new WHEEL file.

    Args:
        tags: every tag, expanded (:attr:`WheelName.tags`).
        purelib: whether the root goes to purelib.
        generator: name and version of what made it.
        build: the build tag, where the file name has one.

    Raises:
        WheelError: a value has more than one line.
    """
    headers = [
        ("Wheel-Version", WHEEL_VERSION),
        ("Generator", generator),
        ("Root-Is-Purelib", "true" if purelib else "false"),
        *(("Tag", tag) for tag in tags),
        *([("Build", build)] if build else []),
    ]
    return _headers(headers)


def with_version(raw: bytes, version: str) -> bytes:
    """METADATA with another version.

    Raises:
        WheelError: it has not exactly one Version, or ``version`` has more than one line.
    """
    fields, newline, rest = _split(raw)
    found = [index for index, field in enumerate(fields) if _is(field, "version")]
    if len(found) != 1:
        raise WheelError(f"has {len(found)} Version headers, not one", where="METADATA")
    fields[found[0]] = _line("Version", version, newline)
    return b"".join(fields) + rest


def with_requirements(raw: bytes, additions: Sequence[str]) -> bytes:
    """METADATA with more Requires-Dist headers, after the last that is there.

    Args:
        raw: METADATA.
        additions: requirements (PEP 508); headers on the same distributions are dropped before, so
            that doing it twice changes nothing.

    Raises:
        WheelError: a requirement has more than one line.
    """
    fields, newline, rest = _split(raw)
    replaced = {_project(requirement) for requirement in additions}
    kept = [f for f in fields if not (_is(f, "requires-dist") and _required(f) in replaced)]
    found = [index for index, field in enumerate(kept) if _is(field, "requires-dist")]
    at = found[-1] + 1 if found else len(kept)
    new = [_line("Requires-Dist", requirement, newline) for requirement in additions]
    if new and at and not kept[at - 1].endswith(b"\n"):
        kept[at - 1] += newline
    return b"".join([*kept[:at], *new, *kept[at:]]) + rest


def with_tags(raw: bytes, tags: Iterable[str]) -> bytes:
    """WHEEL with other tags in place of its own.

    Raises:
        WheelError: a tag has more than one line.
    """
    fields, newline, rest = _split(raw)
    at = next((i for i, field in enumerate(fields) if _is(field, "tag")), len(fields))
    if at and not fields[at - 1].endswith(b"\n"):
        fields[at - 1] += newline
    new = [_line("Tag", tag, newline) for tag in tags]
    kept = [field for field in fields[at:] if not _is(field, "tag")]
    return b"".join([*fields[:at], *new, *kept]) + rest


def _headers(headers: Iterable[tuple[str, str]]) -> bytes:
    return b"".join(_line(name, value, b"\n") for name, value in headers)


def _line(name: str, value: str, newline: bytes) -> bytes:
    if value.splitlines() != [value]:
        raise WheelError(f"the header {name} must be one line, not {value!r}")
    return f"{name}: {value}".encode() + newline


def _split(raw: bytes) -> tuple[list[bytes], bytes, bytes]:
    """(headers with their folded lines, the newline in use, the empty line and the body)."""
    newline = b"\r\n" if raw.partition(b"\n")[0].endswith(b"\r") else b"\n"
    fields: list[bytes] = []
    size = 0
    for line in _lines(raw):
        if not line.strip(b"\r\n"):
            break
        size += len(line)
        if line[:1] in {b" ", b"\t"} and fields:
            fields[-1] += line
        else:
            fields.append(line)
    return fields, newline, raw[size:]


def _lines(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        end = raw.find(b"\n", at) + 1 or len(raw)
        yield raw[at:end]
        at = end


def _is(field: bytes, name: str) -> bool:
    return field.partition(b":")[0].strip().lower() == name.encode()


def _required(field: bytes) -> str | None:
    return _project(field.partition(b":")[2].decode("utf-8", "replace"))


def _project(requirement: str) -> str | None:
    match = REQUIREMENT_NAME.match(requirement)
    return normalise(match[1]) if match else None
