"""A recipe for a new consumer, out of what its sdist says."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.metadata import RawMetadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from commonwheel.author.acquire import Acquired
from commonwheel.author.buildfiles import own_files, read
from commonwheel.author.dialects import cmake, makefile, meson
from commonwheel.author.known import Clue
from commonwheel.author.library import source_values
from commonwheel.author.licence import Licence
from commonwheel.author.text import Remarked, render, todo

OLDEST_PYTHON = 10
PYTHON = re.compile(r"Programming Language :: Python :: 3\.(\d+)")
SOURCES = ("*.c", "*.cc", "*.cpp", "*.h", "*.pyx", "*.pxd", "*.pxi")
TESTS = ("tests", "test")
EXTRAS = {"test", "tests", "testing"}


@dataclass(frozen=True, kw_only=True)
class ConsumerFacts:
    """What is known of a new consumer.

    Args:
        name: of the recipe.
        acquired: its sdist.
        tree: the unpacked sdist.
        metadata: its core metadata.
        uses: recipes that its files lead to, each with the clue.
        licence: of its texts.
        schema: path of the JSON Schema, for editors; empty where there is none.
    """

    name: str
    acquired: Acquired
    tree: Path
    metadata: RawMetadata
    uses: Mapping[str, Clue]
    licence: Licence
    schema: str


def clues(tree: Path) -> list[Clue]:
    """What the build files and the sources of an sdist ask for."""
    found: list[Clue] = []
    for file in own_files(tree, "CMakeLists.txt", "*.cmake"):
        found += cmake(read(file), file.name).clues
    for file in own_files(tree, "meson.build"):
        found += meson(read(file), file.name).clues
    for file in own_files(tree, "setup.py", "setup.cfg", "*.toml", "setupext*.py"):
        text = read(file)
        found += makefile(text, file.name).clues
        # libraries=["geos_c"], LIBRARIES = ['yaml'], ("yaml", …)
        found += [
            Clue("library", word, file.name) for word in re.findall(r"""["']([\w+-]+)["']""", text)
        ]
    for file in own_files(tree, *SOURCES):
        names = re.findall(
            r"""(?m)^\s*(?:#\s*include\s*|cdef extern from\s*)[<"']([^>"']+)""", read(file)
        )
        found += [Clue("header", name.strip("<> "), file.name) for name in names]
    return found


def recipe(facts: ConsumerFacts) -> str:
    """The recipe, with ``TODO`` comments where a person must decide."""
    metadata = facts.metadata
    source = source_values(facts.acquired)
    homepage = _homepage(metadata)
    sections: list[Mapping[str, Any]] = [
        {
            "schema": 1,
            "name": facts.name,
            "summary": metadata.get("summary") or todo(facts.name, "say what it is"),
            "homepage": homepage or todo("TODO", "upstream's page"),
            "purl": f"pkg:pypi/{metadata.get('name', facts.name).lower()}",
            "license": _license(facts),
        },
        {"versions": {f'"{metadata.get("version")}"': {"sources": [source]}}},
        {"build": 1, "python": _python(metadata)},
        {"uses": _uses(facts)},
        {"environment": todo("", *_environment(facts))},
        {"test": _test(facts)},
    ]
    return render(sections, schema=facts.schema)


def _homepage(metadata: RawMetadata) -> str:
    urls = {label.lower(): url for label, url in metadata.get("project_urls", {}).items()}
    known = [
        metadata.get("home_page"),
        *(urls.get(key) for key in ("homepage", "home", "source", "repository")),
    ]
    return next((url for url in [*known, *urls.values()] if url and url.startswith("http")), "")


def _license(facts: ConsumerFacts) -> Any:
    stated = facts.metadata.get("license_expression")
    if stated:
        return stated
    doubts = tuple(f"TODO: {doubt}" for doubt in facts.licence.doubts)
    return Remarked(value=facts.licence.expression or "TODO", remarks=doubts)


def _python(metadata: RawMetadata) -> Any:
    wanted = metadata.get("requires_python", "")
    floors = [int(minor) for minor in re.findall(r">=\s*3\.(\d+)", wanted)]
    floor = max([OLDEST_PYTHON, *floors])
    minors = [
        int(match[1])
        for each in metadata.get("classifiers", [])
        if (match := PYTHON.fullmatch(each))
    ]
    newest = max(minors, default=0)
    if newest < floor:
        return todo(f">=3.{floor}", f"its metadata name no Python from 3.{floor} on")
    return f">=3.{floor},<3.{newest + 1}"


def _uses(facts: ConsumerFacts) -> Any:
    if not facts.uses:
        return todo({"TODO": None}, "the libraries that it links to; its files lead to no recipe")
    seen = [f"{name}: {clue.kind} {clue.name} in {clue.file}" for name, clue in facts.uses.items()]
    return todo(dict.fromkeys(facts.uses), "does it link to all of these? Seen:", *seen)


def _environment(facts: ConsumerFacts) -> Iterator[str]:
    yield "what its build needs to find them, such as"
    for name in facts.uses or ("LIBRARY",):
        yield f'  {name.upper().replace("-", "_")}_DIR: "{{{name}.prefix}}"'


# --- tests ----------------------------------------------------------------------------------------


def _test(facts: ConsumerFacts) -> dict[str, Any]:
    packages = _packages(facts.tree)
    imports: Any = packages or todo(
        ["TODO"], "the modules that must import, its extensions among them"
    )
    if packages:
        imports = todo(packages, "name its extension modules, too")
    test: dict[str, Any] = {
        "imports": imports,
        "requires": ["pytest", *_test_requires(facts.metadata)],
    }
    for folder in TESTS:
        if (facts.tree / folder).is_dir():
            return test | {"files": [folder], "command": ["-m", "pytest", "-q", folder]}
    for package in packages:
        for folder in TESTS:
            if any((root / package / folder).is_dir() for root in _roots(facts.tree)):
                return test | {"command": ["-m", "pytest", "-q", "--pyargs", f"{package}.{folder}"]}
    return test | {"command": todo("", "the sdist holds no tests that are seen: command and files")}


def _roots(tree: Path) -> Sequence[Path]:
    return [root for root in (tree, tree / "src", tree / "lib") if root.is_dir()]


def _packages(tree: Path) -> list[str]:
    """Top-level packages and modules: as setuptools lists them, else folders with __init__.py."""
    for listed in own_files(tree, "top_level.txt"):
        return [
            name
            for name in read(listed).split()
            if name.isidentifier() and not name.startswith("_")
        ]
    found = [
        folder.name
        for root in _roots(tree)
        for folder in sorted(root.iterdir())
        if (folder / "__init__.py").is_file() and folder.name not in {*TESTS, "docs", "examples"}
    ]
    return list(dict.fromkeys(found))


def _test_requires(metadata: RawMetadata) -> list[str]:
    """What the extras for tests bring on this platform, pytest apart."""
    own = canonicalize_name(metadata.get("name", ""))
    found: dict[str, None] = {}
    for text in metadata.get("requires_dist", []):
        # Of another one's metadata: a marker may be wrong, too, or compare what cannot be compared.
        with contextlib.suppress(ValueError):
            requirement = Requirement(text)
            if canonicalize_name(requirement.name) in {"pytest", own}:
                continue
            if _is_for_tests(requirement.marker):
                requirement.marker = None
                found[str(requirement)] = None
    return list(found)


def _is_for_tests(marker: Marker | None) -> bool:
    """Whether a marker holds here with an extra for tests, and not without."""
    if marker is None or marker.evaluate({"extra": ""}):
        return False
    return any(marker.evaluate({"extra": extra}) for extra in EXTRAS)
