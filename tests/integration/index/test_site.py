"""Sites from real libraries and from another index; runs that are killed, and several at once."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.abi.encoding import to_json
from commonwheel.abi.snapshot import Snapshot
from commonwheel.errors import SourceError
from commonwheel.index.mirror import upstream
from commonwheel.index.site import read_abi
from commonwheel.source.settings import PipSettings, SourceSettings
from tests.integration.check.kit import compiled
from tests.integration.index.kit import served
from tests.unit.index.kit import assert_sound, json_page, library, page, run, tree, wheel

SONAME = "libdemo-commonwheel.so.1"
OLD = "int demo_kept(void) { return 1; } int demo_gone(void) { return 2; }"
NEW = "int demo_kept(void) { return 1; } int demo_new(void) { return 3; } static int no;"


def released(folder: Path, version: str, source: str) -> Path:
    raw = compiled(folder / "build", "libdemo.so", source, f"-Wl,-soname,{SONAME}")
    return library(
        folder, "demo-so1", version, libraries={SONAME: raw}, tag="py3-none-linux_x86_64"
    )


def abi_of(site: Path, made: Path) -> Snapshot:
    return read_abi(site, "demo-so1", made.name)


def test_symbols_of_a_compiled_library(tmp_path: Path) -> None:
    site = tmp_path / "site"
    old, new = released(tmp_path, "1.0", OLD), released(tmp_path, "1.1", NEW)
    run(site, old, new)
    (library_,) = abi_of(site, old).libraries
    assert [symbol.name for symbol in library_.symbols] == ["demo_gone", "demo_kept"]
    assert (library_.soname, library_.tagged) == ("libdemo.so.1", SONAME)
    assert abi_of(site, new).arch == "x86_64"
    text = (site / "lines/demo-so1/index.html").read_text()
    assert "1 public symbol added" in text
    assert "+ demo_new\n" in text
    assert "- demo_gone\n" in text
    assert "demo_kept" not in text


def test_a_site_has_the_snapshot_that_the_wheel_carries(tmp_path: Path) -> None:
    """Not one of its own: the recipe, which an index does not have, says what is public."""
    raw = compiled(tmp_path / "build", "libdemo.so", OLD, f"-Wl,-soname,{SONAME}")
    plain = library(tmp_path / "plain", "demo-so1", "1.0", libraries={SONAME: raw})
    run(tmp_path / "first", plain)
    taken = abi_of(tmp_path / "first", plain)
    (one,) = taken.libraries
    kept = replace(one, symbols=one.symbols[1:], evidence=("exports",))
    carried = to_json(replace(taken, libraries=(kept,)))
    member = {"{info}/commonwheel.abi.json": carried.encode()}
    wheel_ = library(tmp_path / "made", "demo-so1", "1.0", libraries={SONAME: raw}, more=member)
    run(tmp_path / "second", wheel_)
    place = tmp_path / "second/lines/demo-so1" / f"{wheel_.stem}.json"
    assert place.read_text() == carried


# --- upstream -------------------------------------------------------------------------------------


def test_an_upstream_index_is_read_over_http(tmp_path: Path) -> None:
    run(tmp_path / "upstream", wheel(tmp_path, "demo", "1.0"), wheel(tmp_path, "demo", "2.0"))
    run(tmp_path / "upstream", yank=["demo==1.0"], reason="old")
    with served(tmp_path / "upstream") as server:
        pip = PipSettings(index_url=f"{server.url}/simple")
        reader = upstream("", SourceSettings(cache=tmp_path, pip=pip))
        run(tmp_path / "site", reader=reader, mirror=["demo"])
        found = {each.version: each for each in page(tmp_path / "site", "demo").packages}
        theirs = {each.version: each for each in json_page(tmp_path / "upstream", "demo").packages}
        for version in ("1.0", "2.0"):
            path = f"/files/demo/demo-{version}-py3-none-any.whl"
            assert found[version].url == server.url + path
            assert found[version].digests == theirs[version].digests
            assert found[version].metadata_digests == theirs[version].metadata_digests
            assert found[version].requires_python == ">=3.9"
        assert found["1.0"].yanked_reason == "old"


def test_an_upstream_index_that_cannot_be_asked(tmp_path: Path) -> None:
    with served(tmp_path / "empty") as server:
        reader = upstream(f"{server.url}/simple/", SourceSettings(cache=tmp_path))
        with pytest.raises(SourceError, match=r"/simple/demo/: the index has no such project"):
            run(tmp_path / "site", reader=reader, mirror=["demo"])
        gone = server.url.replace("//", "//me:secret@")
    reader = upstream(f"{gone}/simple/", SourceSettings(cache=tmp_path))
    with pytest.raises(SourceError, match="cannot be read as a package index") as caught:
        run(tmp_path / "site", reader=reader, mirror=["demo"])
    assert "secret" not in str(caught.value)


# --- processes ------------------------------------------------------------------------------------


def start(site: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "commonwheel", "index", "-q", "-o", str(site), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=site.parent)


def test_a_process_that_is_killed_leaves_a_sound_site(tmp_path: Path) -> None:
    site, more = tmp_path / "site", tmp_path / "more"
    first = wheel(tmp_path, "first", "1.0")
    run(site, first)
    for number in range(40):
        wheel(more, f"demo{number}", "1.0", members={"big.bin": bytes(100_000)})
    for rounds in range(6):
        process = start(site, str(more))
        # From the first file on, at other moments each time.
        while process.poll() is None and not list(site.glob("files/demo*")):
            time.sleep(0.001)
        time.sleep(rounds * 0.01)
        process.kill()
        process.wait()
        assert first.name in assert_sound(site)
    run(site, more)
    assert len(assert_sound(site)) == 41
    assert not list(site.rglob("*.part"))


def test_processes_at_once_take_turns(tmp_path: Path) -> None:
    site = tmp_path / "site"
    wheels = [wheel(tmp_path / str(n), f"demo{n}", "1.0") for n in range(3)]
    running = [start(site, str(each)) for each in wheels]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert sorted(assert_sound(site)) == [each.name for each in wheels]
    before = tree(site)
    run(site, *wheels)
    assert tree(site) == before
