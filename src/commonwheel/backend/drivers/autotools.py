"""Configure with the ``configure`` that autotools make, out of the source tree; build with make."""

from collections.abc import Sequence

from commonwheel.backend.drivers.make import PROGRAMS, build_and_install
from commonwheel.backend.drivers.situation import Command, Driver, Situation


def commands(at: Situation) -> Sequence[Command]:
    """The three commands that every autotools project knows."""
    # Through sh: archives made on other systems lose the mode of an executable.
    configure = (
        "sh",
        str(at.source / "configure"),
        f"--prefix={at.install_prefix}",
        f"--libdir={at.install_prefix}/lib",
        "--disable-static",
        "--enable-shared",
        *at.steps.options,
    )
    return [Command(words=configure, logs=("config.log",)), *build_and_install(at)]


DRIVER = Driver(tools=(), programs=PROGRAMS, commands=commands)
