"""The pages that installers read: HTML (PEP 503) and JSON (PEP 691), made from the state alone."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from commonwheel.index.state import IndexedFile, State, newest_first

FILES = PurePosixPath("files")
SIMPLE = PurePosixPath("simple")

# PEP 700: sizes and versions, which JSON must then have.
API_VERSION = "1.1"
API_VERSION_WITHOUT_SIZES = "1.0"

Page = tuple[PurePosixPath, str]
"""A path in the site, and its content."""


def file_place(project: str, name: str) -> PurePosixPath:
    """Where a site has a file of its own."""
    return FILES / project / name


def metadata_place(place: PurePosixPath) -> PurePosixPath:
    """Where the metadata of a file are (PEP 658)."""
    return place.with_name(f"{place.name}.metadata")


@cache
def templates() -> Environment:
    """The templates, which escape what they show."""
    return Environment(
        loader=PackageLoader("commonwheel.index"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def simple_pages(state: State) -> Iterator[Page]:
    """The pages of the simple API: those of projects first, the list of projects last."""
    for project, names in state.projects.items():
        files = {name: state.files[name] for name in names}
        sized = all(file.size is not None for file in files.values())
        api = API_VERSION if sized else API_VERSION_WITHOUT_SIZES
        yield _json(SIMPLE / project, _project(state, api, project, files))
        yield (
            SIMPLE / project / "index.html",
            templates()
            .get_template("project.html")
            .render(api=api, project=project, links=_links(state, files)),
        )
    listed = {
        "meta": {"api-version": API_VERSION},
        "projects": [{"name": p} for p in state.projects],
    }
    yield _json(SIMPLE, listed)
    projects = templates().get_template("projects.html")
    yield SIMPLE / "index.html", projects.render(api=API_VERSION, projects=state.projects)


def _json(folder: PurePosixPath, content: Mapping[str, Any]) -> Page:
    return folder / "index.json", json.dumps(content, indent=1) + "\n"


def _project(
    state: State, api: str, project: str, files: Mapping[str, IndexedFile]
) -> dict[str, Any]:
    page: dict[str, Any] = {
        "meta": {"api-version": api},
        "name": project,
        "files": [_file(state, name, file) for name, file in files.items()],
    }
    if api == API_VERSION:
        page["versions"] = newest_first(file.version for file in files.values())
    return page


def _file(state: State, name: str, file: IndexedFile) -> dict[str, Any]:
    yanked = state.yanked_because(file)
    metadata = {"sha256": file.metadata} if isinstance(file.metadata, str) else bool(file.metadata)
    facts = {
        "filename": name,
        "url": address(name, file),
        "hashes": {"sha256": file.sha256},
        "requires-python": file.requires_python,
        "size": file.size,
        "upload-time": file.uploaded,
        # PEP 714: the new key, and the one that older clients read.
        "core-metadata": metadata,
        "dist-info-metadata": metadata,
        # PEP 592: a reason, or true where none was given.
        "yanked": False if yanked is None else yanked or True,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _links(state: State, files: Mapping[str, IndexedFile]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "href": f"{address(name, file)}#sha256={file.sha256}",
            "requires_python": file.requires_python,
            "metadata": _metadata_attribute(file),
            "yanked": state.yanked_because(file),
        }
        for name, file in files.items()
    ]


def _metadata_attribute(file: IndexedFile) -> str | None:
    if isinstance(file.metadata, str):
        return f"sha256={file.metadata}"
    return "true" if file.metadata else None


def address(name: str, file: IndexedFile) -> str:
    """A file's address, from its project's page."""
    if file.url is not None:
        return file.url
    # "+" as well: S3 takes one in a path for a blank.
    return f"../../{quote(str(file_place(file.project, name)))}"
