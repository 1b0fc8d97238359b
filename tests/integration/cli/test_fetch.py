"""``commonwheel fetch``, for scripts and for people."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.kit import Workshop


def test_it_prints_where_the_sources_are(workshop: Workshop) -> None:
    files = {"LICENSE": "MIT"}
    workshop.library("tiny", {"1.0": files, "1.1": files}, [{"soname": "libtiny.so.1"}])
    done = subprocess.run(
        [sys.executable, "-m", "commonwheel", "fetch", "tiny", "--recipes", workshop.recipes],
        env={**os.environ, "COMMONWHEEL_CACHE": str(workshop.cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    (path,) = done.stdout.splitlines()
    archive = workshop.root / "sources" / "tiny-1.1.tar.gz"
    assert Path(path).read_bytes() == archive.read_bytes()
    assert "tiny 1.1" in done.stderr
