"""PEP 517 backend of a staged project: ``build-backend = "commonwheel.backend"``.

The hooks are in :mod:`commonwheel.backend.hooks`. They are looked up late, because the toolkit uses
other modules of this package in every run, and what builds a wheel only when one is built.
"""

import importlib
from typing import Any

HOOKS = ("get_requires_for_build_wheel", "build_wheel", "build_sdist")


def __getattr__(name: str) -> Any:
    """A hook, for the frontend."""
    if name in HOOKS:
        return getattr(importlib.import_module("commonwheel.backend.hooks"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
