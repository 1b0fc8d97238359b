"""Words for people."""


def counted(number: int, what: str) -> str:
    """``1 wheel``, ``2 wheels``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
