"""The prefix for people, from wheels without libraries; what is linked is in other tests."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.cli import main
from commonwheel.errors import BuildError, RepairError, UsageError, WheelError
from commonwheel.names import Names
from commonwheel.prefix import MARKER, check_target, select, write_prefix
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.write import write_wheel
from tests.unit.recipe import kit

NAMES = Names()


def library(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    line: str = "",
    requires: Sequence[str] = (),
    uses: Sequence[str] = ("base_so1",),
    files: Sequence[str] = (),
    platform: str = "any",
) -> Path:
    """A library wheel without libraries."""
    line = line or f"{name}-so1"
    package = NAMES.package(line)
    manifest = {
        "schema": 1,
        "name": name,
        "line": line,
        "distribution": NAMES.distribution(line),
        "module": f"commonwheel_libs.{package}",
        "libraries": [],
        "providers": list(uses),
    }
    metadata = make_metadata(
        name=NAMES.distribution(line),
        version=version,
        summary=name,
        license_expression="MIT",
        requires_dist=requires,
    )
    info = f"commonwheel_{package}-{version}.dist-info"
    place = f"commonwheel_libs/{package}"
    members = {
        f"{place}/lib/pkgconfig/{name}.pc": b"prefix=${pcfiledir}/../..\n",
        f"{place}/include/{name}.h": f"{name} {version}".encode(),
        **{f"{place}/{file}": b"" for file in files},
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": make_wheel_file(["py3-none-any"], purelib=False, generator="test"),
        f"{info}/commonwheel.json": json.dumps(manifest).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"commonwheel_{package}-{version}-py3-none-{platform}.whl"
    write_wheel(target, members, epoch=0)
    return target


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """over → base (two releases), and loose, which nobody needs."""
    folder = tmp_path / "house"
    library(folder, "base", "1.0")
    library(folder, "base", "1.2")
    wanted = 'commonwheel-base-so1>=1.1; sys_platform == "linux"'
    library(folder, "over", requires=[wanted, "numpy", "commonwheel-tools"])
    library(folder, "loose")
    return folder


def chosen(paths: Sequence[Path], *wanted: str) -> list[str]:
    wheels = select(paths, wanted, NAMES)
    return sorted("-".join(wheel.name.split("-")[:2]) for wheel in wheels)


# --- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["over", "over-so1", "commonwheel-over-so1"])
def test_what_is_named_comes_with_what_it_requires(house: Path, name: str) -> None:
    assert chosen([house], name) == ["commonwheel_base_so1-1.2", "commonwheel_over_so1-1.0"]


def test_without_a_name_all_is_taken(house: Path) -> None:
    assert chosen([house]) == [
        "commonwheel_base_so1-1.2",
        "commonwheel_loose_so1-1.0",
        "commonwheel_over_so1-1.0",
    ]


def test_a_file_beats_what_a_folder_has(house: Path) -> None:
    old = next(house.glob("commonwheel_base_so1-1.0*"))
    assert chosen([old, house], "base") == ["commonwheel_base_so1-1.0"]
    with pytest.raises(UsageError, match=r"requires commonwheel-base-so1>=1\.1, and it is 1\.0"):
        chosen([old, house], "over")


def test_a_line_with_a_dot(house: Path) -> None:
    library(house, "base", line="base-so1.0")
    library(house, "over", "2.0", requires=["commonwheel-base-so1-0>=1.0"], uses=["base_so1_0"])
    assert chosen([house], "over") == ["commonwheel_base_so1_0-1.0", "commonwheel_over_so1-2.0"]


def test_wheels_of_other_platforms_are_passed_over(tmp_path: Path) -> None:
    here = library(tmp_path / "house", "base")
    for platform in ("manylinux_2_17_s390x", "musllinux_1_2_x86_64", "win_amd64"):
        library(tmp_path / "house", "base", "2.0", platform=platform)
    assert select([tmp_path / "house"], ["base"], NAMES) == [here]


def test_what_is_required_and_not_given(house: Path) -> None:
    over = next(house.glob("commonwheel_over*"))
    with pytest.raises(UsageError, match=r"requires commonwheel-base-so1>=1\.1, and it is not"):
        chosen([over])


def test_two_lines_of_a_name(house: Path) -> None:
    library(house, "base", "2.0", line="base-so2")
    with pytest.raises(UsageError, match="two lines of base: base-so1, base-so2"):
        chosen([house], "base")
    assert chosen([house], "base-so2", "over") == [
        "commonwheel_base_so1-1.2",
        "commonwheel_base_so2-2.0",
        "commonwheel_over_so1-1.0",
    ]


def test_what_is_no_library_wheel(house: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'nothing'") as caught:
        chosen([house], "nothing")
    assert "base-so1, loose-so1, over-so1" in caught.value.hint
    with pytest.raises(UsageError, match="no such file or folder"):
        chosen([tmp_path / "nowhere"])
    damaged = house / "x-1.0-py3-none-any.whl"
    damaged.write_bytes(b"x")
    with pytest.raises(WheelError):
        chosen([damaged])
    damaged.unlink()
    incomplete = library(house, "x", requires=["base =="])
    with pytest.raises(WheelError, match="is not what commonwheel wrote"):
        chosen([incomplete])
    incomplete.unlink()
    info = "x-1.0.dist-info"
    members = {f"{info}/METADATA": b"Metadata-Version: 2.1\nName: x\nVersion: 1.0\n"}
    members[f"{info}/WHEEL"] = make_wheel_file(["py3-none-any"], purelib=True, generator="t")
    write_wheel(damaged, members, epoch=0)
    with pytest.raises(RepairError, match="not a library wheel"):
        chosen([damaged])
    assert len(chosen([house])) == 3


# --- what is written ----------------------------------------------------------------------------


def tree(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_layout(house: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "prefix"
    wheels = select([house], ["over"], NAMES)
    assert write_prefix(wheels, target, NAMES) == target / "env.sh"
    assert tree(target) == {
        *("bin", "include", "lib", "share", "env.sh", MARKER, "commonwheel_libs"),
        *("commonwheel_base_so1-1.2.dist-info", "commonwheel_over_so1-1.0.dist-info"),
    }
    assert (target / "include" / "base.h").read_text() == "base 1.2"
    for name in ("bin", "include", "lib", "share"):
        assert (target / name).is_dir()
        assert not (target / name).readlink().is_absolute()
    # A link to a file would have the wrong folder above it: see the module.
    assert (target / "lib").is_symlink()
    assert not (target / "lib" / "pkgconfig").is_symlink()
    assert (target / "lib" / "pkgconfig" / "over.pc").is_file()
    assert set(json.loads((target / MARKER).read_text())["wheels"]) == {w.name for w in wheels}
    assert tree(tmp_path / "deep") == {"prefix"}


def test_an_earlier_prefix_is_replaced(house: Path, tmp_path: Path) -> None:
    target = tmp_path / "prefix"
    write_prefix(select([house], ["over"], NAMES), target, NAMES)
    write_prefix(select([house], ["loose"], NAMES), target, NAMES)
    assert tree(target / "include") == {"loose.h"}
    assert tree(tmp_path) == {"house", "prefix"}


def test_an_empty_folder_becomes_one_and_a_link_stays(house: Path, tmp_path: Path) -> None:
    target = tmp_path / "real"
    target.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    for _ in range(2):
        write_prefix(select([house], ["base"], NAMES), link, NAMES)
        assert link.is_symlink()
        assert (target / MARKER).is_file()
    assert str(target) in (target / "env.sh").read_text()


def test_somebody_elses_folder_is_left_alone(house: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(UsageError, match="is no prefix, and not empty"):
        write_prefix(select([house], [], NAMES), tmp_path / "mine", NAMES)
    assert tree(tmp_path / "mine") == {"file"}
    with pytest.raises(UsageError, match="is not a folder"):
        check_target(tmp_path / "mine" / "file")


def test_a_place_where_nothing_can_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="/proc is a mount point"):
        check_target(Path("/proc"))
    # Root may write anywhere.
    monkeypatch.setattr("os.access", lambda place, _: place != tmp_path)
    with pytest.raises(UsageError, match=f"{tmp_path} cannot be written to"):
        check_target(tmp_path / "not" / "there")


@pytest.mark.parametrize("name", ["a b", "a:b", "a\nb"])
def test_a_name_that_variables_cannot_hold(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a prefix cannot be in a folder whose path holds"):
        check_target(tmp_path / name)


def test_two_wheels_that_own_one_file_leave_nothing(house: Path, tmp_path: Path) -> None:
    wheels = [
        library(house, name, files=["include/config.h"]) for name in ("config-one", "config-two")
    ]
    with pytest.raises(BuildError, match=r"two providers of this build own include/config\.h"):
        write_prefix(wheels, tmp_path / "prefix", NAMES)
    assert tree(tmp_path) == {"house"}


def test_a_failure_at_the_last_step_keeps_the_earlier_prefix(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "prefix"
    write_prefix(select([house], ["base"], NAMES), target, NAMES)
    real = Path.rename

    def rename(self: Path, other: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError("full")
        return real(self, other)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="full"):
        write_prefix(select([house], ["loose"], NAMES), target, NAMES)
    assert tree(target / "include") == {"base.h"}
    assert tree(tmp_path) == {"house", "prefix"}


def test_a_quote_in_the_name_is_no_code(house: Path, tmp_path: Path) -> None:
    snippet = write_prefix(select([house], ["base"], NAMES), tmp_path / "it's", NAMES)
    (line,) = [x for x in snippet.read_text().splitlines() if x.startswith("commonwheel_written=")]
    assert line.endswith("""/it'"'"'s'""")


# --- the command --------------------------------------------------------------------------------


def test_the_command_prints_the_line_for_a_shell(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["prefix", "prefix", "over", "--with", str(house)]) == 0
    out, err = capsys.readouterr()
    assert out == f". {tmp_path / 'prefix' / 'env.sh'}\n"
    assert "2 library wheels in prefix" in err


@pytest.mark.parametrize(
    "mistake",
    [
        ([], 2, "DIR"),
        (["prefix"], 2, "no library is named"),
        (["prefix", "user"], 2, "'user' is a consumer recipe, not a library"),
        (["prefix", "goes"], 2, "perhaps you meant 'geos'"),
        (["file", "geos"], 2, "file is not a folder"),
        (["recipes", "geos"], 2, "recipes is no prefix, and not empty"),
        (["prefix", "--with", "nowhere"], 2, "--with nowhere: no such file or folder"),
        (["prefix", "geos", "--offline"], 5, "offline"),
    ],
)
def test_mistakes(
    tmp_path: Path,
    mistake: tuple[list[str], int, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, code, message = mistake
    kit.write(
        tmp_path / "recipes",
        {"geos": kit.library("geos", more="consumers: [user]\n")},
        {"user": kit.consumer("user", uses={"geos": ""})},
    )
    (tmp_path / "file").touch()
    monkeypatch.setattr("commonwheel.cli.common.shipped", lambda: None)
    monkeypatch.setenv("COMMONWHEEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main(["prefix", *words]) == code
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "prefix").exists()
