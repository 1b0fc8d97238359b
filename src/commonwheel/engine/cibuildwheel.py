"""cibuildwheel, driven from outside: a TOML file in, files and an exit code out.

It promises no interface to Python, so it runs as a process of its own
(https://cibuildwheel.pypa.io/en/stable/options/).
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from commonwheel.backend.messages import Listener
from commonwheel.engine.images import identifier
from commonwheel.engine.oci import LABEL, ContainerEngineName, explained
from commonwheel.errors import BuildError, CommonwheelError, EngineError, RepairError
from commonwheel.process import ProcessError, run, significant_lines
from commonwheel.recipe.resolve import Platform

# Where cibuildwheel puts the folder that it is started in; the project is a folder of that. When a
# build fails, it warns of all shared objects in the project, and the toolkit has some.
PROJECT = "/project"
PACKAGE = "package"
# Nothing else of the environment: CIBW_* would beat the file, and CI variables change its output.
KEPT = (
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "DBUS_SESSION_BUS_ADDRESS",
)
KEPT_PREFIXES = ("DOCKER_", "CONTAINER", "PODMAN_", "BUILDAH_", "XDG_")
# https://github.com/pypa/cibuildwheel/blob/main/cibuildwheel/errors.py
CODES: Mapping[int, tuple[type[CommonwheelError], str]] = {
    7: (EngineError, "the container engine is too old, or does not work as it should"),
    8: (RepairError, "the repair step left no wheel, or several"),
    10: (BuildError, "the build ended well, and left no wheel"),
}
# As cibuildwheel announces those that run our commands.
STEPS = ("Building wheel...", "Repairing wheel...", "Testing wheel...")
FULL = "No space left on device"
LOST = re.compile(r"container shell has exited|Failed to read the return code")
NO_INTERPRETER = re.compile(
    r"'(?P<path>/opt/python/\S+)' executable doesn't exist in image '(?P<image>\S+)'"
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run of cibuildwheel: one container, one wheel.

    Args:
        engine: docker or podman.
        image: reference of the image.
        platform: that the image is for.
        python: version of Python that the wheel is built and tested with.
        root: is copied into the container; what is built is the folder ``package`` in it.
        output: folder that receives what comes out.
        label: of the container, to find it by.
        repair: command of the repair step; ``{wheel}`` and ``{dest_dir}`` are filled in.
        test: command of the test step; none where it is empty.
        before_test: command before it, in the same environment.
        test_requires: what is installed for it.
        settings: config settings of the build.
        frontend: arguments of ``python -m build``.
        variables: environment in the container.
        volumes: host path → path in the container.
    """

    engine: ContainerEngineName
    image: str
    platform: Platform
    python: str
    root: Path
    output: Path
    label: str
    repair: str
    test: str = ""
    before_test: str = ""
    test_requires: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    frontend: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """Cibuildwheel's name of the build."""
        return identifier(self.platform, self.python)


def configuration(order: Order) -> dict[str, Any]:
    """The content of the TOML file."""
    kind = order.identifier.partition("-")[2].partition("_")[0]
    create = [f"--label={LABEL}={order.label}"]
    create += [f"--volume={here}:{there}" for here, there in order.volumes.items()]
    options: dict[str, Any] = {
        "build-frontend": {"name": "build", "args": list(order.frontend)},
        "build-verbosity": 0,
        "config-settings": dict(order.settings),
        "environment": dict(order.variables),
        # Tools of a test's environment come from the index as they are there.
        "test-environment": {"PIP_CONSTRAINT": ""},
        "dependency-versions": "latest",
        "repair-wheel-command": order.repair,
        # It would fetch a file from the network, here on the host; gates are asked in the repair.
        "audit-command": "",
        "before-test": order.before_test,
        "test-command": order.test,
        "test-requires": list(order.test_requires),
        "container-engine": {
            "name": order.engine,
            "create-args": create,
            "disable-host-mount": True,
        },
        f"{kind}-{order.platform.arch}-image": order.image,
    }
    return {"tool": {"cibuildwheel": options}}


def check(data: Mapping[str, Any]) -> None:
    """Hold a configuration against cibuildwheel's own schema.

    Raises:
        EngineError: it does not fit, since a recipe holds what cibuildwheel cannot take.
    """
    # Of a warm run nothing is built: both are slow to import.
    from cibuildwheel.schema import get_schema  # noqa: PLC0415
    from jsonschema import Draft7Validator  # noqa: PLC0415

    own = data["tool"]["cibuildwheel"]
    for error in Draft7Validator(get_schema()).iter_errors(own):
        place = ".".join(map(str, error.absolute_path))
        raise EngineError(
            f"cibuildwheel does not take this configuration: {place}: {error.message}"
        )


def build(order: Order, environ: Mapping[str, str], cache: Path, listener: Listener) -> None:
    """Run cibuildwheel.

    Args:
        order: what is built.
        environ: this process's environment.
        cache: folder for what it keeps itself.
        listener: receives what it prints.

    Raises:
        CommonwheelError: what the backend, the repair, a gate or the tests have reported; or an
            EngineError or BuildError that tells why the container came to nothing.
    """
    order.output.mkdir(parents=True)
    file = order.output.with_suffix(".toml")
    data = configuration(order)
    check(data)
    file.write_text(tomli_w.dumps(data), encoding="utf-8")
    command: list[str | Path] = [sys.executable, "-m", "cibuildwheel", "--only", order.identifier]
    command += ["--config-file", file.absolute(), "--output-dir", order.output.absolute()]
    kept = {k: v for k, v in environ.items() if k in KEPT or k.startswith(KEPT_PREFIXES)}
    variables = {
        **kept,
        "PATH": environ.get("PATH", os.defpath),
        "PYTHONUNBUFFERED": "1",
        "CIBW_CACHE_PATH": str(cache / "cibuildwheel"),
        "LC_ALL": "C.UTF-8",
    }
    said: list[str] = []

    def follow(line: str) -> None:
        listener.line(line)
        # What follows an error of ours is advice on cibuildwheel.
        if listener.error is None:
            said.append(line)

    try:
        package = order.root.absolute() / PACKAGE
        run([*command, package], cwd=order.root, env=variables, on_line=follow)
    except ProcessError as error:
        raised = _error(order, error.code, "\n".join(said), listener)
        raised.lines = significant_lines("\n".join(_last_step(said)))
        raise raised from None
    if not any(order.output.glob("*.whl")):
        # An identifier that nothing fits would be no error to it.
        raise BuildError(f"cibuildwheel has built nothing for {order.identifier}")


def _last_step(said: Sequence[str]) -> Sequence[str]:
    """The lines of the step that failed."""
    begins = [index for index, line in enumerate(said) if line in STEPS]
    return said[begins[-1] :] if begins else said


def _error(order: Order, code: int, said: str, listener: Listener) -> CommonwheelError:
    """Why it failed: what ours have reported, else what can be told from its output."""
    if (error := listener.error) is not None:
        if FULL in said:
            error.hint = "\n  ".join(filter(None, [error.hint, "the disk is full"]))
        return error
    if match := NO_INTERPRETER.search(said):
        return EngineError(
            f"the image {match['image']} has no {match['path']}, for Python {order.python}",
            hint="name another image with --image, or leave that version out of --python",
        )
    if known := explained(said, order.engine, order.image, order.platform.arch):
        return known
    if LOST.search(said):
        return EngineError(
            "the container ended before the build did",
            hint="its memory may not have sufficed, or somebody removed it; try -j 1",
        )
    if code in CODES:
        kind, what = CODES[code]
        return kind(what)
    return BuildError(f"cibuildwheel ended with exit code {code}")
