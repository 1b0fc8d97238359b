"""What fetching needs to know of its host, gathered once and passed down."""

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commonwheel.recipe.address import redacted

# pip reads [global], then the section of its command, and the environment wins over both.
_PIP_SECTIONS = ("global", "install", "download")
_TRUE = {"1", "true", "yes", "on", "y", "t"}


@dataclass(frozen=True, kw_only=True)
class PipSettings:
    """Which indexes pip uses on this host.

    Args:
        index_url: None where pip's own default applies.
        extra_index_urls: asked as well.
        find_links: folders or pages with files; those that do not exist are passed over.
        trusted_hosts: ``host`` or ``host:port`` whose certificates are not verified.
        no_index: only ``find_links``.
        certificates: file of CA certificates.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False
    certificates: Path | None = None

    @property
    def places(self) -> list[str]:
        """All that packages may come from, without user names and passwords."""
        index = [] if self.no_index else [self.index_url or "default", *self.extra_index_urls]
        return [redacted(place) for place in (*index, *self.find_links)]


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """How sources are fetched.

    Args:
        cache: folder that all runs and processes share; ``sources/`` and ``apt/`` are made in it.
        offline: use the cache only.
        pip: where ``pypi:`` sources are looked for.
        certificates: file of CA certificates for downloads; None: the HTTP library's own.
        apt_configuration: the host's apt folder, which is only read.
        retries: further tries after one that got nothing new.
        connect_timeout: seconds until a server that does not answer is given up.
        read_timeout: seconds without a byte until a transfer is tried again.
        backoff: seconds before the first new try; doubled for each further one.
    """

    cache: Path
    offline: bool = False
    pip: PipSettings = field(default_factory=PipSettings)
    certificates: Path | None = None
    apt_configuration: Path = Path("/etc/apt")
    retries: int = 4
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    backoff: float = 0.5


def settings_from_environment(
    environ: Mapping[str, str], cache: Path, offline: bool
) -> SourceSettings:
    """The settings of this host: pip's files and variables, and the usual certificate variables."""
    pip = pip_settings(environ)
    named = (environ.get(key) for key in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"))
    bundle = next((Path(name) for name in named if name), None)
    return SourceSettings(
        cache=cache, offline=offline, pip=pip, certificates=pip.certificates or bundle
    )


def pip_settings(environ: Mapping[str, str]) -> PipSettings:
    """Read pip's configuration as pip does, without pip: later files and the environment win."""
    options = _file_options(environ)
    for key, value in environ.items():
        if key.startswith("PIP_") and value:
            options[_option(key.removeprefix("PIP_"))] = value
    certificates = options.get("cert")
    return PipSettings(
        index_url=options.get("index-url"),
        extra_index_urls=tuple(options.get("extra-index-url", "").split()),
        find_links=tuple(options.get("find-links", "").split()),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        no_index=options.get("no-index", "").lower() in _TRUE,
        certificates=Path(certificates) if certificates else None,
    )


def _option(name: str) -> str:
    return name.lower().replace("_", "-")


def _file_options(environ: Mapping[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    parsers = [_read(path) for path in _pip_files(environ)]
    for section in _PIP_SECTIONS:
        for parser in parsers:
            if parser.has_section(section):
                options.update((_option(key), value) for key, value in parser.items(section))
    return options


def _read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()  # pip itself will say what is wrong with its file
    return parser


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    # https://pip.pypa.io/en/stable/topics/configuration/, sections "Location" and "Precedence"
    own = environ.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder) / "pip/pip.conf"
    yield Path("/etc/pip.conf")
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    if home is not None and not (own and Path(own).exists()):
        yield home / ".pip/pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if own:
        yield Path(own)
