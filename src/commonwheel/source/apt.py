"""apt-get with a state folder of its own: the host's package lists are neither used nor changed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Sources
from debian.debian_support import Version

from commonwheel.process import run
from commonwheel.source.apt_config import AptEntry, Kind

_TIMEOUT = 900.0

# "-c" is read after the host's files, so "#clear" takes away the hooks that those define: they
# would tell the desktop of updates, or empty the host's own archive cache.
_CONFIGURATION = """\
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/sources.list.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "{timeout}";
Acquire::https::Timeout "{timeout}";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


@dataclass(frozen=True, kw_only=True)
class Tarball:
    """One tarball of one release of a source package."""

    version: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class DebianRelease:
    """One release of a source package, as a suite's index lists it."""

    package: str
    version: Version
    homepage: str
    tarballs: tuple[Tarball, ...]

    @property
    def upstream(self) -> str:
        """Upstream's part of the version, as Debian spells it (``1.5.7+dfsg``)."""
        return str(self.version.upstream_version)


@dataclass(frozen=True, kw_only=True)
class AptSuite:
    """One suite of Debian, with its own lists below ``folder``.

    Args:
        folder: of the suite and kind alone.
        suite: its codename.
        kind: whether its lists are of sources or of packages.
    """

    folder: Path
    suite: str
    kind: Kind = "deb-src"

    def prepare(self, archives: Sequence[AptEntry], *, timeout: float) -> None:
        """Write the private configuration; cheap, so it follows the host's at each use."""
        for name in ("state", "lists/partial", "cache/archives/partial", "sources.list.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        text = _CONFIGURATION.format(folder=self.folder, timeout=max(1, round(timeout)))
        self._configuration.write_text(text, encoding="utf-8")
        sources = "\n".join(archive.deb822(self.suite, self.kind) for archive in archives)
        path = self.folder / "sources.list.d/commonwheel.sources"
        path.write_text(sources, encoding="utf-8")

    def has_lists(self) -> bool:
        pattern = "*_source_Sources*" if self.kind == "deb-src" else "*_Packages*"
        return any((self.folder / "lists").glob(pattern))

    def update(self) -> None:
        run(["apt-get", "-c", self._configuration, "-q", "update"], timeout=_TIMEOUT)

    def releases(self, *packages: str) -> tuple[DebianRelease, ...]:
        """All releases of source packages; empty when the suite has none of them."""
        command: list[str | Path] = [
            "apt-cache",
            "-c",
            self._configuration,
            "showsrc",
            "--only-source",
        ]
        done = run([*command, *packages], check=False, timeout=_TIMEOUT)
        return tuple(each for each in releases_of(done.output) if each.package in packages)

    def download(self, package: str, version: str, folder: Path) -> None:
        """Bring the tarballs of a release into ``folder``."""
        command: list[str | Path] = [
            "apt-get",
            "-c",
            self._configuration,
            "-q",
            "source",
            "--download-only",
        ]
        wanted = f"{package}={version}"
        run([*command, "--tar-only", "--only-source", wanted], cwd=folder, timeout=_TIMEOUT)

    def available(self) -> str:
        """The index of packages, each in its highest version; the kind has to be ``deb``."""
        return run(["apt-cache", "-c", self._configuration, "dumpavail"], timeout=_TIMEOUT).output

    def download_package(self, package: str, version: str, folder: Path) -> None:
        """Bring a package into ``folder``, which apt holds against the index's sha256."""
        command: list[str | Path] = ["apt-get", "-c", self._configuration, "-q", "download"]
        run([*command, f"{package}={version}"], cwd=folder, timeout=_TIMEOUT)

    @property
    def _configuration(self) -> Path:
        return self.folder / "apt.conf"


def releases_of(showsrc: str) -> tuple[DebianRelease, ...]:
    """Read ``apt-cache showsrc``."""
    lines = [line for line in showsrc.splitlines() if not re.match(r"[WNE]: ", line)]
    return tuple(
        DebianRelease(
            package=str(paragraph.get("Package", "")),
            version=Version(str(paragraph.get("Version", "0"))),
            homepage=str(paragraph.get("Homepage", "")),
            tarballs=tuple(_tarballs(paragraph)),
        )
        for paragraph in Sources.iter_paragraphs(lines, use_apt_pkg=False)
    )


def _tarballs(paragraph: Sources) -> Iterator[Tarball]:
    version = str(paragraph.get("Version", "0"))
    for row in paragraph.get("Checksums-Sha256", []):
        if re.search(r"\.tar\.\w+$", row["name"]):
            size = int(row["size"])
            yield Tarball(version=version, name=row["name"], size=size, sha256=row["sha256"])


def tarballs_of(releases: Iterable[DebianRelease], upstream: str) -> tuple[Tarball, ...]:
    """The tarballs of the highest revision of ``upstream``; empty when there is none."""
    fitting = [release for release in releases if release.upstream == upstream]
    return max(fitting, key=lambda release: release.version).tarballs if fitting else ()


def choose(tarballs: Sequence[Tarball], component: str | None) -> Tarball | None:
    """The ``orig`` tarball of ``component``, or a native package's only one."""
    middle = rf"\.orig-{re.escape(component)}" if component else r"(?<!\.debian)(?:\.orig)?"
    pattern = re.compile(rf"[^_]+_[^_]+?{middle}\.tar\.\w+")
    fitting = [tarball for tarball in tarballs if pattern.fullmatch(tarball.name)]
    main = [tarball for tarball in fitting if component or ".orig-" not in tarball.name]
    return main[0] if main else None
