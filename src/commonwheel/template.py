"""Python modules as templates: a block of constants, replaced; the rest of the file, verbatim.

A template is a real module (linted, typed, tested as it stands) with placeholder constants between
two comment lines. People read what is put into wheels, so literals look as if written by hand.
"""

import importlib.resources
from collections.abc import Mapping, Sequence

OPEN = "# --- constants: the generator replaces this block"
CLOSE = "# --- end of constants"
WIDTH = 100

Value = str | bool | int | Sequence["Value"] | None


def fill(
    package: str, name: str, *, constants: Mapping[str, Value], head: str, tail: str = ""
) -> str:
    """The template ``name`` of ``package`` with its block of constants replaced.

    Args:
        package: importable name of the folder that holds the template.
        name: the template's file name.
        constants: name → value, in the order in which they are written.
        head: comment lines above the constants: what wrote the file.
        tail: code below the constants, each line ended.
    """
    source = importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")
    before, _, rest = source.partition(OPEN + "\n")
    _, closed, after = rest.partition(CLOSE + "\n")
    assert closed, f"{package}/{name} has no block of constants"
    block = "".join(
        f"{key} = {literal(value, used=len(key) + len(' = '))}\n"
        for key, value in constants.items()
    )
    return f"{before}{head}{block}{tail}{after}"


def literal(value: Value, *, indent: int = 0, used: int = 0) -> str:
    """``value`` as Python source in the formatter's style; sequences become tuples.

    Args:
        value: the value.
        indent: columns to the left of the line that the literal begins on.
        used: columns of that line that are taken already.
    """
    if isinstance(value, str):
        plain = value.isprintable() and not set(value) & {'"', "\\"}
        return f'"{value}"' if plain else repr(value)
    if not isinstance(value, Sequence):
        return repr(value)
    items = [literal(item, indent=indent + 4) for item in value]
    flat = f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    fits = "\n" not in flat and indent + used + len(flat) <= WIDTH
    if fits and not any(isinstance(item, tuple) for item in value):
        return flat
    pad = " " * (indent + 4)
    return "(\n" + "".join(f"{pad}{item},\n" for item in items) + " " * indent + ")"
