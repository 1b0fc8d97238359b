import json
import os
import shlex
from pathlib import Path
from threading import Thread

import pytest

from commonwheel.cache.keys import file_digest
from commonwheel.errors import WheelhouseError
from commonwheel.files import replacing
from commonwheel.wheelhouse import Wheelhouse

LIB = "commonwheel_geos_so1-{}-py3-none-linux_x86_64.whl"
USER = "shapely-{}-cp311-cp311-linux_x86_64.whl"


@pytest.fixture
def house(tmp_path: Path) -> Wheelhouse:
    return Wheelhouse(root=tmp_path / "wheelhouse")


def wheel(folder: Path, name: str, content: bytes = b"1") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    return file


def put(house: Wheelhouse, folder: Path, name: str, content: bytes = b"1") -> Path:
    return house.put(wheel(folder, name, content), {"job": name[:4]}, remedy="raise 'build'")


def test_a_wheel_is_kept_with_what_made_it(house: Wheelhouse, tmp_path: Path) -> None:
    kept = put(house, tmp_path / "made", LIB.format("3.11.1"))
    assert kept == house.root / LIB.format("3.11.1")
    assert kept.read_bytes() == b"1"
    assert house.entries() == {kept.name: {"sha256": file_digest(kept), "job": "comm"}}
    assert house.constraints.read_text() == "commonwheel-geos-so1===3.11.1\n"
    assert json.loads(house.provenance.read_text())["schema"] == 1


def test_the_same_bytes_may_come_again(house: Wheelhouse, tmp_path: Path) -> None:
    first = put(house, tmp_path / "a", USER.format("2.1"))
    before = first.stat().st_mtime_ns, first.stat().st_ino
    again = put(house, tmp_path / "b", USER.format("2.1"))
    assert (again.stat().st_mtime_ns, again.stat().st_ino) == before


def test_other_bytes_are_refused_with_what_to_do(house: Wheelhouse, tmp_path: Path) -> None:
    kept = put(house, tmp_path / "a", USER.format("2.1"))
    with pytest.raises(WheelhouseError) as caught:
        put(house, tmp_path / "b", USER.format("2.1"), b"2")
    assert f"{kept.name} is in the wheelhouse already, with other bytes" in caught.value.what
    assert caught.value.where == str(house.root)
    assert "raise 'build'" in caught.value.hint
    assert "--replace" in caught.value.hint
    assert kept.read_bytes() == b"1"
    assert house.entries()[kept.name]["sha256"] == file_digest(kept)


def test_replace_is_for_work_in_progress(house: Wheelhouse, tmp_path: Path) -> None:
    put(house, tmp_path / "a", USER.format("2.1"))
    replacing = Wheelhouse(root=house.root, replace=True)
    kept = put(replacing, tmp_path / "b", USER.format("2.1"), b"2")
    assert kept.read_bytes() == b"2"
    assert house.entries()[kept.name]["sha256"] == file_digest(kept)


def test_constraints_pin_the_newest_of_each_with_its_label(
    house: Wheelhouse, tmp_path: Path
) -> None:
    for name in (
        LIB.format("3.13.1"),
        LIB.format("3.11.1"),
        LIB.format("3.13.1.post1"),
        USER.format("2.1.0+commonwheel.2"),
        USER.format("2.1.0+commonwheel.10"),
        USER.format("2.1.0"),
    ):
        put(house, tmp_path / "made", name)
    assert house.constraints.read_text() == (
        "commonwheel-geos-so1===3.13.1.post1\nshapely==2.1.0+commonwheel.10\n"
    )


def test_what_was_removed_by_hand_is_forgotten(house: Wheelhouse, tmp_path: Path) -> None:
    put(house, tmp_path / "made", LIB.format("3.11.1")).unlink()
    put(house, tmp_path / "made", USER.format("2.1"))
    assert list(house.entries()) == [USER.format("2.1")]
    assert house.constraints.read_text() == "shapely===2.1\n"


def test_somebody_elses_files_are_passed_over(house: Wheelhouse, tmp_path: Path) -> None:
    house.root.mkdir()
    (house.root / "notes.whl").touch()
    put(house, tmp_path / "made", USER.format("2.1"))
    assert house.pins() == ["shapely===2.1"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"wheels"'])
def test_damaged_provenance_is_told(house: Wheelhouse, tmp_path: Path, text: str) -> None:
    house.root.mkdir()
    house.provenance.write_text(text)
    with pytest.raises(WheelhouseError, match="remove it") as caught:
        put(house, tmp_path / "made", USER.format("2.1"))
    assert caught.value.where == str(house.provenance)


def test_what_a_killed_process_left_is_cleared(house: Wheelhouse, tmp_path: Path) -> None:
    house.root.mkdir()
    (house.root / ".0123456789ab.part").write_bytes(b"half")
    put(house, tmp_path / "made", USER.format("2.1"))
    assert sorted(file.name for file in house.root.iterdir()) == [
        ".lock",
        "constraints.txt",
        "provenance.json",
        USER.format("2.1"),
    ]


def test_a_folder_to_work_in_is_hidden_and_goes(house: Wheelhouse, tmp_path: Path) -> None:
    with house.scratch() as work:
        (work / "file").touch()
        assert work.parent == house.root
        assert work.name.startswith(".")
        put(house, tmp_path / "made", USER.format("2.1"))
        assert (work / "file").is_file()
    assert not work.exists()
    with pytest.raises(RuntimeError), house.scratch() as work:
        raise RuntimeError
    assert not work.exists()


def test_a_folder_that_a_killed_process_worked_in_is_cleared(house: Wheelhouse) -> None:
    for name, files in (("before-its-lock", ()), ("held", (".held", "elf"))):
        folder = house.root / f".repair-{name}"
        folder.mkdir(parents=True)
        for file in files:
            (folder / file).touch()
    house.prepare()
    assert sorted(file.name for file in house.root.iterdir()) == [".lock"]


def test_a_report_is_not_swept_while_it_is_written(
    house: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another thread that takes the lock clears what looks like a killed process's leftovers.
    house.prepare()
    (tmp_path / "debug").mkdir()
    other = Thread(target=house.add_debug, args=[tmp_path / "debug"])

    def write(target: Path, text: str) -> None:
        with replacing(target) as part:
            part.write_text(text)
            other.start()
            other.join(0.3)

    report = tmp_path / "report.json"
    report.write_text("{}")
    monkeypatch.setattr("commonwheel.wheelhouse.write_atomically", write)
    house.add_report(Path("a-1.0-py3-none-any.whl"), report)
    other.join()
    assert (house.root / "a-1.0-py3-none-any.report.json").read_text() == "{}"


def test_debug_files_are_added_by_build_id(house: Wheelhouse, tmp_path: Path) -> None:
    for name, content in (("ab/one.debug", b"1"), ("ab/two.debug", b"2")):
        file = tmp_path / name[3:6] / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        house.add_debug(tmp_path / name[3:6])
        house.add_debug(tmp_path / name[3:6])
    found = {
        str(file.relative_to(house.root)): file.read_bytes()
        for file in (house.root / "debug").rglob("*.debug")
    }
    assert found == {"debug/ab/one.debug": b"1", "debug/ab/two.debug": b"2"}


def test_logs_have_a_folder(house: Wheelhouse) -> None:
    assert house.log("geos-3.11.1") == house.root / "logs" / "geos-3.11.1.log"
    assert house.log("x").parent.is_dir()


def test_the_line_that_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    house = Wheelhouse(root=tmp_path / "my wheels")
    wheels = [Path(USER.format("2.1")), Path("Py_Proj-3-py3-none-any.whl")]
    words = shlex.split(house.install_line([*wheels, wheels[0]]))
    assert words == [
        *("pip", "install", "--find-links", "my wheels"),
        *("-c", "my wheels/constraints.txt", "py-proj", "shapely"),
    ]
    outside = Wheelhouse(root=tmp_path.parent / "w")
    assert f"--find-links {os.pardir}/w " in outside.install_line(wheels)


def test_a_wheel_can_be_added_alone(house: Wheelhouse, tmp_path: Path) -> None:
    kept = house.add(wheel(tmp_path / "a", USER.format("2.1"), b"1"), remedy="raise --build")
    assert kept.read_bytes() == b"1"
    assert not house.constraints.exists()
    assert not house.provenance.exists()
    assert house.add(wheel(tmp_path / "b", kept.name, b"1"), remedy="raise --build") == kept
    other = wheel(tmp_path / "c", kept.name, b"2")
    with pytest.raises(WheelhouseError, match="raise --build"):
        house.add(other, remedy="raise --build")
    Wheelhouse(root=house.root, replace=True).add(other, remedy="raise --build")
    assert kept.read_bytes() == b"2"
