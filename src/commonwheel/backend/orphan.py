"""A build ends with the program that started it, however that one ends."""

import os
import signal
import threading
import time

SECONDS = 0.5


def end_with_parent() -> None:
    """End this process and its compilers when its parent is gone, even by SIGKILL.

    Only where this process leads a group of its own, as the engines start it: another group holds
    processes that are not the build's.
    """
    if os.getpgrp() == os.getpid():
        watch = threading.Thread(target=_watch, args=(os.getppid(),), daemon=True)
        watch.start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)
