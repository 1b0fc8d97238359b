"""Build with make: a plain makefile, in a copy of the source."""

from collections.abc import Iterator, Sequence

from commonwheel.backend.drivers.situation import Command, Driver, Situation

PROGRAMS = {"make": "make"}


def copy_source(at: Situation) -> Command:
    """Copy the source into the build folder: what cannot be built beside its source changes it."""
    return Command(words=("cp", "-a", f"{at.source}/.", "."))


def build_and_install(at: Situation, arguments: Sequence[str] = ()) -> Iterator[Command]:
    """Call make for the targets, then for those that install.

    Args:
        at: gives jobs and targets.
        arguments: of each call.
    """
    # DESTDIR as an argument: some makefiles assign it, and an assignment beats the environment.
    destination = f"DESTDIR={at.destination}"
    yield Command(
        words=("make", *at.parallel, *arguments, *at.steps.targets),
        preview=("make", "-n", *arguments, *at.steps.targets),
        environment=at.shared,
    )
    # One after the other: hardly a makefile is tried with parallel installations.
    for target in at.steps.install:
        yield Command(words=("make", *arguments, destination, target))


def commands(at: Situation) -> Sequence[Command]:
    """Options are arguments of make; so are the compilers, since most makefiles assign CC."""
    variables = at.toolchain.environment
    compilers = [f"{key}={variables[key]}" for key in ("CC", "CXX", "FC") if key in variables]
    return [copy_source(at), *build_and_install(at, [*compilers, *at.steps.options])]


DRIVER = Driver(tools=(), programs=PROGRAMS, commands=commands)
