"""What a repair writes into a library wheel beside RPATHs: its snapshot, and which providers do."""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from commonwheel.abi.encoding import to_json
from commonwheel.abi.ranges import Range
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import WheelError
from commonwheel.names import Names
from commonwheel.template import literal
from commonwheel.wheel.read import Wheel

CONSTANT = "PROVIDERS"


def library_changes(
    wheel: Wheel,
    manifest: Mapping[str, Any],
    snapshot: Snapshot,
    ranges: Mapping[str, Range],
    names: Names,
) -> dict[str, bytes]:
    """Members of a library wheel with their new content; some of them are new themselves.

    Args:
        wheel: as it is.
        manifest: its own.
        snapshot: its ABI.
        ranges: the releases of its providers that it accepts, by import package.
        names: of the files in its dist-info.

    Raises:
        WheelError: its package is not what commonwheel wrote.
    """
    text = to_json(snapshot).encode()
    told = {**manifest, "snapshot": hashlib.sha256(text).hexdigest()}
    init = f"{manifest['module'].replace('.', '/')}/__init__.py"
    try:
        package = with_ranges(wheel.read(init).decode(), ranges)
    except (ValueError, StopIteration) as error:
        raise WheelError(
            "is not what commonwheel wrote",
            where=f"{wheel.path.name}:{init}",
            hint="build the library wheel again",
        ) from error
    return {
        wheel.info(names.snapshot): text,
        wheel.info(names.manifest): (json.dumps(told, indent=2) + "\n").encode(),
        init: package.encode(),
    }


def with_ranges(source: str, ranges: Mapping[str, Range]) -> str:
    """A library wheel's ``__init__`` with other floors and pins for its providers.

    Raises:
        ValueError: it is not Python, or what it says of its providers is no literal.
        StopIteration: it says nothing of providers.
    """
    node = next(n for n in ast.parse(source).body if isinstance(n, ast.Assign) and _is_it(n))
    entries: Sequence[tuple[Any, ...]] = ast.literal_eval(node.value)
    new = tuple(_entry(entry, ranges) for entry in entries)
    if new == entries:
        return source
    lines = source.splitlines(keepends=True)
    code = f"{CONSTANT} = {literal(new, used=len(CONSTANT) + len(' = '))}\n"
    return "".join([*lines[: node.lineno - 1], code, *lines[node.end_lineno :]])


def _is_it(node: ast.Assign) -> bool:
    return [ast.unparse(target) for target in node.targets] == [CONSTANT]


def _entry(entry: tuple[Any, ...], ranges: Mapping[str, Range]) -> tuple[Any, ...]:
    module, distribution, *_ = entry
    if module not in ranges:
        return entry
    return module, distribution, ranges[module].floor, ranges[module].pin
