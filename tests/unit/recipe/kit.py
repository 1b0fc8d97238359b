"""Recipes for tests, as text: what a person writes, so that reading them is tested as well."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from commonwheel.names import Names
from commonwheel.plan import Plan, plan
from commonwheel.recipe.load import RecipeSet, load
from commonwheel.recipe.resolve import Platform

SHA = "0123456789abcdef" * 4
LINUX = Platform(arch="x86_64")

LIBRARY = """\
schema: 1
name: {name}
summary: {name} for tests
homepage: https://example.org/
license: MIT
license-files: COPYING
versions:
{versions}
abi:
  libraries:
    - soname: {soname}
build:
  driver: cmake
"""

CONSUMER = """\
schema: 1
name: {name}
summary: {name} for tests
homepage: https://example.org/
license: MIT
versions:
{versions}
python: "{python}"
test:
  imports: {name}
"""


def _versions(versions: Sequence[str] | Mapping[str, str]) -> str:
    """Each release with a source; a mapping gives the version of its SONAME as ``{so}``."""
    lines = []
    for version in versions:
        lines += [
            f'  "{version}":',
            f"    sources: [{{url: 'https://example.org/{version}.tgz', sha256: {SHA}}}]",
        ]
        if isinstance(versions, Mapping):
            lines.append(f"    set: {{so: '{versions[version]}'}}")
    return "\n".join(lines)


def _uses(uses: Mapping[str, str], indent: str) -> str:
    return "".join(f"{indent}{name}: {use}\n" for name, use in uses.items())


def library(
    name: str,
    versions: Sequence[str] | Mapping[str, str] = ("1.0",),
    *,
    uses: Mapping[str, str] | None = None,
    more: str = "",
) -> str:
    """A library recipe; each of ``uses`` is what stands behind the library's name."""
    soname = f"lib{name}.so." + ("{so}" if isinstance(versions, Mapping) else "1")
    text = LIBRARY.format(name=name, versions=_versions(versions), soname=soname)
    if uses:
        text += "requires:\n  libraries:\n" + _uses(uses, "    ")
    return text + more


def consumer(
    name: str,
    versions: Sequence[str] = ("1.0",),
    *,
    uses: Mapping[str, str],
    python: str = ">=3.9",
    more: str = "",
) -> str:
    """A consumer recipe."""
    text = CONSUMER.format(name=name, versions=_versions(versions), python=python)
    return text + "uses:\n" + _uses(uses, "  ") + more


def write(
    folder: Path,
    libraries: Mapping[str, str] | None = None,
    consumers: Mapping[str, str] | None = None,
) -> Path:
    """A recipe folder with these files, by name."""
    for kind, texts in (("libraries", libraries), ("consumers", consumers)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, text in (texts or {}).items():
            (folder / kind / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def read(
    folder: Path,
    *texts: str,
    overrides: Sequence[str] = (),
) -> RecipeSet:
    """The recipes of these texts."""
    for text in texts:
        name = text.splitlines()[1].removeprefix("name: ")
        kind = "consumers" if "\nuses:" in text else "libraries"
        write(folder, **{kind: {name: text}})
    return load([folder], overrides)


def make_plan(recipes: RecipeSet, *requested: str, pythons: Sequence[str] = ("3.11",)) -> Plan:
    """A plan on Linux with the usual names."""
    return plan(recipes, requested, platform=LINUX, pythons=pythons, names=Names())
