"""recipes/schema/*.schema.json and docs/reference/recipe.md, from the recipe models."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ci.markdown import NOTICE
from commonwheel.recipe.lint import BUILD_TIME, FILLED
from commonwheel.recipe.model import AnyRecipe, ConsumerRecipe, LibraryRecipe
from commonwheel.recipe.resolve import INSTALL_KEYS, PROVIDER_KEYS
from commonwheel.recipe.schema import Kind, recipe_schema
from commonwheel.text import markdown_table

EXAMPLES: dict[Kind, str] = {"library": "libraries/geos.yaml", "consumer": "consumers/pyproj.yaml"}
TITLES: dict[Kind, str] = {"library": "Library recipe", "consumer": "Consumer recipe"}
REFERENCE = "#/$defs/"
NO_DEFAULT: tuple[Any, ...] = ([], {}, None, "")

HEAD = """
# Recipes

A recipe is a YAML file in `recipes/libraries` or `recipes/consumers`, named after what it builds.
Every plain scalar is text: `3.10` and `ON` mean what they say. Where a list of text is expected,
one text will do.

The first line of a recipe names its schema, so that editors complete and check it:

```yaml
# yaml-language-server: $schema=../schema/library.schema.json
```

`commonwheel recipe lint` checks all recipes, `commonwheel recipe show NAME` prints one as it is
read, and `--set RECIPE.KEY=VALUE` overrides any key without editing.

## Placeholders

Some keys hold placeholders, which are filled in before a build; elsewhere braces are plain text.
`{install.prefix}` is the absolute prefix that a library is configured with.

"""


def schema(kind: Kind) -> str:
    """The JSON Schema file of one kind."""
    return schema_file(recipe_schema(kind))


def schema_file(found: Mapping[str, Any]) -> str:
    """A JSON Schema as a file."""
    return json.dumps(found, indent=2) + "\n"


def page(recipes: Path) -> str:
    """The reference page; its examples are real recipes."""
    schemas = {kind: recipe_schema(kind) for kind in TITLES}
    parts = [NOTICE, HEAD, placeholders()]
    for kind, found in schemas.items():
        example = (recipes / EXAMPLES[kind]).read_text(encoding="utf-8")
        parts += [f"\n## {TITLES[kind]}\n\n", section(found)]
        parts += [f"\nExample: `recipes/{EXAMPLES[kind]}`\n\n```yaml\n{example}```\n"]
    parts.append("\n## Nested keys\n")
    for name, each in nested(schemas.values()).items():
        parts += [f"\n### {name}\n\n", section(each)]
    return "".join(parts)


def placeholders() -> str:
    """The table of placeholders: which ones, and in which keys of each kind of recipe."""
    own = "`{name}`, `{version}`, and each variable that every release sets"
    provided = ", ".join(f"`{{<library>.{key}}}`" for key in PROVIDER_KEYS)
    installed = ", ".join(f"`{{{key}}}`" for key in INSTALL_KEYS)
    kinds = (LibraryRecipe, ConsumerRecipe)
    late = [_places(kind, among=BUILD_TIME) for kind in kinds]
    rows = [
        (own, *(_places(kind, among=FILLED[kind]) for kind in kinds)),
        (f"{provided}, for each library that is used", *late),
        (installed, late[0], ""),
    ]
    return markdown_table(
        ("placeholder", "keys of a library recipe", "keys of a consumer recipe"), rows
    )


def _places(kind: type[AnyRecipe], *, among: list[tuple[str, ...]]) -> str:
    return ", ".join(f"`{'.'.join(place)}`" for place in FILLED[kind] if place in among)


def section(model: Mapping[str, Any]) -> str:
    """What a model is for, and the table of its keys."""
    required = model.get("required", [])
    rows = [
        (f"`{key}`", kind_of(each), _default(each, required=key in required), each["description"])
        for key, each in model["properties"].items()
    ]
    return f"{model['description']}\n\n" + markdown_table(
        ("key", "type", "default", "meaning"), rows
    )


def kind_of(schema: Mapping[str, Any]) -> str:
    """A schema in words: ``list of [Release](#release)``."""
    match schema:
        case {"$ref": str(path)}:
            name = path.removeprefix(REFERENCE)
            words = f"[{name}](#{name.lower()})"
        case {"enum": [*values]}:
            words = " or ".join(f"`{value}`" for value in values)
        case {"anyOf": [item, {"type": "array", "items": items}]} if item == items:
            words = f"{kind_of(item)}, or a list"
        case {"anyOf": [*branches]} | {"oneOf": [*branches]}:
            words = _either(each for each in branches if each != {"type": "null"})
        case {"type": "array", "items": items}:
            words = f"list of {kind_of(items)}"
        case {"type": "object", "additionalProperties": values}:
            words = f"mapping to {kind_of(values)}"
        case {"type": "object", "patternProperties": values}:
            words = f"mapping to {_either(values.values())}"
        case {"type": "string" | [*_]}:
            words = "text"
        case {"type": str(words)}:
            pass
        case _:
            raise ValueError(schema)
    return words


def _either(schemas: Iterable[Mapping[str, Any]]) -> str:
    return " or ".join(dict.fromkeys(map(kind_of, schemas)))


def _default(schema: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    value = schema.get("default")
    if value in NO_DEFAULT or isinstance(value, dict):
        return ""
    items = value if isinstance(value, list) else [value]
    return ", ".join(f"`{str(item).lower() if isinstance(item, bool) else item}`" for item in items)


def nested(schemas: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Nested models in the order in which a reader meets them."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in schemas:
        waiting = list(_references(each["properties"]))
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = each["$defs"][name]
                waiting += _references(found[name]["properties"])
    return found


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(path)}:
            yield path.removeprefix(REFERENCE)
        case dict():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
