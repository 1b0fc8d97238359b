"""Where a source comes from: a URL, a Debian source package, an index, a git repository."""

from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from commonwheel.recipe.address import redacted
from commonwheel.recipe.fields import Model, Sha256, Text, Url, as_list, is_url


def is_no_option(value: str) -> str:
    if value.startswith("-"):
        msg = "not a URL: git would take what begins with '-' for an option"
        raise ValueError(msg)
    return value


class UrlSource(Model):
    """A file at a URL, with mirrors that are tried in order."""

    url: Annotated[Url, Field(description="Where upstream serves it.")]
    mirrors: Annotated[
        tuple[Url, ...],
        BeforeValidator(as_list),
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
        AfterValidator(is_url),
        AfterValidator(is_no_option),
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

assert {get_args(kind)[1].tag for kind in get_args(get_args(Source)[0])} == set(SOURCE_KINDS)
