"""The layout of a staged project: all that one build needs, and nothing else.

::

    pyproject.toml        names commonwheel.backend, found in toolkit/
    job.json              the resolved recipe and the facts that go into the manifest
    source/               unpacked and patched source
    providers/*.whl       the library wheels that the build sees
    sbom.cdx.json         library wheels only
    toolkit/commonwheel/  the part of this package that runs inside a build
    build/                made by the build: its trees, the assembled prefix, the toolchain

For a container there are beside it ``inside/``, all of this package with what it needs, and what
repair, gates and tests are told (:mod:`commonwheel.engine.inside`).
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from commonwheel.recipe.resolved import ConsumerBuild, LibraryBuild, from_json


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """What ``job.json`` says.

    Args:
        kind: which of the two ``build`` is.
        build: the resolved recipe.
        key: build key, for the manifest.
        engine: what built it, for the manifest (``host``, ``docker``).
        image: what the container is made of, with its digest; empty where there is none.
        epoch: SOURCE_DATE_EPOCH of the build, in seconds.
        source: origin and sha256 of the source file that was used.
        backend: of a consumer: the build backend that its sdist names, and its ``backend-path``.
    """

    kind: Literal["library", "consumer"]
    build: LibraryBuild | ConsumerBuild
    key: str
    engine: str
    epoch: int
    source: dict[str, str]
    image: str = ""
    backend: str = ""
    backend_path: tuple[str, ...] = ()

    def dump(self) -> str:
        """The text of ``job.json``."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def parse(cls, text: str) -> "JobFile":
        """Read what :meth:`dump` wrote."""
        data: dict[str, Any] = json.loads(text)
        kind = LibraryBuild if data["kind"] == "library" else ConsumerBuild
        build = from_json(kind, data["build"])
        return cls(**{**data, "build": build, "backend_path": tuple(data["backend_path"])})


@dataclass(frozen=True, kw_only=True)
class StagedProject:
    """Paths inside a staged project."""

    root: Path

    @property
    def job_file(self) -> Path:
        """What is built."""
        return self.root / "job.json"

    @property
    def source(self) -> Path:
        """The patched source tree."""
        return self.root / "source"

    @property
    def providers(self) -> Path:
        """Folder of library wheels."""
        return self.root / "providers"

    @property
    def sbom(self) -> Path:
        """CycloneDX document of a library wheel."""
        return self.root / "sbom.cdx.json"

    @property
    def toolkit(self) -> Path:
        """Folder that the frontend puts on ``sys.path``."""
        return self.root / "toolkit"

    @property
    def build(self) -> Path:
        """Everything that the build makes."""
        return self.root / "build"

    @property
    def prebuilt(self) -> Path:
        """Folder of a wheel that is there already; it is finished, or tested, and nothing built."""
        return self.root / "prebuilt"

    @property
    def finishing(self) -> Path:
        """What repair and gates are told, where they run in a container."""
        return self.root / "finishing.json"

    @property
    def trial(self) -> Path:
        """What the tests of a consumer are told, where they run in a container."""
        return self.root / "trial.json"

    def job(self) -> JobFile:
        """What is built."""
        return JobFile.parse(self.job_file.read_text(encoding="utf-8"))
