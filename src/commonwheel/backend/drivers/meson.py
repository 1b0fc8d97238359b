"""Configure with Meson, build with Ninja."""

from collections.abc import Sequence

from commonwheel.backend.drivers.situation import Command, Driver, Situation


def commands(at: Situation) -> Sequence[Command]:
    """Features that are left to luck (``auto``) are off, and nothing is downloaded."""
    setup = (
        "meson",
        "setup",
        f"--prefix={at.install_prefix}",
        "--libdir=lib",
        # The flags come from the environment.
        "--buildtype=plain",
        "--default-library=shared",
        "--auto-features=disabled",
        "--wrap-mode=nodownload",
        *at.steps.options,
        ".",
        str(at.source),
    )
    return [
        Command(
            words=setup,
            logs=("meson-logs/meson-log.txt",),
            # A CMake that Meson runs searches the whole host.
            environment={"CMAKE": "no-cmake"},
        ),
        Command(words=("ninja", *at.parallel, *at.steps.targets), environment=at.shared),
        *(Command(words=("ninja", target), environment=at.shared) for target in at.steps.install),
    ]


# pkgconf: how Meson finds nearly everything.
DRIVER = Driver(tools=("meson", "ninja", "pkgconf"), programs={}, commands=commands)
