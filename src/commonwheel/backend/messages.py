"""What a build has to say to the engine that started it: lines of its output, in JSON.

A file would do on a host; out of a container whose step has failed, no file comes.
"""

import json
from collections.abc import Callable
from typing import IO, Any

from commonwheel import errors
from commonwheel.backend.say import say

MARK = "commonwheel-message: "


def tell(**message: Any) -> None:
    """Send a message: names and what stands for them."""
    say(f"{MARK}{json.dumps(message)}")


def tell_error(error: errors.CommonwheelError) -> None:
    """Send an error, to be raised again by the engine; and say it, for the log."""
    say(f"error: {error}")
    parts = {"type": type(error).__name__, "what": error.what, "where": error.where}
    report = error.report if isinstance(error, errors.GateError) else ""
    tell(error={**parts, "hint": error.hint, "report": report})


class Listener:
    """Parts messages from all other output of a build.

    Args:
        log: receives the other lines.
        on_line: called with each of them.
        on_message: called with each message.
    """

    def __init__(
        self,
        log: IO[str],
        on_line: Callable[[str], None],
        on_message: Callable[[dict[str, Any]], None] = lambda _message: None,
    ) -> None:
        self._log, self._on_line, self._on_message = log, on_line, on_message
        self.heard: dict[str, Any] = {}

    def line(self, text: str) -> None:
        """One line of output."""
        if text.startswith(MARK):
            message = json.loads(text.removeprefix(MARK))
            self.heard |= message
            self._on_message(message)
            return
        self._log.write(f"{text}\n")
        self._log.flush()
        self._on_line(text)

    @property
    def error(self) -> errors.CommonwheelError | None:
        """The error that the build has sent, as it was raised there."""
        parts = self.heard.get("error")
        if parts is None:
            return None
        kind = getattr(errors, parts["type"], errors.BuildError)
        error: errors.CommonwheelError = kind(
            parts["what"], where=parts["where"], hint=parts["hint"]
        )
        if isinstance(error, errors.GateError):
            error.report = parts["report"]
        return error
