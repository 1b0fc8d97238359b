"""``commonwheel abi``: record the ABI of a release, compare two, and show whom a new one breaks."""

import argparse
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from commonwheel.abi import impact_render, timeline
from commonwheel.abi.compare import NOT_ASKED, Comparison, compare, require_alike
from commonwheel.abi.consumers import read_consumer
from commonwheel.abi.deep import Side, compare_types
from commonwheel.abi.dump import dump
from commonwheel.abi.encoding import read_snapshot, to_json, write_snapshot
from commonwheel.abi.exports import exports_by_recipe
from commonwheel.abi.facts import Fact, read_facts
from commonwheel.abi.history import History, ordered
from commonwheel.abi.impact import impact
from commonwheel.abi.impact_render import Blast
from commonwheel.abi.material import Material, read_material
from commonwheel.abi.records import Records, read_records, types_beside
from commonwheel.abi.render import as_json, github, headline, markdown, sarif, table
from commonwheel.abi.snapshot import Snapshot
from commonwheel.cli.common import (
    add_folder_option,
    add_output_options,
    add_recipe_options,
    add_with_option,
    load_recipes,
    make_console,
    show,
    wheels_of,
)
from commonwheel.engine.host import libc_version
from commonwheel.errors import AbiBreakError, SnapshotError, UsageError
from commonwheel.recipe.load import FOLDER, RecipeSet
from commonwheel.repair.providers import read_manifest
from commonwheel.wheel.name import parse_wheel_name

SUMMARY = "record the binary interface of a release, and compare two"
WHAT = "a wheel, ours or anybody's, a shared library, or the folder of an unpacked package"
RECORDED = "a snapshot; a release on record (geos-so1==3.11.1)"
RENDERINGS: Mapping[str, Callable[[Comparison], RenderableType]] = {
    "table": table,
    "json": as_json,
    "markdown": markdown,
    "github": github,
    "sarif": sarif,
}
PICTURES: Mapping[str, Callable[[str, Sequence[timeline.Point]], str]] = {
    "svg": timeline.svg,
    "html": timeline.page,
}
IMPACTS: Mapping[str, Callable[[Blast], RenderableType]] = {
    "table": impact_render.table,
    "json": impact_render.as_json,
    "markdown": impact_render.markdown,
    "github": impact_render.github,
}
SNAPSHOTS = (".json", ".json.gz")


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its own subcommands."""
    parser = commands.add_parser("abi", help=SUMMARY, description=SUMMARY)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for add in (_add_dump, _add_diff, _add_impact, _add_timeline, _add_accept):
        add(actions, parents)


def _add_dump(actions: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "record the binary interface of a release as a snapshot, in JSON"
    taking = actions.add_parser("dump", help=text, description=text, parents=parents)
    taking.add_argument("path", metavar="PATH", type=Path, help=WHAT)
    taking.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write there instead; compressed where the name ends in .gz",
    )
    _add_headers(taking, "headers", "the release")
    taking.add_argument(
        "--release", metavar="VERSION", help="upstream's version, where nothing tells it"
    )
    _add_library(taking)
    taking.set_defaults(run=run_dump)


def _add_diff(actions: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "compare two releases; exit with 18 where the new one breaks what used the old one"
    comparing = actions.add_parser("diff", help=text, description=text, parents=parents)
    comparing.add_argument("old", metavar="OLD", type=Path, help=f"{RECORDED}; or {WHAT}")
    comparing.add_argument("new", metavar="NEW", type=Path, help="likewise")
    _add_headers(comparing, "old-headers", "OLD")
    _add_headers(comparing, "new-headers", "NEW")
    comparing.add_argument(
        "--facts",
        metavar="FILE",
        type=Path,
        help="changes of behaviour that were put down by hand: a YAML list of symbol, version, "
        "reason (default: facts.yaml beside the line's records)",
    )
    comparing.add_argument(
        "--no-types",
        dest="types",
        action="store_false",
        help="do not ask abidiff about types, which takes a minute for large libraries in C++",
    )
    _add_library(comparing)
    add_output_options(comparing, *RENDERINGS, "html")
    comparing.set_defaults(run=run_diff)


def _add_timeline(actions: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "draw what came and went over the releases of a line, as SVG or a page"
    drawing = actions.add_parser("timeline", help=text, description=text, parents=parents)
    drawing.add_argument(
        "releases",
        metavar="RELEASE",
        nargs="+",
        type=Path,
        help=f"a line on record (geos-so1); {RECORDED}; or {WHAT}",
    )
    _add_library(drawing)
    add_output_options(drawing, *PICTURES)
    drawing.set_defaults(run=run_timeline)


def _add_accept(actions: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "record releases of library wheels in recipes/abi/, for later ones to be held against"
    accepting = actions.add_parser("accept", help=text, description=text, parents=parents)
    accepting.add_argument(
        "wheels",
        metavar="WHEEL",
        nargs="+",
        type=Path,
        help="a library wheel, or a folder of wheels, of which all library wheels are recorded",
    )
    accepting.add_argument(
        "--again",
        action="store_true",
        help="let a record go that says more of this very release than the wheel does",
    )
    add_recipe_options(accepting)
    accepting.set_defaults(run=run_accept)


def _add_impact(actions: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "list the wheels that a new release breaks, and those that could use something new of it"
    asking = actions.add_parser("impact", help=text, description=text, parents=parents)
    asking.add_argument("old", metavar="OLD", type=Path, help=f"a snapshot; or {WHAT}")
    asking.add_argument("new", metavar="NEW", type=Path, help="likewise")
    add_with_option(asking, "wheels", "a wheel that may use the library, or a folder of wheels")
    asking.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 18 where a wheel has to be built again (default: 0, whatever the list)",
    )
    _add_library(asking)
    add_output_options(asking, *IMPACTS)
    asking.set_defaults(run=run_impact)


def _add_headers(parser: argparse.ArgumentParser, name: str, whose: str) -> None:
    parser.add_argument(
        f"--{name}",
        metavar="DIR",
        type=Path,
        help=f"the public headers of {whose} (default: its include folders)",
    )


def _add_library(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--library",
        metavar="STEM",
        dest="libraries",
        action="append",
        default=[],
        help="only this library of many: libgdal; may be repeated",
    )
    add_folder_option(parser)


def run_dump(options: argparse.Namespace) -> None:
    """Record a snapshot."""
    side = _read(options, options.path, options.headers, options.release)
    if options.output is None:
        make_console(options, os.environ).write(to_json(side.snapshot))
    else:
        write_snapshot(options.output, side.snapshot)


def run_diff(options: argparse.Namespace) -> None:
    """Compare two releases, show what differs, and fail if the new one breaks the old.

    Raises:
        AbiBreakError: what was built against the old release fails with the new one.
    """
    old = _side(options, options.old, options.old_headers)
    new = _side(options, options.new, options.new_headers)
    comparison = compare(
        old.snapshot,
        new.snapshot,
        types=compare_types(old, new) if options.types else NOT_ASKED,
        facts=_facts(options, new.snapshot.line),
    )
    rendered = (
        timeline.page_of(comparison, _recorded(options, new.snapshot.line).releases)
        if options.format == "html"
        else RENDERINGS[options.format](comparison)
    )
    show(options, rendered, make_console(options, os.environ))
    if comparison.verdict == "breaking":
        raise AbiBreakError(
            headline(comparison),
            hint="what each change is, why, and what to do: docs/reference/abi-changes.md",
        )


def run_impact(options: argparse.Namespace) -> None:
    """List what a new release means to wheels.

    Raises:
        UsageError: no wheels are given.
        AbiBreakError: with ``--exit-code``, a wheel has to be built again.
    """
    if not options.wheels:
        raise UsageError("no wheels are given", hint="name some, or a folder of them: --with PATH")
    names = options.configuration.names
    old, new = (_side(options, path).snapshot for path in (options.old, options.new))
    require_alike(old, new)
    wheels = [read_consumer(path, names) for path in wheels_of(options.wheels)]
    blast = Blast(old=old, new=new, found=impact(old, new, wheels, names))
    show(options, IMPACTS[options.format](blast), make_console(options, os.environ))
    if options.exit_code and blast.rebuild:
        raise AbiBreakError(
            impact_render.headline(blast),
            hint="what has to be built again, and why, stands in the list",
        )


def run_timeline(options: argparse.Namespace) -> None:
    """Draw the releases in the order given."""
    snapshots = [
        snapshot
        for path in options.releases
        for snapshot in (_recorded(options, str(path)).releases or [_side(options, path).snapshot])
    ]
    picture = PICTURES[options.format](timeline.title_of(snapshots), timeline.history(snapshots))
    show(options, picture, make_console(options, os.environ))


def run_accept(options: argparse.Namespace) -> None:
    """Record each library wheel, the oldest release first.

    Raises:
        AbiBreakError: one breaks its line; those before it are recorded.
        UsageError: none of the wheels is a library wheel, or its recipe is not at hand.
    """
    # The gates: comparing two releases needs none of them, and takes no longer than importing them.
    from commonwheel.check.accept import accept  # noqa: PLC0415
    from commonwheel.check.case import Case, Tools  # noqa: PLC0415
    from commonwheel.check.expected import expectations  # noqa: PLC0415
    from commonwheel.check.inspect import inspect  # noqa: PLC0415

    recipes, names = load_recipes(options), options.configuration.names
    console, expect = make_console(options, os.environ), expectations(recipes, names)
    paths = [path for path in wheels_of(options.wheels) if read_manifest(path, names) is not None]
    if not paths:
        raise UsageError("none of these is a library wheel: only those have an ABI to record")
    for path in sorted(paths, key=lambda each: ordered(parse_wheel_name(each.name).version)):
        wheel, contents = inspect(path, names)
        assert wheel.manifest is not None
        entry = recipes.loaded.get(wheel.manifest["name"])
        if entry is None:
            hint = "name its folder: --recipes DIR"
            raise UsageError(f"{path.name}: its recipe is not at hand", hint=hint)
        lines = {wheel.manifest["line"]}
        case = Case(
            wheel=wheel,
            contents=contents,
            expected=expect(wheel),
            names=names,
            records=read_records(recipes.own_first, *wheel.platform, lines),
            tools=Tools(types=True),
        )
        with console.step(f"record {path.name}") as step:
            done = accept(case, _folder(recipes, entry.folder), again=options.again)
            step.verdict = "; ".join(map(headline, done.comparisons)) or "no baseline"
            for note in done.notes:
                step.note(note)
        console.write(f"{done.file}\n")


def _folder(recipes: RecipeSet, folder: Path) -> Path:
    """Where releases are recorded: beside their recipe, unless that is an installed toolkit's."""
    if folder != recipes.base or Path.cwd() in folder.resolve().parents:
        return folder
    own = [each for each in recipes.own_first if each != recipes.base]
    return next(iter(own), Path(FOLDER))


def _side(options: argparse.Namespace, path: Path, headers: Path | None = None) -> Side:
    """A release that may be a snapshot already."""
    if path.is_file() and path.name.endswith(SNAPSHOTS):
        snapshot = read_snapshot(path)
        return Side(snapshot=_chosen(options, snapshot), types=types_beside(path, snapshot))
    line, is_recorded, version = str(path).partition("==")
    if is_recorded and not path.exists():
        return _release(options, line, version)
    return _read(options, path, headers)


def _release(options: argparse.Namespace, line: str, version: str) -> Side:
    records = _records(options, line)
    snapshot = records.of(line).of(version)
    if snapshot is None:
        known = ", ".join(each.number for each in records.of(line).releases) or "none"
        raise UsageError(
            f"no release {version} of {line} is recorded; recorded are: {known}",
            hint="record it: commonwheel abi accept WHEEL",
        )
    return Side(snapshot=_chosen(options, snapshot), types=records.types(snapshot))


def _chosen(options: argparse.Namespace, snapshot: Snapshot) -> Snapshot:
    """A snapshot with the libraries that are asked for."""
    wanted = options.libraries
    found = tuple(each for each in snapshot.libraries if not wanted or each.stem in wanted)
    if not found:
        raise SnapshotError(f"holds no shared library of {', '.join(wanted)}", where=snapshot.shown)
    return replace(snapshot, libraries=found)


def _recorded(options: argparse.Namespace, line: str) -> History:
    """The recorded releases of a line; none where it is not the name of one."""
    return _records(options, line).of(line) if line else History()


def _facts(options: argparse.Namespace, line: str) -> tuple[Fact, ...]:
    """What was put down by hand: in the file that is named, else beside the line's records."""
    if options.facts:
        return read_facts(options.facts)
    return _records(options, line).facts.get(line, ()) if line else ()


def _records(options: argparse.Namespace, line: str) -> Records:
    folders = load_recipes(options).own_first
    return read_records(folders, platform.machine(), libc_version().partition(" ")[0], {line})


def _read(
    options: argparse.Namespace, path: Path, headers: Path | None, release: str | None = None
) -> Side:
    names = options.configuration.names
    manifest = read_manifest(path, names) if path.is_file() and path.suffix == ".whl" else None
    exports = (
        None if manifest is None else exports_by_recipe(manifest, load_recipes(options), names)
    )
    material: Material = read_material(path, manifest=manifest, headers=headers)
    if release:
        material = replace(material, release=release)
    return Side(
        material=material,
        snapshot=dump(material, names, exports=exports, only=options.libraries),
    )
