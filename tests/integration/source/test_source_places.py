"""The places that programs and registries serve: git, Debian's archive, the package index.

The last two need a network and the host's own apt and pip configuration.
"""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from commonwheel.errors import SourceError
from commonwheel.process import run
from commonwheel.recipe.sources import DebianSource, GitSource, PypiSource
from commonwheel.source.fetch import fetch
from commonwheel.source.git_program import git_command
from commonwheel.source.settings import PipSettings, SourceSettings, settings_from_environment
from commonwheel.source.unpack import unpack

ZLIB = "60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb"
INICONFIG = "2d91e135bf72d31a410b17c16da610a82cb55f6b0477d1a902134b24a455b8b3"
WRONG = "0" * 64


@pytest.fixture
def settings(tmp_path: Path) -> SourceSettings:
    return settings_from_environment(os.environ, tmp_path / "cache", offline=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "thing.git"
    folder.mkdir()
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    (folder / ".gitattributes").write_text("version export-subst\n")
    (folder / "version").write_text("$Format:%h %d$\n")
    run(git_command("init", "-q"), cwd=folder)
    run(git_command("add", "."), cwd=folder)
    run(git_command(*who, "commit", "-q", "-m", "one"), cwd=folder)
    (folder / "later").write_text("x")
    run(git_command("add", "."), cwd=folder)
    run(git_command(*who, "commit", "-q", "-m", "two"), cwd=folder)
    return folder


def git_source(repository: Path) -> GitSource:
    commit = run(git_command("rev-parse", "HEAD~1"), cwd=repository).output.strip()
    tar = repository / "expected.tar"
    prefix = f"--prefix=thing-{commit}/"
    abbreviation = ("-c", "core.abbrev=40")
    words = ("archive", "--format=tar", prefix, "-o", tar, commit)
    run(git_command(*abbreviation, *words), cwd=repository)
    digest = hashlib.sha256(tar.read_bytes()).hexdigest()
    return GitSource(git=str(repository), commit=commit, sha256=digest)


# With version 0 of its protocol a server refuses a commit that no ref names: all of it is cloned.
@pytest.mark.parametrize("protocol", ["0", "2"])
def test_git(
    repository: Path,
    settings: SourceSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.version")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", protocol)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    source = git_source(repository)
    found = fetch([source], settings)
    assert found.path.name == f"thing-{source.commit}.tar"
    root = unpack(found.path, tmp_path / "out")
    assert source.commit in (root / "version").read_text()
    assert not (root / "later").exists()
    assert not list(found.path.parent.glob(".work-*"))


def test_git_without_that_commit(repository: Path, settings: SourceSettings) -> None:
    source = GitSource(git=str(repository), commit="1" * 40, sha256=WRONG)
    with pytest.raises(SourceError, match=r"at 111111111111: git failed"):
        fetch([source], settings)


def test_what_names_a_repository_is_never_an_option_of_git(
    repository: Path, settings: SourceSettings, tmp_path: Path
) -> None:
    option = f"--upload-pack=touch {tmp_path / 'ran'};"
    # The model refuses it; git itself must not take it for an option either.
    source = git_source(repository).model_copy(update={"git": option})
    with pytest.raises(SourceError, match="git failed") as caught:
        fetch([source], settings)
    assert f"'{option}'" in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_an_index_in_a_folder_gives_the_sdist_only(tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "thing-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (links / "thing-1.0.tar.gz").write_bytes(b"sdist")
    pip = PipSettings(no_index=True, find_links=(str(links), "/nonexistent"))
    settings = SourceSettings(cache=tmp_path / "cache", pip=pip)
    digest = hashlib.sha256(b"sdist").hexdigest()
    found = fetch([PypiSource(pypi="Thing", version="1.0", sha256=digest)], settings)
    assert found.path.name == "thing-1.0.tar.gz"
    with pytest.raises(SourceError, match=r"sdist Thing 2\.0: no index has this sdist"):
        fetch([PypiSource(pypi="Thing", version="2.0", sha256=WRONG)], settings)


def test_no_apt(settings: SourceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceError, match=r"Debian source zlib 1 in trixie: no apt here"):
        fetch([DebianSource(debian="zlib", version="1", suite="trixie", sha256=ZLIB)], settings)


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt here")
def test_a_real_debian_source(settings: SourceSettings) -> None:
    version = "1.3.dfsg+really1.3.1"
    wrong = DebianSource(debian="zlib", version=version, suite="trixie", sha256=WRONG)
    with pytest.raises(SourceError, match=f"has sha256 {ZLIB}, but the recipe pins {WRONG}"):
        fetch([wrong], settings)
    source = DebianSource(debian="zlib", version=version, suite="trixie", sha256=ZLIB)
    found = fetch([source], settings)
    assert found.path.name == f"zlib_{version}.orig.tar.gz"
    assert found.path.is_relative_to(settings.cache)
    absent = DebianSource(debian="zlib", version="0.1", suite="trixie", sha256=WRONG)
    with pytest.raises(SourceError, match="not in Debian's trixie"):
        fetch([absent], settings)


def test_a_real_sdist(settings: SourceSettings) -> None:
    found = fetch([PypiSource(pypi="iniconfig", version="2.0.0", sha256=INICONFIG)], settings)
    assert found.path.name == "iniconfig-2.0.0.tar.gz"
    with pytest.raises(SourceError, match=f"the index has it with sha256 {INICONFIG}"):
        fetch([PypiSource(pypi="iniconfig", version="2.0.0", sha256=WRONG)], settings)
