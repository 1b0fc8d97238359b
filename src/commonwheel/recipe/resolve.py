"""Recipe as written + release + platform → resolved: no placeholders, conditionals decided.

What is cached is asked again and again within one plan, and by the plan of each platform.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from commonwheel.names import Names, default_label, release_pin
from commonwheel.recipe import resolved
from commonwheel.recipe.model import (
    Build,
    ConsumerRecipe,
    LibraryRecipe,
    Recipe,
    Requires,
    When,
)
from commonwheel.recipe.resolved import fill

# Filled in by the backend, which knows where the assembled prefix is.
PROVIDER_KEYS = ("prefix", "lib", "include", "share", "version")
INSTALL_KEYS = ("install.prefix",)
# Vendor and product precede the version; edition, language and the like follow it.
CPE_REST = ":*" * 7


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What wheels are built for, as far as recipes can tell platforms apart."""

    arch: str
    libc: str = "glibc"
    system: str = "linux"

    def __str__(self) -> str:
        return f"{self.system}-{self.arch}-{self.libc}"


def variables(recipe: Recipe, version: str) -> dict[str, str]:
    """The placeholders that a release defines."""
    return {"name": recipe.name, "version": version, **recipe.versions[version].set}


def label(recipe: LibraryRecipe, version: str) -> str:
    """The ABI label of a release: ``so25``."""
    public = [each for each in recipe.abi.libraries if each.role == "public"]
    text = recipe.abi.label or default_label(public[0].soname)
    return fill(text, variables(recipe, version))


@cache
def line(recipe: LibraryRecipe, version: str) -> str:
    """The ABI line of a release: ``proj-so25``."""
    return f"{recipe.name}-{label(recipe, version)}"


@cache
def series(recipe: LibraryRecipe, version: str) -> str:
    """The releases that can replace this one: its line, or less where the recipe promises less."""
    pin = release_pin(wheel_version(recipe, version), recipe.abi.stability)
    return f"{line(recipe, version)} {pin}" if pin else line(recipe, version)


@cache
def wheel_version(recipe: Recipe, version: str) -> str:
    """The version of a release's wheel, normalised as its file name and its metadata hold it."""
    return str(sort_key(recipe, version))


@cache
def sort_key(recipe: Recipe, version: str) -> Version:
    """How releases of a recipe are ordered."""
    return Version(recipe.versions[version].wheel_version or version)


@cache
def admitted(recipe: Recipe, specifiers: str) -> tuple[str, ...]:
    """The listed releases that satisfy a range, oldest first."""
    allowed = SpecifierSet(specifiers)
    fits = [v for v in recipe.versions if allowed.contains(sort_key(recipe, v), prereleases=True)]
    return tuple(sorted(fits, key=lambda version: sort_key(recipe, version)))


@cache
def provided(recipe: LibraryRecipe, version: str, names: Names) -> resolved.Provided:
    """A library release as a build is given it."""
    its_line = line(recipe, version)
    return resolved.Provided(
        name=recipe.name,
        line=its_line,
        distribution=names.distribution(its_line),
        module=names.module(its_line),
        version=wheel_version(recipe, version),
        upstream=version,
        stability=recipe.abi.stability,
    )


def library(
    recipe: LibraryRecipe,
    version: str,
    platform: Platform,
    uses: Iterable[resolved.Provided],
    names: Names,
) -> resolved.LibraryBuild:
    """One release of a library recipe on one platform."""
    known = variables(recipe, version)
    holding = _holding(recipe, version, platform)
    return resolved.LibraryBuild(
        prefix=names.prefix,
        name=recipe.name,
        version=version,
        wheel_version=wheel_version(recipe, version),
        line=line(recipe, version),
        summary=recipe.summary,
        homepage=recipe.homepage,
        purl=recipe.purl and f"{recipe.purl}@{version}",
        cpe=recipe.cpe and f"{recipe.cpe}:{version}{CPE_REST}",
        license=recipe.license,
        license_files=recipe.license_files,
        libraries=tuple(
            resolved.Library(soname=fill(each.soname, known), role=each.role, exports=each.exports)
            for each in recipe.abi.libraries
        ),
        stability=recipe.abi.stability,
        provided=tuple(uses),
        needs=_needs(recipe.requires, holding),
        build=_steps(recipe.build, known, holding),
        products=_products(recipe, known),
        data=tuple(fill(each.path, known) for each in recipe.data),
        singleton=recipe.singleton,
        sources=_sources(recipe, version),
        patches=recipe.versions[version].patches,
    )


def _products(recipe: LibraryRecipe, known: Mapping[str, str]) -> resolved.Products:
    listed = recipe.products
    return resolved.Products(
        headers=_fill_all(listed.headers, known),
        data=_fill_all(listed.data, known),
        tools=_fill_all(listed.tools, known),
        exclude=_fill_all(listed.exclude, known),
    )


def _holding(recipe: LibraryRecipe, version: str, platform: Platform) -> list[When]:
    """The conditions that hold for a release on a platform."""
    return [
        when
        for when in recipe.build.when
        if (when.version is None or version in admitted(recipe, when.version))
        and (when.platform is None or fnmatchcase(str(platform), when.platform))
    ]


def _steps(build: Build, known: Mapping[str, str], added: Sequence[When]) -> resolved.BuildSteps:
    environment = dict(build.environment)
    for when in added:
        environment |= when.environment
    return resolved.BuildSteps(
        driver=build.driver,
        # What the others build with asks the C compiler for what it knows of the platform.
        languages=tuple(dict.fromkeys(("c", *build.languages))),
        script=fill(build.script, known),
        directory=fill(build.directory, known),
        options=_fill_all((*build.options, *(o for w in added for o in w.options)), known),
        environment={key: fill(value, known) for key, value in environment.items()},
        targets=_fill_all(build.targets, known),
        install=_fill_all(build.install, known),
    )


def consumer(
    recipe: ConsumerRecipe, version: str, uses: Iterable[resolved.Provided], names: Names
) -> resolved.ConsumerBuild:
    """One release of a consumer recipe."""
    known = variables(recipe, version)
    return resolved.ConsumerBuild(
        prefix=names.prefix,
        name=recipe.name,
        version=version,
        wheel_version=names.local_version(wheel_version(recipe, version), recipe.build),
        provided=tuple(uses),
        needs=_needs(recipe.requires),
        environment={key: fill(value, known) for key, value in recipe.environment.items()},
        config_settings={key: fill(value, known) for key, value in recipe.config_settings.items()},
        grafts=recipe.grafts,
        dlopen=recipe.dlopen,
        sources=_sources(recipe, version),
        patches=recipe.versions[version].patches,
    )


def _needs(requires: Requires, holding: Iterable[When] = ()) -> resolved.Needs:
    programs = dict(requires.programs)
    for when in holding:
        programs |= when.programs
    return resolved.Needs(tools=requires.tools, programs=programs)


@cache
def _sources(recipe: Recipe, version: str) -> tuple[resolved.SourceFact, ...]:
    return tuple(
        resolved.SourceFact(origin=each.describe(), sha256=each.sha256)
        for each in recipe.versions[version].sources
    )


def _fill_all(texts: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fill(text, known) for text in texts)
