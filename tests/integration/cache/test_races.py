"""Processes that run at once share the cache and the wheelhouse."""

import json
import os
import subprocess
import sys
from pathlib import Path

from commonwheel.cache.keys import key_of
from commonwheel.cache.store import Store
from commonwheel.wheelhouse import Wheelhouse

INPUTS = {"x": 1}
PROCESSES = 6

PUT = """
import sys, time
from pathlib import Path
from commonwheel.cache.store import Store
folder, me, start = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
store = Store(root=Path(sys.argv[1]))
while not Path(start).exists():
    time.sleep(0.005)
found = store.put(folder, {"x": 1}, {"by": me})
print(found.facts["by"], len(list(found.folder.rglob("*.bin"))))
"""

BUILD_ONCE = """
import sys, time
from pathlib import Path
from commonwheel.cache.keys import key_of
from commonwheel.cache.store import Store
folder, me, start = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
store = Store(root=Path(sys.argv[1]))
while not Path(start).exists():
    time.sleep(0.005)
with store.lock(key_of({"x": 1})):
    if store.find(key_of({"x": 1})) is None:
        with open(start, "a") as file:
            file.write("built\\n")
        time.sleep(0.2)
        store.put(folder, {"x": 1}, {"by": me})
"""

KEEP = """
import sys, time
from pathlib import Path
from commonwheel.errors import WheelhouseError
from commonwheel.wheelhouse import Wheelhouse
me, start = sys.argv[3], sys.argv[4]
house, folder = Wheelhouse(root=Path(sys.argv[1])), Path(sys.argv[2]) / me
folder.mkdir()
own = folder / f"own{me}-1.0-py3-none-any.whl"
own.write_bytes(me.encode() * 100_000)
common = folder / "common-1.0-py3-none-any.whl"
common.write_bytes(me.encode() * 100_000)
while not Path(start).exists():
    time.sleep(0.005)
house.put(own, {"by": me}, remedy="none")
try:
    house.put(common, {"by": me}, remedy="raise it")
    print("kept")
except WheelhouseError:
    print("refused")
"""


def race(code: str, root: Path, folder: Path, start: Path) -> list[str]:
    """What each process printed; they begin together."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(root), str(folder), str(number), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    start.touch()
    said = [process.communicate(timeout=120)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    return said


def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}.bin").write_bytes(bytes(20_000))
    return folder


def test_one_result_wins_and_is_whole(tmp_path: Path) -> None:
    said = race(PUT, tmp_path / "cache", content(tmp_path), tmp_path / "start")
    winners = {line.split()[0] for line in said}
    assert len(winners) == 1
    assert {line.split()[1] for line in said} == {"50"}
    assert [str(file) for file in (tmp_path / "cache").rglob("*.part")] == []


def test_with_the_lock_one_process_works(tmp_path: Path) -> None:
    start = tmp_path / "start"
    race(BUILD_ONCE, tmp_path / "cache", content(tmp_path), start)
    assert start.read_text() == "built\n"
    assert Store(root=tmp_path / "cache").find(key_of(INPUTS)) is not None


def test_wheels_are_kept_by_all_and_a_name_by_one(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    house = Wheelhouse(root=tmp_path / "wheelhouse")
    said = race(KEEP, house.root, made, tmp_path / "start")
    assert sorted(said) == ["kept"] + ["refused"] * (PROCESSES - 1)
    names = {"common-1.0-py3-none-any.whl"}
    names |= {f"own{number}-1.0-py3-none-any.whl" for number in range(PROCESSES)}
    assert {wheel.name for wheel in house.root.glob("*.whl")} == names
    assert set(json.loads(house.provenance.read_text())["wheels"]) == names
    assert len(house.constraints.read_text().splitlines()) == len(names)
    winner = house.entries()["common-1.0-py3-none-any.whl"]["by"]
    assert (house.root / "common-1.0-py3-none-any.whl").read_bytes()[:1] == winner.encode()


USE_ALL = """
import random, sys, time
from pathlib import Path
from commonwheel.cache.usage import in_use, touch
cache, start = Path(sys.argv[1]), sys.argv[4]
root = cache / "envs"
while not Path(start).exists():
    time.sleep(0.005)
folders = [root / str(number) for number in range(200)]
random.shuffle(folders)
with in_use(cache):
    held = []
    for folder in folders:
        if touch(root, folder):
            held.append(folder)
        assert all(each.is_dir() for each in held), "somebody took a folder away that is in use"
    print(len(held))
"""

CLEAR = """
import sys, time
from pathlib import Path
from commonwheel.cache.prune import clearable, remove
cache, start = Path(sys.argv[1]), sys.argv[4]
while not Path(start).exists():
    time.sleep(0.005)
time.sleep(0.05)
print(sum(len(remove(cache, clearable(cache, ["envs"]))) for _ in range(5)))
"""


def test_nothing_in_use_is_cleared(tmp_path: Path) -> None:
    for number in range(200):
        folder = tmp_path / "cache" / "envs" / str(number)
        folder.mkdir(parents=True)
        os.utime(folder, (1, 1))
    both = f"if int(sys.argv[3]) % 2: exec({CLEAR!r})\nelse: exec({USE_ALL!r})"
    said = race(f"import sys\n{both}", tmp_path / "cache", tmp_path, tmp_path / "start")
    removed = sum(int(line) for line in said[1::2])
    # What is left afterwards nobody took; what somebody held is still there.
    assert removed + len(list((tmp_path / "cache" / "envs").glob("[0-9]*"))) == 200
