"""Real pip and real uv install from an index over HTTP.

The table of docs/how-to/your-own-index.md names these tests.
"""

import json
import platform
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from commonwheel.cache.keys import file_digest
from commonwheel.index.mirror import upstream
from commonwheel.process import ProcessError
from commonwheel.source.settings import SourceSettings
from tests.integration.index.kit import (
    Client,
    Environment,
    Server,
    new_environment,
    requirements,
    served,
)
from tests.unit.index.kit import library, run, sdist, wheel

PROVIDER = "commonwheel-proj-so25"
LINUX = f"py3-none-manylinux_2_17_{platform.machine()}"
MACOS = "py3-none-macosx_11_0_arm64"
WINDOWS = "py3-none-win_amd64"
NEEDS = f'{PROVIDER}>=9.1.1; sys_platform == "linux"'
OURS = "3.6.1+commonwheel.1"
DECOY = "99.0"
# As pip says it, and as uv does.
MISMATCH = r"DO NOT MATCH THE HASHES|Hash mismatch"

both = pytest.mark.parametrize("client", ["pip", "uv"])


@dataclass(frozen=True, kw_only=True)
class Indexes:
    """Ours; and another one, with decoys of our provider: a higher version, and other bytes."""

    ours: Server
    decoy: Server
    made: Path

    def file(self, name: str) -> Path:
        """A wheel of ours."""
        return next(self.made.glob(f"{name}*.whl"))

    def pin(self, name: str, version: str) -> str:
        """A line of a requirements file with a hash."""
        escaped = name.replace("-", "_")
        return f"{name}=={version} --hash=sha256:{file_digest(self.file(f'{escaped}-{version}'))}"


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Indexes]:
    made = tmp_path / "made"
    library(made, "proj-so25", "9.1.1", content="ours")
    wheel(made, "pyproj", OURS, requires=[NEEDS], tag=LINUX)
    false = tmp_path / "false"
    wheel(false, PROVIDER, DECOY, content="decoy")
    wheel(false, PROVIDER, "9.1.1", content="decoy")
    wheel(false, "pyproj", "3.6.1", content="upstream's, with a PROJ of its own")
    run(tmp_path / "site", made)
    run(tmp_path / "elsewhere", false)
    with served(tmp_path / "site") as ours, served(tmp_path / "elsewhere") as decoy:
        yield Indexes(ours=ours, decoy=decoy, made=made)


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return new_environment(tmp_path / "env")


# --- one index ------------------------------------------------------------------------------------


@both
def test_a_consumer_brings_its_provider(indexes: Indexes, env: Environment, client: Client) -> None:
    env.install(client, "pyproj", index=indexes.ours)
    assert env.versions() == {"pyproj": OURS, PROVIDER: "9.1.1"}


@both
def test_a_provider_is_upgraded_under_a_consumer(
    indexes: Indexes, env: Environment, client: Client
) -> None:
    env.install(client, "pyproj", index=indexes.ours)
    consumer = next(env.folder.rglob("site-packages/pyproj.py"))
    before = consumer.stat()
    run(indexes.ours.root, library(indexes.made, "proj-so25", "9.2.0"))
    env.install(client, "--upgrade", PROVIDER, index=indexes.ours)
    assert env.versions() == {"pyproj": OURS, PROVIDER: "9.2.0"}
    after = consumer.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@both
def test_resolving_reads_metadata_and_no_wheel(
    indexes: Indexes, env: Environment, client: Client
) -> None:
    env.install(client, "--dry-run", "pyproj", index=indexes.ours)
    assert len(indexes.ours.asked_for(".whl.metadata")) == 2
    assert indexes.ours.asked_for(".whl") == []


@both
def test_a_yanked_release_is_passed_over_unless_it_is_pinned(
    indexes: Indexes, env: Environment, client: Client
) -> None:
    run(indexes.ours.root, library(indexes.made, "proj-so25", "9.2.0"))
    run(indexes.ours.root, yank=[f"{PROVIDER}==9.2.0"], reason="it is broken")
    env.install(client, "pyproj", index=indexes.ours)
    assert env.versions()[PROVIDER] == "9.1.1"
    env.install(client, f"{PROVIDER}==9.2.0", index=indexes.ours)
    assert env.versions()[PROVIDER] == "9.2.0"


@both
def test_a_python_that_is_too_old_gets_an_older_release(
    indexes: Indexes, env: Environment, client: Client
) -> None:
    run(indexes.ours.root, library(indexes.made, "proj-so25", "9.2.0", requires_python=">=3.99"))
    env.install(client, "pyproj", index=indexes.ours)
    assert env.versions()[PROVIDER] == "9.1.1"


def tampered(indexes: Indexes) -> None:
    """Another wheel in the place of a published one, as an intruder on the server would put it."""
    file = next(indexes.ours.root.glob("files/*/commonwheel_proj*.whl"))
    shutil.copy(indexes.decoy.root / "files" / PROVIDER / file.name, file)


@both
def test_a_file_that_was_tampered_with_is_refused(
    indexes: Indexes, env: Environment, client: Client
) -> None:
    tampered(indexes)
    with pytest.raises(ProcessError, match=MISMATCH):
        env.install(client, "pyproj", index=indexes.ours)
    assert env.versions() == {}


# --- hashes ---------------------------------------------------------------------------------------


def hashed(indexes: Indexes, env: Environment) -> list[str]:
    lines = [indexes.pin("pyproj", OURS), indexes.pin(PROVIDER, "9.1.1")]
    return ["--require-hashes", "-r", requirements(env.folder / "requirements.txt", lines)]


@both
def test_hashes_admit_what_was_locked(indexes: Indexes, env: Environment, client: Client) -> None:
    env.install(client, *hashed(indexes, env), index=indexes.ours)
    assert env.versions() == {"pyproj": OURS, PROVIDER: "9.1.1"}


@both
def test_hashes_refuse_a_file_that_was_tampered_with(
    indexes: Indexes, env: Environment, client: Client
) -> None:
    tampered(indexes)
    with pytest.raises(ProcessError, match=MISMATCH):
        env.install(client, *hashed(indexes, env), index=indexes.ours)
    assert env.versions() == {}


# --- a second index with decoys -------------------------------------------------------------------


def assert_ours(env: Environment) -> None:
    assert env.versions() == {"pyproj": OURS, PROVIDER: "9.1.1"}
    assert "ours" in next(env.folder.rglob("site-packages/commonwheel_proj_so25.py")).read_text()


def test_pip_with_an_extra_index_takes_the_decoy(indexes: Indexes, env: Environment) -> None:
    env.install("pip", "--extra-index-url", indexes.decoy.simple, "pyproj", index=indexes.ours)
    assert env.versions() == {"pyproj": OURS, PROVIDER: DECOY}


def test_pip_with_an_extra_index_in_its_configuration_takes_the_decoy(
    indexes: Indexes, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = env.folder / "pip.conf"
    file.write_text(f"[global]\nextra-index-url = {indexes.decoy.simple}\n")
    monkeypatch.setattr(Environment, "environ", {**env.environ, "PIP_CONFIG_FILE": str(file)})
    env.install("pip", "pyproj", index=indexes.ours)
    assert env.versions()[PROVIDER] == DECOY


@both
def test_one_index_never_asks_another(indexes: Indexes, env: Environment, client: Client) -> None:
    env.install(client, "pyproj", index=indexes.ours)
    assert_ours(env)
    assert indexes.decoy.asked == []


def test_hashes_hold_against_decoys_on_an_extra_index(indexes: Indexes, env: Environment) -> None:
    words = ["--extra-index-url", indexes.decoy.simple, *hashed(indexes, env)]
    env.install("pip", *words, index=indexes.ours)
    assert_ours(env)


def test_uv_with_hashes_refuses_a_decoy_of_an_index_that_comes_first(
    indexes: Indexes, env: Environment
) -> None:
    words = ["--index", indexes.decoy.simple, "--index-strategy", "unsafe-best-match"]
    # It settles on one of two files of one name before it looks at hashes.
    with pytest.raises(ProcessError, match=MISMATCH):
        env.install("uv", *words, *hashed(indexes, env), index=indexes.ours)
    assert env.versions() == {}


def test_uv_told_to_compare_indexes_takes_the_decoy(indexes: Indexes, env: Environment) -> None:
    words = ["--index", indexes.decoy.simple, "--index-strategy", "unsafe-best-match"]
    env.install("uv", *words, "pyproj", index=indexes.ours)
    assert env.versions() == {"pyproj": OURS, PROVIDER: DECOY}


def test_uv_takes_names_from_the_first_index_that_has_them(
    indexes: Indexes, env: Environment
) -> None:
    env.install("uv", "--index", indexes.decoy.simple, "pyproj", index=indexes.ours)
    # --index comes before --default-index.
    assert env.versions() == {"pyproj": "3.6.1"}


def project(env: Environment, sources: str, needs: str, more: str = "") -> Path:
    folder = env.folder / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f"dependencies = {needs}\n{more}\n{sources}"
    )
    return folder


def explicit(server: Server, *names: str) -> str:
    index = f'[[tool.uv.index]]\nname = "geo"\nurl = "{server.simple}"\nexplicit = true\n'
    lines = "".join(f'{name} = {{ index = "geo" }}\n' for name in names)
    return f"{index}\n[tool.uv.sources]\n{lines}"


def sync(env: Environment, folder: Path, default: Server) -> None:
    env.uv(
        *("sync", "--no-install-project"),
        cwd=folder,
        env={
            "UV_DEFAULT_INDEX": default.simple,
            "UV_PROJECT_ENVIRONMENT": str(env.folder / "venv"),
        },
    )


def test_uv_explicit_sources_hold_for_what_is_named(indexes: Indexes, env: Environment) -> None:
    names = ("pyproj", PROVIDER)
    folder = project(env, explicit(indexes.ours, *names), f'["pyproj", "{PROVIDER}"]')
    sync(env, folder, indexes.decoy)
    assert_ours(env)
    assert not any("proj" in path for path in indexes.decoy.asked)


def test_uv_explicit_sources_do_not_reach_a_provider_that_is_not_named(
    indexes: Indexes, env: Environment
) -> None:
    folder = project(env, explicit(indexes.ours, "pyproj", PROVIDER), '["pyproj"]')
    sync(env, folder, indexes.decoy)
    assert env.versions() == {"pyproj": OURS, PROVIDER: DECOY}


def test_uv_index_of_a_project_comes_before_the_default_one(
    indexes: Indexes, env: Environment
) -> None:
    index = f'[[tool.uv.index]]\nname = "geo"\nurl = "{indexes.ours.simple}"\n'
    sync(env, project(env, index, '["pyproj"]'), indexes.decoy)
    assert_ours(env)


# --- merged ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Merged:
    """An index with ours for Linux beside upstream's for all platforms."""

    site: Server
    upstream: Server


@pytest.fixture
def merged(tmp_path: Path) -> Iterator[Merged]:
    theirs = tmp_path / "theirs"
    for tag in (LINUX, MACOS, WINDOWS):
        wheel(theirs, "pyproj", "3.6.1", requires=["certifi"], tag=tag)
    sdist(theirs, "pyproj", "3.6.1")
    wheel(theirs, "pyproj", "3.7.0", requires=["certifi"], tag=LINUX)
    wheel(theirs, "certifi", "2026.1")
    ours = tmp_path / "ours"
    library(ours, "proj-so25", "9.1.1")
    wheel(ours, "pyproj", OURS, requires=["certifi", NEEDS], tag=LINUX)
    run(tmp_path / "upstream", theirs)
    site = tmp_path / "site"
    with served(tmp_path / "upstream") as other, served(site) as server:
        reader = upstream(other.simple, SourceSettings(cache=tmp_path))
        run(site, ours, reader=reader, mirror=["pyproj<=3.6.1", "certifi"])
        yield Merged(site=server, upstream=other)


@both
def test_a_merged_index_is_enough(merged: Merged, env: Environment, client: Client) -> None:
    merged.upstream.asked.clear()
    env.install(client, "pyproj", index=merged.site)
    assert env.versions() == {"pyproj": OURS, PROVIDER: "9.1.1", "certifi": "2026.1"}
    # Files, and their metadata, come from where they were; no page does.
    assert all(path.startswith("/files/certifi/") for path in merged.upstream.asked)
    assert merged.upstream.asked_for(".whl")


def test_uv_locks_for_all_platforms_at_once(merged: Merged, env: Environment) -> None:
    environments = ["linux", "darwin", "win32"]
    markers = json.dumps([f"sys_platform == '{name}'" for name in environments])
    tool = (
        f"[tool.uv]\nenvironments = {markers}\nrequired-environments = {markers}\n\n"
        f'[[tool.uv.index]]\nname = "geo"\nurl = "{merged.site.simple}"\ndefault = true\n'
    )
    folder = project(env, "", '["pyproj"]', tool)
    env.uv("lock", cwd=folder)
    locked = tomllib.loads((folder / "uv.lock").read_text())["package"]
    found = {
        package["version"]: {each["url"].rpartition("/")[2] for each in package["wheels"]}
        for package in locked
        if package["name"] == "pyproj"
    }
    assert set(found) == {"3.6.1", OURS}
    assert len(found[OURS]) == 1
    assert {f"pyproj-3.6.1-{MACOS}.whl", f"pyproj-3.6.1-{WINDOWS}.whl"} <= found["3.6.1"]
    assert any(package["name"] == PROVIDER for package in locked)
    sync(env, folder, merged.site)
    assert env.versions()["pyproj"] == OURS
