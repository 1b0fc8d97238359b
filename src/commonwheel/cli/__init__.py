"""The command line: one module per subcommand, arguments and a call."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from commonwheel import __version__
from commonwheel.cli.common import configure, make_console, verbosity_options
from commonwheel.errors import CommonwheelError, UsageError

DESCRIPTION = (
    "Native libraries as wheels of their own, shared by the Python packages that need them."
)
EPILOG = (
    "Recipes: the toolkit's own, those in ./recipes, and --recipes DIR. Defaults of options: "
    "commonwheel.toml. Exit codes stand in docs/reference/exit-codes.md."
)
INTERRUPTED = 130
COMMANDS = (
    "fetch",
    "plan",
    "build",
    "repair",
    "check",
    "abi",
    "lock",
    "index",
    "prefix",
    "why",
    "cache",
    "recipe",
)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are this package's errors."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, hint=f"see: {self.prog} --help")


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser of the whole command line.

    Args:
        command: the one that is asked for, if it is known: no other's module is loaded then, which
            takes longer than many a command.
    """
    parser = _Parser(prog="commonwheel", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"commonwheel {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [command] if command in COMMANDS else COMMANDS:
        module = importlib.import_module(f"commonwheel.cli.{name}")
        module.add_parser(commands, [verbosity_options()])
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the only place where an error becomes an exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = argparse.Namespace(verbosity="normal")
    try:
        options = build_parser(*words[:1]).parse_args(words)
        configure(options)
        code = int(options.run(options) or 0)
        # Now, while a broken pipe can still be told from a failure.
        sys.stdout.flush()
    except CommonwheelError as error:
        make_console(options, os.environ).error(error)
        return error.exit_code
    except KeyboardInterrupt:
        make_console(options, os.environ).note("interrupted; what is finished stays usable")
        return INTERRUPTED
    except BrokenPipeError:
        # `commonwheel plan | head`: nobody reads on.
        _drop_output()
        return 1
    except OSError as error:
        # A file or folder that the user named: not there, not a folder, not writable, a full disk.
        failure = CommonwheelError(error.strerror or str(error), where=str(error.filename or ""))
        make_console(options, os.environ).error(failure)
        _drop_output()
        return failure.exit_code
    else:
        return code


def _drop_output() -> None:
    # What standard output still holds cannot be written; Python would complain again at its end.
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
