"""The recipe as written. The JSON Schema and the reference page are generated from these classes.

Everything a field needs to say to a recipe's author stands in its ``description``. What goes into a
build may hold placeholders: ``{version}``, ``{name}``, each variable that a release sets, and
``{<library>.prefix}``, ``.lib``, ``.include``, ``.share`` and ``.version`` of each library in use.
A library's build knows ``{install.prefix}``, too: the absolute prefix that it installs below.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from packaging.specifiers import SpecifierSet
from pydantic import BeforeValidator, Field

from commonwheel.recipe.fields import Model, Name, Text, Texts, as_list
from commonwheel.recipe.sources import Source

SCHEMA_VERSION = 1


class Release(Model):
    """One upstream release: where its source comes from and what is changed in it."""

    sources: Annotated[
        tuple[Source, ...],
        Field(
            min_length=1, description="In order of preference; each has the sha256 of its own file."
        ),
    ]
    patches: Annotated[
        Texts,
        Field(description="Files in `recipes/patches/<recipe>/`, applied in order, without fuzz."),
    ] = ()
    wheel_version: Annotated[
        Text | None,
        Field(description="Version of the wheel where upstream's is not PEP 440, or `X.postN`."),
    ] = None
    set: Annotated[
        dict[str, str],
        Field(description="Variables of this release, used elsewhere as `{name}` (`so: 25`)."),
    ] = {}


class ConsumerRelease(Release):
    """A release of a Python package; its sdist may come without the tests."""

    tests: Annotated[
        tuple[Source, ...],
        Field(
            description="Where the files of its tests are, if the sdist has none: upstream's whole "
            "source, in order of preference. `test.files` are looked for there, unpatched."
        ),
    ] = ()


class SharedLibrary(Model):
    """One shared library that the build installs."""

    soname: Annotated[
        str,
        Field(
            pattern=r"^lib[^/]+\.so(\.[^/]+)?$",
            description="DT_SONAME that upstream's build gives it.",
        ),
    ]
    role: Annotated[
        Literal["public", "private"],
        Field(
            description="`public`: consumers link to it. `private`: only the recipe's own "
            "libraries do; no linker script is made for it."
        ),
    ] = "public"
    exports: Annotated[
        Texts,
        Field(
            description="Patterns (`*`, `?`) of the symbols that are exported; all others are "
            "hidden while linking. Omitted: what upstream exports. Where upstream links with a "
            "version map, the map rules and the patterns are only checked."
        ),
    ] = ()


class Abi(Model):
    """What the library promises to those that link to it."""

    label: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z]([a-z0-9.]|\{[a-z][a-z0-9_.-]*\})*$",
            description="ABI label, part of the distribution's name. Default: `so` and the version "
            "in the first public library's SONAME.",
        ),
    ] = None
    libraries: Annotated[
        tuple[SharedLibrary, ...],
        Field(
            min_length=1, description="Every shared library that the build installs, and no other."
        ),
    ]
    stability: Annotated[
        Literal["line", "minor", "patch", "exact"],
        Field(
            description="How far a consumer may outlive the release that it was built against: "
            "any newer release of the `line`, of the same `minor` or `patch` series, or only the "
            "`exact` one."
        ),
    ] = "line"


class LibraryUse(Model):
    """How a recipe uses a library: which releases, and the one whose headers it is built with."""

    range: Annotated[
        str, Field(description="PEP 440 specifiers that the library's release must satisfy.")
    ] = ""
    build_against: Annotated[
        Text | None,
        Field(
            description="Release whose headers the build uses; it is also the oldest one that the "
            "wheel accepts. Default: of the line that is shipped, the oldest release that the "
            "range admits; that is the newest line, unless another recipe of the plan names a "
            "release of an older one."
        ),
    ] = None
    at_least: Annotated[
        Text | None,
        Field(
            description="Release below which the wheel's range may not begin. Ranges are computed; "
            "this is for a need that no symbol shows, or that only another wheel of the set has, "
            "which another machine builds."
        ),
    ] = None


def _as_use(value: Any) -> Any:
    # `zlib:` with nothing behind it, and `zlib: ">=1.2"`, are what an author writes first.
    match value:
        case None:
            return {}
        case str():
            return {"range": value}
        case _:
            return value


LibraryUses = dict[Name, Annotated[LibraryUse, BeforeValidator(_as_use)]]


class Requires(Model):
    """What a build needs beside the source."""

    tools: Annotated[
        Texts,
        Field(
            description="Build tools from the Python package index, as requirements; "
            "`recipes/constraints.txt` pins them, but for those that are pinned here "
            "(`cython==3.2.9`). Those of the driver come by themselves."
        ),
    ] = ()
    programs: Annotated[
        dict[str, str],
        Field(description="Programs that only the system has, with the package that brings each."),
    ] = {}
    libraries: Annotated[
        LibraryUses, Field(description="Libraries that this one links to, by recipe name.")
    ] = {}


class When(Model):
    """Additions that hold for some releases or platforms only."""

    version: Annotated[str | None, Field(description="PEP 440 specifiers of the releases.")] = None
    platform: Annotated[
        str | None,
        Field(description="Pattern of the platform, such as `linux-x86_64-glibc` or `*-musl`."),
    ] = None
    options: Annotated[Texts, Field(description="Options added behind the others.")] = ()
    environment: Annotated[dict[str, str], Field(description="Variables added or replaced.")] = {}
    programs: Annotated[
        dict[str, str],
        Field(description="More programs of the system, with the package that brings each."),
    ] = {}


class Build(Model):
    """How the source becomes an installed tree."""

    driver: Annotated[
        Literal["autotools", "cmake", "configure", "make", "meson"],
        Field(
            description="Build system of upstream's source. `configure` is a script that is not "
            "autotools' and knows `--prefix`; `make` a makefile that needs no configuration. Both "
            "work in a copy of the source."
        ),
    ]
    languages: Annotated[
        tuple[Literal["c", "c++", "fortran"], ...],
        Field(description="Languages whose compilers are needed; C is always one."),
    ] = ("c",)
    script: Annotated[
        Text, Field(description="Script that the driver `configure` runs with `sh`.")
    ] = "configure"
    directory: Annotated[
        Text, Field(description="Folder of the source tree that holds the build files.")
    ] = "."
    options: Annotated[
        Texts,
        Field(
            description="Arguments of the configuration step (`-DX=ON`, `--disable-x`); of the "
            "driver `make`, those of each call of make (`PREFIX={install.prefix}`)."
        ),
    ] = ()
    environment: Annotated[
        dict[str, str], Field(description="Environment of every build step.")
    ] = {}
    targets: Annotated[
        Texts, Field(description="Targets that are built. Default: the build system's own.")
    ] = ()
    install: Annotated[Texts, Field(description="Targets that install.")] = ("install",)
    when: Annotated[
        tuple[When, ...], Field(description="Additions for some releases or platforms.")
    ] = ()


class Products(Model):
    """Files that must exist when the build is done; a missing one fails it."""

    headers: Annotated[Texts, Field(description="Paths below `include/`.")] = ()
    data: Annotated[Texts, Field(description="Paths below the wheel's prefix.")] = ()
    tools: Annotated[
        Texts,
        Field(
            description="Programs in `bin/`, each reached through a console script of the wheel."
        ),
    ] = ()
    exclude: Annotated[
        Texts,
        Field(description="Patterns of installed files, below the prefix, that are left out."),
    ] = ()


class Data(Model):
    """A folder of run-time data that belongs to the library."""

    path: Annotated[Text, Field(description="Folder below the wheel's prefix (`share/proj`).")]
    found: Annotated[
        Literal["relative", "embedded"],
        Field(
            description="How the library finds it: next to its own file, or inside of it. It is "
            "said for readers; no build uses it."
        ),
    ] = "relative"


class Waiver(Model):
    """A gate that this recipe's wheels may fail."""

    gate: Annotated[
        str,
        Field(
            pattern=r"^CW(206|[4-9][0-9]{2})$",
            description="Id of the gate, CW206 or one from CW400 on: identity, closure and loading "
            "cannot be waived, but a private symbol that loads may be used by those who know.",
        ),
    ]
    reason: Annotated[Text, Field(description="Why it is right here.")]
    files: Annotated[
        Texts,
        Field(description="Patterns of the wheel's members that it is for. Default: all of them."),
    ] = ()
    symbols: Annotated[
        Texts,
        Field(
            description="Patterns of the symbols, version nodes or SONAMEs that a finding of CW801 "
            "is about. Default: all of them."
        ),
    ] = ()
    versions: Annotated[
        str, Field(description="PEP 440 specifiers of the releases that it is for.")
    ] = ""


class Recipe(Model):
    """What both kinds of recipe say."""

    schema_: Annotated[
        int,
        Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION, description="Version of the recipe format."),
    ]
    name: Annotated[Name, Field(description="Name of the recipe; unique over both kinds.")]
    summary: Annotated[Text, Field(description="One line for the wheel's metadata.")]
    homepage: Annotated[str, Field(pattern=r"^https?://", description="Upstream's page.")]
    purl: Annotated[
        str | None,
        Field(
            pattern=r"^pkg:[a-z][a-z0-9.+-]*/[^@?#\s]+$",
            description="Package URL of upstream's project, without a version "
            "(`pkg:github/madler/zlib`); with the release's it stands in the SBOM.",
        ),
    ] = None
    cpe: Annotated[
        str | None,
        Field(
            pattern=r"^cpe:2\.3:a:[^:\s]+:[^:\s]+$",
            description="The name in vulnerability databases, up to the product "
            "(`cpe:2.3:a:zlib:zlib`); with the release it stands in the SBOM.",
        ),
    ] = None
    license: Annotated[Text, Field(description="SPDX licence expression of the whole wheel.")]
    versions: Annotated[
        Mapping[str, Release], Field(min_length=1, description="Releases by upstream's version.")
    ]
    image: Annotated[
        Text | None,
        Field(
            description="Image of the containers that it is built in, with the engines docker and "
            "podman; `--image` wins. Default: `manylinux_2_28` or `musllinux_1_2`."
        ),
    ] = None
    waivers: Annotated[
        tuple[Waiver, ...],
        Field(
            description="Gates that may fail, each with its reason. One that nothing needs is an "
            "error."
        ),
    ] = ()

    def __hash__(self) -> int:
        # Equal recipes have equal names; the fields hold mappings, which have no hash.
        return hash(self.name)


class LibraryRecipe(Recipe):
    """How one native library is fetched, built, exported and checked."""

    license_files: Annotated[
        tuple[Text, ...],
        Field(min_length=1, description="Licence texts in the source tree, as patterns."),
        BeforeValidator(as_list),
    ]
    abi: Annotated[Abi, Field(description="What the library promises.")]
    requires: Annotated[Requires, Field(description="What the build needs.")] = Requires()
    build: Annotated[Build, Field(description="How it is built.")]
    products: Annotated[Products, Field(description="What the build must leave.")] = Products()
    data: Annotated[tuple[Data, ...], Field(description="Run-time data of the library.")] = ()
    singleton: Annotated[
        bool,
        Field(
            description="Two copies of it in one process are dangerous (HDF5, OpenSSL, SQLite). "
            "The wheel's manifest says so; nothing acts on it yet."
        ),
    ] = False
    consumers: Annotated[
        tuple[Name, ...],
        Field(
            description="Consumer recipes that `build-<name>` builds as well, where they can use "
            "the release."
        ),
    ] = ()


class KnownFailure(Model):
    """A test of upstream's that fails through no fault of the wheel; it runs all the same."""

    test: Annotated[
        Text,
        Field(description="pytest node id, without its parameters if it fails for some of them."),
    ]
    reason: Annotated[
        Text, Field(description="Why it fails, and why that is no fault of the wheel.")
    ]
    with_: Annotated[
        dict[Name, Text],
        Field(description="Only with these releases: ranges by library (`geos: '>=3.12'`)."),
    ] = {}


class Test(Model):
    """Upstream's own test suite, run against the finished wheel."""

    imports: Annotated[
        Texts, Field(description="Modules that must import, each in a fresh process.")
    ]
    requires: Annotated[
        Texts, Field(description="Requirements of the tests, from the package index.")
    ] = ()
    files: Annotated[
        Texts, Field(description="Files and folders of the source that the tests need beside them.")
    ] = ()
    command: Annotated[
        Texts, Field(description="Arguments of the Python that runs the suite (`-m pytest …`).")
    ] = ()
    known_failures: Annotated[
        tuple[KnownFailure, ...],
        Field(description="Tests that fail through no fault of the wheel."),
    ] = ()

    def holding(self, releases: Mapping[str, str]) -> "Test":
        """The same with the known failures that these releases (by library) have."""
        known = [
            each
            for each in self.known_failures
            if all(
                SpecifierSet(wanted).contains(releases[name]) for name, wanted in each.with_.items()
            )
        ]
        return self.model_copy(update={"known_failures": tuple(known)})


class ConsumerRecipe(Recipe):
    """How one sdist is built against library wheels, and tested with them."""

    versions: Annotated[
        Mapping[str, ConsumerRelease],
        Field(min_length=1, description="Releases by upstream's version."),
    ]
    build: Annotated[
        int, Field(ge=1, description="Build number: the N of the local version `+commonwheel.N`.")
    ] = 1
    python: Annotated[Text, Field(description="Range of Python versions (`>=3.10,<3.14`).")]
    uses: Annotated[
        LibraryUses, Field(min_length=1, description="Libraries that it uses, by recipe name.")
    ]
    requires: Annotated[Requires, Field(description="Build tools and programs beside its own.")] = (
        Requires()
    )
    environment: Annotated[
        dict[str, str],
        Field(description="Environment of the build; `{geos.lib}` and the like are filled in."),
    ] = {}
    config_settings: Annotated[
        dict[str, str], Field(description="PEP 517 config settings for its build backend.")
    ] = {}
    grafts: Annotated[
        Texts, Field(description="Libraries (patterns) that auditwheel may copy into the wheel.")
    ] = ()
    dlopen: Annotated[
        tuple[Name, ...], Field(description="Libraries used through dlopen, ctypes or cffi.")
    ] = ()
    data: Annotated[
        dict[Name, Literal["library", "patch"]],
        Field(
            description="How it finds each library's data: the `library` does so itself, or a "
            "`patch` asks `_commonwheel.data_dir(…)`. It is said for readers; no build uses it."
        ),
    ] = {}
    test: Annotated[Test, Field(description="Upstream's own test suite.")]


AnyRecipe = LibraryRecipe | ConsumerRecipe
KINDS: dict[str, type[LibraryRecipe] | type[ConsumerRecipe]] = {
    "libraries": LibraryRecipe,
    "consumers": ConsumerRecipe,
}
