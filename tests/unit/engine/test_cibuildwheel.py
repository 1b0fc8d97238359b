"""What cibuildwheel is told, and what its end means."""

import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from commonwheel.backend.messages import MARK, Listener
from commonwheel.engine.cibuildwheel import Order, _error, check, configuration
from commonwheel.errors import (
    BuildError,
    CommonwheelError,
    ConsumerTestError,
    EngineError,
    GateError,
    RepairError,
)
from commonwheel.recipe.resolve import Platform

ORDER = Order(
    engine="docker",
    image="quay.io/pypa/manylinux_2_28_x86_64",
    platform=Platform(arch="x86_64"),
    python="3.11",
    root=Path("/place/container"),
    output=Path("/place/output"),
    label="zlib-1.3-abc",
    repair="python run.py repair {wheel} {dest_dir}",
    settings={"jobs": "2"},
    variables={"PIP_NO_INPUT": "1"},
    volumes={"/place/pipe": "/pipe"},
)


def options(order: Order) -> Mapping[str, Any]:
    data = configuration(order)
    check(data)
    # As cibuildwheel reads it.
    read = tomllib.loads(tomli_w.dumps(data))
    assert read == data
    return read["tool"]["cibuildwheel"]  # type: ignore[no-any-return]


def test_the_configuration_leaves_nothing_to_chance() -> None:
    found = options(ORDER)
    assert found["audit-command"] == ""
    assert found["container-engine"] == {
        "name": "docker",
        "create-args": ["--label=commonwheel=zlib-1.3-abc", "--volume=/place/pipe:/pipe"],
        "disable-host-mount": True,
    }
    assert found["manylinux-x86_64-image"] == ORDER.image
    assert found["repair-wheel-command"] == ORDER.repair
    assert found["config-settings"] == {"jobs": "2"}


@pytest.mark.parametrize(
    ("platform", "key", "identifier"),
    [
        (Platform(arch="aarch64"), "manylinux-aarch64-image", "cp311-manylinux_aarch64"),
        (
            Platform(arch="x86_64", libc="musl"),
            "musllinux-x86_64-image",
            "cp311-musllinux_x86_64",
        ),
        (
            Platform(arch="aarch64", libc="musl"),
            "musllinux-aarch64-image",
            "cp311-musllinux_aarch64",
        ),
    ],
)
def test_other_platforms_have_their_own_images(
    platform: Platform, key: str, identifier: str
) -> None:
    order = replace(ORDER, platform=platform, image="an/image")
    assert options(order)[key] == "an/image"
    assert order.identifier == identifier


def test_tests_are_told_whole() -> None:
    order = replace(ORDER, test="run test", before_test="pip install x", test_requires=("pytest",))
    found = options(order)
    assert found["test-command"] == "run test"
    assert found["before-test"] == "pip install x"
    assert found["test-requires"] == ["pytest"]


def test_what_does_not_fit_the_schema_is_told_with_its_place() -> None:
    data = configuration(replace(ORDER, settings={"jobs": 2}))  # type: ignore[dict-item]
    with pytest.raises(EngineError, match=r"does not take this configuration: config-settings"):
        check(data)


def heard(*lines: str) -> Listener:
    listener = Listener(io.StringIO(), lambda _: None)
    for line in lines:
        listener.line(line)
    return listener


def sent(kind: str, **parts: str) -> str:
    error = {"type": kind, "what": "it broke", "where": "here", "hint": "mend it", "report": ""}
    return MARK + json.dumps({"error": {**error, **parts}})


DIED = "RuntimeError: Failed to read the return code, the container shell has exited"
NO_PYTHON = (
    "  '/opt/python/cp312-cp312/bin/python' executable doesn't exist in image 'an/image' to build "
    "'cp312-manylinux_x86_64'."
)


@pytest.mark.parametrize(
    ("code", "said", "kind", "what"),
    [
        (1, NO_PYTHON, EngineError, "an/image has no /opt/python/cp312-cp312/bin/python"),
        (1, "No space left on device", EngineError, "the disk is full"),
        (1, "Cannot connect to the Docker daemon", EngineError, "no engine runs"),
        (1, DIED, EngineError, "the container ended before"),
        (7, "too old", EngineError, "too old"),
        (8, "no wheel", RepairError, "the repair step left no wheel"),
        (10, "no wheel", BuildError, "left no wheel"),
        (1, "Command ['python', '-m', 'build'] failed", BuildError, "exit code 1"),
    ],
)
def test_each_end_is_told_as_what_it_is(
    code: int, said: str, kind: type[CommonwheelError], what: str
) -> None:
    error = _error(ORDER, code, f"Starting container\n{said}\n", heard())
    assert type(error) is kind
    assert what in error.what


@pytest.mark.parametrize("kind", [BuildError, RepairError, GateError, ConsumerTestError])
def test_what_was_sent_out_of_the_container_counts_first(kind: type[CommonwheelError]) -> None:
    error = _error(ORDER, 1, "Cannot connect to the Docker daemon", heard(sent(kind.__name__)))
    assert type(error) is kind
    assert (error.what, error.where, error.hint) == ("it broke", "here", "mend it")


def test_of_a_build_that_fails_on_a_full_disk_that_is_told() -> None:
    error = _error(ORDER, 1, "cc1: No space left on device", heard(sent("BuildError")))
    assert type(error) is BuildError
    assert error.hint == "mend it\n  the disk is full"


def test_a_report_travels_with_the_error_of_a_gate() -> None:
    error = heard("a line", sent("GateError", report='{"schema": 1}')).error
    assert isinstance(error, GateError)
    assert error.report == '{"schema": 1}'


def test_messages_stay_out_of_the_log() -> None:
    log = io.StringIO()
    lines: list[str] = []
    listener = Listener(log, lines.append)
    for line in ("compiling", MARK + json.dumps({"summary": "5 passed"}), "done"):
        listener.line(line)
    assert log.getvalue() == "compiling\ndone\n"
    assert lines == ["compiling", "done"]
    assert listener.heard == {"summary": "5 passed"}
    assert listener.error is None
