"""Every fatal error, each with its own exit code.

The constructor writes the whole message: what happened, where, the likely cause and the next
command. Only :func:`commonwheel.cli.main` turns an error into an exit status; all else raises.
"""

from collections.abc import Sequence


class CommonwheelError(Exception):
    """A fatal error whose text is fit to be shown to a user as it is.

    Args:
        what: one sentence: what happened.
        where: ``file:line:column``, ``wheel:member`` or a job's id; empty when the text says it.
        hint: the likely cause and the next command.
    """

    exit_code = 1
    lines: Sequence[str] | None = None
    """The lines of a log that matter, where whoever raised it knows them better than the log."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        head = f"{where}: {what}" if where else what
        super().__init__(f"{head}\n  {hint}" if hint else head)


class UsageError(CommonwheelError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class RecipeError(CommonwheelError):
    """One or more recipes are wrong; the text holds every problem that was found."""

    exit_code = 3
    problems: tuple[str, ...] = ()

    @classmethod
    def collect(cls, problems: Sequence[str], *, hint: str = "") -> "RecipeError":
        """One error out of many problems, each already with its ``file:line:column``."""
        count = len(problems)
        head = f"{count} problem{'s' if count != 1 else ''} in recipes"
        error = cls("\n  ".join([f"{head}:", *problems]), hint=hint)
        error.problems = tuple(problems)
        return error


class PlanError(CommonwheelError):
    """The recipes are well formed but cannot be built together."""

    exit_code = 4


class SourceError(CommonwheelError):
    """A source cannot be had, unpacked or patched, or is not the file that the recipe pins."""

    exit_code = 5


class BuildError(CommonwheelError):
    """A build failed, or gave something else than its recipe promises."""

    exit_code = 6


class MissingProgramError(BuildError):
    """A program that only the system has (a compiler, tclsh) is not there."""

    exit_code = 7


class ElfError(CommonwheelError):
    """A file is not an ELF object, or is malformed."""

    exit_code = 8


class WheelError(CommonwheelError):
    """A wheel is malformed, or its metadata contradict its content."""

    exit_code = 9


class RepairError(CommonwheelError):
    """A wheel cannot be made to share its libraries."""

    exit_code = 10


class ConsumerTestError(CommonwheelError):
    """A consumer's own test suite failed against the library wheels."""

    exit_code = 11


class WheelhouseError(CommonwheelError):
    """The wheelhouse holds a wheel of the same name with other bytes."""

    exit_code = 12


class ConfigurationError(CommonwheelError):
    """A `commonwheel.toml` is wrong; the text holds every problem that was found."""

    exit_code = 13


class GateError(CommonwheelError):
    """A wheel does not pass a gate, and no recipe waives it."""

    exit_code = 14
    report = ""
    """What the gates said, as JSON; empty where it has been shown."""


class EngineError(CommonwheelError):
    """A container engine or its image cannot be used."""

    exit_code = 15


class LockError(CommonwheelError):
    """A set of wheels cannot be locked: no solution, or other files than the set's own."""

    exit_code = 16


class SiteError(CommonwheelError):
    """A package index would change what it has published, or the folder holds something else."""

    exit_code = 17


class AbiBreakError(CommonwheelError):
    """A new release breaks what was built against the old one."""

    exit_code = 18


class SnapshotError(CommonwheelError):
    """A snapshot is malformed, or of a newer toolkit; or what was given has no ABI to record."""

    exit_code = 19
