"""What the metadata of a site's own wheels say: licences, and who requires whom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from commonwheel.index.pages import file_place, metadata_place
from commonwheel.index.state import IndexedFile, State


@dataclass(frozen=True, kw_only=True)
class Described:
    """A wheel of this index and its metadata."""

    name: str
    file: IndexedFile
    fields: Message

    @property
    def summary(self) -> str:
        """One line."""
        return str(self.fields.get("Summary", ""))

    @property
    def subject(self) -> str:
        """The summary without what the library wheels of our recipes all say."""
        return self.summary.partition(", shared by the Python wheels")[0]

    @property
    def licence(self) -> str:
        """The SPDX expression (PEP 639), or what older metadata say, if that is short."""
        said = self.fields.get("License-Expression") or self.fields.get("License") or ""
        return "" if "\n" in said else str(said)

    @property
    def homepage(self) -> str:
        """Upstream's, where the metadata have it as an address of the web."""
        for label_and_url in self.fields.get_all("Project-URL", []):
            label, _, url = label_and_url.partition(",")
            if label.strip().lower() == "homepage" and url.strip().startswith("https://"):
                return str(url.strip())
        return ""

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """What it always requires: no extras."""
        return tuple(_requirements(self.fields))


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A release that requires a project.

    Args:
        project: normalised.
        version: the newest that requires it and is not yanked.
        range: of the required project's versions; empty: any.
    """

    project: str
    version: str
    range: str


def describe(state: State, root: Path) -> list[Described]:
    """The wheels that the site holds, by file name."""
    return [
        Described(name=name, file=file, fields=_fields(root, name, file))
        for name, file in sorted(state.files.items())
        if file.url is None and file.metadata is not None
    ]


def consumers(
    project: str, described: Sequence[Described], state: State, *, libraries: bool
) -> list[Consumer]:
    """Who on this index requires a project.

    Args:
        project: normalised.
        described: all wheels.
        state: says what is yanked.
        libraries: library wheels, or all others.
    """
    found: dict[str, Consumer] = {}
    for wheel in described:
        is_library, yanked = wheel.file.line is not None, state.yanked_because(wheel.file)
        if is_library is not libraries or yanked is not None:
            continue
        for requirement in wheel.requirements:
            if canonicalize_name(requirement.name) == project:
                new = Consumer(
                    project=wheel.file.project,
                    version=wheel.file.version,
                    range=", ".join(sorted(map(str, requirement.specifier), reverse=True)),
                )
                old = found.setdefault(new.project, new)
                found[new.project] = max(old, new, key=lambda each: Version(each.version))
    return [found[name] for name in sorted(found)]


def unmet(state: State, described: Sequence[Described]) -> Mapping[str, Sequence[str]]:
    """Projects that wheels of this index require and that it does not list, with who does."""
    found: dict[str, set[str]] = {}
    for wheel in described:
        for requirement in wheel.requirements:
            name = canonicalize_name(requirement.name)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if applies and name not in state.projects:
                found.setdefault(name, set()).add(wheel.file.project)
    return {name: sorted(found[name]) for name in sorted(found)}


def _fields(root: Path, name: str, file: IndexedFile) -> Message:
    place = metadata_place(file_place(file.project, name))
    return HeaderParser().parsestr((root / place).read_text(encoding="utf-8"))


def _requirements(fields: Message) -> Iterator[Requirement]:
    for text in fields.get_all("Requires-Dist", []):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # older than PEP 508; installers pass it over, or complain themselves
        if "extra ==" not in str(requirement.marker or ""):
            yield requirement
