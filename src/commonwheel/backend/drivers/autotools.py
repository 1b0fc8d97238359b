"""Configure with the source's ``configure``, out of its tree; build with make."""

from collections.abc import Sequence

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
    # DESTDIR as an argument: some makefiles assign it, and an assignment beats the environment.
    destination = f"DESTDIR={at.destination}"
    return [
        Command(words=configure, logs=("config.log",)),
        Command(
            words=("make", f"-j{at.jobs}", *at.steps.targets),
            preview=("make", "-n", *at.steps.targets),
        ),
        *(Command(words=("make", target, destination)) for target in at.steps.install),
    ]


DRIVER = Driver(tools=(), programs={"make": "make"}, commands=commands)
