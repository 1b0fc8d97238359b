"""A pytest plugin that is copied beside a consumer's tests: known failures are expected to fail.

They run all the same, so that a report says how many there are. The list lies beside this file.
"""

import json
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("known_failures.json")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the recipe names, by node id with or without its parameters.

    Raises:
        pytest.UsageError: the recipe names a test that is not there.
    """
    known: dict[str, str] = json.loads(LIST.read_text(encoding="utf-8"))
    unused = set(known)
    for item in items:
        names = [name for name in (item.nodeid, item.nodeid.partition("[")[0]) if name in known]
        if names:
            item.add_marker(pytest.mark.xfail(reason=known[names[0]], strict=False))
            unused -= set(names)
    if unused:
        message = f"test.known-failures matches no test: {', '.join(sorted(unused))}"
        raise pytest.UsageError(message)
