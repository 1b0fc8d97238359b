"""``commonwheel cache``."""

import json
import os
import time
from pathlib import Path

import pytest

from commonwheel.cache.usage import in_use
from commonwheel.cli import main
from commonwheel.cli.cache import age, size

DAY = 24 * 3600


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with 2 MB of sources, used 40 and 20 days ago."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "GITHUB_ACTIONS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "cache"
    monkeypatch.setenv("COMMONWHEEL_CACHE", str(root))
    for name, days in (("old", 40), ("new", 20)):
        folder = root / "sources" / name[:2] / name
        folder.mkdir(parents=True)
        (folder / f"{name}.tar").write_bytes(bytes(1_000_000))
        used = time.time() - days * DAY
        os.utime(folder, (used, used))
    return root


def sources(cache: Path) -> list[str]:
    return sorted(file.name for file in cache.rglob("*.tar"))


def test_info_as_a_table(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with in_use(cache):
        assert main(["cache", "info"]) == 0
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if "│ sources" in line]
    assert [cell.strip() for cell in row.split("│")][3:5] == ["2", "2.0 MB"]
    assert str(cache) in shown
    assert "1 process at work" in shown


def test_info_as_json(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "info", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["bytes"], data["running"], data["cache"]) == (2_000_000, 0, str(cache))
    assert {entry["label"] for entry in data["entries"]} == {"old.tar", "new.tar"}
    assert data["entries"][0]["folder"].startswith("sources/")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ([], ["new.tar"]),
        (["--older-than", "10d"], []),
        (["--older-than", "6w"], ["new.tar", "old.tar"]),
        (["--max-size", "1MB"], ["new.tar"]),
        # By itself a size is the only limit.
        (["--max-size", "5GB"], ["new.tar", "old.tar"]),
        (["--max-size", "5GB", "--older-than", "30d"], ["new.tar"]),
    ],
)
def test_prune(
    cache: Path, words: list[str], left: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "prune", "--dry-run", *words]) == 0
    would = capsys.readouterr()
    assert sources(cache) == ["new.tar", "old.tar"]
    assert main(["cache", "prune", *words]) == 0
    done = capsys.readouterr()
    assert sources(cache) == left
    assert would.out.replace("would remove", "removed") == done.out
    assert ("old.tar" in would.err) == ("old.tar" not in left)
    freed = 2 - len(left)
    assert f"removed {freed} entr" in done.out
    assert f", {freed}.0 MB" in done.out if freed else ", 0 bytes" in done.out


def test_clear(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "clear", "raw", "apt"]) == 0
    assert capsys.readouterr().out == "removed 0 entries, 0 bytes\n"
    assert main(["cache", "clear", "-q"]) == 0
    assert capsys.readouterr().out == "removed 2 entries, 2.0 MB\n"
    assert sources(cache) == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("12h", DAY / 2), ("30d", 30 * DAY), ("2w", 14 * DAY), ("5 m", 300)]
)
def test_ages(text: str, seconds: float) -> None:
    assert age(text) == seconds


@pytest.mark.parametrize(
    ("text", "number"),
    [("5GB", 5 * 10**9), ("500mb", 5 * 10**8), ("1.5 G", 15 * 10**8), ("0", 0), ("7B", 7)],
)
def test_sizes(text: str, number: int) -> None:
    assert size(text) == number


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cache"], "ACTION"),
        (["cache", "prune", "--older-than", "soon"], "'soon' is not an age such as 12h"),
        (["cache", "prune", "--older-than", "-1d"], "--older-than"),
        (["cache", "prune", "--max-size", "5GiB"], "'5GiB' is not a size such as 500MB"),
        (["cache", "clear", "wheel"], "'wheel' is no kind; there are: sources, raw, wheels"),
    ],
)
def test_mistakes(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err
