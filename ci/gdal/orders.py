"""Orders in which the packages are imported, and what a process answers after each."""

import itertools
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.gdal.environments import HERE, PACKAGES, Environment
from ci.gdal.server import Server

SEED = 20261127
SAMPLE = 50

Order = tuple[str, ...]


def pairs() -> list[Order]:
    """The 30 ordered pairs; the others follow, in the order of the alphabet."""
    return [
        (*pair, *sorted(set(PACKAGES) - set(pair))) for pair in itertools.permutations(PACKAGES, 2)
    ]


def permutations() -> list[Order]:
    """All 720."""
    return list(itertools.permutations(PACKAGES))


def sample() -> list[Order]:
    """50 of them, the same each time."""
    return random.Random(SEED).sample(permutations(), SAMPLE)  # noqa: S311  no secret


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What :mod:`ci.gdal.smoke` printed after one order, or how it failed."""

    order: Order
    report: Mapping[str, Any] | None
    problem: str = ""

    @property
    def answers(self) -> str:
        """What came out, to be compared."""
        return self.problem or json.dumps(self.report and self.report["answers"], sort_keys=True)


def ask(environment: Environment, server: Server, orders: Iterable[Order]) -> Iterator[Answer]:
    """Each order in a process of its own, two at a time."""

    def one(order: Order) -> Answer:
        # As its users name a CA: it wins over certifi, which the packages set otherwise.
        env = {"GDAL_CURL_CA_BUNDLE": str(server.authority)}
        try:
            report = environment.json(HERE / "smoke.py", ",".join(order), server.url, env=env)
        except RuntimeError as error:
            return Answer(order=order, report=None, problem=str(error))
        return Answer(order=order, report=report)

    with ThreadPoolExecutor(max_workers=2) as pool:
        yield from pool.map(one, orders)


def libraries(paths: Sequence[str], site: Path) -> dict[str, list[str]]:
    """The shared libraries of an environment: ``libproj`` → the files that are mapped.

    Extension modules, and what is not of the environment, are left out.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        name = Path(path).name
        if path.startswith(str(site)) and name.startswith("lib") and ".cpython-" not in name:
            stem = name.partition(".so")[0].removesuffix("-commonwheel")
            found.setdefault(stem, []).append(str(Path(path).relative_to(site)))
    return found
