"""The CycloneDX documents of a wheel (PEP 770), and the licences of what they name."""

import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from commonwheel.check.inspect import Contents


@dataclass(frozen=True, kw_only=True)
class Document:
    """One CycloneDX document.

    Args:
        member: its name in the archive.
        data: its content; empty where it is no JSON object.
        text: the same as it was read.
        fault: why it could not be read; empty where it could.
    """

    member: str
    data: Mapping[str, Any]
    text: str
    fault: str = ""

    @property
    def root(self) -> Mapping[str, Any]:
        """What the document is about."""
        metadata = self.data.get("metadata")
        component = metadata.get("component") if isinstance(metadata, dict) else None
        return component if isinstance(component, dict) else {}

    @property
    def components(self) -> list[Mapping[str, Any]]:
        """All others, also those inside others; some tools list the root again, which is left out.

        A document that is not valid may hold anything: what is no object is passed over.
        """
        return [each for each in _inside(self.data) if _identity(each) != _identity(self.root)]


def _inside(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = holder.get("components")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield each
            yield from _inside(each)


def _identity(component: Mapping[str, Any]) -> tuple[Any, Any]:
    return component.get("name"), component.get("version")


def documents(contents: Contents, dist_info: str) -> list[Document]:
    """The CycloneDX documents of a wheel; those of other formats are left out."""
    folder = f"{dist_info}/sboms/"
    members = [m for m in contents if m.startswith(folder) and m.endswith(".json")]
    return [found for member in members if (found := _document(member, contents[member]))]


def _document(member: str, content: bytes) -> Document | None:
    text = content.decode("utf-8", errors="replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Document(member=member, data={}, text=text, fault=f"is not JSON: {error}")
    if not isinstance(data, dict):
        return Document(member=member, data={}, text=text, fault="is not a JSON object")
    if data.get("bomFormat") == "CycloneDX" or member.endswith(".cdx.json"):
        return Document(member=member, data=data, text=text)
    return None


def schema_fault(document: Document) -> str | None:
    """What CycloneDX's own schema finds wrong first; None for a valid document."""
    if document.fault:
        return document.fault
    stated = document.data.get("specVersion")
    try:
        error = _validator(str(stated)).validate_str(document.text)
    except (ValueError, NotImplementedError):
        return f"specVersion {stated!r} is none with a JSON schema"
    except RecursionError:
        return "is nested too deeply"
    if error is None:
        return None
    path = "/".join(str(part) for part in error.data.absolute_path)
    return f"{path or 'the document'}: {error.data.message[:200]}"


@cache
def _validator(version: str) -> Any:
    # With jsonschema it takes 0.15 s to import: only wheels with a document pay for it.
    schema = importlib.import_module("cyclonedx.schema").SchemaVersion.from_version(version)
    return importlib.import_module("cyclonedx.validation.json").JsonStrictValidator(schema)


def expressions(component: Mapping[str, Any]) -> list[str]:
    """The SPDX expressions of a component, all of which apply; a licence without an id by name."""
    found = []
    listed = component.get("licenses")
    for each in listed if isinstance(listed, list) else ():
        licence = each.get("license", each) if isinstance(each, dict) else {}
        texts = (licence.get(key) for key in ("expression", "id", "name"))
        found += [text for text in texts if isinstance(text, str)][:1]
    return found


def normal_expression(text: str) -> str | None:
    """An SPDX expression as PEP 639 writes it; None for what is none."""
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None


def covers(whole: str, part: str) -> bool:
    """Whether a wheel's expression names the licences of one part of it.

    Of alternatives (``OR``) it may have chosen one; of all others it must name each. Both are
    expressions of :func:`normal_expression`.
    """
    licensing = _licensing()
    names = {str(each) for each in licensing.license_symbols(whole, decompose=False)}
    return _covered(licensing.parse(part), names)


def _covered(node: Any, names: set[str]) -> bool:
    if isinstance(node, _licensing().OR):
        return any(_covered(each, names) for each in node.args)
    if isinstance(node, _licensing().AND):
        return all(_covered(each, names) for each in node.args)
    return str(node) in names


@cache
def _licensing() -> Any:
    # 0.05 s to import, and not needed for wheels whose parts state no licence.
    return importlib.import_module("license_expression").Licensing()
