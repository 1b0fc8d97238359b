"""docs/reference/exit-codes.md, from the classes of commonwheel.errors."""

import inspect

from ci.markdown import NOTICE
from commonwheel import errors
from commonwheel.cli import INTERRUPTED
from commonwheel.text import markdown_table

HEAD = """
# Exit codes

`commonwheel` ends with 0 when all went well. Each kind of fatal error has a code of its own, which
stays the same from release to release. The message says what happened, where, and what to do next.

"""


def classes() -> list[type[errors.CommonwheelError]]:
    """The error classes, by exit code."""
    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.CommonwheelError)
    ]
    return sorted(found, key=lambda kind: kind.exit_code)


def page() -> str:
    """The page."""
    rows = [
        ("0", "", "Success."),
        *((str(kind.exit_code), f"`{kind.__name__}`", _meaning(kind)) for kind in classes()),
        (str(INTERRUPTED), "", "Interrupted (Ctrl-C). What is finished stays usable."),
    ]
    return NOTICE + HEAD + markdown_table(("code", "error", "meaning"), rows)


def _meaning(kind: type[errors.CommonwheelError]) -> str:
    if kind is errors.CommonwheelError:
        return "Any other error, such as a program that failed."
    return inspect.getdoc(kind) or ""
