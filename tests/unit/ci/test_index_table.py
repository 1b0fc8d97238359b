"""The how-to's table of clients: each row is named after a test that is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/your-own-index.md"
TESTS = ROOT / "tests/integration/index/test_clients.py"


def test_every_row_has_its_test_and_every_test_a_row() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8"))
    tree = ast.parse(TESTS.read_text(encoding="utf-8"))
    there = [n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[:5] == "test_"]
    assert sorted(set(named)) == sorted(there)
