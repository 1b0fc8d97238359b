"""What an index has published: the record from which every page is made.

It lies in the site itself, so that the site is all that has to be kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import TypeAdapter, ValidationError

from commonwheel.errors import SiteError

SCHEMA = 2
FILE = "commonwheel-index.json"
ANEW = (
    "an older commonwheel wrote it: make a site in a new folder from the wheels of this one "
    "(commonwheel index -o NEW OLD/files/*), and give --url, --mirror and --yank again"
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a library wheel is built from; the sources' sha256 is in its snapshot.

    Args:
        source: where the sources come from.
        patches: by name.
    """

    source: str
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IndexedFile:
    """One published wheel or sdist.

    Args:
        project: normalised (PEP 503).
        version: normalised (PEP 440).
        sha256: of the file, hexadecimal.
        size: bytes; None where an upstream index does not say.
        uploaded: ISO 8601, UTC; of a file of ours, when it was first indexed.
        requires_python: as in the file's metadata.
        metadata: sha256 of the metadata file beside it (PEP 658); True where an upstream index has
            one and no hash of it, None where there is none.
        yanked: upstream's reason (PEP 592); empty where it gives none, None: not yanked.
        url: of a file that stays with an upstream index; None for a file that the site holds.
        line: the ABI line of a library wheel of ours.
        origin: what that is built from.
    """

    project: str
    version: str
    sha256: str
    size: int | None = None
    uploaded: str | None = None
    requires_python: str | None = None
    metadata: str | Literal[True] | None = None
    yanked: str | None = None
    url: str | None = None
    line: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """All that an index has published.

    Args:
        schema: of the file; raised when it changes.
        prefix: owner of the library wheels.
        url: where the site is served, without a slash at its end; empty where nobody said so.
        files: by file name.
        yanked: what was yanked here: reason, which may be empty, by ``project==version``.
    """

    schema: int = SCHEMA
    prefix: str
    url: str = ""
    files: Mapping[str, IndexedFile] = field(default_factory=dict)
    yanked: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def projects(self) -> Mapping[str, tuple[str, ...]]:
        """File names by project, both sorted."""
        found: dict[str, list[str]] = {}
        for name, file in sorted(self.files.items()):
            found.setdefault(file.project, []).append(name)
        return {project: tuple(found[project]) for project in sorted(found)}

    def yanked_because(self, file: IndexedFile) -> str | None:
        """Why a file is yanked, here or upstream; None: it is not."""
        return self.yanked.get(release(file), file.yanked)

    def adding(self, files: Mapping[str, IndexedFile]) -> "State":
        """With more files, or newer facts on known ones.

        Raises:
            SiteError: a published name would get other bytes, or a name that belongs to library
                wheels would take upstream's files as well.
        """
        for name, file in files.items():
            known = self.files.get(name)
            if known is not None and known.sha256 != file.sha256:
                raise _other_bytes(name, known, file)
        joined = replace(self, files={**self.files, **files})
        joined.check_owners()
        return joined

    def check_owners(self) -> None:
        """Library wheels never share a name with files of an upstream index.

        Whoever owns the name there could publish a higher version, which would win.
        """
        owned = {file.project: name for name, file in self.files.items() if file.line is not None}
        for name, file in sorted(self.files.items()):
            if file.url is not None and file.project in owned:
                raise SiteError(
                    f"{name} of an upstream index cannot stand beside the library wheel "
                    f"{owned[file.project]}: upstream's next release would take its place",
                    where=file.project,
                    hint="a library wheel's name takes no files but this index's own",
                )

    def yanking(self, release_: str, reason: str) -> "State":
        """With all files of a release (``NAME==VERSION``) yanked (PEP 592).

        Raises:
            SiteError: the index has no such release.
        """
        return replace(self, yanked={**self.yanked, self._known(release_): reason})

    def restoring(self, release_: str) -> "State":
        """With a release that was yanked here yanked no more.

        Raises:
            SiteError: the index has no such release, or it was not yanked here.
        """
        key = self._known(release_)
        if key not in self.yanked:
            yanked = ", ".join(sorted(self.yanked)) or "none"
            raise SiteError(f"{key} is not yanked here", hint=f"what is: {yanked}")
        return replace(self, yanked={k: v for k, v in self.yanked.items() if k != key})

    def _known(self, release_: str) -> str:
        name, _, version = release_.partition("==")
        project = canonicalize_name(name)
        wanted = f"{project}=={Version(version)}"
        known = {release(self.files[file]) for file in self.projects.get(project, ())}
        if wanted not in known:
            listed = ", ".join(sorted(known)) or f"the index has no project {project}"
            raise SiteError(f"there is no {wanted} on this index", hint=f"there is: {listed}")
        return wanted


_ADAPTER = TypeAdapter(State)


def release(file: IndexedFile) -> str:
    """``project==version`` of a file."""
    return f"{file.project}=={file.version}"


def newest_first(versions: Iterable[str]) -> list[str]:
    """Versions, each once, by PEP 440's order reversed."""
    return sorted(set(versions), key=Version, reverse=True)


def dump(state: State) -> str:
    """The state file's text, the same for the same state."""
    ordered = replace(
        state,
        files=dict(sorted(state.files.items())),
        yanked=dict(sorted(state.yanked.items())),
    )
    return _ADAPTER.dump_json(ordered, indent=1, exclude_none=True).decode() + "\n"


def load(file: Path) -> State:
    """Read a state file.

    Raises:
        SiteError: it is damaged, or of another toolkit.
    """
    try:
        state = _ADAPTER.validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SiteError(
            f"is not what commonwheel wrote: {place + ': ' if place else ''}{first['msg']}",
            where=str(file),
            hint="bring back the site's last published state; the files that users have locked "
            "are recorded there",
        ) from None
    if state.schema != SCHEMA:
        raise SiteError(
            f"has schema {state.schema}, and this commonwheel reads schema {SCHEMA}",
            where=str(file),
            hint="upgrade commonwheel" if state.schema > SCHEMA else ANEW,
        )
    return state


def _other_bytes(name: str, known: IndexedFile, new: IndexedFile) -> SiteError:
    if new.url is not None:
        hint = (
            "upstream's file was replaced, or an upstream file and one of this index have one "
            "name: find out which before anybody installs it; nothing was changed"
        )
    else:
        hint = (
            "a published file never changes, since users have locked its hash: give the new wheel "
            "another name (raise 'build' in the recipe, or the version); nothing was changed"
        )
    return SiteError(
        f"is published with sha256 {known.sha256}, and the new file has {new.sha256}",
        where=name,
        hint=hint,
    )
