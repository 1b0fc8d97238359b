"""Look at the GDAL stack and write docs/reference/gdal-*.md: ``nox -s gen-gdal -- [PAGE …]``.

It builds the stack first, unless ``--wheelhouse`` names one that is filled. An hour from empty
caches; with a warm one, the pages take a minute (drivers), half an hour (orders, all 720 of them)
and a quarter of one (suites).
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from ci.gdal import environments, orders, pages, suites
from ci.gdal.server import serving

DOCS = environments.ROOT / "docs/reference"


def _drivers(folder: Path, wheelhouse: Path) -> str:
    ours = environments.ours(folder / "ours", wheelhouse)
    theirs = environments.upstreams(folder / "upstreams")
    return pages.drivers(find_drivers(ours, theirs))


def find_drivers(
    ours: environments.Environment, theirs: environments.Environment
) -> dict[str, pages.Drivers]:
    """What ``drivers_of.py`` prints, by wheel."""
    program = environments.HERE / "drivers_of.py"
    modules = {"rasterio": "rasterio._env", "fiona": "fiona.ogrext", "pyogrio": "pyogrio._io"}
    return {
        "ours": ours.json(program, "rasterio._env"),
        **{name: theirs.json(program, module) for name, module in modules.items()},
    }


def _orders(folder: Path, wheelhouse: Path) -> str:
    ours = environments.ours(folder / "ours", wheelhouse)
    with serving(folder) as server:
        found = {each.order: each for each in orders.ask(ours, server, orders.permutations())}
    groups = {
        "all permutations": list(found.values()),
        "of them, one for each ordered pair at the front": [found[o] for o in orders.pairs()],
        "of them, drawn": [found[o] for o in orders.sample()],
    }
    for each in found.values():
        if each.problem:
            print(f"{','.join(each.order)}: {each.problem}")
    report = next(each.report for each in found.values() if each.report)
    libraries = orders.libraries(report["mapped"], ours.site)
    system = [Path(path).name for path in report["system"] if Path(path).name.startswith("lib")]
    return pages.orders(
        groups, {name: ", ".join(paths) for name, paths in libraries.items()}, system
    )


def _suites(folder: Path, wheelhouse: Path) -> str:
    names = environments.PUBLISHED
    more = suites.requirements(names)
    sides = {
        "ours": environments.ours(folder / "ours", wheelhouse, *more),
        "upstream's": environments.upstreams(folder / "upstreams", *more),
    }
    found = {
        name: {
            side: suites.run(name, environment, folder / side / name)
            for side, environment in sides.items()
        }
        for name in names
    }
    return pages.suites(found)


PAGES: dict[str, Callable[[Path, Path], str]] = {
    "drivers": _drivers,
    "orders": _orders,
    "suites": _suites,
}


def main() -> None:
    """Write the pages that are named, or all."""
    parser = argparse.ArgumentParser(prog="nox -s gen-gdal --", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"one of {', '.join(PAGES)}")
    parser.add_argument("--wheelhouse", type=Path, help="a filled one; nothing is built")
    options = parser.parse_args()
    for name in options.pages:
        if name not in PAGES:
            parser.error(f"no page '{name}'; there are: {', '.join(PAGES)}")
    with tempfile.TemporaryDirectory(prefix="gdal-") as text:
        wheelhouse = options.wheelhouse
        if wheelhouse is None:
            wheelhouse = Path(text) / "wheelhouse"
            environments.build(wheelhouse)
        for name in options.pages or PAGES:
            folder = Path(text) / name
            folder.mkdir()
            page = DOCS / f"gdal-{name}.md"
            page.write_text(PAGES[name](folder, wheelhouse.absolute()), encoding="utf-8")
            print(f"wrote {page.relative_to(environments.ROOT)}")


if __name__ == "__main__":
    main()
