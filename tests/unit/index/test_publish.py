"""What is published stays: with new wheels, other bytes, lost files, and runs that are killed."""

import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from commonwheel.cache.keys import file_digest
from commonwheel.errors import CommonwheelError, SiteError, UsageError, WheelError
from commonwheel.files import replacing, write_atomically
from commonwheel.index import site as site_module
from commonwheel.names import Names
from tests.unit.index import kit
from tests.unit.index.kit import LATER, assert_sound, library, run, sdist, tree, wheel


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with a provider, a consumer, and an sdist."""
    folder = tmp_path / "made"
    library(folder, "proj-so25", "9.1.1")
    wheel(folder, "pyproj", "3.6.1+commonwheel.1", requires=["commonwheel-proj-so25>=9.1.1"])
    sdist(folder, "pyproj", "3.6.1")
    return folder


def stamps(site: Path) -> dict[str, tuple[int, int]]:
    return {
        name: ((site / name).stat().st_mtime_ns, (site / name).stat().st_ino) for name in tree(site)
    }


def test_pages_and_files_fit(site: Path, made: Path) -> None:
    outcome = run(site, made)
    assert (
        sorted(assert_sound(site))
        == sorted(outcome.added)
        == sorted(file.name for file in made.iterdir())
    )
    assert (outcome.files, outcome.projects) == (3, 2)


def test_the_same_again_writes_nothing(site: Path, made: Path) -> None:
    run(site, made)
    before = stamps(site)
    outcome = run(site, made, now=LATER)
    assert (outcome.added, outcome.pages) == ((), 0)
    assert stamps(site) == before


def test_more_wheels_add_and_touch_only_what_they_concern(site: Path, made: Path) -> None:
    run(site, made)
    before = stamps(site)
    new = library(made.parent / "new", "proj-so25", "9.2.0")
    outcome = run(site, new, now=LATER)
    assert outcome.added == (new.name,)
    changed = {name for name, stamp in stamps(site).items() if before.get(name) != stamp}
    assert changed == {
        "commonwheel-index.json",
        "index.html",
        f"files/commonwheel-proj-so25/{new.name}",
        f"files/commonwheel-proj-so25/{new.name}.metadata",
        f"lines/proj-so25/{new.stem}.json",
        "lines/proj-so25/index.html",
        "simple/commonwheel-proj-so25/index.html",
        "simple/commonwheel-proj-so25/index.json",
    }


def test_the_order_of_runs_does_not_show(tmp_path: Path, made: Path) -> None:
    wheels = sorted(made.iterdir())
    for each in wheels:
        run(tmp_path / "one by one", each)
    run(tmp_path / "at once", *reversed(wheels))
    assert tree(tmp_path / "one by one") == tree(tmp_path / "at once")


def test_a_file_that_its_source_has_no_more_stays(site: Path, made: Path) -> None:
    run(site, made)
    before = tree(site)
    shutil.rmtree(made)
    run(site)
    assert tree(site) == before


def test_other_bytes_are_refused_with_both_digests(site: Path, made: Path) -> None:
    run(site, made)
    before = tree(site)
    old = next(made.glob("pyproj*.whl"))
    new = wheel(made.parent / "new", "pyproj", "3.6.1+commonwheel.1", content="other")
    with pytest.raises(SiteError) as caught:
        run(site, wheel(made.parent / "new", "another", "1.0"), new)
    assert caught.value.where == old.name
    for digest in (file_digest(old), file_digest(new)):
        assert digest in caught.value.what
    assert "raise 'build'" in caught.value.hint
    assert tree(site) == before


def test_two_files_of_one_name_in_one_run(site: Path, tmp_path: Path) -> None:
    one = wheel(tmp_path / "a", "demo", "1.0")
    other = wheel(tmp_path / "b", "demo", "1.0", content="other")
    with pytest.raises(SiteError, match="is published with sha256"):
        run(site, one, other)
    run(site, one, wheel(tmp_path / "c", "demo", "1.0"))
    assert list(assert_sound(site)) == [one.name]


def test_a_lost_file_is_said_and_comes_back_with_its_wheel(site: Path, made: Path) -> None:
    run(site, made)
    before = tree(site)
    gone = next((site / "files").rglob("*.whl.metadata"))
    gone.unlink()
    with pytest.raises(SiteError, match="is published, and is not there"):
        run(site)
    run(site, made, now=LATER)
    assert tree(site) == before


def test_a_folder_of_something_else_is_left_alone(site: Path, made: Path) -> None:
    site.mkdir()
    (site / "thesis.tex").write_text("do not lose")
    with pytest.raises(SiteError, match=r"not empty: it has thesis\.tex"):
        run(site, made)
    assert [each.name for each in site.iterdir()] == ["thesis.tex"]


def test_a_new_checkout_is_a_site(site: Path, made: Path) -> None:
    (site / ".git").mkdir(parents=True)
    run(site, made)
    assert len(assert_sound(site)) == 3


def test_a_site_of_another_owner(site: Path, made: Path) -> None:
    run(site, made)
    with (
        pytest.raises(SiteError, match="'commonwheel', and this run is for 'acme'"),
        site_module.opened(site, Names(prefix="acme")) as opened,
    ):
        opened.load(Names(prefix="acme"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not what commonwheel wrote"),
        ("{}", "is not what commonwheel wrote: prefix: Field required"),
        ('{"schema": 3, "prefix": "commonwheel"}', "has schema 3"),
    ],
)
def test_a_damaged_record(site: Path, made: Path, text: str, said: str) -> None:
    run(site, made)
    (site / "commonwheel-index.json").write_text(text)
    before = tree(site)
    with pytest.raises(SiteError, match=said):
        run(site, made)
    assert tree(site) == before


# --- input that is wrong --------------------------------------------------------------------------


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-30])
    return path


def spoilt(path: Path) -> Path:
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"CONTENT", b"c0ntent", 1) if b"CONTENT" in raw else raw[:200])
    return path


def renamed(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def text(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / name).write_text("hello")
    return folder / name


BAD = {
    "no wheel": lambda f: text(f, "notes.txt"),
    "a wheel in name only": lambda f: text(f, "demo-1.0-py3-none-any.whl"),
    "an sdist in name only": lambda f: text(f, "demo-1.0.tar.gz"),
    "cut short": lambda f: cut(wheel(f, "demo", "1.0")),
    "an sdist cut short": lambda f: cut(sdist(f, "demo", "1.0")),
    "another version": lambda f: renamed(wheel(f, "demo", "1.0"), "demo-1.1-py3-none-any.whl"),
    "another version in an sdist": lambda f: sdist(f, "demo", "1.0", said="1.1"),
    "no version in an sdist": lambda f: sdist(f, "demo", "1.0", said="one"),
    "another line": lambda f: library(f, "proj-so25", "1.0", manifest={"line": "proj-so26"}),
    "a line that leads out": lambda f: library(f, "proj", "1.0", manifest={"line": "../../proj"}),
    "half a manifest": lambda f: library(f, "proj-so25", "1.0", manifest={"source": None}),
    "a library that is not there": lambda f: library(
        f,
        "proj-so25",
        "1.0",
        manifest={"libraries": [{"soname": "libproj.so", "upstream": "", "role": "public"}]},
    ),
    "a snapshot of another release": lambda f: library(
        f, "proj-so25", "1.0", manifest={"upstream-version": "1.1"}
    ),
    "a snapshot cut short": lambda f: library(
        f, "proj-so25", "1.0", more={"{info}/commonwheel.abi.json": b'{"schema": 1'}
    ),
    "no library": lambda f: library(f, "proj-so25", "1.0", libraries={}),
    "a manifest without libraries": lambda f: library(
        f, "proj-so25", "1.0", manifest={"libraries": None}
    ),
    "no ELF": lambda f: library(f, "proj-so25", "1.0", libraries={"libproj.so.25": b"text"}),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_named_and_nothing_is_lost(site: Path, made: Path, kind: str) -> None:
    run(site, made)
    before = tree(site)
    bad = BAD[kind](made.parent / "bad")
    with pytest.raises(CommonwheelError) as caught:
        run(site, wheel(made.parent / "good", "good", "1.0"), bad)
    assert bad.name in caught.value.where
    assert tree(site) == before


def test_a_member_with_other_bytes_than_record_says(site: Path, tmp_path: Path) -> None:
    bad = wheel(tmp_path, "demo", "1.0", members={"{info}/RECORD.jws": b"", "big": b"x" * 10_000})
    raw = bytearray(bad.read_bytes())
    at = raw.index(b"demo.py") + len(b"demo.py")
    raw[at] ^= 0xFF
    bad.write_bytes(raw)
    with pytest.raises(WheelError, match=r"demo-1.0-py3-none-any\.whl"):
        run(site, bad)


def test_a_folder_without_wheels_and_a_path_without_a_file(site: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no wheel or sdist in"):
        run(site, tmp_path / "empty")
    with pytest.raises(UsageError, match="no such file or folder"):
        run(site, tmp_path / "nowhere")


def test_a_site_of_an_older_toolkit_can_be_made_anew(site: Path, made: Path) -> None:
    run(site, made)
    record = site / "commonwheel-index.json"
    record.write_text(record.read_text().replace('"schema": 2', '"schema": 1'))
    with pytest.raises(SiteError, match="has schema 1, and this commonwheel reads schema 2") as old:
        run(site)
    assert "commonwheel index -o NEW OLD/files/*" in old.value.hint
    run(site.parent / "anew", *(site / "files").iterdir())
    assert assert_sound(site.parent / "anew").keys() == assert_sound(site).keys()


# --- runs that end early, and two at once ---------------------------------------------------------


class KilledError(Exception):
    """Stands for a signal: nothing in the product catches it."""


def dying(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the process end after so many writes, in the midst of the next."""
    left = after

    def spend() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError

    @contextmanager
    def mortal(target: Path) -> Iterator[Path]:
        with replacing(target) as part:
            yield part
            # As a signal leaves it.
            shutil.copyfile(part, part.with_name(f".{target.name}.1.abc.part"))
            spend()
        part.with_name(f".{target.name}.1.abc.part").unlink()

    def write(target: Path, text: str) -> None:
        spend()
        write_atomically(target, text)

    monkeypatch.setattr(site_module, "replacing", mortal)
    monkeypatch.setattr(site_module, "write_atomically", write)


def test_a_killed_run_leaves_a_sound_site_that_the_next_completes(
    tmp_path: Path, made: Path
) -> None:
    old, done = tmp_path / "old", tmp_path / "done"
    run(old, made)
    new = library(tmp_path / "new", "proj-so25", "9.2.0"), wheel(tmp_path / "new", "more", "1.0")
    published = set(assert_sound(old))
    shutil.copytree(old, done)
    run(done, *new, yank=["pyproj==3.6.1"])
    for after in range(100):
        site = tmp_path / f"killed{after}"
        shutil.copytree(old, site)
        with pytest.MonkeyPatch.context() as patch:
            dying(patch, after)
            try:
                run(site, *new, yank=["pyproj==3.6.1"])
            except KilledError:
                pass
            else:
                break
        assert published <= set(assert_sound(site))
        run(site, *new, yank=["pyproj==3.6.1"])
        assert tree(site) == tree(done)
    # Files, metadata, ABI, state, and pages: each was once the last.
    assert after > 10


def test_a_first_run_that_is_killed_can_be_run_again(
    site: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        dying(patch, 3)
        with pytest.raises(KilledError):
            run(site, made)
    run(site, made)
    assert len(assert_sound(site)) == 3


def test_runs_at_once_take_turns(site: Path, tmp_path: Path) -> None:
    wheels = [wheel(tmp_path / "made", f"demo{number}", "1.0") for number in range(6)]
    threads = [Thread(target=run, args=(site, each)) for each in wheels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(assert_sound(site)) == [each.name for each in wheels]


def test_pages_can_be_read_by_a_web_server(site: Path, made: Path) -> None:
    run(site, made)
    for name in tree(site):
        assert (site / name).stat().st_mode & stat.S_IROTH, name


# --- yanks ----------------------------------------------------------------------------------------


def test_a_yank_marks_all_files_of_a_release_and_can_be_taken_back(site: Path, made: Path) -> None:
    run(site, made)
    before = tree(site)
    run(site, yank=["PyProj==3.6.1"], reason='5 < 6 & "wrong"')
    for read in (kit.page, kit.json_page):
        found = {p.filename: p for p in read(site, "pyproj").packages}
        assert found["pyproj-3.6.1.tar.gz"].is_yanked
        assert found["pyproj-3.6.1.tar.gz"].yanked_reason == '5 < 6 & "wrong"'
        assert not found["pyproj-3.6.1+commonwheel.1-py3-none-any.whl"].is_yanked
    run(site, restore=["pyproj==3.6.1"])
    assert tree(site) == before


def test_a_yank_without_a_reason(site: Path, made: Path) -> None:
    run(site, made, yank=["pyproj==3.6.1"])
    for read in (kit.page, kit.json_page):
        found = {p.filename: p for p in read(site, "pyproj").packages}["pyproj-3.6.1.tar.gz"]
        assert (found.is_yanked, found.yanked_reason or "") == (True, "")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"yank": ["pyproj==9"]}, r"no pyproj==9 on this index\n  there is: pyproj==3.6.1, "),
        ({"yank": ["prj==1"]}, "the index has no project prj"),
        ({"restore": ["pyproj==3.6.1"]}, "pyproj==3.6.1 is not yanked here\n  what is: none"),
    ],
)
def test_a_yank_of_what_is_not_there(
    site: Path, made: Path, request_: dict[str, Any], said: str
) -> None:
    run(site, made)
    with pytest.raises(SiteError, match=said):
        run(site, **request_)
