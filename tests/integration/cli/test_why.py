"""``commonwheel why`` after real builds: it looks for what the pipeline has stored."""

import json
from typing import Any

from tests.integration.kit import Workshop, commonwheel


def why(shop: Workshop, *words: str) -> list[dict[str, Any]]:
    environ = {"COMMONWHEEL_CACHE": str(shop.cache)}
    format_ = ("--format", "json")
    outcome = commonwheel("why", *words, "--recipes", shop.recipes, *format_, environ=environ)
    assert outcome.code == 0, outcome.text
    jobs: list[dict[str, Any]] = json.loads(outcome.text)["jobs"]
    return jobs


def test_what_was_built_is_cached(foo: Workshop) -> None:
    assert [(job["job"], job["verdict"]) for job in why(foo, "over")] == [
        ("foo-1.0", "cached"),
        ("over-1.0", "cached"),
    ]


def test_an_option_is_the_reason(foo: Workshop) -> None:
    base, over = why(foo, "over", "--set", "foo.build.options+=-DX=ON")
    assert [reason["text"] for reason in base["reasons"]] == ["build.options: -DX=ON added"]
    assert [reason["provider"] for reason in over["reasons"]] == ["foo-1.0"]


def test_it_needs_no_compiler(foo: Workshop) -> None:
    environ = {"COMMONWHEEL_CACHE": str(foo.cache), "PATH": "/nowhere"}
    outcome = commonwheel("why", "foo", "--recipes", foo.recipes, environ=environ)
    assert outcome.code == 0, outcome.text
    assert "gcc is not here, and was" in outcome.text
