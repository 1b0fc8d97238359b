"""A process that sees another ``/etc``: what a test puts there, and nothing of the host's."""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def run_with_files(
    python: Path,
    code: str,
    files: Mapping[str | Path, bytes],
    env: Mapping[str, str] | None = None,
    *,
    over: Path | None = None,
) -> Any:
    """Run code, isolated, in a mount namespace of its own (it needs user namespaces, or root).

    Args:
        python: the interpreter.
        code: prints JSON on its last line.
        files: content by absolute path, below ``/etc`` or ``over``.
        env: the whole environment, but for a plain ``PATH``.
        over: one more folder that is empty at first, as ``/etc`` is.

    Returns:
        What the code prints.
    """
    with tempfile.TemporaryDirectory() as staged:
        steps = [f"mount -t tmpfs none {shlex.quote(str(each))}" for each in ("/etc", over) if each]
        for number, (path, content) in enumerate(files.items()):
            (Path(staged) / str(number)).write_bytes(content)
            steps.append(f"install -D -m 644 {staged}/{number} {shlex.quote(str(path))}")
        steps.append('exec "$@"')
        command = ["unshare", "--map-root-user", "--mount", "sh", "-ec", "\n".join(steps), "sh"]
        done = subprocess.run(
            [*command, python, "-I", "-c", code],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
