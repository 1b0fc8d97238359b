"""Write the generated files; with ``--check`` say which are not current: ``python -m ci.gen``."""

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from ci import gen_abi, gen_cli, gen_configuration, gen_errors, gen_gates, gen_policy, gen_recipes

ROOT = Path(__file__).resolve().parent.parent
POLICY = "src/commonwheel/repair/policy.json"
SHOWN_LINES = 40

OUTPUTS: dict[str, Callable[[], str]] = {
    "recipes/schema/library.schema.json": lambda: gen_recipes.schema("library"),
    "recipes/schema/consumer.schema.json": lambda: gen_recipes.schema("consumer"),
    "recipes/schema/commonwheel.schema.json": gen_configuration.schema,
    "docs/reference/commonwheel-toml.md": lambda: gen_configuration.page(ROOT),
    "docs/reference/recipe.md": lambda: gen_recipes.page(ROOT / "recipes"),
    "docs/reference/cli.md": gen_cli.page,
    "docs/reference/exit-codes.md": gen_errors.page,
    "docs/reference/gates.md": lambda: gen_gates.page(ROOT),
    "docs/reference/abi-changes.md": gen_abi.page,
    POLICY: gen_policy.text,
}


def main() -> int:
    """Write or check every file; 1 when a checked file is not current."""
    parser = argparse.ArgumentParser(prog="nox -s gen --", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    stale = [name for name, make in OUTPUTS.items() if not _settle(name, make, check=check)]
    if stale:
        print(f"not current: {', '.join(stale)}; run: scripts/nox -s gen", file=sys.stderr)
    return 1 if stale else 0


def _settle(name: str, make: Callable[[], str], *, check: bool) -> bool:
    path = ROOT / name
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    if check and name == POLICY and (reason := gen_policy.reason_not_to_check(old)):
        print(f"{name}: not checked: {reason}")
        return True
    new = make()
    if old == new:
        return True
    if check:
        diff = difflib.unified_diff(
            old.splitlines(), new.splitlines(), name, "generated", lineterm=""
        )
        print("\n".join(list(diff)[:SHOWN_LINES]))
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new, encoding="utf-8")
    print(f"wrote {name}")
    return True


if __name__ == "__main__":
    sys.exit(main())
