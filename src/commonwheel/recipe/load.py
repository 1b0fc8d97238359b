"""Recipes from folders of YAML, with every problem of every file found at once."""

import re
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from commonwheel.errors import RecipeError, UsageError
from commonwheel.recipe import yaml
from commonwheel.recipe.lint import lint
from commonwheel.recipe.model import KINDS, AnyRecipe, LibraryRecipe
from commonwheel.recipe.problems import nearest, problems

FOLDER = "recipes"
STEP = r'(?:"[^"]+"|[^".=]+?)'
OVERRIDE = re.compile(rf"(?P<path>{STEP}(?:\.{STEP})+)(?P<op>\+?=)(?P<value>.*)", re.DOTALL)

UNFIT = (
    "This recipe of the toolkit does not fit one that takes another's place: list there what it "
    "names, change it with --set, or put a recipe of your own in its place as well."
)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A recipe with the place that it came from."""

    recipe: AnyRecipe
    folder: Path
    document: yaml.Document

    @property
    def file(self) -> Path:
        """The recipe's own file."""
        kind = "libraries" if isinstance(self.recipe, LibraryRecipe) else "consumers"
        return self.folder / kind / f"{self.recipe.name}.yaml"

    def patch(self, name: str) -> Path:
        """The file of one of the recipe's patches."""
        return self.folder / "patches" / self.recipe.name / name

    @property
    def files(self) -> list[Path]:
        """The recipe's own file, then those of its patches."""
        named = (name for release in self.recipe.versions.values() for name in release.patches)
        return [self.file, *map(self.patch, dict.fromkeys(named))]


@dataclass(frozen=True, kw_only=True)
class RecipeSet:
    """All recipes by name, and the releases that ``--set name.version=…`` asked for.

    Attributes:
        loaded: recipes by name.
        versions: releases that were asked for, by name.
        folders: the folders that were read, the toolkit's first.
        base: the toolkit's own folder among them, if it is.
        replacing: files that take the place of one of the toolkit's, as they are shown.
        unfit: problems of recipes of the toolkit that do not fit these, by name.
    """

    loaded: Mapping[str, Loaded]
    versions: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    base: Path | None = None
    replacing: tuple[str, ...] = ()
    unfit: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def own_first(self) -> tuple[Path, ...]:
        """The folders, the toolkit's own last: what lies in the others goes before it."""
        others = [folder for folder in self.folders if folder != self.base]
        return (*others, *(folder for folder in self.folders if folder == self.base))

    def __getitem__(self, name: str) -> AnyRecipe:
        try:
            return self.loaded[name].recipe
        except KeyError:
            if name in self.unfit:
                raise RecipeError.collect(self.unfit[name], hint=UNFIT) from None
            raise UsageError(
                f"there is no recipe '{name}'", hint=nearest(name, self.loaded) or self._known()
            ) from None

    def _known(self) -> str:
        return f"recipes: {', '.join(sorted(self.loaded))}"

    def library(self, name: str) -> LibraryRecipe:
        """The library recipe of that name."""
        recipe = self[name]
        if not isinstance(recipe, LibraryRecipe):
            raise UsageError(f"'{name}' is a consumer recipe, not a library")
        return recipe

    @property
    def names(self) -> list[str]:
        """The names of all recipes, sorted."""
        return sorted(self.loaded)

    def with_draft(self, file: Path, text: str) -> "RecipeSet":
        """The recipes as they would be with ``text`` in one of their files.

        Raises:
            RecipeError: with every problem of every file.
        """
        folders = [folder for folder in self.folders if folder != self.base]
        return load(folders, base=self.base, drafts={file: text})


@dataclass(frozen=True, kw_only=True)
class Override:
    """One ``--set recipe.path=value``; ``+=`` appends to a list."""

    recipe: str
    path: tuple[str, ...]
    value: Any
    append: bool
    text: str


def parse_override(text: str) -> Override:
    """Read ``proj.version=9.1.1`` or ``tiff.build.options+=-Dlzw=OFF``; the value is YAML.

    A key that holds dots stands in quotation marks: ``geos.versions."3.11.1".patches``.
    """
    match = OVERRIDE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--set {text}: not of the form RECIPE.KEY=VALUE",
            hint="for example --set proj.version=9.1.1",
        )
    try:
        value = yaml.parse(match["value"], "value").value
    except RecipeError as error:
        raise UsageError(f"--set {text}: {error}") from None
    recipe, *path = (step.strip('"') for step in re.findall(STEP + r"(?=\.|$)", match["path"]))
    append = match["op"] == "+="
    if path == ["version"] and (append or not isinstance(value, str)):
        raise UsageError(f"--set {text}: a version is one text, such as {recipe}.version=1.2")
    return Override(recipe=recipe, path=tuple(path), value=value, append=append, text=text)


def recipe_files(folder: Path) -> list[Path]:
    """The recipe files below a recipe folder."""
    found = (file for kind in KINDS for file in (folder / kind).glob("*.yaml"))
    return sorted(file for file in found if not file.name.startswith("."))


def shipped() -> Path | None:
    """The folder of the toolkit's own recipes; None in a copy that has none."""
    package = Path(__file__).parents[1]
    # In an installation within the package, in a checkout at the repository's root.
    places = (package / FOLDER, package.parents[1] / FOLDER)
    return next((place for place in places if holds_recipes(place)), None)


def holds_recipes(folder: Path) -> bool:
    """Whether a folder is one of recipes."""
    return any((folder / kind).is_dir() for kind in KINDS)


def load(
    folders: Sequence[Path],
    overrides: Iterable[str] = (),
    *,
    base: Path | None = None,
    drafts: Mapping[Path, str] = types.MappingProxyType({}),
) -> RecipeSet:
    """Read all recipes below ``folders``; a later folder adds to the earlier ones.

    Args:
        folders: each holds ``libraries/``, ``consumers/`` and ``patches/``.
        overrides: ``--set`` arguments.
        base: a folder of recipes whose place those of the same name in ``folders`` take.
        drafts: texts of files that are not written yet; they count instead of what is on disk.

    Raises:
        RecipeError: with every problem of every file.
        UsageError: a folder without recipes, or an override that fits none.
    """
    parsed = [parse_override(text) for text in overrides]
    for folder in folders:
        if not holds_recipes(folder):
            raise UsageError(
                f"{folder} holds no recipes", hint="it needs libraries/ or consumers/ in it"
            )
    reading = _Reading(parsed, drafts)
    own = {file.stem: file for folder in folders for file in reading.files(folder)}
    if base is not None:
        reading.folder(base, besides=own)
    for folder in folders:
        reading.folder(folder)
    loaded, problems = reading.loaded, reading.problems
    _check_recipes(parsed, {*loaded, *reading.broken})
    unfit = reading.set_aside(base) if base is not None and reading.replaced else {}
    for entry in loaded.values():
        problems += reading.lint(entry)
    if problems:
        raise RecipeError.collect(problems)
    versions = {o.recipe: o.value for o in parsed if o.path == ("version",) if o.recipe in loaded}
    _check_versions(loaded, versions)
    return RecipeSet(
        loaded=loaded,
        versions=versions,
        folders=(*([base] if base else []), *folders),
        base=base,
        replacing=tuple(_shown(own[name]) for name in reading.replaced),
        unfit=unfit,
    )


class _Reading:
    """Recipes as they are read, file after file, with what is wrong in them."""

    def __init__(self, overrides: Sequence[Override], drafts: Mapping[Path, str]) -> None:
        self.overrides = overrides
        self.drafts = drafts
        self.loaded: dict[str, Loaded] = {}
        self.problems: list[str] = []
        # Recipes that exist but cannot be read: what names them is not wrong for it.
        self.broken: set[str] = set()
        self.replaced: list[str] = []

    def folder(self, folder: Path, besides: Collection[str] = ()) -> None:
        """Read the recipes of a folder, but for those that others take the place of."""
        for kind in KINDS:
            for file in sorted((folder / kind).glob("*.yml")):
                self.problems.append(f"{_shown(file)}:1:1: a recipe's file ends in .yaml")
        for file in self.files(folder):
            if file.stem in besides:
                self.replaced.append(file.stem)
            else:
                self._file(file, folder)

    def files(self, folder: Path) -> list[Path]:
        """The recipe files of a folder, and those that are not written yet."""
        drafts = (file for file in self.drafts if file.parent.parent == folder)
        return sorted({*recipe_files(folder), *drafts})

    def lint(self, entry: Loaded) -> list[str]:
        """The problems of one recipe."""
        return lint(entry.recipe, entry.document, entry.folder, self.loaded, self.broken)

    def set_aside(self, base: Path) -> dict[str, list[str]]:
        """Take away recipes of the base that do not fit what took another's place.

        Whoever only replaces a library need not care for all that others build on it.
        """
        found = {n: self.lint(entry) for n, entry in self.loaded.items() if entry.folder == base}
        unfit = {name: problems for name, problems in found.items() if problems}
        for name in unfit:
            del self.loaded[name]
        self.broken |= unfit.keys()
        return unfit

    def _file(self, file: Path, folder: Path) -> None:
        try:
            entry = _load_file(file, folder, self.overrides, self.drafts.get(file))
        except RecipeError as error:
            self.problems += error.problems or [str(error)]
            self.broken.add(file.stem)
            return
        name = entry.recipe.name
        if name in self.loaded:
            where = entry.document.where(["name"])
            other = self.loaded[name].document.source
            self.problems.append(f"{where}: '{name}' has a recipe already: {other}")
        self.loaded[name] = entry


def _check_recipes(overrides: Iterable[Override], known: Collection[str]) -> None:
    for override in overrides:
        if override.recipe not in known:
            raise UsageError(
                f"--set {override.text}: there is no recipe '{override.recipe}'",
                hint=nearest(override.recipe, known),
            )


def _check_versions(loaded: Mapping[str, Loaded], versions: Mapping[str, str]) -> None:
    for name, version in versions.items():
        listed = loaded[name].recipe.versions
        if version not in listed:
            raise UsageError(
                f"--set {name}.version={version}: the recipe does not list it",
                hint=f"it lists {', '.join(listed)}",
            )


def _shown(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _load_file(
    file: Path, folder: Path, overrides: Iterable[Override], draft: str | None
) -> Loaded:
    shown = _shown(file)
    document = yaml.read(file, shown) if draft is None else yaml.parse(draft, shown)
    if not isinstance(document.value, dict):
        raise RecipeError("a recipe is a mapping of keys", where=f"{document.source}:1:1")
    for override in overrides:
        if override.recipe == file.stem and override.path != ("version",):
            _apply(override, document)
    model = KINDS[file.parent.name]
    try:
        recipe = model.model_validate(document.value)
    except ValidationError as error:
        found = problems(error, model, document.where, "the recipe")
        raise RecipeError.collect(found) from None
    if recipe.name != file.stem:
        where = document.where(["name"])
        raise RecipeError.collect(
            [f"{where}: the name is '{recipe.name}' but the file {file.name}"]
        )
    return Loaded(recipe=recipe, folder=folder, document=document)


def _apply(override: Override, document: yaml.Document) -> None:
    target = document.value
    for index, step in enumerate(override.path[:-1]):
        is_use = index > 0 and override.path[index - 1] in {"uses", "libraries"}
        target = _descend(target, step, override, is_use=is_use)
    last, origin = override.path[-1], f"--set {override.text}"
    if isinstance(target, list):
        target[_index(target, last, override)] = override.value
        document.replaced[(*override.path[:-1], int(last))] = origin
        return
    if not override.append:
        target[last] = override.value
        document.replaced[override.path] = origin
        return
    old = target.get(last)
    if isinstance(old, dict):
        raise UsageError(f"{origin}: '{last}' is not a list")
    kept, added = _as_list(old), _as_list(override.value)
    target[last] = [*kept, *added]
    for index in range(len(kept), len(kept) + len(added)):
        document.replaced[*override.path, index] = origin


def _descend(target: Any, step: str, override: Override, *, is_use: bool) -> Any:
    """One step into a recipe: a key, or the number of a list's item, counted from 0."""
    if isinstance(target, list):
        return target[_index(target, step, override)]
    found = target.setdefault(step, {})
    if is_use and (found is None or isinstance(found, str)):
        # The shorthand of a use: `sqlite3:` and `sqlite3: ">=3.11"`.
        found = target[step] = {"range": found} if found else {}
    if not isinstance(found, dict | list):
        raise UsageError(f"--set {override.text}: '{step}' holds no keys")
    return found


def _index(target: list[Any], step: str, override: Override) -> int:
    if not step.isdecimal() or int(step) >= len(target):
        problem = f"the list has no item {step}; it has {len(target)}"
        raise UsageError(f"--set {override.text}: {problem}")
    return int(step)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
