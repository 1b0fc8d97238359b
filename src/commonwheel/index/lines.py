"""Pages for people: one for each ABI line, and an overview. No script, nothing from elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from packaging.version import Version

from commonwheel.abi.timeline import PICTURE
from commonwheel.index.changes import Built, Changes, changes, picture
from commonwheel.index.described import Described, consumers, describe
from commonwheel.index.pages import Page, file_place, templates
from commonwheel.index.site import abi_place, read_abi
from commonwheel.index.state import Origin, State, newest_first
from commonwheel.wheel.name import parse_wheel_name

LINES = PurePosixPath("lines")
# Of the symbols that a release adds or removes; the snapshots beside the page have all.
NAMES_SHOWN = 400
UNKNOWN_ADDRESS = "https://ADDRESS-OF-THIS-SITE"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release of a line, as its page shows it.

    Args:
        version: of the distribution.
        date: when the first of its files was indexed.
        yanked: why; None where it is not.
        files: its wheels.
        licence: SPDX.
        origin: what its wheels are built from.
        changes: its libraries, beside the release before.
        previous: version of the release before; empty for the first one.
    """

    version: str
    date: str
    yanked: str | None
    files: tuple[Mapping[str, Any], ...]
    licence: str
    origin: Origin
    changes: Changes
    previous: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line's wheels.

    Args:
        name: the line.
        wheels: of all its releases.
    """

    name: str
    wheels: tuple[Described, ...]

    @property
    def project(self) -> str:
        """The distribution."""
        return self.wheels[0].file.project

    @cached_property
    def versions(self) -> list[str]:
        """Its releases, newest first."""
        return newest_first(wheel.file.version for wheel in self.wheels)

    def of(self, version: str) -> list[Described]:
        """The wheels of one release."""
        return [wheel for wheel in self.wheels if wheel.file.version == version]

    def newest(self, state: State) -> Described:
        """A wheel of the newest release that is not yanked; of the newest, where all are."""
        ranked = sorted(self.wheels, key=lambda w: (_stands(state, w), Version(w.file.version)))
        return ranked[-1]


def _stands(state: State, wheel: Described) -> bool:
    return state.yanked_because(wheel.file) is None


def human_pages(
    state: State, root: Path, described: Sequence[Described] | None = None
) -> Iterator[Page]:
    """A page for each line, then the overview."""
    described = describe(state, root) if described is None else described
    lines = _lines(described)
    address = state.url or UNKNOWN_ADDRESS
    for line in lines:
        built = _built(line, root)
        releases = _releases(line, built, state)
        page = (
            templates()
            .get_template("line.html")
            .render(
                line=line.name,
                project=line.project,
                newest=line.newest(state),
                releases=releases,
                breaks=any("breaking" in each.changes.verdicts.values() for each in releases),
                picture=picture(line.name, list(reversed(built.values()))),
                picture_style=PICTURE,
                consumers=consumers(line.project, described, state, libraries=False),
                libraries=consumers(line.project, described, state, libraries=True),
                line_of={each.project: each.name for each in lines},
                address=address,
                snapshot_of=partial(_snapshot_href, line.name),
                shown=NAMES_SHOWN,
            )
        )
        yield LINES / line.name / "index.html", page
    owned = {line.project for line in lines}
    yield (
        PurePosixPath("index.html"),
        templates()
        .get_template("overview.html")
        .render(
            lines=[(line, line.newest(state), _users(line, described, state)) for line in lines],
            others=_others(state, owned),
            address=address,
        ),
    )


def _lines(described: Sequence[Described]) -> list[Line]:
    names = sorted({wheel.file.line for wheel in described if wheel.file.line is not None})
    return [
        Line(name=name, wheels=tuple(w for w in described if w.file.line == name)) for name in names
    ]


def _users(line: Line, described: Sequence[Described], state: State) -> int:
    return sum(len(consumers(line.project, described, state, libraries=k)) for k in (True, False))


def _built(line: Line, root: Path) -> dict[str, list[Built]]:
    """The wheels of each release, newest release first."""
    return {
        version: [
            Built(wheel=wheel.name, snapshot=read_abi(root, line.name, wheel.name))
            for wheel in line.of(version)
        ]
        for version in line.versions
    }


def _releases(line: Line, built: Mapping[str, Sequence[Built]], state: State) -> list[Release]:
    # Each beside the one before it; the oldest has none.
    pairs = zip(line.versions, [*line.versions[1:], ""], strict=True)
    return [
        _release(line.of(new), changes(built[new], built.get(old, ())), old, state)
        for new, old in pairs
    ]


def _release(wheels: Sequence[Described], found: Changes, previous: str, state: State) -> Release:
    file = wheels[0].file
    return Release(
        version=file.version,
        date=min(wheel.file.uploaded or "" for wheel in wheels)[:10],
        yanked=state.yanked_because(file),
        files=tuple(_file(wheel) for wheel in wheels),
        licence=wheels[0].licence,
        origin=file.origin or Origin(source=""),
        changes=found,
        previous=previous,
    )


def _snapshot_href(line: str, wheel: str) -> str:
    """From the line's page."""
    return quote(abi_place(line, wheel).name)


def _file(wheel: Described) -> Mapping[str, Any]:
    return {
        "name": wheel.name,
        "href": f"../../{quote(str(file_place(wheel.file.project, wheel.name)))}",
        "size": wheel.file.size,
        "sha256": wheel.file.sha256,
        "platforms": parse_wheel_name(wheel.name).platform,
    }


def _others(state: State, owned: set[str]) -> list[Mapping[str, Any]]:
    """Projects without a page of their own: consumers, and what is mirrored."""
    return [
        {
            "project": project,
            "newest": _newest(state, project),
            "own": sum(state.files[name].url is None for name in names),
            "mirrored": sum(state.files[name].url is not None for name in names),
        }
        for project, names in state.projects.items()
        if project not in owned
    ]


def _newest(state: State, project: str) -> str:
    files = [state.files[name] for name in state.projects[project]]
    standing = [file.version for file in files if state.yanked_because(file) is None]
    return newest_first(standing or [file.version for file in files])[0]
