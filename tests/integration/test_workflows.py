"""The linters of the field find nothing in the workflows and actions."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALLER = "docs/examples/caller"
SCHEMAS = {
    "vendor.github-workflows": [".github/workflows", f"{CALLER}/.github/workflows"],
    "vendor.github-actions": [".github/actions"],
    "vendor.dependabot": [".github/dependabot.yml"],
}


def ended(*words: str) -> tuple[int, str]:
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run(
        [program, *words[1:]], cwd=ROOT, text=True, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    code, text = ended(
        "zizmor", "--offline", "--strict-collection", "--persona=pedantic", ".github", CALLER
    )
    assert code == 0, text
    assert "No findings to report" in text


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_their_schema(schema: str) -> None:
    places = [ROOT / place for place in SCHEMAS[schema]]
    files = [
        str(file)
        for place in places
        for file in (sorted(place.rglob("*.yml")) if place.is_dir() else [place])
    ]
    assert files
    code, text = ended("check-jsonschema", "--builtin-schema", schema, *files)
    assert code == 0, text
