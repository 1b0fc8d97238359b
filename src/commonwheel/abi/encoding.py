"""Snapshots as JSON: one snapshot has one text, and a diff of two texts can be read.

Symbols that share everything but their names share one entry, and each name has a line of its own.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, get_args

from commonwheel.abi.snapshot import (
    DATA,
    SCHEMA,
    Evidence,
    Exported,
    Libc,
    Library,
    Need,
    Snapshot,
)
from commonwheel.errors import SnapshotError
from commonwheel.files import replacing

GZIP = b"\x1f\x8b"
SUFFIX = ".gz"
ABIXML = (b"<abi-corpus", b"<?xml")
# Inflated; libgdal with all of its C++ has half a million bytes.
MOST_BYTES = 200_000_000
FACTS = ("name", "release", "version", "line", "arch", "source", "key", "headers", "types_since")

T = TypeVar("T")


def to_json(snapshot: Snapshot) -> str:
    """The canonical text of a snapshot."""
    data: dict[str, Any] = {"schema": SCHEMA}
    data |= {fact: getattr(snapshot, fact) for fact in (*FACTS, "libc")}
    data["libraries"] = [_library(library) for library in snapshot.libraries]
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _library(library: Library) -> dict[str, Any]:
    return {
        "soname": library.soname,
        "tagged": library.tagged,
        "member": library.member,
        "role": library.role,
        "hashed": library.hashed,
        "evidence": list(library.evidence),
        "needs": {need.soname: list(need.versions) for need in library.needs},
        "nodes": list(library.nodes),
        "symbols": [_group(key, symbols) for key, symbols in _groups(library.symbols)],
    }


def _key(symbol: Exported) -> tuple[Any, ...]:
    return (not symbol.public, symbol.version or "", *symbol[2:5])


def _groups(symbols: Iterable[Exported]) -> Iterator[tuple[tuple[Any, ...], list[Exported]]]:
    ordered = sorted(symbols, key=lambda symbol: (_key(symbol), symbol.name))
    return ((key, list(group)) for key, group in groupby(ordered, key=_key))


def _group(key: tuple[Any, ...], symbols: list[Exported]) -> dict[str, Any]:
    hidden, version, default, binding, kind = key
    sized = kind in DATA
    return {
        "public": not hidden,
        "version": version or None,
        "default": default,
        "binding": binding,
        "type": kind,
        "names": {s.name: s.size for s in symbols} if sized else [s.name for s in symbols],
    }


def from_json(text: str | bytes, where: str) -> Snapshot:
    """Read a snapshot's text.

    Args:
        text: what :func:`to_json` gave.
        where: what errors call it.

    Raises:
        SnapshotError: it is not JSON, not a snapshot, or of a newer toolkit.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"is not JSON: {error}", where=where) from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if type(schema) is int and schema > SCHEMA:
        raise SnapshotError(
            f"has schema {schema}, and this commonwheel reads schema {SCHEMA}: "
            "the snapshot is newer than this toolkit",
            where=where,
            hint="upgrade commonwheel",
        )
    try:
        return _snapshot(data)
    except _MalformedError as error:
        raise SnapshotError(
            f"is not a snapshot: {error}",
            where=where,
            hint="make it again: commonwheel abi dump",
        ) from None


class _MalformedError(Exception):
    """A value is not what a snapshot has there."""


def _snapshot(data: Any) -> Snapshot:
    if _value(data, "schema", int) != SCHEMA:
        raise _MalformedError(f"schema is not {SCHEMA}")
    facts = {fact: _value(data, fact, str) for fact in FACTS}
    libraries = _value(data, "libraries", list)
    return Snapshot(
        **facts,
        libc=_one_of(data, "libc", get_args(Libc)),
        libraries=tuple(_read_library(each) for each in libraries),
    )


def _read_library(data: Any) -> Library:
    needs, tagged = _value(data, "needs", dict), data.get("tagged")
    evidence = _texts(data, "evidence")
    if not evidence or not set(evidence) <= set(get_args(Evidence)):
        raise _MalformedError(f"evidence is {evidence!r}")
    groups = _value(data, "symbols", list)
    return Library(
        soname=_value(data, "soname", str),
        tagged=None if tagged is None else _value(data, "tagged", str),
        member=_value(data, "member", str),
        role=_one_of(data, "role", ("public", "private")),
        hashed=_value(data, "hashed", bool),
        evidence=evidence,
        needs=tuple(Need(soname=name, versions=_texts(needs, name)) for name in needs),
        nodes=_texts(data, "nodes"),
        symbols=tuple(sorted((s for group in groups for s in _symbols(group)), key=order)),
    )


def order(symbol: Exported) -> tuple[str, str, bool]:
    """How symbols are sorted: by name, then version; of two of one version the default one last."""
    return symbol.name, symbol.version or "", symbol.default


def _symbols(data: Any) -> Iterator[Exported]:
    kind = _value(data, "type", str)
    names = _value(data, "names", dict if kind in DATA else list)
    version = data.get("version")
    common = (
        None if version is None else _value(data, "version", str),
        _value(data, "default", bool),
        _value(data, "binding", str),
        kind,
    )
    public = _value(data, "public", bool)
    for name in names:
        size = _value(names, name, int) if isinstance(names, dict) else None
        if not isinstance(name, str):
            raise _MalformedError(f"the name of a symbol is {name!r}")
        yield Exported(name, *common, size, public)


def _value(data: Any, key: str, kind: type[T]) -> T:
    if not isinstance(data, dict):
        raise _MalformedError(f"there is {type(data).__name__} where {key} should be")
    if key not in data:
        raise _MalformedError(f"{key} is missing")
    value = data[key]
    # A boolean is a number to Python.
    if type(value) is not kind:
        raise _MalformedError(f"{key} is {type(value).__name__}, not {kind.__name__}")
    return value


def _texts(data: Mapping[str, Any], key: str) -> tuple[Any, ...]:
    values = _value(data, key, list)
    if not all(isinstance(value, str) for value in values):
        raise _MalformedError(f"{key} is not a list of words")
    return tuple(values)


def _one_of(data: Mapping[str, Any], key: str, known: tuple[str, ...]) -> Any:
    value = _value(data, key, str)
    if value not in known:
        raise _MalformedError(f"{key} is {value!r}")
    return value


def read_snapshot(path: Path) -> Snapshot:
    """Read a file that :func:`write_snapshot` wrote.

    Raises:
        SnapshotError: it cannot be read, or as in :func:`from_json`.
    """
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = _inflated(content, str(path))
        return from_json(content.decode("utf-8"), str(path))
    except OSError as error:
        raise SnapshotError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise SnapshotError(f"is not UTF-8: {error.reason}", where=str(path)) from None


def read_types(path: Path) -> bytes:
    """The content of a file of types.

    Raises:
        SnapshotError: it is damaged, or not what abidw wrote.
    """
    content = path.read_bytes()
    found = _inflated(content, str(path)) if content.startswith(GZIP) else b""
    if not found.startswith(ABIXML):
        raise SnapshotError(
            "is not what abidw wrote",
            where=str(path),
            hint="record the release again: commonwheel abi accept WHEEL",
        )
    return found


def _inflated(content: bytes, where: str) -> bytes:
    # Not gzip.decompress, which knows no limit.
    inflater = zlib.decompressobj(wbits=31)
    try:
        found = inflater.decompress(content, MOST_BYTES)
    except zlib.error as error:
        raise SnapshotError(f"is damaged: {error}", where=where) from None
    if not inflater.eof:
        raise SnapshotError("is cut short, or larger than any snapshot", where=where)
    return found


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot, compressed where the name ends in ``.gz``; whole or not at all."""
    content = to_json(snapshot).encode()
    if path.name.endswith(SUFFIX):
        content = gzip.compress(content, mtime=0)
    with replacing(path) as part:
        part.write_bytes(content)
