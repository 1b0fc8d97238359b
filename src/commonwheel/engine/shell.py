"""A shell where a step has failed, in the container, for as long as somebody looks."""

import os
import sys
from collections.abc import Mapping

from commonwheel.engine.oci import Oci
from commonwheel.process import interact


def look(oci: Oci, container: str, paused: Mapping[str, str]) -> None:
    """Open a shell at a failed step, with its environment and in its folder; then let it end.

    Args:
        oci: the engine.
        container: id of the container.
        paused: what :mod:`commonwheel.backend.pause` tells.
    """
    sys.stderr.write(
        f"\n'{paused['step']}' has failed. This is a shell in its container, in the folder and the "
        "environment of that step; when it ends, the container goes away.\n"
    )
    terminal = ["--tty"] if os.isatty(0) else []
    # A script of bash's would be read in place of the user's: of an interactive shell alone.
    command = f". {paused['script']}; exec /bin/bash --norc -i"
    interact(
        [oci.name, "exec", "--interactive", *terminal, container, "/bin/bash", "-c", command],
        env=oci.environ,
    )
    oci.ask("exec", container, "touch", paused["done"])
