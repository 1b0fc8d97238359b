"""A set of wheels, and what they need of the package index, as a lock: PEP 751, or constraints.

uv resolves; what it finds for a wheel of the set must be that wheel, byte for byte.
"""

import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import tomli_w
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename
from packaging.version import Version
from uv import find_uv_bin

from commonwheel.cache.keys import file_digest
from commonwheel.errors import LockError, UsageError
from commonwheel.process import ProcessError, run
from commonwheel.source.settings import PipSettings

LINUX = 'sys_platform == "linux"'


@dataclass(frozen=True, kw_only=True)
class Member:
    """A distribution of the set: its newest release that is there, and the wheels of that."""

    name: NormalizedName
    version: Version
    wheels: tuple[Path, ...]

    @property
    def requirement(self) -> str:
        """What is asked of the resolver; wheels of the set are for Linux."""
        return f"{self.name}=={self.version} ; {LINUX}"


def members(wheels: Sequence[Path], python: str) -> list[Member]:
    """The newest release of each distribution that has a wheel for a Python.

    Args:
        wheels: of the set, library wheels and consumer wheels; others are as good.
        python: version, ``3.13``.

    Raises:
        UsageError: a file is no wheel, two of one name differ, or none is for that Python.
    """
    found: dict[NormalizedName, dict[Version, list[Path]]] = {}
    accepted = _accepted(python)
    for wheel in _once(wheels):
        try:
            name, version, _, tags = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename as error:
            raise UsageError(f"{wheel}: {error}") from None
        if any((tag.interpreter, tag.abi) in accepted for tag in tags):
            found.setdefault(name, {}).setdefault(version, []).append(wheel)
    if not found:
        raise UsageError(
            f"no wheel is for Python {python}", hint="name the Python that is meant with --python"
        )
    return [
        Member(name=name, version=max(releases), wheels=tuple(sorted(releases[max(releases)])))
        for name, releases in sorted(found.items())
    ]


def _once(wheels: Sequence[Path]) -> Iterator[Path]:
    """The wheels without copies of the same bytes, which may lie in several folders."""
    seen: dict[str, Path] = {}
    for wheel in wheels:
        other = seen.setdefault(wheel.name, wheel)
        if other is wheel:
            yield wheel
        elif file_digest(other) != file_digest(wheel):
            raise UsageError(
                f"two wheels have one name and not the same bytes: {other} and {wheel}",
                hint="leave one of them out",
            )


def _accepted(python: str) -> set[tuple[str, str]]:
    major, minor = map(int, python.split("."))
    own = f"cp{major}{minor}"
    tags: list[Tag] = [
        *cpython_tags((major, minor), abis=[own], platforms=["any"]),
        *compatible_tags((major, minor), interpreter=own, platforms=["any"]),
    ]
    return {(tag.interpreter, tag.abi) for tag in tags}


def lock(
    chosen: Sequence[Member],
    *,
    python: str,
    pip: PipSettings,
    environ: Mapping[str, str],
    place: Callable[[Path], Mapping[str, str]],
    constraints: Path | None = None,
) -> dict[str, Any]:
    """What a ``pylock.toml`` holds (PEP 751): the set and what it needs, for a Python and newer.

    Args:
        chosen: the set.
        python: the oldest Python that it is for.
        pip: where all else comes from.
        environ: of the resolver.
        place: wheel → where installers find it: ``{"path": …}`` or ``{"url": …}``.
        constraints: what to take of the packages beside the set.

    Raises:
        LockError: there is no solution, an index cannot be reached, or another file than the set's
            own was found for one of its distributions.
    """
    with tempfile.TemporaryDirectory(prefix="commonwheel-lock-") as scratch:
        folder = Path(scratch)
        offered = folder / "wheels"
        offered.mkdir()
        for wheel in (wheel for member in chosen for wheel in member.wheels):
            (offered / wheel.name).symlink_to(wheel.absolute())
        asked = folder / "requirements.in"
        asked.write_text("".join(f"{member.requirement}\n" for member in chosen))
        solution = folder / "pylock.toml"
        command = _command(asked, solution, python=python, pip=pip, offered=offered)
        command += ["--constraint", str(constraints.absolute())] if constraints else []
        # Its settings are what stands in the command; pip's, not uv's own, are this host's.
        plain = {key: value for key, value in environ.items() if not key.startswith("UV_")}
        try:
            run(command, cwd=folder, env=plain)
        except ProcessError as error:
            raise LockError("the set cannot be resolved", hint=error.hint) from None
        data = tomllib.loads(solution.read_text(encoding="utf-8"))
    _put_ours(data, chosen, place)
    data["created-by"] = "commonwheel"
    return data


def _command(
    asked: Path, solution: Path, *, python: str, pip: PipSettings, offered: Path
) -> list[str | Path]:
    words: list[str | Path] = [find_uv_bin(), "pip", "compile", asked, "--output-file", solution]
    words += ["--format", "pylock.toml", "--universal", "--python-version", python]
    words += ["--python", sys.executable, "--only-binary", ":all:", "--quiet"]
    words += ["--no-config", "--no-cache", "--no-header", "--no-python-downloads"]
    # As pip does, over all indexes; what must not come from any of them is compared afterwards.
    words += ["--index-strategy", "unsafe-best-match"]
    for link in (str(offered), *pip.find_links):
        words += ["--find-links", link]
    if pip.no_index:
        return [*words, "--no-index"]
    words += ["--default-index", pip.index_url] if pip.index_url else []
    words += [word for url in pip.extra_index_urls for word in ("--index", url)]
    words += [word for host in pip.trusted_hosts for word in ("--allow-insecure-host", host)]
    return words


def _put_ours(
    data: dict[str, Any], chosen: Sequence[Member], place: Callable[[Path], Mapping[str, str]]
) -> None:
    """Name the set's own wheels where installers find them."""
    ours = {member.name: member for member in chosen}
    for package in data["packages"]:
        member = ours.get(package["name"])
        if member is None:
            continue
        digests = {wheel.name: file_digest(wheel) for wheel in member.wheels}
        for each in package.get("wheels", ()):
            name = each.get("name") or unquote(each.get("url", each.get("path")).rpartition("/")[2])
            if each["hashes"]["sha256"] != digests.get(name, each["hashes"]["sha256"]):
                raise LockError(
                    f"an index has other bytes under the name {name} than the set",
                    hint="take that index out of pip's configuration, or give these wheels a "
                    "release of their own",
                )
        package.pop("index", None)
        # What an index has for other platforms is left out: the set is what was built and checked.
        package["wheels"] = [
            {"name": wheel.name, **place(wheel), "hashes": {"sha256": digests[wheel.name]}}
            for wheel in member.wheels
        ]


def beside(output: Path | None) -> Callable[[Path], Mapping[str, str]]:
    """Wheels by their path from the lock's folder, as PEP 751 asks for."""
    folder = output.absolute().parent if output else Path.cwd()
    return lambda wheel: {"path": Path(os.path.relpath(wheel.absolute(), folder)).as_posix()}


def below(url: str) -> Callable[[Path], Mapping[str, str]]:
    """Wheels by their addresses below the one where they are, or will be, published."""
    return lambda wheel: {"url": f"{url.rstrip('/')}/{wheel.name.replace('+', '%2B')}"}


def as_toml(data: Mapping[str, Any]) -> str:
    """``pylock.toml``."""
    return tomli_w.dumps(data)


def as_requirements(data: Mapping[str, Any]) -> str:
    """Requirements for pip with the sha256 of every file: nothing else can be installed."""
    lines = []
    for package, pin in zip(data["packages"], _pins(data), strict=True):
        hashes = {each["hashes"]["sha256"] for each in package["wheels"]}
        lines += [" \\\n    ".join([pin, *(f"--hash=sha256:{each}" for each in sorted(hashes))])]
    return "".join(f"{line}\n" for line in lines)


def as_constraints(data: Mapping[str, Any]) -> str:
    """A constraints file for pip: every release, and no hashes."""
    return "".join(f"{line}\n" for line in _pins(data))


def _pins(data: Mapping[str, Any]) -> Iterator[str]:
    for package in data["packages"]:
        version = package["version"]
        # "==1.3" admits 1.3+anything, which an index may offer and pip would prefer (PEP 440).
        equal = "==" if "+" in version else "==="
        marker = f" ; {package['marker']}" if "marker" in package else ""
        yield f"{package['name']}{equal}{version}{marker}"
