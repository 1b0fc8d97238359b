"""Fetch a source: from the cache, or from the first of a recipe's places that has it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from commonwheel.errors import CommonwheelError, SourceError
from commonwheel.recipe.address import file_name, redacted
from commonwheel.recipe.sources import DebianSource, GitSource, PypiSource, Source, UrlSource
from commonwheel.source.progress import NullProgress, Progress
from commonwheel.source.settings import SourceSettings
from commonwheel.source.store import Slot

_HINT = (
    "Is there a network, and may it be used? A place that is gone for good wants a mirror: add one "
    "under `mirrors:`, or another source, in the recipe."
)
_WRONG = (
    "A wrong sha256 means that the file was replaced, cut, or pinned wrongly: compare it with what "
    "upstream publishes before changing the recipe."
)


@dataclass(frozen=True, kw_only=True)
class FetchedSource:
    """A verified file in the cache, and which of the recipe's sources it is."""

    path: Path
    sha256: str
    source: Source
    from_cache: bool


def fetch(
    sources: Sequence[Source],
    settings: SourceSettings,
    progress: Progress | None = None,
    *,
    name: str = "NAME",
) -> FetchedSource:
    """The first of ``sources`` that is in the cache, else the first that can be had.

    Args:
        sources: in order of preference; each has its own sha256.
        settings: of this run.
        progress: told of each transfer.
        name: the recipe's, for the command in a message.

    Raises:
        SourceError: none can be had; the text holds what each place said.
    """
    if found := find_cached(sources, settings):
        return found
    if settings.offline:
        raise _offline_error(sources, name)
    problems: list[str] = []
    for source in sources:
        found = _fetch_one(source, settings, progress or NullProgress(), problems)
        if found is not None:
            return found
    raise _error(problems, name)


def find_cached(sources: Sequence[Source], settings: SourceSettings) -> FetchedSource | None:
    """The first of ``sources`` that is in the cache."""
    for source in sources:
        path = cached(source, settings)
        if path is not None:
            return _fetched(path, source, from_cache=True)
    return None


def cached(source: Source, settings: SourceSettings) -> Path | None:
    """The file of ``source`` in the cache, or None; hashed again only if it looks touched."""
    slot = Slot.of(settings.cache, source.sha256)
    path = slot.use()
    if path is None and slot.has_candidates():
        with slot.lock():
            path = slot.verified()
    return path


def _fetched(path: Path, source: Source, *, from_cache: bool) -> FetchedSource:
    return FetchedSource(path=path, sha256=source.sha256, source=source, from_cache=from_cache)


def _fetch_one(
    source: Source, settings: SourceSettings, progress: Progress, problems: list[str]
) -> FetchedSource | None:
    slot = Slot.of(settings.cache, source.sha256)
    with slot.lock():
        path = slot.verified()  # another process may have brought it while this one waited
        if path is not None:
            return _fetched(path, source, from_cache=True)
        for label, attempt in _attempts(source, slot, settings, progress):
            try:
                return _fetched(attempt(), source, from_cache=False)
            except CommonwheelError as error:
                problems.append(f"{label}: {error}")
            except OSError as error:
                problems.append(f"{label}: {error.filename or slot.folder}: {error.strerror}")
    return None


def _attempts(
    source: Source, slot: Slot, settings: SourceSettings, progress: Progress
) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Each place of ``source``, with what brings its file into ``slot``."""
    # Clients of indexes are slow to import, and what is cached needs none of them.
    from commonwheel.source.debian import fetch_debian  # noqa: PLC0415
    from commonwheel.source.git import fetch_git  # noqa: PLC0415

    match source:
        case UrlSource():
            for url in (source.url, *source.mirrors):
                yield redacted(url), partial(_from_url, url, slot, settings, progress)
        case PypiSource():
            yield source.describe(), partial(_from_index, source, slot, settings, progress)
        case DebianSource():
            bring = partial(fetch_debian, source, settings=settings, progress=progress)
            yield source.describe(), partial(_from_folder, slot, bring)
        case GitSource():
            bring = partial(fetch_git, source, progress=progress)
            yield source.describe(), partial(_from_folder, slot, bring)


def _from_index(
    source: PypiSource, slot: Slot, settings: SourceSettings, progress: Progress
) -> Path:
    from commonwheel.source.pypi import find_sdist  # noqa: PLC0415

    return _from_url(find_sdist(source, settings), slot, settings, progress)


def _from_url(url: str, slot: Slot, settings: SourceSettings, progress: Progress) -> Path:
    from commonwheel.source.download import download  # noqa: PLC0415

    name = file_name(url)
    part = slot.part(name)
    download(url, part, settings, progress)
    return slot.store(part, name)


def _from_folder(slot: Slot, bring: Callable[[Path], Path]) -> Path:
    for stale in slot.folder.glob(".work-*"):
        shutil.rmtree(stale, ignore_errors=True)  # of a killed run: this one holds the lock
    with tempfile.TemporaryDirectory(dir=slot.folder, prefix=".work-") as folder:
        path = bring(Path(folder))
        return slot.store(path, path.name)


def _error(problems: Sequence[str], name: str) -> SourceError:
    said = "\n  ".join(f"- {problem}".replace("\n", "\n  ") for problem in problems)
    wrong = any("but the recipe pins" in problem for problem in problems)
    what = f"no source of {name} could be had:" if name != "NAME" else "no source could be had:"
    return SourceError(f"{what}\n  {said}", hint=f"{_WRONG} {_HINT}" if wrong else _HINT)


def _offline_error(sources: Sequence[Source], name: str) -> SourceError:
    places = " or ".join(source.describe() for source in sources) or "any source"
    return SourceError(
        f"offline, and not in the cache: {places}",
        hint=f"Warm the cache while there is a network: commonwheel fetch {name}",
    )
