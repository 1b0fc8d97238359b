"""Seeded breaks: what is found with debug information and without, and what programs say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commonwheel.abi.compare import Comparison, compare
from commonwheel.abi.deep import Side, compare_types, write_types
from commonwheel.abi.dump import dump
from commonwheel.abi.encoding import from_json, to_json
from commonwheel.abi.kinds import KINDS
from commonwheel.abi.material import read_material
from commonwheel.elf import read_elf
from commonwheel.names import Names
from commonwheel.process import run
from tests.integration.abi.seeds import FIRST, PRINTED, PROGRAM, SEEDS, Seed

Build = Callable[[Seed, str], Path]
LEVELS = {kind.id: kind.level for kind in KINDS}
by_seed = pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compiles a release once; returns the folder that it is installed in."""
    made: dict[tuple[str, str], Path] = {}

    def build(seed: Seed, debug: str) -> Path:
        if (seed.name, debug) not in made:
            folder = tmp_path_factory.mktemp(f"{seed.name}{debug}")
            (folder / "lib").mkdir()
            (folder / "include").mkdir()
            for name, text in seed.files.items():
                (folder / name).write_text(text)
            words = (
                "gcc",
                debug,
                "-shared",
                "-fPIC",
                "-Iinclude",
                "seed.c",
                "-o",
                "lib/libseed.so.1",
            )
            linking = ("-Wl,-soname,libseed.so.1", "-Wl,--version-script,seed.map")
            run([*words, *linking], cwd=folder)
            made[seed.name, debug] = folder
        return made[seed.name, debug]

    return build


def side(folder: Path) -> Side:
    material = read_material(folder)
    return Side(material=material, snapshot=dump(material, Names()))


def compared(build: Build, seed: Seed, debug: str) -> Comparison:
    old, new = side(build(FIRST, debug)), side(build(seed, debug))
    return compare(old.snapshot, new.snapshot, types=compare_types(old, new))


def ids(comparison: Comparison) -> tuple[str, ...]:
    return tuple(dict.fromkeys(change.id for change in comparison.changes))


def breaks(found: tuple[str, ...]) -> bool:
    return any(LEVELS[each] == "breaking" for each in found)


@by_seed
@pytest.mark.parametrize("debug", ["-g0", "-g1"])
def test_without_types_the_verdict_is_of_symbols_and_says_so(
    build: Build, seed: Seed, debug: str
) -> None:
    found = compared(build, seed, debug)
    assert ids(found) == seed.ids
    (reason,) = found.unchecked
    assert "no debug information with types in it" in reason
    assert (found.verdict == "breaking") == breaks(seed.ids)


@by_seed
def test_with_debug_information_the_verdict_is_that_of_programs(build: Build, seed: Seed) -> None:
    found = compared(build, seed, "-g")
    assert ids(found) == (*seed.ids, *seed.deep)
    assert found.unchecked == ()
    assert (found.verdict == "breaking") == seed.harms


@by_seed
def test_types_that_a_record_keeps_tell_the_same(build: Build, seed: Seed, tmp_path: Path) -> None:
    """The old release's debug information is gone; what abidw wrote down is left."""
    first, new = side(build(FIRST, "-g")), side(build(seed, "-g"))
    (library,) = first.snapshot.libraries
    kept = tmp_path / "libseed.abi.gz"
    write_types(first, library, kept)
    old = Side(snapshot=first.snapshot, types={library.stem: kept})
    found = compare(old.snapshot, new.snapshot, types=compare_types(old, new))
    assert ids(found) == (*seed.ids, *seed.deep)
    assert found.unchecked == ()


@by_seed
def test_a_program_of_the_first_release_fails_with_each_break(
    build: Build, seed: Seed, tmp_path: Path
) -> None:
    """What the verdicts claim, shown by the loader and by what is printed."""
    first, other = build(FIRST, "-g0"), build(seed, "-g0")
    (tmp_path / "use.c").write_text(PROGRAM)
    (tmp_path / "libseed.so").symlink_to(first / "lib/libseed.so.1")
    # Not position-independent, so that it holds a copy of the table, as programs may.
    words = ("gcc", "-no-pie", "use.c", f"-I{first / 'include'}", "-L.", "-lseed", "-o", "use")
    run(words, cwd=tmp_path)
    environ = {"LD_BIND_NOW": "1", "LD_LIBRARY_PATH": str(first / "lib")}
    assert run([tmp_path / "use"], env=environ).output == PRINTED
    environ["LD_LIBRARY_PATH"] = str(other / "lib")
    done = run([tmp_path / "use"], env=environ, check=False)
    assert ((done.code, done.output) != (0, PRINTED)) == seed.harms, done


def test_a_release_is_equal_to_itself(build: Build) -> None:
    found = compared(build, FIRST, "-g")
    assert (found.verdict, found.changes, found.unchecked) == ("equal", (), ())


def test_snapshots_are_enough_for_symbols_and_say_that_types_are_missing(build: Build) -> None:
    (seed,) = (each for each in SEEDS if each.name == "data-resized")
    old, new = (
        from_json(to_json(side(build(each, "-g")).snapshot), each.name) for each in (FIRST, seed)
    )
    found = compare(old, new)
    assert ids(found) == seed.ids
    assert found.unchecked == ("types: a snapshot has none (signatures, structs, enumerators)",)


def test_a_type_is_named_with_the_symbol_that_has_it(build: Build) -> None:
    (seed,) = (each for each in SEEDS if each.name == "field-inserted")
    (change,) = compared(build, seed, "-g").changes
    assert change.subject == "area"
    assert "1 data member insertion: 'int w', at offset 0 (in bits)" in change.message


def test_debug_information_may_lie_beside_by_build_id(build: Build, tmp_path: Path) -> None:
    (seed,) = (each for each in SEEDS if each.name == "field-inserted")
    sides = []
    for each in (FIRST, seed):
        folder = tmp_path / each.name
        run(["cp", "-r", build(each, "-g"), folder])
        library = folder / "lib/libseed.so.1"
        build_id = read_elf(library).build_id or ""
        debug = folder / "usr/lib/debug/.build-id" / build_id[:2] / f"{build_id[2:]}.debug"
        debug.parent.mkdir(parents=True)
        run(["objcopy", "--only-keep-debug", library, debug])
        run(["strip", "--strip-debug", library])
        sides.append(side(folder))
    old, new = sides
    found = compare_types(old, new)
    assert [change.id for change in found.changes] == ["CWA201"]
    assert found.unchecked == ()
