"""``commonwheel recipe``: lint, show and schema here; new, bump and outdated beside."""

import argparse
import json
import os
from typing import Any

from commonwheel.cli import recipe_bump, recipe_new, recipe_outdated
from commonwheel.cli.common import add_recipe_options, load_recipes, make_console
from commonwheel.configuration import ConfigurationFile
from commonwheel.recipe.schema import recipe_schema, schema_of

SUMMARY = "write, check and show recipes, and keep them up to date"


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its own subcommands."""
    parser = commands.add_parser("recipe", help=SUMMARY, description=SUMMARY)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    lint = _action(actions, parents, "lint", "check all recipes; every problem is shown at once")
    add_recipe_options(lint)
    lint.set_defaults(run=run_lint)
    show = _action(actions, parents, "show", "print a recipe as it is read, defaults filled in")
    show.add_argument("names", metavar="RECIPE", nargs="+", help="what to print")
    show.add_argument(
        "--files", action="store_true", help="print the paths of its file and its patches instead"
    )
    add_recipe_options(show)
    show.set_defaults(run=run_show)
    schema = _action(
        actions,
        parents,
        "schema",
        "print the JSON Schema of a kind of recipe, or of commonwheel.toml",
    )
    schema.add_argument("kind", choices=("library", "consumer", "configuration"))
    schema.set_defaults(run=run_schema)
    for module in (recipe_new, recipe_bump, recipe_outdated):
        name = module.__name__.rpartition("_")[2]
        module.add_arguments(_action(actions, parents, name, module.SUMMARY))


def _action(
    actions: Any, parents: list[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary, parents=parents
    )
    return parser


def run_lint(options: argparse.Namespace) -> None:
    """Check recipes."""
    recipes = load_recipes(options)
    count = len(recipes.names)
    right = "1 recipe is right" if count == 1 else f"{count} recipes are right"
    make_console(options, os.environ).note(right)


def run_show(options: argparse.Namespace) -> None:
    """Print recipes as JSON, or the paths of what they were read from."""
    recipes, console = load_recipes(options), make_console(options, os.environ)
    for name in options.names:
        recipe = recipes[name]
        if options.files:
            console.write("".join(f"{file}\n" for file in recipes.loaded[name].files))
        else:
            data = recipe.model_dump(mode="json", by_alias=True)
            console.write(json.dumps(data, indent=2) + "\n")


def run_schema(options: argparse.Namespace) -> None:
    """Print a JSON Schema."""
    is_recipe = options.kind != "configuration"
    schema = recipe_schema(options.kind) if is_recipe else schema_of(ConfigurationFile)
    make_console(options, os.environ).write(json.dumps(schema, indent=2) + "\n")
