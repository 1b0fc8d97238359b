"""The folder of a site: one run at a time, each file whole, what is published kept.

Files are written first, then the state that records them, then the pages that link to them. So a
run that is killed leaves pages whose links all lead somewhere, and the next run ends its work.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock

from commonwheel.abi.encoding import read_snapshot, to_json
from commonwheel.abi.snapshot import Snapshot
from commonwheel.cache.keys import file_digest
from commonwheel.errors import SiteError, SnapshotError
from commonwheel.files import replacing, write_atomically
from commonwheel.index import state
from commonwheel.index.artifact import Artifact
from commonwheel.index.pages import Page, file_place, metadata_place
from commonwheel.index.state import IndexedFile, State
from commonwheel.names import Names

LOCK = ".commonwheel.lock"
# GitHub Pages would run the site through Jekyll, which drops some files.
NO_JEKYLL = ".nojekyll"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site's folder, while this process alone writes to it."""

    root: Path

    @property
    def state_file(self) -> Path:
        """The record of what is published; what makes a folder a site."""
        return self.root / state.FILE

    def load(self, names: Names) -> State:
        """What is published.

        Raises:
            SiteError: the record is damaged, or the site belongs to another owner.
        """
        found = state.load(self.state_file)
        if found.prefix != names.prefix:
            raise SiteError(
                f"holds library wheels of {found.prefix!r}, and this run is for {names.prefix!r}",
                where=str(self.root),
                hint="name the commonwheel.toml of the site with --config, or another folder",
            )
        return found

    def holds(self, name: str, file: IndexedFile) -> bool:
        """Whether all is here that the pages say of a file of this site's own."""
        return all((self.root / place).is_file() for place in _places(name, file))

    def check(self, known: State) -> None:
        """Check that nothing published is gone.

        Raises:
            SiteError: a file is.
        """
        for name, file in known.files.items():
            if file.url is None and not self.holds(name, file):
                gone = next(p for p in _places(name, file) if not (self.root / p).is_file())
                raise SiteError(
                    f"{gone} is published, and is not there",
                    where=str(self.root),
                    hint="bring the whole published site back, or give the wheel again",
                )

    def store(self, artifact: Artifact) -> None:
        """Put a file, its metadata and its ABI where the pages will look for them."""
        name, file = artifact.path.name, artifact.indexed
        place = file_place(file.project, name)
        if file.line is not None and artifact.snapshot is not None:
            self.write(abi_place(file.line, name), to_json(artifact.snapshot))
        if artifact.metadata is not None:
            self._put(metadata_place(place)).write_bytes(artifact.metadata)
        with replacing(self._put(place)) as part:
            shutil.copyfile(artifact.path, part)
            if file_digest(part) != file.sha256:
                raise SiteError("changed while it was read", where=str(artifact.path))

    def _put(self, place: PurePosixPath) -> Path:
        target = self.root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def save(self, new: State) -> None:
        """Record what is published."""
        self.write(PurePosixPath(state.FILE), state.dump(new))

    def write_all(self, pages: Iterable[Page]) -> int:
        """Write those pages that differ from what is there; returns how many."""
        return sum([self.write(place, text) for place, text in pages])

    def write(self, place: PurePosixPath, text: str) -> bool:
        """Write a text file unless it is there already; returns whether it was written."""
        target = self._put(place)
        if target.is_file() and target.read_bytes() == text.encode():
            return False
        write_atomically(target, text)
        return True


def abi_place(line: str, wheel: str) -> PurePosixPath:
    """Where a site has the snapshot of a library wheel's ABI."""
    return PurePosixPath("lines") / line / f"{wheel.removesuffix('.whl')}.json"


def read_abi(root: Path, line: str, wheel: str) -> Snapshot:
    """The snapshot of a library wheel that a site has.

    Raises:
        SiteError: it is damaged.
    """
    place = abi_place(line, wheel)
    try:
        return read_snapshot(root / place)
    except SnapshotError as error:
        raise SiteError(
            error.what, where=str(place), hint="bring back the site's last published state"
        ) from None


def _places(name: str, file: IndexedFile) -> Iterator[PurePosixPath]:
    place = file_place(file.project, name)
    yield place
    if file.metadata is not None:
        yield metadata_place(place)
    if file.line is not None:
        yield abi_place(file.line, name)


@contextmanager
def opened(root: Path, names: Names) -> Iterator[Site]:
    """A site to write to; another run waits until this one is done.

    Raises:
        SiteError: the folder holds something else.
    """
    site = Site(root=root)
    if root.exists():
        _refuse_foreign(site)
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / LOCK):
        # Another run may have come first.
        _refuse_foreign(site)
        # What a killed run left: nobody else writes now.
        for part in root.rglob(".*.part"):
            part.unlink(missing_ok=True)
        if not site.state_file.exists():
            # First of all: without it a killed run would leave a folder that looks like another's.
            site.save(State(prefix=names.prefix))
        site.write(PurePosixPath(NO_JEKYLL), "")
        yield site


def _refuse_foreign(site: Site) -> None:
    # Under that name, such as git's own folder in a checkout of the branch that is served.
    others = [each.name for each in site.root.iterdir() if not each.name.startswith(".")]
    if others and not site.state_file.is_file():
        raise SiteError(
            f"is not a site of commonwheel's, and not empty: it has {min(others)}",
            where=str(site.root),
            hint=f"name a new folder, or one with the {state.FILE} of an earlier run",
        )
