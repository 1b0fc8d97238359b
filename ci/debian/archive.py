"""Packages of Debian's suites, unpacked, below the toolkit's cache.

The host's apt brings them, with a state of its own for each suite, and holds them against the
sha256 of the signed index.
"""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from debian.debian_support import Version
from filelock import FileLock

from commonwheel.cli.common import cache_folder
from commonwheel.process import run
from commonwheel.source.apt import AptSuite
from commonwheel.source.apt_config import debian_archives, host_entries

STABLE = ("bullseye", "bookworm", "trixie")
SUITES = (*STABLE, "sid")
# Point releases are months apart, and what is in sid is asked for by its version.
FRESH = 24 * 3600
TIMEOUT = 20.0
# Marks of transitions that renamed packages and kept SONAMEs: libgeos-c1v5 is libgeos-c1t64.
TRANSITION = re.compile(r"(?<=[0-9])(?:v5|c2a?|c102|ldbl|t64|a)(?=-|$)")
NUMBER = re.compile(r"[0-9]+[a-z]?(?:\.[0-9]+)*")
LIBRARIES = frozenset({"libs", "oldlibs"})
FIELD = re.compile(r"^(Package|Source|Version|Section|Depends|Architecture): (.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A binary package as the index of a suite lists it.

    Args:
        name: of the package.
        version: Debian's, with epoch and revision.
        source: the source package that it is built from.
        section: what it is filed under.
        depends: as written.
    """

    name: str
    version: str
    source: str
    section: str = ""
    depends: str = ""

    @property
    def family(self) -> str:
        """The name without the marks of transitions."""
        return TRANSITION.sub("", self.name)

    @property
    def stem(self) -> str:
        """The name without numbers either: it stays where the SONAME does not."""
        return NUMBER.sub("", self.family).replace("-", "")

    @property
    def own(self) -> tuple[str, ...]:
        """Packages that it depends on in its own version."""
        exact = rf"([a-z0-9][a-z0-9+.-]+)(?::\w+)? \(= {re.escape(self.version)}\)"
        return tuple(dict.fromkeys(re.findall(exact, self.depends)))


def packages_of(text: str) -> Iterator[Package]:
    """Read an index of packages."""
    for paragraph in text.split("\n\n"):
        fields: dict[str, str] = dict(FIELD.findall(paragraph))
        if "Package" in fields and "Version" in fields:
            yield Package(
                name=fields["Package"],
                version=fields["Version"],
                source=fields.get("Source", fields["Package"]).partition(" ")[0],
                section=fields.get("Section", "").rpartition("/")[2],
                depends=fields.get("Depends", ""),
            )


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The packages of one suite.

    Args:
        name: its codename.
        cache: the toolkit's.
    """

    name: str
    cache: Path = field(default_factory=lambda: cache_folder(os.environ))

    @cached_property
    def packages(self) -> Mapping[str, Package]:
        """All packages of the suite by name, from an index that is a day old at most."""
        stored = self._apt.folder / "packages.json"
        with self._held():
            if not stored.is_file() or time.time() - stored.stat().st_mtime > FRESH:
                self._apt.update()
                found = {each.name: asdict(each) for each in packages_of(self._apt.available())}
                part = stored.with_suffix(".part")
                part.write_text(json.dumps(found), encoding="utf-8")
                part.replace(stored)
        listed = json.loads(stored.read_text(encoding="utf-8"))
        return {name: Package(**each) for name, each in listed.items()}

    def same(self, package: Package) -> Package | None:
        """This suite's package of the same library in the same SONAME, by the name."""
        if package.name in self.packages:
            return self.packages[package.name]
        fitting = [each for each in self.packages.values() if each.family == package.family]
        own = [each for each in fitting if each.source == package.source]
        return next(iter(own or fitting), None)

    def siblings(self, package: Package) -> Sequence[Package]:
        """This suite's packages of the same source that are named alike but for numbers."""
        return [
            each
            for each in self.packages.values()
            if each.source == package.source
            and each.section in LIBRARIES
            and each.stem == package.stem
        ]

    def unpacked(self, package: Package) -> Path:
        """The folder that a package is unpacked in, its control files in ``DEBIAN``.

        Raises:
            ProcessError: apt or dpkg-deb failed.
        """
        target = self._unpacked / f"{package.name}_{package.version.replace(':', '%3a')}"
        self._unpacked.mkdir(parents=True, exist_ok=True)
        with FileLock(self._unpacked / f".{package.name}.lock"):
            if not target.is_dir():
                with tempfile.TemporaryDirectory(dir=self._unpacked, prefix=".") as text:
                    self._unpack(package, Path(text)).rename(target)
        return target

    def _unpack(self, package: Package, folder: Path) -> Path:
        with self._held():
            self._apt.download_package(package.name, package.version, folder)
        (archive,) = folder.glob("*.deb")
        run(["dpkg-deb", "--raw-extract", archive, folder / "content"])
        # Documentation is half of some packages.
        shutil.rmtree(folder / "content/usr/share", ignore_errors=True)
        return folder / "content"

    @property
    def _unpacked(self) -> Path:
        return self.cache / "debian"

    @property
    def _apt(self) -> AptSuite:
        folder = self.cache / "apt" / f"{self.name}-packages"
        return AptSuite(folder=folder, suite=self.name, kind="deb")

    def _held(self) -> FileLock:
        apt = self._apt
        apt.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(apt.folder / ".lock")
        with lock:
            apt.prepare(debian_archives(host_entries(Path("/etc/apt"))), timeout=TIMEOUT)
        return lock


def newest(packages: Sequence[Package]) -> Package:
    """The one of the highest version."""
    return max(packages, key=lambda each: Version(each.version))
