"""A warm ``nox -s build-shapely`` beside nox's own start.

The peer is nox itself: the same program, interpreter and noxfile, running a session that does
nothing. Limit: 2 s beyond it. The first run fills the caches and is not counted.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
LIMIT = 2.0
# The project's own noxfile, so that generating its sessions counts as nox's start.
EMPTY = """
__file__ = {noxfile!r}
exec(open(__file__).read())

@nox.session(venv_backend="none")
def nothing(session):
    pass
"""


def timed(command: list[str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - began


def main() -> None:
    """Print both medians, their difference and their ratio."""
    nox = [str(ROOT / "scripts" / "nox")]
    build = [*nox, "-s", "build-shapely"]
    subprocess.run(build, check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "noxfile.py"
        file.write_text(EMPTY.format(noxfile=str(ROOT / "noxfile.py")), encoding="utf-8")
        empty = [
            str(ROOT / ".nox/bootstrap/bin/python"),
            *("-P", "-m", "nox", "--script-mode", "none", "--noxfile", str(file)),
            *("-s", "nothing"),
        ]
        start = statistics.median(timed(empty) for _ in range(RUNS))
    warm = statistics.median(timed(build) for _ in range(RUNS))
    print(f"nox, a session that does nothing   {start:6.2f} s")
    print(f"nox -s build-shapely, warm         {warm:6.2f} s   {warm / start:.1f} times as long")
    print(f"beyond nox's own start             {warm - start:6.2f} s   limit {LIMIT:.1f} s")
    if warm - start > LIMIT:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
