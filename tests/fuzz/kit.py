"""What the fuzz targets share: their corpus, and the limits that make a hang a failure.

A target is run as ``python -m tests.fuzz.<target>``, with options of libFuzzer behind it, or with
files that it found before, to try these alone.
"""

import hashlib
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

from commonwheel.elf.image import Endian

FOLDER = Path("build/fuzz")
"""Corpora and finds, by target; git ignores it."""
MOST_BYTES = 65_536
LIMITS = (
    f"-max_len={MOST_BYTES}",
    "-max_total_time=120",
    "-timeout=10",
    "-rss_limit_mb=1024",
    "-print_final_stats=1",
)


WIDTHS = (1, 2, 4, 8)
EDGES = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
TABLES = 2048
"""Bytes from either end within which headers and directories mostly are."""


def edges(data: bytes, most: int, seed: int) -> bytes:
    """Half of the time what libFuzzer does; else one field takes a value where arithmetic fails.

    libFuzzer changes any byte as likely as another, and most of a binary file is content.
    """
    draw = random.Random(seed)
    if len(data) < max(WIDTHS) or draw.random() < 1 / 2:
        return bytes(atheris.Mutate(data, most))
    raw = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        width = draw.choice(WIDTHS)
        last = len(raw) - width
        place = draw.randint(0, min(last, TABLES)) & ~1
        at = draw.choice((place, last - place, draw.randint(0, last)))
        near = draw.choice((len(raw), draw.randint(0, len(raw)))) + draw.randint(-16, 16)
        value = draw.choice((draw.choice(EDGES), max(near, 0)))
        order: Endian = draw.choice(("little", "big"))
        raw[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, order)
    return bytes(raw)


def fuzz(name: str, one: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Try inputs until the time is over; the process fails at the first that ``one`` fails at."""
    folder = FOLDER / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (corpus / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    given = sys.argv[1:]
    files = [word for word in given if not word.startswith("-")]
    arguments = [*LIMITS, f"-artifact_prefix={folder}/", *given, *([] if files else [str(corpus)])]
    atheris.Setup([sys.argv[0], *arguments], one, custom_mutator=edges)
    atheris.Fuzz()
