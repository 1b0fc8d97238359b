"""docs/reference/gates.md, from the gates' classes and the names of their tests."""

import ast
import inspect
import re
from pathlib import Path

from ci.markdown import NOTICE
from commonwheel.check.gate import Gate
from commonwheel.check.gates import FAMILIES, GATES
from commonwheel.text import markdown_table

TESTS = "tests/integration/check"
NAME = re.compile(r"test_(?P<gate>cw[0-9]{3})_(?P<kind>trips|near_miss)")
HEAD = """
# Gates

Every wheel that the kit makes is held against these gates before it enters the wheelhouse, and
`commonwheel check` holds anybody's wheels against them. A gate says something on *library* wheels
and *consumer* wheels, which this kit has made, and on *foreign* ones. An error keeps a wheel out; a
warning does not. Where something could not be looked at, the report says *not checked*; it never
says passed.

A recipe may waive CW206 and a gate from CW400 on for its own wheels, with a reason
([`waivers`](recipe.md#waiver)); a waiver that nothing needs is an error. Identity, closure and
loading cannot be waived. Ids are never given twice, and never change their meaning.

"""


def page(root: Path) -> str:
    """The page."""
    tests = found_tests(root / TESTS)
    parts = [NOTICE, HEAD, _overview(tests)]
    for digit, (family, about) in FAMILIES.items():
        parts.append(f"\n## {family}\n\n{about}\n")
        parts += [_gate(gate) for gate in GATES if gate.id[2] == digit]
    return "".join(parts)


def found_tests(folder: Path) -> dict[str, dict[str, list[str]]]:
    """The tests of each gate, by what they show: that it ``trips``, or a ``near_miss``."""
    found: dict[str, dict[str, list[str]]] = {}
    for file in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (match := NAME.match(node.name)):
                kinds = found.setdefault(match["gate"].upper(), {})
                kinds.setdefault(match["kind"], []).append(node.name)
    return found


def _overview(tests: dict[str, dict[str, list[str]]]) -> str:
    rows = [
        (
            f"[{gate.id}](#{gate.id.lower()})",
            gate.title,
            *(gate.levels.get(kind, "") for kind in ("library", "consumer", "foreign")),
            *(str(len(tests.get(gate.id, {}).get(kind, ()))) for kind in ("trips", "near_miss")),
        )
        for gate in GATES
    ]
    heads = ("gate", "passed when", "library", "consumer", "foreign", "tripped by", "near misses")
    note = "The last columns count the tests that build a wheel which trips a gate, or nearly does."
    return f"{note}\n\n{markdown_table(heads, rows)}"


def _gate(gate: Gate) -> str:
    text = inspect.cleandoc(gate.__doc__ or "")
    text = re.sub(r"^(Why|Fix):", r"**\1:**", text, flags=re.MULTILINE)
    return f"\n### {gate.id}\n\n*{gate.title[0].upper()}{gate.title[1:]}.*\n\n{text}\n"
