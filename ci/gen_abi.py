"""docs/reference/abi-changes.md, from the classes of the changes and the data of their tests."""

import inspect
import re
from collections.abc import Iterable

from ci.markdown import NOTICE
from commonwheel.abi.change import Kind
from commonwheel.abi.kinds import FAMILIES, KINDS
from commonwheel.text import markdown_table
from tests.integration.abi.seeds import SEEDS

HEAD = """
# Changes of an ABI

What `commonwheel abi diff` finds between two releases. A *breaking* change makes something fail
that was built against the old release; the command then ends with exit code 18. A *warning* is no
break, but asks for more around the library. *Additions* can be used from the new release on, and
*notes* are what no program that keeps to the public headers can see. What could not be looked at is
*not checked*; it never counts as passed.

Ids are never given twice, and never change their meaning.

"""
SEEDED = """
## What is seen with debug information, and without

Each row is a release of one small library that differs in one thing. Tests build each of them, run
a program of the first release with it, and compare the two: without debug information, and with it
and abidiff. *Harms* is what the program said, not what a comparison did.

"""


def page() -> str:
    """The page."""
    parts = [NOTICE, HEAD, _overview()]
    for digit, (family, about) in FAMILIES.items():
        parts.append(f"\n## {family}\n\n{about}\n")
        parts += [_kind(kind) for kind in KINDS if kind.id[3] == digit]
    return "".join([*parts, SEEDED, _seeds()])


def _overview() -> str:
    rows = ((_link(kind.id), kind.level, kind.title) for kind in KINDS)
    return markdown_table(("change", "level", "what"), rows)


def _kind(kind: type[Kind]) -> str:
    text = inspect.cleandoc(kind.__doc__ or "")
    text = re.sub(r"^(Why|Fix):", r"**\1:**", text, flags=re.MULTILINE)
    return (
        f"\n### {kind.id}\n\n*{kind.title[0].upper()}{kind.title[1:]}: {kind.level}.*\n\n{text}\n"
    )


def _seeds() -> str:
    rows = (
        (
            seed.what,
            "yes" if seed.harms else "no",
            f"{_verdict(seed.ids)}; types not checked",
            _verdict((*seed.ids, *seed.deep)),
        )
        for seed in SEEDS
    )
    return markdown_table(("in the new release", "harms", "without", "with"), rows)


def _verdict(ids: Iterable[str]) -> str:
    levels = {kind.id: kind.level for kind in KINDS}
    found = list(ids)
    if any(levels[each] == "breaking" for each in found):
        said = "**breaking**"
    else:
        said = "additive" if any(levels[each] == "addition" for each in found) else "equal"
    return " ".join([said, *map(_link, found)])


def _link(change: str) -> str:
    return f"[{change}](#{change.lower()})"
