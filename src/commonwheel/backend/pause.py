"""Where a step has failed in a container, and somebody wants to look: wait, until they are done."""

import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from commonwheel.backend.messages import tell

# Set by the engine, where somebody wants to look.
VARIABLE = "COMMONWHEEL_PAUSE"
FOLDER = Path("/commonwheel")
SECONDS = 0.2


def pause(
    step: str, variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> None:
    """Write down where a step has failed, say so, and wait; nothing, unless it is wanted.

    The first step that fails counts: others fail because of it.

    Args:
        step: its name.
        variables: its environment; None means this process's.
        folder: where it ran; None means the current one.
    """
    script, done = FOLDER / "environment.sh", FOLDER / "done"
    if VARIABLE not in os.environ or script.exists():
        return
    FOLDER.mkdir(exist_ok=True)
    values = os.environ if variables is None else variables
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    lines.append(f"cd {shlex.quote(str(folder or Path.cwd()))}")
    script.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    tell(paused={"step": step, "script": str(script), "done": str(done)})
    while not done.exists():
        time.sleep(SECONDS)
