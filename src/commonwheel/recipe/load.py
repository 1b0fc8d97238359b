"""Recipes from folders of YAML, with every problem of every file found at once."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from commonwheel.errors import RecipeError, UsageError
from commonwheel.recipe import yaml
from commonwheel.recipe.lint import lint
from commonwheel.recipe.model import KINDS, AnyRecipe, LibraryRecipe
from commonwheel.recipe.sources import SOURCE_KINDS

STEP = r'(?:"[^"]+"|[^".=]+?)'
OVERRIDE = re.compile(rf"(?P<path>{STEP}(?:\.{STEP})+)(?P<op>\+?=)(?P<value>.*)", re.DOTALL)

# What pydantic says of types, in the words of YAML.
EXPECTED = {
    "bool_parsing": "yes or no is expected",
    "dict_type": "a mapping of keys is expected",
    "int_parsing": "a whole number is expected",
    "int_parsing_size": "a whole number of sane size is expected",
    "model_attributes_type": "a mapping of keys is expected",
    "model_type": "a mapping of keys is expected",
    "string_type": "text is expected",
    "too_short": "at least one is needed",
    "tuple_type": "a list is expected",
}
MOST_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A recipe with the place that it came from."""

    recipe: AnyRecipe
    folder: Path
    document: yaml.Document

    def patch(self, name: str) -> Path:
        """The file of one of the recipe's patches."""
        return self.folder / "patches" / self.recipe.name / name


@dataclass(frozen=True, kw_only=True)
class RecipeSet:
    """All recipes by name, and the releases that ``--set name.version=…`` asked for."""

    loaded: Mapping[str, Loaded]
    versions: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    def __getitem__(self, name: str) -> AnyRecipe:
        try:
            return self.loaded[name].recipe
        except KeyError:
            raise UsageError(
                f"there is no recipe '{name}'", hint=_nearest(name, self.loaded) or self._known()
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


def load(folders: Sequence[Path], overrides: Iterable[str] = ()) -> RecipeSet:
    """Read all recipes below ``folders``; a later folder adds to the earlier ones.

    Args:
        folders: each holds ``libraries/``, ``consumers/`` and ``patches/``.
        overrides: ``--set`` arguments.

    Raises:
        RecipeError: with every problem of every file.
        UsageError: a folder without recipes, or an override that fits none.
    """
    parsed = [parse_override(text) for text in overrides]
    reading = _Reading(parsed)
    for folder in folders:
        if not any((folder / kind).is_dir() for kind in KINDS):
            raise UsageError(
                f"{folder} holds no recipes", hint="it needs libraries/ or consumers/ in it"
            )
        reading.folder(folder)
    loaded, problems = reading.loaded, reading.problems
    _check_recipes(parsed, {*loaded, *reading.broken})
    for entry in loaded.values():
        problems += lint(entry.recipe, entry.document, entry.folder, loaded, reading.broken)
    if problems:
        raise RecipeError.collect(problems)
    versions = {o.recipe: o.value for o in parsed if o.path == ("version",)}
    _check_versions(loaded, versions)
    return RecipeSet(loaded=loaded, versions=versions, folders=tuple(folders))


class _Reading:
    """Recipes as they are read, file after file, with what is wrong in them."""

    def __init__(self, overrides: Sequence[Override]) -> None:
        self.overrides = overrides
        self.loaded: dict[str, Loaded] = {}
        self.problems: list[str] = []
        # Recipes that exist but cannot be read: what names them is not wrong for it.
        self.broken: set[str] = set()

    def folder(self, folder: Path) -> None:
        for kind in KINDS:
            for file in sorted((folder / kind).glob("*.yml")):
                self.problems.append(f"{_shown(file)}:1:1: a recipe's file ends in .yaml")
        for file in recipe_files(folder):
            self._file(file, folder)

    def _file(self, file: Path, folder: Path) -> None:
        try:
            entry = _load_file(file, folder, self.overrides)
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
                hint=_nearest(override.recipe, known),
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


def _load_file(file: Path, folder: Path, overrides: Iterable[Override]) -> Loaded:
    document = yaml.read(file, _shown(file))
    if not isinstance(document.value, dict):
        raise RecipeError("a recipe is a mapping of keys", where=f"{document.source}:1:1")
    for override in overrides:
        if override.recipe == file.stem and override.path != ("version",):
            _apply(override, document)
    model = KINDS[file.parent.name]
    try:
        recipe = model.model_validate(document.value)
    except ValidationError as error:
        found = _first_causes(error.errors(include_url=False))
        raise RecipeError.collect([_problem(e, document, model) for e in found]) from None
    if recipe.name != file.stem:
        where = document.where(["name"])
        raise RecipeError.collect(
            [f"{where}: the name is '{recipe.name}' but the file {file.name}"]
        )
    return Loaded(recipe=recipe, folder=folder, document=document)


def _first_causes(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    # pydantic calls a list too short whose items are wrong.
    return [
        each
        for each in errors
        if each["type"] != "too_short"
        or not any(
            other["loc"][: len(each["loc"])] == each["loc"] != other["loc"] for other in errors
        )
    ]


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


def _problem(error: ErrorDetails, document: yaml.Document, model: type[BaseModel]) -> str:
    path = [step for index, step in enumerate(error["loc"]) if not _is_tag(index, error["loc"])]
    where = document.where(path)
    shown = ".".join(str(step) for step in path) or "the recipe"
    holder = ".".join(str(step) for step in path[:-1]) or "the recipe"
    match error["type"]:
        case "extra_forbidden":
            known = _fields_at(model, error["loc"][:-1])
            return f"{where}: {_unknown(str(path[-1]), known, holder)}"
        case "missing":
            return f"{where}: the key '{path[-1]}' is missing in {holder}"
        case _:
            return f"{where}: {shown}: {_expected(error)}{_found(error['input'])}"


def _unknown(key: str, known: Sequence[str], holder: str) -> str:
    kind = next((each for each in SOURCE_KINDS if each in known), None)
    if kind and key in SOURCE_KINDS:
        return f"{holder} has '{kind}' already; '{key}' is a source of its own"
    what = f"unknown key '{key}' in {holder}"
    return what + (_nearest(key, known, prefix="; ") or f"; it knows {', '.join(known)}")


def _expected(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    return EXPECTED.get(error["type"]) or message[:1].lower() + message[1:]


def _found(value: Any) -> str:
    if isinstance(value, dict | list):
        return ""
    text = repr(value) if value is not None else "nothing"
    return f" (found {text[:MOST_SHOWN]}{'…' if len(text) > MOST_SHOWN else ''})"


def _is_tag(index: int, loc: Sequence[int | str]) -> bool:
    # pydantic names the branch of a union in the path: sources.0.url.sha256
    match tuple(loc[: index + 1]):
        case (*_, "sources", int(), str(kind)):
            return kind in SOURCE_KINDS
        case _:
            return False


def _alias(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _fields_at(model: Any, path: Sequence[str | int]) -> list[str]:
    """Names of the fields that the model knows below ``path``."""
    models = {model}
    for index, step in enumerate(path):
        if _is_tag(index, path):
            models = {each for each in models if step in each.model_fields}
            continue
        found: set[Any] = set()
        for each in models:
            for name, info in each.model_fields.items():
                if _alias(name) == step:
                    found |= set(_models_in(info.annotation))
        # An index, or the key of a mapping (a version), stays within the same models.
        models = found or models
    return sorted({_alias(name) for each in models for name in each.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _nearest(word: str, known: Iterable[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"{prefix}perhaps you meant '{close[0]}'" if close else ""
