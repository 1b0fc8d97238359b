"""JSON Schema of recipes, for editors: it admits what the loader reads, shorthand included."""

from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from commonwheel.recipe.fields import Model
from commonwheel.recipe.model import KINDS, AnyRecipe

Kind = Literal["library", "consumer"]
MODELS: dict[Kind, type[AnyRecipe]] = {
    "library": KINDS["libraries"],
    "consumer": KINDS["consumers"],
}
SCALARS = ["string", "number", "boolean"]


class Generator(GenerateJsonSchema):
    """Says of pydantic's models what editors can make use of."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        # Under patternProperties a key that does not fit would be one that nothing is said about.
        match super().dict_schema(schema):
            case {"patternProperties": dict(patterns), **rest}:
                ((pattern, values),) = patterns.items()
                names = {"pattern": pattern}
                return {**rest, "propertyNames": names, "additionalProperties": values}
            case found:
                return found

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        # The model's validators that run before others accept shorthand: one text for a list of it,
        # and a range or nothing for a use of a library.
        match super().function_before_schema(schema):
            case {"type": "array", "items": items} as array:
                return {"anyOf": [items, array]}
            case full:
                return {"anyOf": [full, {"type": [*SCALARS, "null"]}]}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False  # "License Files" says nothing that `license-files` does not


class _OfYaml(Generator):
    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        # To us every plain scalar is text (recipe.yaml); an editor reads 3.10 and ON as it likes.
        found = super().str_schema(schema)
        return found if "pattern" in found else {**found, "type": SCALARS}


def recipe_schema(kind: Kind) -> dict[str, Any]:
    """The schema (draft 2020-12) of one kind of recipe."""
    return schema_of(MODELS[kind], _OfYaml)


def schema_of(model: type[Model], generator: type[Generator] = Generator) -> dict[str, Any]:
    """The schema (draft 2020-12) of a model."""
    schema = model.model_json_schema(by_alias=True, schema_generator=generator)
    return {"$schema": generator.schema_dialect, **schema}
