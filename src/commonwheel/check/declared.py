"""What a wheel declares to need, and what it is seen to use."""

import ast
import posixpath
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from commonwheel.check.case import Case
from commonwheel.check.inspect import Inspected
from commonwheel.repair.loader import LOADER


def absent(case: Case) -> list[str]:
    """What a wheel requires, and is not at hand."""
    return sorted(case.wheel.requires.keys() - {other.distribution for other in case.others})


def used(case: Case) -> Iterator[Inspected]:
    """The library wheels that a DT_NEEDED of the wheel leads to."""
    for binary in case.wheel.binaries:
        for soname in binary.elf.needed:
            if soname in case.owners and soname not in case.wheel.by_soname:
                yield case.owners[soname]


def opened(case: Case) -> Iterator[str]:
    """The library wheels that a wheel opens by itself; without a recipe, its loaders tell."""
    if case.expected is not None:
        yield from (case.names.distribution(line) for line in case.expected.dlopen)
        return
    for member, content in case.contents.items():
        if posixpath.basename(member) == f"{LOADER}.py":
            yield from _opened_by(content)


def _opened_by(loader: bytes) -> Iterator[str]:
    try:
        body = ast.parse(loader).body
    except (SyntaxError, ValueError):
        return
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="PROVIDERS")], value=value):
                for _, distribution, *_, opened in ast.literal_eval(value):
                    if opened:
                        yield canonicalize_name(distribution)
            case _:
                pass
