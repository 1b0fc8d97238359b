"""apt-get with a state folder of its own: the host's package lists are neither used nor changed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Sources
from debian.debian_support import Version

from commonwheel.process import run
from commonwheel.source.apt_config import AptEntry

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
class AptSuite:
    """One suite of Debian, with its own lists below ``folder``."""

    folder: Path
    suite: str

    def prepare(self, archives: Sequence[AptEntry], *, timeout: float) -> None:
        """Write the private configuration; cheap, so it follows the host's at each use."""
        for name in ("state", "lists/partial", "cache/archives/partial", "sources.list.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        text = _CONFIGURATION.format(folder=self.folder, timeout=max(1, round(timeout)))
        self._configuration.write_text(text, encoding="utf-8")
        sources = "\n".join(archive.deb822(self.suite) for archive in archives)
        path = self.folder / "sources.list.d/commonwheel.sources"
        path.write_text(sources, encoding="utf-8")

    def has_lists(self) -> bool:
        return any((self.folder / "lists").glob("*_source_Sources*"))

    def update(self) -> None:
        run(["apt-get", "-c", self._configuration, "-q", "update"], timeout=_TIMEOUT)

    def tarballs(self, package: str, upstream: str) -> tuple[Tarball, ...]:
        """Those of the highest revision of ``upstream``; empty when the suite has none."""
        command: list[str | Path] = [
            "apt-cache",
            "-c",
            self._configuration,
            "showsrc",
            "--only-source",
        ]
        done = run([*command, package], check=False, timeout=_TIMEOUT)
        return tarballs_of(done.output, package, upstream)

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

    @property
    def _configuration(self) -> Path:
        return self.folder / "apt.conf"


def tarballs_of(showsrc: str, package: str, upstream: str) -> tuple[Tarball, ...]:
    """Read ``apt-cache showsrc``: the tarballs of the highest revision of ``upstream``."""
    lines = [line for line in showsrc.splitlines() if not re.match(r"[WNE]: ", line)]
    releases: dict[Version, Sources] = {}
    for paragraph in Sources.iter_paragraphs(lines, use_apt_pkg=False):
        version = Version(str(paragraph.get("Version", "0")))
        if paragraph.get("Package") == package and version.upstream_version == upstream:
            releases[version] = paragraph
    if not releases:
        return ()
    newest = max(releases)
    return tuple(
        Tarball(version=str(newest), name=row["name"], size=int(row["size"]), sha256=row["sha256"])
        for row in releases[newest].get("Checksums-Sha256", [])
        if re.search(r"\.tar\.\w+$", row["name"])
    )


def choose(tarballs: Sequence[Tarball], component: str | None) -> Tarball | None:
    """The ``orig`` tarball of ``component``, or a native package's only one."""
    middle = rf"\.orig-{re.escape(component)}" if component else r"(?<!\.debian)(?:\.orig)?"
    pattern = re.compile(rf"[^_]+_[^_]+?{middle}\.tar\.\w+")
    fitting = [tarball for tarball in tarballs if pattern.fullmatch(tarball.name)]
    main = [tarball for tarball in fitting if component or ".orig-" not in tarball.name]
    return main[0] if main else None
