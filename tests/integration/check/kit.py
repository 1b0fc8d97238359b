"""Wheels for gates: small, real (gcc makes them), sound unless a test spoils them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commonwheel.abi.records import Records
from commonwheel.check.case import Case, Tools
from commonwheel.check.company import company, family, releases_beside
from commonwheel.check.expected import Expected
from commonwheel.check.finding import Report
from commonwheel.check.inspect import Inspected, inspect
from commonwheel.check.run import check_case
from commonwheel.names import Names
from commonwheel.process import run
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name
from commonwheel.wheel.write import write_wheel
from tests.integration.kit import PLAIN

# As a sound build has them (backend/toolchain.py).
HARDENED = (
    *("-O2", "-fPIC", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-fcf-protection=full"),
    *("-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack", "-Wl,--disable-new-dtags", "-s"),
)
# The lowest that is true of C code which calls nothing new.
TAG = "manylinux_2_5_x86_64"
NAMES = Names()


def compiled(
    folder: Path, name: str, source: str, *flags: str, hardened: bool = True, suffix: str = ".c"
) -> bytes:
    """A shared object; ``flags`` come last and so win (``-Wl,-soname,…``, ``-Wl,-rpath,…``)."""
    folder.mkdir(parents=True, exist_ok=True)
    code = folder / f"{name}{suffix}"
    code.write_text(source)
    own = HARDENED if hardened else ("-O2", "-fPIC")
    compiler = "g++" if suffix == ".cpp" else "gcc"
    target = folder / name
    run([compiler, "-shared", *own, "-o", target, code, *flags], env=PLAIN)
    return target.read_bytes()


def write(
    folder: Path,
    distribution: str,
    version: str,
    members: Mapping[str, bytes],
    *,
    tag: str = f"py3-none-{TAG}",
    requires: Sequence[str] = (),
    license_expression: str = "MIT",
    info: Mapping[str, bytes] | None = None,
) -> Path:
    """A wheel; ``info`` adds to or replaces files of its ``.dist-info``."""
    folder.mkdir(parents=True, exist_ok=True)
    name = make_wheel_name(distribution, version, tag)
    metadata = make_metadata(
        name=distribution,
        version=version,
        summary="of a test",
        license_expression=license_expression,
        license_files=["LICENSE"],
        requires_python=">=3.9",
        project_urls={},
        description="",
        requires_dist=requires,
    )
    files = {
        "METADATA": metadata,
        "WHEEL": make_wheel_file([tag], purelib=False, generator="a test"),
        "licenses/LICENSE": b"MIT\n",
        **(info or {}),
    }
    own = {f"{name.dist_info}/{path}": content for path, content in files.items()}
    path = folder / str(name)
    write_wheel(path, {**members, **own}, epoch=1_500_000_000)
    return path


def library(
    folder: Path,
    line: str,
    version: str,
    libraries: Mapping[str, bytes],
    *,
    members: Mapping[str, bytes] | None = None,
    outside: Mapping[str, bytes] | None = None,
    requires: Sequence[str] = (),
    upstream: Mapping[str, str] | None = None,
    info: Mapping[str, bytes] | None = None,
    **others: Any,
) -> Path:
    """A library wheel of ``libraries`` (tagged SONAME → content), with a manifest and an SBOM.

    ``members`` lie below its prefix, ``outside`` do not.
    """
    package = NAMES.module(line).replace(".", "/")
    manifest = {
        "schema": 1,
        "name": line.partition("-")[0],
        "line": line,
        "distribution": NAMES.distribution(line),
        "module": NAMES.module(line),
        "version": version,
        "upstream-version": version,
        "stability": "line",
        "libraries": [
            {
                "soname": soname,
                "upstream": (upstream or {}).get(soname, soname.replace("-commonwheel", "")),
                "role": "public",
            }
            for soname in libraries
        ],
        "data": [],
    }
    files = {f"{package}/lib/{soname}": content for soname, content in libraries.items()}
    files |= {f"{package}/{path}": content for path, content in (members or {}).items()}
    own = {
        NAMES.manifest: json.dumps(manifest).encode(),
        "sboms/commonwheel.cdx.json": sbom(line, version, list(libraries)),
    }
    init = {f"{package}/__init__.py": b""}
    return write(
        folder,
        NAMES.distribution(line),
        version,
        {**init, **files, **(outside or {})},
        requires=requires,
        info={**own, **(info or {})},
        **others,
    )


def sbom(line: str, version: str, files: Sequence[str]) -> bytes:
    """A CycloneDX document with a component for each file, as the kit writes them."""
    component = {
        "type": "library",
        "name": line,
        "version": version,
        "bom-ref": line,
        "licenses": [{"expression": "MIT"}],
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component},
        "components": [
            {"type": "file", "name": file, "version": version, "bom-ref": f"{line}/{file}"}
            for file in files
        ],
    }
    return json.dumps(document).encode()


def seen(path: Path) -> Inspected:
    """A wheel that is held against others."""
    return inspect(path, NAMES)[0]


def checked(
    path: Path,
    *beside: Path,
    expected: Expected | None = None,
    claimed: Sequence[str] = (),
    tools: Tools | None = None,
    records: Records | None = None,
) -> Report:
    """The report on a wheel, in the company of others."""
    wheel, contents = inspect(path, NAMES)
    known = [seen(other) for other in beside]
    return check_case(
        Case(
            wheel=wheel,
            contents=contents,
            others=company(wheel, known),
            releases=releases_beside(wheel, known),
            family=family(wheel, known),
            expected=expected,
            claimed=frozenset(claimed),
            records=records or Records(),
            tools=tools or Tools(),
        )
    )


def findings(report: Report, gate: str) -> list[str]:
    """``member: message`` of a gate's findings."""
    return [each.removeprefix(report.wheel).lstrip(": ") for each in found(report).get(gate, [])]


def found(report: Report) -> dict[str, list[str]]:
    """``where: message`` of each finding that is not waived, by gate."""
    by_gate: dict[str, list[str]] = {}
    for each in report.findings:
        if each.waiver is None:
            by_gate.setdefault(each.gate, []).append(f"{each.where}: {each.message}")
    return by_gate


def unchecked(report: Report) -> dict[str, list[str]]:
    """The reasons of gates that could not look, by gate."""
    return {
        outcome.gate: [each.reason for each in outcome.unchecked]
        for outcome in report.outcomes
        if outcome.unchecked
    }
