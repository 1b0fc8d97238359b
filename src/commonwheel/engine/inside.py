"""What runs in a container beside the build: repair and gates, and a consumer's own tests.

cibuildwheel calls it as its repair command and as its test command, with the interpreter of the
image that fits the toolkit::

    python inside/run.py repair WHEEL FOLDER
    python inside/run.py test

What goes wrong goes out as messages (:mod:`commonwheel.backend.messages`): of a step that fails,
cibuildwheel brings no file out of the container.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from commonwheel.backend.messages import tell, tell_error
from commonwheel.backend.pause import pause
from commonwheel.backend.say import say
from commonwheel.backend.staged import StagedProject
from commonwheel.check.case import Tools
from commonwheel.check.inspect import inspect
from commonwheel.check.report import as_json, headline
from commonwheel.engine.finishing import ADAPTER, Finishing
from commonwheel.engine.suite import Suite
from commonwheel.errors import CommonwheelError
from commonwheel.recipe.model import Test

# What cibuildwheel brings out, beside the wheel that it puts there itself.
OUTPUT = Path("/output")
RESULT = "result.json"


def main(words: Sequence[str]) -> int:
    """Do what the command line says, for the staged project that the container holds."""
    project = StagedProject(root=Path("/project/package"))
    try:
        match words:
            case ["repair", wheel, folder]:
                repair(project, Path(wheel), Path(folder))
            case ["test"]:
                test(project)
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except CommonwheelError as error:
        tell_error(error)
        pause(words[0])
        return error.exit_code
    return 0


def repair(project: StagedProject, raw: Path, folder: Path) -> None:
    """Repair a raw wheel into a folder, and hold it against the gates."""
    finishing: Finishing = ADAPTER.validate_json(project.finishing.read_bytes())
    providers = sorted(project.providers.glob("*.whl"))
    names = finishing.repair.names
    with tempfile.TemporaryDirectory() as text:
        scratch = Path(text)
        made = finishing.repaired(raw, folder, providers, scratch)
        beside = [inspect(path, names)[0] for path in providers]
        tools = Tools(load=True, scan=True, scratch=scratch, environ=os.environ)
        report = finishing.check(made.path, beside, tools)
    say(headline(report))
    result = {
        "providers": [each.wheel for each in made.providers],
        "lines": [each.line for each in made.providers],
        "notes": list(made.notes),
        "report": as_json([report]),
    }
    target = OUTPUT / "raw"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(raw, target)
    if (raw.parent / "debug").is_dir():
        shutil.copytree(raw.parent / "debug", target / "debug")
    (OUTPUT / RESULT).write_text(json.dumps(result), encoding="utf-8")


def test(project: StagedProject) -> None:
    """Run a consumer's tests in the environment that cibuildwheel has made."""
    trial = json.loads(project.trial.read_text(encoding="utf-8"))
    suite = Suite(
        name=trial["name"],
        test=Test.model_validate(trial["test"]),
        wheel=Path(),
        libraries=(),
        source=project.source,
    )
    scratch = Path(tempfile.mkdtemp())
    summary = suite.run_in(Path(os.environ["VIRTUAL_ENV"]), scratch, sys.stdout, lambda _line: None)
    tell(summary=summary)
