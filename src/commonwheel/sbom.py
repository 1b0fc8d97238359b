"""The CycloneDX document of a library wheel (PEP 770): sources, files, data, what it links to."""

import re
import uuid
import warnings
from datetime import UTC, datetime

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from commonwheel.recipe.resolved import LibraryBuild, SourceFact

# A Debian source, a sdist or a commit has no URL of its own.
ADDRESS = re.compile(r"(https?|file)://")


def library_sbom(build: LibraryBuild, source: SourceFact, *, epoch: int) -> str:
    """The document as JSON, without anything that changes from run to run."""
    root = _library(build, source)
    providers = _providers(build)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{build.line}/{build.wheel_version}"),
        metadata=BomMetaData(component=root, timestamp=datetime.fromtimestamp(epoch, UTC)),
        components=[*_files(build), *providers],
    )
    bom.register_dependency(root, providers)
    with warnings.catch_warnings():
        # A library that needs no other is complete without an edge.
        warnings.filterwarnings("ignore", "The Component this BOM is describing", UserWarning)
        return JsonV1Dot6(bom).output_as_string(indent=2)


def _library(build: LibraryBuild, source: SourceFact) -> Component:
    website = ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(build.homepage))
    return Component(
        name=build.name,
        version=build.version,
        type=ComponentType.LIBRARY,
        bom_ref=build.line,
        description=build.summary,
        purl=PackageURL.from_string(build.purl) if build.purl else None,
        cpe=build.cpe,
        licenses=[LicenseExpression(build.license)],
        external_references=[website, _source_reference(build, source)],
    )


def _source_reference(build: LibraryBuild, source: SourceFact) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.SOURCE_DISTRIBUTION,
        url=XsUri(source.origin if ADDRESS.match(source.origin) else build.homepage),
        comment=source.origin,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=source.sha256)],
    )


def _files(build: LibraryBuild) -> list[Component]:
    """Libraries by upstream's SONAME, programs and data sets by their paths below the prefix.

    They have no digests: the document is written before they are built, and RECORD has them.
    """
    files = [library.soname for library in build.libraries]
    files += [f"bin/{tool}" for tool in build.products.tools]
    kinds = [(name, ComponentType.FILE) for name in files]
    kinds += [(folder, ComponentType.DATA) for folder in build.data]
    return [
        Component(
            name=name,
            version=build.version,
            type=kind,
            # One that is not given is drawn at random.
            bom_ref=f"{build.line}/{name}",
        )
        for name, kind in kinds
    ]


def _providers(build: LibraryBuild) -> list[Component]:
    return [
        Component(
            name=each.distribution,
            version=each.version,
            type=ComponentType.LIBRARY,
            bom_ref=each.line,
        )
        for each in build.provided
    ]
