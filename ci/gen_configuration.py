"""docs/reference/commonwheel-toml.md and its JSON Schema, from the models of the configuration."""

from pathlib import Path

from ci.gen_recipes import nested, schema_file, section
from ci.markdown import NOTICE
from commonwheel.configuration import FILE, ConfigurationFile
from commonwheel.recipe.schema import schema_of

# What a test builds with, in a repository of its own.
EXAMPLE = f"tests/e2e/acme/{FILE}"

HEAD = """
# commonwheel.toml

A repository with recipes of its own sets here, once, what all its builds have in common. No key is
required, and neither is the file. [Use your own recipes](../how-to/use-your-own-recipes.md) has the
steps.

One file counts: the one that `--config FILE` names, else the one in the current folder, else the
one in or beside a folder that `--recipes DIR` names; where that leads to several, the command asks
for `--config`. Folders further up are not searched. An option on the command line wins over the
file.

The first line may name the schema, so that editors complete and check the file;
`commonwheel recipe schema configuration` prints it:

```toml
#:schema commonwheel.schema.json
```
"""


def schema() -> str:
    """The JSON Schema file."""
    return schema_file(schema_of(ConfigurationFile))


def page(root: Path) -> str:
    """The reference page; its example is a real file."""
    found = schema_of(ConfigurationFile)
    example = (root / EXAMPLE).read_text(encoding="utf-8")
    parts = [NOTICE, HEAD, "\n## Keys\n\n", section(found)]
    for name, each in nested([found]).items():
        parts += [f"\n### {name}\n\n", section(each)]
    return "".join([*parts, f"\n## Example\n\n```toml\n{example}```\n"])
