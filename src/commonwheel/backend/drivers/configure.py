"""Configure with a script that is upstream's own (zlib, OpenSSL), in a copy of the source."""

from collections.abc import Sequence

from commonwheel.backend.drivers.make import PROGRAMS, build_and_install, copy_source
from commonwheel.backend.drivers.situation import Command, Driver, Situation


def commands(at: Situation) -> Sequence[Command]:
    """Such a script is sure to know ``--prefix`` alone; the recipe gives it all the rest."""
    configure = ("sh", at.steps.script, f"--prefix={at.install_prefix}", *at.steps.options)
    logs = ("configure.log", "config.log")
    return [copy_source(at), Command(words=configure, logs=logs), *build_and_install(at)]


DRIVER = Driver(tools=(), programs=PROGRAMS, commands=commands)
