"""String tables: names by offset, never more of them than the table warrants.

Names may lie within one another, so a small file can promise any amount of text: thousands of
names, each of them most of the table.
"""

from dataclasses import dataclass, field

from commonwheel.elf.image import malformed

MOST_TEXT = 16_000_000
"""Bytes of names that any table may give."""
SHARED = 16
"""How many times its own size a table may give beyond that."""


def text(raw: bytes) -> str:
    """A name as ELF holds it: UTF-8 in practice, any bytes by the standard."""
    return raw.decode("utf-8", "surrogateescape")


@dataclass(kw_only=True)
class Strings:
    """One string table, and how much text may still be taken from it."""

    name: str
    """What errors call the file."""
    what: str
    """What errors call the table."""
    raw: bytes = b""
    left: int = field(init=False)

    def __post_init__(self) -> None:
        """Set the limit by the table's size."""
        self.left = MOST_TEXT + SHARED * len(self.raw)

    def at(self, offset: int) -> str:
        """The string that begins ``offset`` bytes into the table.

        Raises:
            ElfError: outside the table, without its end there, or part of too much text.
        """
        end = self.raw.find(b"\0", offset)
        if end < 0:
            msg = f"a name at {offset:#x} of {self.what} of {len(self.raw)} bytes"
            raise malformed(self.name, msg)
        self.left -= end - offset
        if self.left < 0:
            raise malformed(self.name, f"the names in {self.what} overlap beyond all measure")
        return text(self.raw[offset:end])
