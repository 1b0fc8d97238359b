"""A new upstream release, put into a recipe beside the one that it is made from."""

import difflib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from commonwheel.author.acquire import Acquired, Acquirer
from commonwheel.author.edit import NewRelease, RecipeText, SourceEntry, Value
from commonwheel.author.folders import refuse_shipped
from commonwheel.author.sdist import requires_python
from commonwheel.author.versions import parsed, readdressed
from commonwheel.errors import CommonwheelError, SourceError, UsageError
from commonwheel.files import replacing
from commonwheel.recipe.address import redacted
from commonwheel.recipe.load import Loaded, RecipeSet
from commonwheel.recipe.model import ConsumerRecipe, ConsumerRelease, LibraryRecipe, Recipe
from commonwheel.recipe.resolve import sort_key
from commonwheel.recipe.sources import DebianSource, GitSource, PypiSource, Source, UrlSource
from commonwheel.source.apt_config import MOVING
from commonwheel.source.patch import already_applied, apply_patches
from commonwheel.source.unpack import unpack

_UNREACHED = "with the sha256 of what it serves; it was not reached from where this was written."


@dataclass(frozen=True, kw_only=True)
class Bump:
    """A recipe's text with one more release, and what its author must look at."""

    file: Path
    before: str
    after: str
    notes: tuple[str, ...]

    @property
    def diff(self) -> str:
        """A unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            fromfile=f"a/{self.file.name}",
            tofile=f"b/{self.file.name}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Replace the file, whole or not at all.

        Raises:
            UsageError: the file has changed since it was read.
        """
        target = self.file.resolve()
        if _read(target) != self.before:
            raise UsageError(
                f"{self.file} has changed while sources were fetched",
                hint="run the command again: what it fetched is in the cache now",
            )
        with replacing(target) as part:
            part.write_bytes(self.after.encode())
            shutil.copymode(target, part)


def bump(
    recipes: RecipeSet,
    name: str,
    version: str,
    *,
    acquirer: Acquirer,
    wheel_version: str | None = None,
) -> Bump:
    """Make an entry for release ``version`` out of the nearest listed one.

    Each source is fetched and hashed; one that cannot be had is left out. Nothing is written.

    Raises:
        UsageError: there is no such recipe, it is the toolkit's, it lists the release, or the
            version is not PEP 440 and no ``wheel_version`` is given.
        SourceError: no source of the release can be had.
        RecipeError: the text cannot be edited, or the result is not a right recipe.
    """
    recipe = recipes[name]
    entry = recipes.loaded[name]
    refuse_shipped(recipes, entry.folder, name)
    _refuse_known(entry, version)
    key = parsed(wheel_version or version)
    if key is None:
        raise UsageError(
            f"'{wheel_version or version}' is not a PEP 440 version",
            hint="name the version of the wheel: --wheel-version X (1.1.1w could be 1.1.1.post23)",
        )
    beside = _nearest(recipe, key)
    text = _read(entry.file)
    editor = RecipeText(text, entry.document.source)
    gathered = _Gathering(entry=entry, beside=beside, version=version, key=key, acquirer=acquirer)
    gathered.sources()
    patches = gathered.patches()
    gathered.look_around()
    release = NewRelease(
        version=version,
        beside=beside,
        sources=tuple(gathered.entries),
        patches=tuple(patches),
        dropped=("wheel-version", "tests"),
        added={"wheel-version": wheel_version} if wheel_version else {},
    )
    after = editor.with_release(
        release,
        before=(key < sort_key(recipe, beside)) != _is_descending(recipe),
        build="build" in entry.document.value and isinstance(recipe, ConsumerRecipe),
    )
    recipes.with_draft(entry.file, after)
    notes = [*gathered.notes, *_carried_over(entry, beside, editor, wheel_version)]
    return Bump(file=entry.file, before=text, after=after, notes=tuple(notes))


def _read(file: Path) -> str:
    # Not read_text: it would change line ends.
    return file.read_bytes().decode()


def _refuse_known(entry: Loaded, version: str) -> None:
    for listed in entry.recipe.versions:
        same = parsed(listed) is not None and parsed(listed) == parsed(version)
        if listed == version or same:
            where = entry.document.where(["versions", listed])
            raise UsageError(f"{entry.recipe.name} lists {listed} already", where=where)


def _nearest(recipe: Recipe, key: Version) -> str:
    """The newest listed release below the new one, else the oldest above it."""
    listed = sorted(recipe.versions, key=lambda each: sort_key(recipe, each))
    older = [each for each in listed if sort_key(recipe, each) < key]
    return older[-1] if older else listed[0]


def _is_descending(recipe: Recipe) -> bool:
    listed = [sort_key(recipe, each) for each in recipe.versions]
    return listed[0] > listed[-1]


@dataclass(kw_only=True)
class _Gathering:
    """What is found out of the new release, source after source."""

    entry: Loaded
    beside: str
    version: str
    key: Version
    acquirer: Acquirer
    entries: list[SourceEntry] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def sources(self) -> None:
        """Fetch each source of the listed release in its new version."""
        for index, source in enumerate(self._listed.sources):
            written: Mapping[str, Any] = self._document["sources"][index]
            if isinstance(source, UrlSource):
                self._url(source, written)
            elif (found := self._indexed(source)) is not None:
                self._add(found, written)
        if not self.files:
            said = "\n  ".join(f"- {note}" for note in self.notes)
            raise SourceError(
                f"no source of {self.entry.recipe.name} {self.version} could be had:\n  {said}",
                hint="nothing was written; is the version spelled as upstream spells it?",
            )

    @property
    def _listed(self) -> Any:
        return self.entry.recipe.versions[self.beside]

    @property
    def _document(self) -> Any:
        return self.entry.document.value["versions"][self.beside]

    def _add(
        self,
        found: Acquired,
        written: Mapping[str, Any],
        *,
        mirrors: Sequence[str] = (),
        remarks: Sequence[str] = (),
    ) -> None:
        values: dict[str, Value] = found.source.model_dump(exclude_none=True)
        values["mirrors"] = mirrors
        moving = values.get("suite") in MOVING
        order = [*written, "mirrors", *(["suite"] if moving else []), "sha256"]
        kept = {key: values[key] for key in dict.fromkeys(order) if values.get(key)}
        kept["sha256"] = kept.pop("sha256")
        self.entries.append(SourceEntry(values=kept, remarks=tuple(remarks)))
        self.files[found.source.sha256] = found.path
        if moving:
            self.notes.append(
                f"{found.source.describe()}: that suite moves on, and the tarball goes with it"
            )

    def _url(self, source: UrlSource, written: Mapping[str, Any]) -> None:
        first: Acquired | None = None
        mirrors, remarks = [], []
        for listed in (source.url, *source.mirrors):
            shown = redacted(listed)
            url = readdressed(listed, self.beside, self.version)
            if url is None:
                self.notes.append(f"left out {shown}: it does not spell the version {self.beside}")
                continue
            try:
                found = self.acquirer.url(url)
            except CommonwheelError as error:
                self.notes.append(f"left out {redacted(url)}: {error.what}")
                if not error.what.startswith("HTTP 4"):
                    remarks += [f"TODO: list {redacted(url)}", _UNREACHED]
                continue
            if first is None:
                first = found
            elif found.source.sha256 == first.source.sha256:
                mirrors.append(url)
            else:
                self.notes.append(f"left out {redacted(url)}: it serves other bytes")
        if first is not None:
            self._add(first, written, mirrors=mirrors, remarks=remarks)
        elif remarks:
            self.entries.append(SourceEntry(values={}, remarks=tuple(remarks)))

    def _indexed(self, source: Source) -> Acquired | None:
        try:
            match source:
                case DebianSource():
                    return self.acquirer.debian(
                        source.debian, self.version, source.component
                    ).acquired
                case PypiSource():
                    return self.acquirer.pypi(source.pypi, self.version)
                case GitSource():
                    return self.acquirer.git(source.git, self.version)
        except CommonwheelError as error:
            self.notes.append(f"left out {_named(source)}: {error.what}")
        return None

    def patches(self) -> list[str]:
        """Those patches of the listed release that apply to every source of the new one."""
        trees = []
        for digest, path in self.files.items() if self._listed.patches else ():
            trees.append(unpack(path, self.acquirer.scratch / f"patched-{digest}"))
        kept = []
        for name in self._listed.patches:
            patch = self.entry.patch(name)
            problems = list(filter(None, (_apply(tree, patch) for tree in trees)))
            if problems:
                self.notes.append(f"left out the patch {name}: {problems[0]}")
            else:
                kept.append(name)
        return kept

    def look_around(self) -> None:
        """Compare what the recipe says of the source with the new one."""
        trees = [self.acquirer.unpacked(path, digest) for digest, path in self.files.items()]
        for place in _named_files(self.entry.recipe):
            if not any(any(tree.glob(place)) for tree in trees):
                self.notes.append(f"'{place}', which the recipe names, is not in the new source")
        self.notes += _conditions(self.entry.recipe, self.beside, self.key)
        if isinstance(self.entry.recipe, ConsumerRecipe):
            self.notes += _pythons(self.entry.recipe.python, trees[0])


def _named(source: Source) -> str:
    """A source without its version."""
    match source:
        case DebianSource():
            return f"Debian source {source.debian}"
        case PypiSource():
            return f"sdist {source.pypi}"
        case GitSource():
            return f"git {redacted(source.git)}"
        case UrlSource():
            return redacted(source.url)


def _apply(tree: Path, patch: Path) -> str:
    """Why a patch does not apply; empty where it does."""
    try:
        apply_patches(tree, [patch])
    except SourceError as error:
        if already_applied(tree, patch):
            return "the new release has that change already"
        return error.what
    return ""


def _named_files(recipe: Recipe) -> Iterator[str]:
    if isinstance(recipe, LibraryRecipe):
        yield from recipe.license_files
        if recipe.build.directory != ".":
            yield recipe.build.directory
    elif isinstance(recipe, ConsumerRecipe):
        yield from recipe.test.files


def _conditions(recipe: Recipe, beside: str, key: Version) -> Iterator[str]:
    for index, when in enumerate(recipe.build.when if isinstance(recipe, LibraryRecipe) else ()):
        if when.version is None:
            continue
        allowed = SpecifierSet(when.version, prereleases=True)
        old, new = sort_key(recipe, beside) in allowed, key in allowed
        if old != new:
            which = "the new release" if new else beside
            yield f"build.when[{index}], for version '{when.version}', holds for {which} only"


def _pythons(allowed: str, tree: Path) -> Iterator[str]:
    """Where the new sdist wants other Pythons than the recipe says."""
    wanted = requires_python(tree)
    try:
        theirs = SpecifierSet(wanted or "")
    except InvalidSpecifier:
        return
    minors = [f"3.{minor}" for minor in range(8, 30)]
    ours = [minor for minor in SpecifierSet(allowed).filter(minors) if minor not in theirs]
    if ours:
        yield (f"python: '{allowed}' admits {', '.join(ours)}, and the sdist requires '{wanted}'")


def _carried_over(
    entry: Loaded, beside: str, editor: RecipeText, wheel_version: str | None
) -> Iterator[str]:
    recipe = entry.recipe
    release = recipe.versions[beside]
    if release.set:
        values = ", ".join(f"{key}: {value}" for key, value in release.set.items())
        yield f"set {{{values}}} is carried over from {beside}: does it hold for the new release?"
    if release.wheel_version and not wheel_version:
        yield f"wheel-version {release.wheel_version} of {beside} is not carried over"
    if isinstance(release, ConsumerRelease) and release.tests:
        yield f"tests of {beside} are not carried over: list those of the new release"
    for remark in editor.remarks(beside):
        yield f"not carried over, since it speaks of {beside}: {remark}"
    if isinstance(recipe, ConsumerRecipe) and recipe.build > 1:
        yield (
            f"build: 1 again; the last of {beside} was {recipe.build}, so build {beside} anew "
            f"only with --set {recipe.name}.build={recipe.build + 1}"
        )
