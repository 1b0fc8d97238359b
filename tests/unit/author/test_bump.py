"""New releases with sources in folders: `file:` addresses need no network."""

import hashlib
import io
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from commonwheel.author import acquire
from commonwheel.author.acquire import Acquirer
from commonwheel.author.bump import Bump, bump
from commonwheel.cache.contents import scan
from commonwheel.cache.prune import clearable, remove
from commonwheel.cli import main
from commonwheel.errors import RecipeError, SourceError, UsageError
from commonwheel.recipe.load import load
from commonwheel.recipe.yaml import parse
from commonwheel.source.apt import releases_of
from commonwheel.source.debian import DebianListing
from commonwheel.source.progress import NullProgress
from commonwheel.source.settings import SourceSettings
from tests.unit.recipe.kit import SHA, consumer, library, write

RECIPE = """\
schema: 1
name: thing
summary: a thing
homepage: https://example.org/
license: MIT
license-files: [COPYING]  # at the root

versions:
  "1.0":
    # byte for byte what upstream signs
    sources:
      - url: file://{folder}/thing-1.0.tar.gz
        mirrors: [file://{folder}/mirror/thing_1_0.tar.gz]
        sha256: {sha}
    wheel-version: 1.0.post1
    set: {{so: 5}}

abi:
  libraries:
    - soname: libthing.so.{{so}}
build:
  driver: cmake
  when:
    - version: "<2"
      options: -DOLD=ON
"""


def pack(target: Path, files: Mapping[str, str]) -> str:
    """A tarball; returns its sha256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"thing/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    text = RECIPE.format(folder=tmp_path, sha=SHA)
    return write(tmp_path / "recipes", {"thing": text})


@pytest.fixture
def acquirer(tmp_path: Path) -> Acquirer:
    (tmp_path / "scratch").mkdir()
    settings = SourceSettings(cache=tmp_path / "cache")
    return Acquirer(settings=settings, progress=NullProgress(), scratch=tmp_path / "scratch")


Try = Callable[..., Bump]


@pytest.fixture
def to(recipes: Path, acquirer: Acquirer) -> Try:
    def run(version: str, name: str = "thing", **more: str) -> Bump:
        return bump(load([recipes]), name, version, acquirer=acquirer, **more)

    return run


def entry(bumped: Bump, version: str) -> dict[str, object]:
    value: dict[str, object] = parse(bumped.after, "x").value["versions"][version]
    return value


def test_what_is_reached_is_listed_with_its_hash(to: Try, tmp_path: Path) -> None:
    digest = pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/thing_2_0.tar.gz").write_bytes((tmp_path / "thing-2.0.tar.gz").read_bytes())
    bumped = to("2.0")
    url, mirror = (
        f"file://{tmp_path}/thing-2.0.tar.gz",
        f"file://{tmp_path}/mirror/thing_2_0.tar.gz",
    )
    source = {"url": url, "mirrors": mirror, "sha256": digest}
    assert entry(bumped, "2.0") == {"sources": [source], "set": {"so": "5"}}
    assert bumped.notes == (
        "build.when[0], for version '<2', holds for 1.0 only",
        "set {so: 5} is carried over from 1.0: does it hold for the new release?",
        "wheel-version 1.0.post1 of 1.0 is not carried over",
        "not carried over, since it speaks of 1.0: line 10: # byte for byte what upstream signs",
    )
    assert bumped.file.read_text() == bumped.before
    bumped.write()
    assert bumped.file.read_text() == bumped.after
    assert load([bumped.file.parents[1]])["thing"].versions.keys() == {"1.0", "2.0"}


def test_the_next_build_finds_the_file_in_the_cache(to: Try, tmp_path: Path) -> None:
    digest = pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    to("2.0")
    kept = tmp_path / "cache/sources" / digest[:2] / digest / "thing-2.0.tar.gz"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == digest


def test_what_is_not_reached_gets_no_hash(to: Try, tmp_path: Path) -> None:
    digest = pack(tmp_path / "mirror/thing_2_0.tar.gz", {"COPYING": "x"})
    bumped = to("2.0")
    url = f"file://{tmp_path}/mirror/thing_2_0.tar.gz"
    assert entry(bumped, "2.0")["sources"] == [{"url": url, "sha256": digest}]
    assert f"      # TODO: list file://{tmp_path}/thing-2.0.tar.gz\n" in bumped.after
    assert bumped.notes[0].startswith(f"left out file://{tmp_path}/thing-2.0.tar.gz: ")


def test_a_mirror_with_other_bytes_is_left_out(to: Try, tmp_path: Path) -> None:
    digest = pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    pack(tmp_path / "mirror/thing_2_0.tar.gz", {"COPYING": "y"})
    bumped = to("2.0")
    source = {"url": f"file://{tmp_path}/thing-2.0.tar.gz", "sha256": digest}
    assert entry(bumped, "2.0")["sources"] == [source]
    assert bumped.notes[0].endswith("it serves other bytes")


def test_a_page_is_no_source(to: Try, tmp_path: Path) -> None:
    (tmp_path / "thing-2.0.tar.gz").write_text("<html>not found</html>")
    with pytest.raises(SourceError, match="it is neither a tar archive") as caught:
        to("2.0")
    assert "no source of thing 2.0 could be had" in str(caught.value)
    assert "nothing was written" in caught.value.hint


def test_what_it_leaves_in_the_cache_is_listed(to: Try, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    to("2.0")
    (tmp_path / "thing-3.0.tar.gz").write_text("<html>not found</html>")
    with pytest.raises(SourceError):
        to("3.0")
    held = [file for file in cache.rglob("*") if file.is_file() and file.stat().st_size]
    folders = {entry.folder for entry in scan(cache)}
    assert {file.parent for file in held} <= folders
    assert not list(cache.rglob("*.part"))
    remove(cache, clearable(cache, ["sources"]))
    assert scan(cache) == []


def test_two_sources_of_one_commit(
    to: Try, recipes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(tmp_path / "packed.tar.gz", {"COPYING": "x"})

    def fetched(_source: object, folder: Path, _progress: object) -> Path:
        (folder / "repository").mkdir()
        return Path(shutil.copy(tmp_path / "packed.tar.gz", folder))

    monkeypatch.setattr(acquire, "list_tags", lambda _: {"v2.0": "a" * 40})
    monkeypatch.setattr(acquire, "fetch_git", fetched)
    file = recipes / "libraries/thing.yaml"
    text = file.read_text()
    start, end = text.index("      - url"), text.index("    wheel-version")
    urls = ("https://a.example.org/thing", "https://b.example.org/thing")
    listed = [f"      - {{git: {url}, commit: {'b' * 40}, sha256: {SHA}}}\n" for url in urls]
    file.write_text(text[:start] + "".join(listed) + text[end:])
    bumped = to("2.0")
    sources = entry(bumped, "2.0")["sources"]
    assert isinstance(sources, list)
    assert [source["git"] for source in sources] == list(urls)


def test_tests_of_another_release_are_not_carried_over(
    to: Try, recipes: Path, tmp_path: Path
) -> None:
    where = f"file://{tmp_path}"
    text = consumer("user", uses={"thing": ""}).replace(
        "https://example.org/1.0.tgz", f"{where}/user-1.0.tgz"
    )
    text = text.replace("python:", f"    tests: [{{url: '{where}/t.tgz', sha256: {SHA}}}]\npython:")
    write(recipes, consumers={"user": text})
    digest = pack(tmp_path / "user-2.0.tgz", {"PKG-INFO": "Requires-Python: >=3.9"})
    bumped = to("2.0", "user")
    assert entry(bumped, "2.0") == {"sources": [{"url": f"{where}/user-2.0.tgz", "sha256": digest}]}
    assert bumped.notes == ("tests of 1.0 are not carried over: list those of the new release",)


def test_the_release_stands_in_order(to: Try, recipes: Path, tmp_path: Path) -> None:
    for version in ("2.0", "1.5", "0.9"):
        pack(tmp_path / f"thing-{version}.tar.gz", {"COPYING": "x"})
        to(version).write()
    listed = parse((recipes / "libraries/thing.yaml").read_text(), "x").value["versions"]
    assert list(listed) == ["0.9", "1.0", "1.5", "2.0"]


def test_the_newest_may_stand_first(to: Try, recipes: Path, tmp_path: Path) -> None:
    file = recipes / "libraries/thing.yaml"
    older = file.read_text().replace('  "1.0":\n    # byte', '  "1.0":\n    # bytes')
    block = older[older.index('  "1.0":') : older.index("\nabi:")]
    file.write_text(older.replace("\nabi:", block.replace("1.0", "0.5") + "\nabi:"))
    for version in ("2.0", "0.7", "0.1"):
        pack(tmp_path / f"thing-{version}.tar.gz", {"COPYING": "x"})
        to(version).write()
    listed = parse(file.read_text(), "x").value["versions"]
    assert list(listed) == ["2.0", "1.0", "0.7", "0.5", "0.1"]


def test_files_that_the_recipe_names_are_looked_for(to: Try, tmp_path: Path) -> None:
    pack(tmp_path / "thing-2.0.tar.gz", {"LICENSE": "x"})
    assert "'COPYING', which the recipe names, is not in the new source" in to("2.0").notes


def test_a_result_that_does_not_lint_is_not_written(to: Try, recipes: Path, tmp_path: Path) -> None:
    pack(tmp_path / "thing-2.0!.tar.gz", {"COPYING": "x"})
    before = (recipes / "libraries/thing.yaml").read_bytes()
    with pytest.raises(
        RecipeError, match=r"thing\.yaml:\d+:3: '2.0!' cannot be part of a file's name"
    ):
        to("2.0!", wheel_version="2.0")
    assert (recipes / "libraries/thing.yaml").read_bytes() == before


def test_an_author_who_edits_meanwhile_loses_nothing(
    to: Try, recipes: Path, tmp_path: Path
) -> None:
    pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    bumped = to("2.0")
    file = recipes / "libraries/thing.yaml"
    file.write_text(file.read_text() + "# mine\n")
    with pytest.raises(UsageError, match="has changed while sources were fetched"):
        bumped.write()
    assert file.read_text().endswith("# mine\n")


def test_a_linked_recipe_stays_a_link_and_keeps_its_mode(
    to: Try, recipes: Path, tmp_path: Path
) -> None:
    pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    file, real = recipes / "libraries/thing.yaml", tmp_path / "real.yaml"
    file.rename(real)
    real.chmod(0o660)
    file.symlink_to(real)
    to("2.0").write()
    assert file.is_symlink()
    assert '"2.0"' in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "v1.0"])
def test_a_listed_release_is_not_listed_again(to: Try, version: str) -> None:
    with pytest.raises(UsageError, match=r"thing\.yaml:9:3: thing lists 1.0 already"):
        to(version)


def test_a_version_that_no_wheel_can_have_wants_another(to: Try, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'1\.1\.1w' is not a PEP 440 version") as caught:
        to("1.1.1w")
    assert "--wheel-version" in caught.value.hint
    pack(tmp_path / "thing-1.1.1w.tar.gz", {"COPYING": "x"})
    assert entry(to("1.1.1w", wheel_version="1.1.1.post23"), "1.1.1w")["wheel-version"] == (
        "1.1.1.post23"
    )


def test_offline_says_so(recipes: Path, acquirer: Acquirer) -> None:
    settings = SourceSettings(cache=acquirer.settings.cache, offline=True)
    offline = Acquirer(settings=settings, progress=NullProgress(), scratch=acquirer.scratch)
    with pytest.raises(SourceError, match="offline, and what it serves is not known yet"):
        bump(load([recipes]), "thing", "2.0", acquirer=offline)


SHOWSRC = """\
Package: thing
Version: 2.0~rc1-1
Checksums-Sha256:
 aa 10 thing_2.0~rc1.orig.tar.gz

Package: thing
Version: 1:1.9.dfsg+really2.0-3
Homepage: https://example.org/
Checksums-Sha256:
 {sha} 20 thing_1.9.dfsg+really2.0.orig.tar.gz
"""


@pytest.mark.parametrize(
    "case",
    [
        ("suite: bookworm\n", "trixie", {"suite": "trixie"}),
        ("", "trixie", {}),
        # A moving suite must be named, since a build does not look there by itself.
        ("", "sid", {"suite": "sid"}),
    ],
)
def test_debians_spelling_is_looked_up(
    to: Try,
    recipes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, dict[str, str]],
) -> None:
    old, suite, expected = case
    releases = {suite: releases_of(SHOWSRC.format(sha=SHA))}

    def listing(_packages: object, suites: list[str], *_: object) -> DebianListing:
        return DebianListing(releases={s: releases.get(s, ()) for s in suites}, problems={})

    monkeypatch.setattr(acquire, "list_debian", listing)
    monkeypatch.setattr(acquire, "fetch", lambda *_: acquire.Acquired(source=None, path=tmp_path))  # type: ignore[arg-type]
    monkeypatch.setattr(Acquirer, "unpacked", lambda *_: tmp_path)
    line = f"      - debian: thing\n        version: 1.0+dfsg\n        {old}"
    source = f"{line.rstrip()}\n        sha256: {SHA}\n"
    file = recipes / "libraries/thing.yaml"
    text = file.read_text()
    start, end = text.index("      - url"), text.index("    wheel-version")
    file.write_text(text[:start] + source + text[end:])
    bumped = to("2.0")
    listed = {"debian": "thing", "version": "1.9.dfsg+really2.0", "sha256": SHA}
    assert entry(bumped, "2.0")["sources"] == [listed | expected]
    assert any("that suite moves on" in note for note in bumped.notes) == (suite == "sid")


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def here(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(recipes.parent)
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: None)
    monkeypatch.setenv("COMMONWHEEL_CACHE", str(recipes.parent / "cache"))
    return recipes / "libraries/thing.yaml"


def test_the_command_prints_a_diff(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(tmp_path / "thing-2.0.tar.gz", {"COPYING": "x"})
    before = here.read_text()
    assert main(["recipe", "bump", "thing", "2.0", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("--- a/thing.yaml\n+++ b/thing.yaml\n@@")
    assert '+  "2.0":\n+    sources:\n' in out
    assert "look at: set {so: 5} is carried over" in err
    assert here.read_text() == before
    assert main(["recipe", "bump", "thing", "2.0"]) == 0
    out, err = capsys.readouterr()
    assert "commonwheel build thing --set thing.version=2.0" in err
    assert '\n  "2.0":' in here.read_text()


def test_a_callers_recipe_in_a_folder_of_its_own(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(tmp_path / "mine-2.0.tar.gz", {"COPYING": "x"})
    text = library("mine").replace(
        "https://example.org/1.0.tgz", f"file://{tmp_path}/mine-1.0.tar.gz"
    )
    mine = write(tmp_path / "theirs", {"mine": text})
    assert main(["recipe", "bump", "mine", "2.0", "--recipes", "theirs"]) == 0
    assert '"2.0"' in (mine / "libraries/mine.yaml").read_text()
    assert (
        "commonwheel build mine --set mine.version=2.0 --recipes theirs" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing", "1"], 2, "there is no recipe 'nothing'"),
        (["thing", "1.0"], 2, "lists 1.0 already"),
        (["thing", "3.0"], 5, "no source of thing 3.0 could be had"),
    ],
)
def test_a_mistake_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["recipe", "bump", *words]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
