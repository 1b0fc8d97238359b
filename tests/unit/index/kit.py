"""Tiny wheels and sdists, and a reader of sites that is not ours: pypi-simple."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pypi_simple import DistributionPackage, ProjectPage

from commonwheel.abi.encoding import to_json
from commonwheel.abi.snapshot import Exported, Library, Snapshot
from commonwheel.abi.soname import upstream as upstream_soname
from commonwheel.index.mirror import Upstream
from commonwheel.index.publish import Outcome, Request, publish
from commonwheel.index.state import IndexedFile
from commonwheel.names import Names
from commonwheel.wheel import write_wheel
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name

NAMES = Names()
NOW = "2026-01-02T03:04:05.000000Z"
LATER = "2026-02-03T04:05:06.000000Z"
BASE = "http://here"


def wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    content: str = "",
    requires_python: str = ">=3.9",
    members: Mapping[str, bytes] | None = None,
) -> Path:
    """A wheel with one module, named as the project, that knows its version and ``content``."""
    folder.mkdir(parents=True, exist_ok=True)
    file = make_wheel_name(name, version, tag)
    metadata = make_metadata(
        name=name,
        version=version,
        summary=f"{name} of a test",
        license_expression="MIT",
        requires_dist=requires,
        requires_python=requires_python,
        project_urls={"Homepage": f"https://{name}.example"},
    )
    module = f"{file.distribution}.py"
    members = {
        module: f"VERSION = {version!r}\nCONTENT = {content!r}\n".encode(),
        f"{file.dist_info}/METADATA": metadata,
        f"{file.dist_info}/WHEEL": make_wheel_file(file.tags, purelib=True, generator="a test"),
        **{path.format(info=file.dist_info): raw for path, raw in (members or {}).items()},
    }
    path = folder / str(file)
    write_wheel(path, members)
    return path


def library(
    folder: Path,
    line: str,
    version: str,
    *,
    libraries: Mapping[str, str | bytes] | None = None,
    names: Names = NAMES,
    manifest: Mapping[str, Any] | None = None,
    more: Mapping[str, bytes] | None = None,
    **others: Any,
) -> Path:
    """A library wheel.

    Args:
        libraries: by tagged SONAME, public symbols for a snapshot that the wheel carries, or an ELF
            file for one without a snapshot.
        manifest: facts in the place of those that follow from the rest.
        more: other members.
    """
    libraries = {"libdemo-commonwheel.so.1": "demo"} if libraries is None else libraries
    facts = {
        "schema": 1,
        "line": line,
        "distribution": names.distribution(line),
        "module": names.module(line),
        "version": version,
        "upstream-version": version,
        "stability": "line",
        "libraries": [
            {"soname": s, "upstream": upstream_soname(s, names), "role": "public"}
            for s in libraries
        ],
        "source": {"origin": f"https://{line}.example/{version}.tar.gz", "sha256": "5" * 64},
        "patches": ["0001-mend.patch"],
        **(manifest or {}),
    }
    place = names.module(line).replace(".", "/")
    raw = {soname: each for soname, each in libraries.items() if isinstance(each, bytes)}
    members = {f"{place}/lib/{soname}": content for soname, content in raw.items()}
    members[f"{{info}}/{names.manifest}"] = json.dumps(facts).encode()
    symbols = {soname: each for soname, each in libraries.items() if isinstance(each, str)}
    if symbols:
        taken = snapshot(line, version, symbols, names)
        members[f"{{info}}/{names.snapshot}"] = to_json(taken).encode()
    members |= more or {}
    return wheel(folder, names.distribution(line), version, members=members, **others)


def snapshot(line: str, version: str, symbols: Mapping[str, str], names: Names) -> Snapshot:
    """The snapshot of a library wheel, from public symbols by tagged SONAME."""
    libraries = [
        Library(
            soname=upstream_soname(soname, names),
            tagged=soname,
            evidence=("headers",),
            symbols=tuple(
                Exported(name, None, True, "global", "func", None, True)
                for name in sorted(each.split())
            ),
        )
        for soname, each in symbols.items()
    ]
    return Snapshot(
        name=f"{line}-{version}",
        release=version,
        line=line,
        arch="x86_64",
        libc="glibc",
        source="5" * 64,
        libraries=tuple(libraries),
    )


def sdist(folder: Path, name: str, version: str, *, said: str = "") -> Path:
    """An sdist; its metadata say ``said`` in place of its version."""
    folder.mkdir(parents=True, exist_ok=True)
    content = f"Metadata-Version: 2.2\nName: {name}\nVersion: {said or version}\n".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    path = folder / f"{name}-{version}.tar.gz"
    path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return path


def upstream(files: Mapping[str, IndexedFile] | None = None) -> Upstream:
    """A reader of an upstream index that has these files, and no others."""

    def read(wanted: Requirement) -> dict[str, IndexedFile]:
        return {n: f for n, f in (files or {}).items() if f.project == wanted.name}

    return read


def listed(name: str, **facts: Any) -> dict[str, IndexedFile]:
    """A file as an upstream index offers it."""
    project, version = name.split("-")[:2]
    known = {
        "project": project,
        "version": version.removesuffix(".tar.gz"),
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "size": 100,
        "metadata": "7" * 64 if name.endswith(".whl") else None,
        "url": f"https://files.example/{name}",
    }
    return {name: IndexedFile(**{**known, **facts})}


def run(
    site: Path, *paths: Path, reader: Upstream | None = None, now: str = NOW, **request: Any
) -> Outcome:
    """Publish."""
    mirror = [Requirement(word) for word in request.pop("mirror", ())]
    asked = Request(paths=paths, mirror=mirror, now=now, **request)
    return publish(site, asked, NAMES, reader or upstream())


def page(site: Path, project: str) -> ProjectPage:
    """A project's HTML page, as pypi-simple reads it."""
    html = (site / "simple" / project / "index.html").read_text(encoding="utf-8")
    return ProjectPage.from_html(project, html, base_url=f"{BASE}/simple/{project}/")


def json_page(site: Path, project: str) -> ProjectPage:
    """A project's JSON page, as pypi-simple reads it."""
    data = json.loads((site / "simple" / project / "index.json").read_bytes())
    return ProjectPage.from_json_data(data, base_url=f"{BASE}/simple/{project}/")


def tree(site: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    return {
        str(file.relative_to(site)): file.read_bytes()
        for file in sorted(site.rglob("*"))
        if file.is_file() and file.name != ".commonwheel.lock"
    }


def assert_sound(site: Path) -> dict[str, DistributionPackage]:
    """All pages of a site can be followed, and say the truth; returns its packages by name."""
    found: dict[str, DistributionPackage] = {}
    for folder in sorted((site / "simple").glob("*/")):
        for reader, file in ((page, "index.html"), (json_page, "index.json")):
            if not (folder / file).exists():
                continue  # of a run that was killed between the two
            for package in reader(site, folder.name).packages:
                assert canonicalize_name(package.project or "") == folder.name
                found[package.filename] = package
                if package.url.startswith(BASE):
                    _assert_true(site, package)
    return found


def _assert_true(site: Path, package: DistributionPackage) -> None:
    place = site / unquote(package.url.removeprefix(f"{BASE}/"))
    raw = place.read_bytes()
    assert package.digests == {"sha256": hashlib.sha256(raw).hexdigest()}
    assert package.size in {None, len(raw)}
    if package.has_metadata:
        metadata = place.with_name(f"{place.name}.metadata").read_bytes()
        assert package.metadata_digests == {"sha256": hashlib.sha256(metadata).hexdigest()}
