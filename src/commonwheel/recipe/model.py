"""The recipe as written. The JSON Schema and the reference page are generated from these classes.

Everything a field needs to say to a recipe's author stands in its ``description``. What goes into a
build may hold placeholders: ``{version}``, ``{name}``, each variable that a release sets, and
``{<library>.prefix}``, ``.lib``, ``.include``, ``.share`` and ``.version`` of each library in use.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from commonwheel.recipe.address import redacted

SCHEMA_VERSION = 1

NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
SHA256 = r"^[0-9a-f]{64}$"

Name = Annotated[str, Field(pattern=NAME)]
Sha256 = Annotated[str, Field(pattern=SHA256)]
Text = Annotated[str, Field(min_length=1)]


def _is_url(value: str) -> str:
    try:
        split = urlsplit(value)
    except ValueError as error:
        msg = f"not a URL: {error}"
        raise ValueError(msg) from None
    if split.scheme in {"http", "https"} and not split.hostname:
        msg = "not a URL: it has no host"
        raise ValueError(msg)
    return value


def _is_no_option(value: str) -> str:
    if value.startswith("-"):
        msg = "not a URL: git would take what begins with '-' for an option"
        raise ValueError(msg)
    return value


Url = Annotated[str, Field(pattern=r"^(https?|file)://"), AfterValidator(_is_url)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list)]


class Model(BaseModel):
    """Frozen, spelled in kebab-case in YAML, and strict about unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.rstrip("_").replace("_", "-"),
    )


class UrlSource(Model):
    """A file at a URL, with mirrors that are tried in order."""

    url: Annotated[Url, Field(description="Where upstream serves it.")]
    mirrors: Annotated[
        tuple[Url, ...],
        BeforeValidator(_as_list),
        Field(description="Other URLs of the same bytes, tried in order."),
    ] = ()
    sha256: Annotated[Sha256, Field(description="Of the file, as 64 hexadecimal digits.")]

    def describe(self) -> str:
        """The source in a message."""
        return redacted(self.url)


class DebianSource(Model):
    """The upstream tarball of a Debian source package, through the host's own apt configuration."""

    debian: Annotated[Text, Field(description="Name of the Debian source package.")]
    version: Annotated[
        Text,
        Field(
            description="Upstream's part of the Debian version, without epoch and revision; "
            "any revision of it serves, since they share the tarball."
        ),
    ]
    suite: Annotated[
        Text | None,
        Field(description="Suite to look in; by default every stable one that is served."),
    ] = None
    component: Annotated[
        Text | None,
        Field(description="Additional tarball (`orig-<component>`) instead of the main one."),
    ] = None
    sha256: Annotated[Sha256, Field(description="Of the tarball, as 64 hexadecimal digits.")]

    def describe(self) -> str:
        """The source in a message."""
        part = f" (component {self.component})" if self.component else ""
        suite = f" in {self.suite}" if self.suite else ""
        return f"Debian source {self.debian} {self.version}{part}{suite}"


class PypiSource(Model):
    """A source distribution on the Python package index that pip is configured for."""

    pypi: Annotated[Text, Field(description="Name of the project on the index.")]
    version: Annotated[Text, Field(description="Version of the source distribution.")]
    sha256: Annotated[Sha256, Field(description="Of the sdist, as 64 hexadecimal digits.")]

    def describe(self) -> str:
        """The source in a message."""
        return f"sdist {self.pypi} {self.version}"


class GitSource(Model):
    """A commit of a git repository, as the stream that `git archive --format=tar` gives."""

    git: Annotated[
        Text,
        AfterValidator(_is_url),
        AfterValidator(_is_no_option),
        Field(
            description="URL of the repository, as git takes it.",
            json_schema_extra={"pattern": "^[^-]"},
        ),
    ]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$", description="Full commit id.")]
    sha256: Annotated[
        Sha256,
        Field(
            description="Of the archive stream, with the prefix `<repository>-<commit>/`, hashes "
            "not abbreviated and no ref known to git (`export-subst` would show them)."
        ),
    ]

    def describe(self) -> str:
        """The source in a message."""
        return f"git {redacted(self.git)} at {self.commit[:12]}"


SOURCE_KINDS = ("url", "debian", "pypi", "git")


def _source_kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((kind for kind in SOURCE_KINDS if kind in keys), None)


Source = Annotated[
    Annotated[UrlSource, Tag("url")]
    | Annotated[DebianSource, Tag("debian")]
    | Annotated[PypiSource, Tag("pypi")]
    | Annotated[GitSource, Tag("git")],
    Discriminator(
        _source_kind,
        custom_error_type="source_kind",
        custom_error_message="a source needs one of the keys url, debian, pypi or git",
    ),
]


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
            "wheel accepts. Default: the oldest release of the library's newest line that the "
            "range admits."
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
            "`recipes/constraints.txt` pins them. Those of the driver come by themselves."
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
        Literal["cmake", "autotools"],
        Field(description="Build system that upstream's source uses."),
    ]
    languages: Annotated[
        tuple[Literal["c", "c++"], ...], Field(description="Languages whose compilers are needed.")
    ] = ("c",)
    directory: Annotated[
        Text, Field(description="Folder of the source tree that holds the build files.")
    ] = "."
    options: Annotated[
        Texts, Field(description="Arguments of the configuration step (`-DX=ON`, `--disable-x`).")
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
        Field(description="How the library finds it: next to its own file, or inside of it."),
    ] = "relative"


class Waiver(Model):
    """A gate that this recipe's wheels may fail."""

    gate: Annotated[str, Field(pattern=r"^CW[0-9]{3}$", description="Id of the gate.")]
    reason: Annotated[Text, Field(description="Why it is right here.")]


class Recipe(Model):
    """What both kinds of recipe say."""

    schema_: Annotated[
        int,
        Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION, description="Version of the recipe format."),
    ]
    name: Annotated[Name, Field(description="Name of the recipe; unique over both kinds.")]
    summary: Annotated[Text, Field(description="One line for the wheel's metadata.")]
    homepage: Annotated[str, Field(pattern=r"^https?://", description="Upstream's page.")]
    license: Annotated[Text, Field(description="SPDX licence expression of the whole wheel.")]
    versions: Annotated[
        dict[str, Release], Field(min_length=1, description="Releases by upstream's version.")
    ]
    waivers: Annotated[
        tuple[Waiver, ...], Field(description="Gates that may fail, each with its reason.")
    ] = ()


class LibraryRecipe(Recipe):
    """How one native library is fetched, built, exported and checked."""

    license_files: Annotated[
        tuple[Text, ...],
        Field(min_length=1, description="Licence texts in the source tree, as patterns."),
        BeforeValidator(_as_list),
    ]
    abi: Annotated[Abi, Field(description="What the library promises.")]
    requires: Annotated[Requires, Field(description="What the build needs.")] = Requires()
    build: Annotated[Build, Field(description="How it is built.")]
    products: Annotated[Products, Field(description="What the build must leave.")] = Products()
    data: Annotated[tuple[Data, ...], Field(description="Run-time data of the library.")] = ()
    singleton: Annotated[
        bool,
        Field(description="Two copies of it in one process are dangerous (HDF5, OpenSSL, SQLite)."),
    ] = False
    consumers: Annotated[
        tuple[Name, ...], Field(description="Consumer recipes that `build-<name>` builds as well.")
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
        Texts, Field(description="Files and folders of the sdist that the tests need beside them.")
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
            "`patch` asks `_commonwheel.data_dir(…)`."
        ),
    ] = {}
    test: Annotated[Test, Field(description="Upstream's own test suite.")]


AnyRecipe = LibraryRecipe | ConsumerRecipe
KINDS: dict[str, type[LibraryRecipe] | type[ConsumerRecipe]] = {
    "libraries": LibraryRecipe,
    "consumers": ConsumerRecipe,
}

assert {get_args(kind)[1].tag for kind in get_args(get_args(Source)[0])} == set(SOURCE_KINDS)
