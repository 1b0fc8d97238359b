"""How a transfer tells what it does; the console implements it, nothing in here prints."""

from typing import Protocol


class Progress(Protocol):
    """Told of one transfer at a time: start, any number of advances, done."""

    def start(self, label: str, total: int | None) -> None:
        """A transfer begins; ``total`` is its size in bytes when the server tells it."""

    def advance(self, count: int) -> None:
        """``count`` more bytes have come (those that a resumed download has already count too)."""

    def done(self) -> None:
        """The transfer has ended, well or not."""


class NullProgress:
    """A progress that shows nothing."""

    def start(self, label: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass

    def done(self) -> None:
        pass
