"""What is said of a wheel: licences, parts, releases, metadata; and what cannot be read."""

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.metadata import Metadata
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from commonwheel.check.case import Case
from commonwheel.check.components import (
    covers,
    documents,
    expressions,
    normal_expression,
    schema_fault,
)
from commonwheel.check.gate import EVERY, MILD, OURS, Found, Gate
from commonwheel.check.inspect import Binary, Inspected
from commonwheel.check.releases import DATA_SETS, DataSet, UnreadableDataError, library_release
from commonwheel.errors import WheelError
from commonwheel.repair.classify import grafted_name
from commonwheel.wheel.name import normalise
from commonwheel.wheel.read import Wheel

SHOWN = 3


class LicenceExpression(Gate):
    """License-Expression is valid SPDX and names the licence of each part of the wheel.

    The parts are the components of its SBOM. Of alternatives (`MIT OR Apache-2.0`) one is enough.
    A consumer's METADATA is upstream's: where that has no expression, what the consumer bundles
    cannot be held against it.

    Why: people and their tools decide by this field whether they may ship the wheel.

    Fix: put the missing licence into the recipe's `license`, joined with `AND`.
    """

    id = "CW607"
    title = "License-Expression is valid and covers all parts"
    message = "{fault}"
    levels = OURS

    def check(self, case: Case) -> Found:
        """Parse the expression, and those of all components."""
        given = case.wheel.stated("License-Expression")[:1]
        whole = normal_expression(given[0]) if given else None
        if given and whole is None:
            yield self.finding(case, fault=f"License-Expression {given[0]!r} is no SPDX expression")
        elif whole is not None:
            yield from self._parts(case, whole)
        elif case.wheel.kind == "library":
            yield self.finding(case, fault="METADATA has no License-Expression")
        else:
            yield self.unchecked("upstream's METADATA has no License-Expression")

    def _parts(self, case: Case, whole: str) -> Found:
        for document in documents(case.contents, case.wheel.wheel.dist_info):
            for component in (document.root, *document.components):
                for text in expressions(component):
                    name, part = component.get("name"), normal_expression(text)
                    if part is None:
                        yield self.unchecked(f"{name}: {text!r} is no SPDX expression")
                    elif not covers(whole, part):
                        yield self.finding(
                            case, fault=f"{name} has {part}, which is not in {whole}"
                        )


class Parts(Gate):
    """SBOMs are valid CycloneDX, and ours name each ELF file and each data set of the wheel.

    Library wheels name each file, by its name, upstream's SONAME or its path below the prefix.
    Consumer wheels need one for what was grafted only. Wheels of others need none; those that
    they have must be valid by CycloneDX's own schema.

    Why: an advisory is about a release of a library; what no SBOM names is not found when the
    next one comes.

    Fix: name the program under `products.tools`, the library under `libraries`, the data folder
    under `data` in the recipe: the SBOM is made of these.
    """

    id = "CW608"
    title = "a valid SBOM names each ELF file and each data set"
    message = "{fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Validate each document, then look for each file."""
        found = documents(case.contents, case.wheel.wheel.dist_info)
        for document in found:
            if fault := schema_fault(document):
                yield self.finding(case, document.member, fault=f"is not valid: {fault}")
        names = {str(each.get("name")) for document in found for each in document.components}
        if case.wheel.kind == "library":
            yield from self._library(case, names)
        elif case.wheel.kind == "consumer":
            yield from self._grafted(case, names, has_document=bool(found))

    def _library(self, case: Case, names: set[str]) -> Found:
        manifest = case.wheel.manifest or {}
        upstream = {each["soname"]: each["upstream"] for each in manifest["libraries"]}
        for binary in case.wheel.binaries:
            if not names & set(_called(binary, case.wheel, upstream)):
                yield self.finding(case, binary.member, fault="no SBOM names this file")
        data = case.expected.data if case.expected else manifest.get("data", ())
        for folder in data:
            if folder not in names:
                yield self.finding(case, fault=f"no SBOM names the data set {folder}")

    def _grafted(self, case: Case, names: set[str], *, has_document: bool) -> Found:
        for binary in case.wheel.binaries:
            soname = grafted_name(binary.member)
            if soname is None or names & {binary.file_name, soname}:
                continue
            if has_document:
                reason = "the SBOM names packages, and does not say which of them has this file"
                yield self.unchecked(reason, binary.member)
            else:
                yield self.finding(case, binary.member, fault="no SBOM names this grafted library")


class ValidMetadata(Gate):
    """METADATA is valid, and METADATA and WHEEL agree with the file name.

    Why: indexes refuse what is not valid, and installers go by the file name while resolvers go by
    METADATA.

    Fix: upgrade the tool that wrote it; do not rename wheels: `wheel tags` changes both.
    """

    id = "CW609"
    title = "METADATA and WHEEL are valid and fit the file name"
    message = "{fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Validate METADATA, and compare name, version and tags."""
        wheel = case.wheel.wheel
        for fault in _metadata_faults(wheel):
            yield self.finding(case, wheel.info("METADATA"), fault=fault)
        for fault in _tag_faults(wheel):
            yield self.finding(case, wheel.info("WHEEL"), fault=fault)


class Record(Gate):
    """RECORD lists each file once, with its hash and size, and all names are safe.

    Why: installers that check RECORD refuse the wheel, others cannot remove what it does not list;
    a name with `..` or a symlink writes outside of site-packages.

    Fix: do not edit wheels by hand: `wheel unpack`, then `wheel pack`, writes RECORD anew.
    """

    id = "CW610"
    title = "RECORD is exact and all names are safe"
    message = "{fault}"
    levels = EVERY

    def check(self, case: Case) -> Found:
        """Hash each member; the first fault is shown."""
        try:
            case.wheel.wheel.verify(case.contents)
        except WheelError as error:
            member = error.where.partition(":")[2] if error.where else ""
            yield self.finding(case, member, fault=error.what)


class Releases(Gate):
    """Library, manifest, SBOM and data are of one release.

    Data sets that name the release that they were made for are asked: `proj.db` does. The release
    of a library that others have bundled is known where its file's name ends with it
    (`libproj-1eb8c554.so.25.9.5.1`).

    Why: PROJ refuses a database of another layout, or gives other coordinates with it; an SBOM
    of another release hides advisories.

    Fix: build the wheel again from one source; do not copy data from another installation.
    """

    id = "CW611"
    title = "library and data are of one release"
    message = "{fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Compare the releases that each part names."""
        if case.wheel.manifest is not None:
            yield from self._library(case, case.wheel.manifest)
        for data in DATA_SETS:
            for member in case.contents:
                if member.rpartition("/")[2] == data.file:
                    yield from self._data(case, data, member)

    def _library(self, case: Case, manifest: Mapping[str, Any]) -> Found:
        version, upstream = str(manifest["version"]), str(manifest.get("upstream-version"))
        if not _same_version(version, case.wheel.version):
            yield self.finding(
                case, fault=f"the manifest is of {version}, the wheel of {case.wheel.version}"
            )
        for document in documents(case.contents, case.wheel.wheel.dist_info):
            stated = document.root.get("version")
            if stated != upstream:
                fault = f"is of {stated}, the library of {upstream}"
                yield self.finding(case, document.member, fault=fault)

    def _data(self, case: Case, data: DataSet, member: str) -> Found:
        library = library_release(data.library, case.wheel.manifest, case.contents)
        if library is None:
            yield self.unchecked(f"the release of {data.library} is not known", member)
            return
        try:
            release = data.release(case.contents[member])
        except UnreadableDataError as error:
            yield self.unchecked(str(error), member)
            return
        if release != library:
            fault = f"is of {release}, {data.library} of {library}"
            yield self.finding(case, member, fault=fault)


class EqualRequirements(Gate):
    """All wheels of one version carry the same Requires-Dist.

    Why: uv, Poetry and PDM lock the requirements of all wheels of a version from one of them; on
    other platforms and Pythons the lock is wrong then.

    Fix: put differences into markers (`; sys_platform == "linux"`), and repair all wheels of a
    version against the same providers.
    """

    id = "CW612"
    title = "all wheels of one version have the same requirements"
    message = "{other} {fault}"
    levels = EVERY
    compares = True

    def check(self, case: Case) -> Found:
        """Compare with each other wheel of the version."""
        mine = _requirements(case.wheel)
        for other in case.family:
            if not _same_version(other.version, case.wheel.version):
                continue
            differences = [
                *(f"does not require {each}" for each in sorted(mine - _requirements(other))),
                *(f"requires {each}, too" for each in sorted(_requirements(other) - mine)),
            ]
            if differences:
                shown = "; ".join(differences[:SHOWN])
                yield self.finding(case, other=other.name, fault=shown)


class Malformed(Gate):
    """Each ELF file can be read.

    Why: a damaged file is one that no other gate could look at; the loader may refuse it, or not.

    Fix: build or download it again. If the loader takes it, it is our reader that is wrong: report
    it with the file.
    """

    id = "CW613"
    title = "each ELF file can be read"
    message = "cannot be checked: {fault}"
    levels = MILD

    def check(self, case: Case) -> Found:
        """Say which could not."""
        for member, fault in case.wheel.malformed.items():
            yield self.finding(case, member, fault=fault)


def _called(binary: Binary, wheel: Inspected, upstream: Mapping[str, str]) -> Iterator[str]:
    """The names by which an SBOM may mean a file of a library wheel."""
    assert wheel.provider is not None
    root = wheel.provider.module.replace(".", "/")
    yield binary.file_name
    yield (binary.installed or binary.member).removeprefix(f"{root}/")
    if binary.file_name in upstream:
        yield upstream[binary.file_name]


def _metadata_faults(wheel: Wheel) -> Iterator[str]:
    try:
        fields = wheel.metadata_fields
        Metadata.from_email(wheel.metadata, validate=True)
    except WheelError as error:
        yield error.what
        return
    except ExceptionGroup as group:
        yield from (str(error) for error in group.exceptions)
    name, version = str(fields.get("Name", "")), str(fields.get("Version", ""))
    if normalise(name) != normalise(wheel.name.distribution):
        yield f"Name is {name!r}"
    if not _same_version(version, wheel.name.version):
        yield f"Version is {version!r}"


def _tag_faults(wheel: Wheel) -> Iterator[str]:
    try:
        tags = {str(tag).strip() for tag in wheel.wheel_fields.get_all("Tag", ())}
    except WheelError as error:
        yield error.what
        return
    if tags != set(wheel.name.tags):
        yield f"its tags are not the file name's: {', '.join(sorted(tags)) or 'none'}"


def _same_version(one: str, other: str) -> bool:
    try:
        # A file name has an underscore where the version has a hyphen.
        return Version(one) == Version(other.replace("_", "-"))
    except InvalidVersion:
        return one == other


def _requirements(wheel: Inspected) -> set[str]:
    """Its Requires-Dist, each in one spelling."""
    found = set()
    for text in wheel.stated("Requires-Dist"):
        try:
            found.add(str(Requirement(text)))
        except InvalidRequirement:
            found.add(text)
    return found


GATES: tuple[Gate, ...] = (
    LicenceExpression(),
    Parts(),
    ValidMetadata(),
    Record(),
    Releases(),
    EqualRequirements(),
    Malformed(),
)
