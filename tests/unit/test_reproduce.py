"""scripts/reproduce: from a log or a plan to the arguments of a build."""

import json

import pytest

from commonwheel.cli.build import REPRODUCTION
from commonwheel.errors import UsageError
from scripts.reproduce import choose

FIRST = {"id": "zlib-1.3", "arguments": ["zlib", "--only", "zlib-1.3"]}
SECOND = {"id": "user-1.0-cp311", "arguments": ["user", "--only", "user-1.0-cp311"]}


def test_a_log_tells_of_its_job() -> None:
    log = f"some line\n{REPRODUCTION}{json.dumps(FIRST)}\nmore\n"
    assert choose(log, None) == FIRST["arguments"]


def test_a_log_of_ci_may_hold_several_with_words_before_them() -> None:
    log = "".join(f"2026-11-27T00:00:00Z {REPRODUCTION}{json.dumps(e)}\n" for e in (FIRST, SECOND))
    assert choose(log, "user-1.0-cp311") == SECOND["arguments"]
    with pytest.raises(UsageError, match="there are several jobs"):
        choose(log, None)
    with pytest.raises(UsageError, match=r"there is no job 'x'"):
        choose(log, "x")


def test_a_plan_and_an_entry_of_one_do_as_well() -> None:
    plan = {"schema": 1, "levels": [[{**FIRST, "kind": "library"}], [SECOND]]}
    assert choose(json.dumps(plan), "zlib-1.3") == FIRST["arguments"]
    assert choose(json.dumps(FIRST), None) == FIRST["arguments"]


@pytest.mark.parametrize("text", ["", "a log of something else", "{}", "[]"])
def test_what_tells_of_no_job_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="tells of no job"):
        choose(text, None)
