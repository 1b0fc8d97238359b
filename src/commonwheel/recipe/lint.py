"""What the model's types cannot say: names that must exist, ranges that must admit something."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from commonwheel.recipe.model import AnyRecipe, ConsumerRecipe, LibraryRecipe, LibraryUse
from commonwheel.recipe.resolve import INSTALL_KEYS, PROVIDER_KEYS, admitted, label, variables
from commonwheel.recipe.resolved import PLACEHOLDER
from commonwheel.recipe.yaml import Document, Place

Finding = tuple[Place, str]

# A release names logs and folders.
RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]*")
LABEL = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z0-9]+)*")

# Where recipe.resolve fills placeholders in.
FILLED: dict[type[AnyRecipe], list[tuple[str, ...]]] = {
    LibraryRecipe: [
        ("abi", "label"),
        ("abi", "libraries", "soname"),
        ("build", "directory"),
        ("build", "environment"),
        ("build", "install"),
        ("build", "options"),
        ("build", "script"),
        ("build", "targets"),
        ("build", "when", "environment"),
        ("build", "when", "options"),
        ("data", "path"),
        ("products",),
    ],
    ConsumerRecipe: [("config-settings",), ("environment",)],
}
# Where the backend knows the assembled prefix.
BUILD_TIME: list[tuple[str, ...]] = [
    ("build", "environment"),
    ("build", "options"),
    ("build", "when", "environment"),
    ("build", "when", "options"),
    ("config-settings",),
    ("environment",),
]


class Holder(Protocol):
    """Whatever holds a recipe."""

    @property
    def recipe(self) -> AnyRecipe: ...


def lint(
    recipe: AnyRecipe,
    document: Document,
    folder: Path,
    others: Mapping[str, Holder],
    broken: Collection[str] = (),
) -> list[str]:
    """Every problem of one recipe, each with its ``file:line:column``.

    Args:
        recipe: the recipe.
        document: its file, for positions.
        folder: the recipe folder, with its patches.
        others: all recipes by name.
        broken: recipes that exist but could not be read; nothing is said about them here.
    """
    found = [
        *_versions(recipe),
        *_license(recipe),
        *_patches(recipe, folder),
        *_requirements(recipe),
        *_placeholders(recipe, document),
    ]
    if isinstance(recipe, LibraryRecipe):
        uses = recipe.requires.libraries
        place: Place = ("requires", "libraries")
        found += [*_abi(recipe), *_conditionals(recipe), *_consumers(recipe, others, broken)]
    else:
        uses, place = recipe.uses, ("uses",)
        found += [*_consumer(recipe), *_known_failures(recipe)]
    for name, use in uses.items():
        if name not in broken:
            found += _use(recipe.name, name, use, (*place, name), others)
    return [f"{document.where(path)}: {message}" for path, message in found]


def _parses(parse: Callable[[str], Any], text: str, *errors: type[Exception]) -> bool:
    try:
        parse(text)
    except errors:
        return False
    return True


def _versions(recipe: AnyRecipe) -> Iterator[Finding]:
    seen: dict[Version, str] = {}
    for version, release in recipe.versions.items():
        place: Place = ("versions", version)
        text = release.wheel_version or version
        if not RELEASE.fullmatch(version):
            yield place, f"'{version}' cannot be part of a file's name"
        if not _parses(Version, text, InvalidVersion):
            hint = "" if release.wheel_version else "; give a 'wheel-version'"
            yield place, f"'{text}' is not a PEP 440 version{hint}"
            continue
        if Version(text).local:
            yield place, f"'{text}': the local label is the kit's to give"
        if (other := seen.setdefault(Version(text), version)) != version:
            yield place, f"'{version}' and '{other}' give wheels of one version"


def _license(recipe: AnyRecipe) -> Iterator[Finding]:
    if not _parses(canonicalize_license_expression, recipe.license, InvalidLicenseExpression):
        yield ("license",), f"'{recipe.license}' is not an SPDX licence expression"


def _patches(recipe: AnyRecipe, folder: Path) -> Iterator[Finding]:
    home = folder / "patches" / recipe.name
    named = set()
    for version, release in recipe.versions.items():
        for index, patch in enumerate(release.patches):
            named.add(patch)
            if not (home / patch).is_file():
                yield ("versions", version, "patches", index), f"there is no patch {home / patch}"
    for unused in sorted({file.name for file in home.glob("*.patch")} - named):
        yield ("versions",), f"no release names the patch {home / unused}"


def _requirements(recipe: AnyRecipe) -> Iterator[Finding]:
    lists: dict[Place, tuple[str, ...]] = {("requires", "tools"): recipe.requires.tools}
    if isinstance(recipe, ConsumerRecipe):
        lists["test", "requires"] = recipe.test.requires
    for place, texts in lists.items():
        for index, text in enumerate(texts):
            if not _parses(Requirement, text, InvalidRequirement):
                yield (*place, index), f"'{text}' is not a requirement (PEP 508)"


def _placeholders(recipe: AnyRecipe, document: Document) -> Iterator[Finding]:
    known = set.intersection(*(set(variables(recipe, version)) for version in recipe.versions))
    uses = recipe.uses if isinstance(recipe, ConsumerRecipe) else recipe.requires.libraries
    at_build = {f"{name}.{key}" for name in uses for key in PROVIDER_KEYS}
    if isinstance(recipe, LibraryRecipe):
        at_build |= set(INSTALL_KEYS)
    for place, text in _texts(document.value, ()):
        found = [match[1] for match in PLACEHOLDER.finditer(text)]
        if not found:
            continue
        steps = [step for step in place if isinstance(step, str)]
        if _is_filled(steps, FILLED[type(recipe)]):
            allowed = known | (at_build if _is_filled(steps, BUILD_TIME) else set())
            listed = ", ".join(sorted(allowed))
            for name in found:
                if name not in allowed:
                    yield (
                        place,
                        f"unknown placeholder '{{{name}}}' (known in every release: {listed})",
                    )
        else:
            # Elsewhere braces are text, but what looks like ours was meant as ours.
            for name in found:
                if name in known | at_build:
                    yield place, f"'{{{name}}}': placeholders are not filled in here"


def _is_filled(steps: Sequence[str], places: Iterable[tuple[str, ...]]) -> bool:
    return any(tuple(steps[: len(place)]) == place for place in places)


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*place, index))
    elif isinstance(value, str):
        yield place, value


def _abi(recipe: LibraryRecipe) -> Iterator[Finding]:
    public = [each for each in recipe.abi.libraries if each.role == "public"]
    if not public:
        yield ("abi", "libraries"), "at least one library must be public"
    elif recipe.abi.label is None and ".so." not in public[0].soname:
        yield ("abi",), f"'{public[0].soname}' has no version to make a label of; give 'abi.label'"
    else:
        labels = [label(recipe, version) for version in recipe.versions]
        for each in dict.fromkeys(labels):
            if not LABEL.fullmatch(each) and not PLACEHOLDER.search(each):
                what = "cannot be an ABI label: lower-case letters, digits and dots"
                yield ("abi",), f"'{each}' {what}"


def _conditionals(recipe: LibraryRecipe) -> Iterator[Finding]:
    for index, when in enumerate(recipe.build.when):
        place = ("build", "when", index)
        if when.version is None and when.platform is None:
            yield place, "a condition needs 'version' or 'platform'"
        elif when.version is not None and not _parses(SpecifierSet, when.version, InvalidSpecifier):
            yield (*place, "version"), f"'{when.version}' is not a version range (PEP 440)"


def _consumers(
    recipe: LibraryRecipe, others: Mapping[str, Holder], broken: Collection[str]
) -> Iterator[Finding]:
    for index, name in enumerate(recipe.consumers):
        other = others[name].recipe if name in others else None
        if not isinstance(other, ConsumerRecipe) and name not in broken:
            yield ("consumers", index), f"there is no consumer recipe '{name}'"


def _consumer(recipe: ConsumerRecipe) -> Iterator[Finding]:
    if not _parses(SpecifierSet, recipe.python, InvalidSpecifier):
        yield ("python",), f"'{recipe.python}' is not a version range (PEP 440)"
    if recipe.requires.libraries:
        yield ("requires", "libraries"), "a consumer names its libraries in 'uses'"
    for index, name in enumerate(recipe.dlopen):
        if name not in recipe.uses:
            yield ("dlopen", index), f"'{name}' is not among the libraries in 'uses'"
    for name in recipe.data:
        if name not in recipe.uses:
            yield ("data", name), f"'{name}' is not among the libraries in 'uses'"


def _known_failures(recipe: ConsumerRecipe) -> Iterator[Finding]:
    for index, failure in enumerate(recipe.test.known_failures):
        place: Place = ("test", "known-failures", index, "with")
        for name, wanted in failure.with_.items():
            if name not in recipe.uses:
                yield (*place, name), f"'{name}' is not among the libraries in 'uses'"
            elif not _parses(SpecifierSet, wanted, InvalidSpecifier):
                yield (*place, name), f"'{wanted}' is not a version range (PEP 440)"


def _use(
    user: str, name: str, use: LibraryUse, place: Place, others: Mapping[str, Holder]
) -> Iterator[Finding]:
    library = others[name].recipe if name in others else None
    if not isinstance(library, LibraryRecipe):
        yield place, f"'{user}' uses '{name}', which has no library recipe"
    elif not _parses(SpecifierSet, use.range, InvalidSpecifier):
        yield (*place, "range"), f"'{use.range}' is not a version range (PEP 440)"
    elif use.at_least is not None and not _parses(Version, use.at_least, InvalidVersion):
        yield (*place, "at-least"), f"'{use.at_least}' is not a version (PEP 440)"
    elif use.build_against is not None and use.build_against not in library.versions:
        listed = ", ".join(library.versions)
        yield (
            (*place, "build-against"),
            f"'{name}' lists no release {use.build_against}; it lists {listed}",
        )
    elif not any(_versions(library)):
        yield from _admits(library, use, place)


def _admits(library: LibraryRecipe, use: LibraryUse, place: Place) -> Iterator[Finding]:
    fits = admitted(library, use.range)
    if not fits:
        listed = ", ".join(library.versions)
        yield (
            (*place, "range"),
            f"'{use.range}' admits no release of '{library.name}'; it lists {listed}",
        )
    elif use.build_against is not None and use.build_against not in fits:
        yield (
            (*place, "build-against"),
            f"{use.build_against} is outside of the range '{use.range}'",
        )
