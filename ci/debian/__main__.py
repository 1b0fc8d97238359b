"""Measure against Debian and write docs/reference/debian-symbols.md: ``nox -s gen-debian``.

With names of packages (``libtiff6``), only say how far the list of each agrees with what its
releases export, and where it does not.
"""

import argparse
import sys
from pathlib import Path

from ci.debian import page
from ci.debian.agreement import measure
from ci.debian.archive import SUITES, Suite
from ci.debian.explained import problems
from ci.debian.upgrades import upgrades

DOCS = Path(__file__).resolve().parents[2] / "docs/reference/debian-symbols.md"


def main() -> int:
    """Write the page, or measure what is named; 1 where something is not explained."""
    parser = argparse.ArgumentParser(prog="nox -s gen-debian --", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="a package of libraries")
    parser.add_argument(
        "--suites", default=",".join(SUITES), help="oldest first, with commas between (%(default)s)"
    )
    options = parser.parse_args()
    suites = [Suite(name=name) for name in options.suites.split(",")]
    if options.packages:
        return max(_show(name, suites) for name in options.packages)
    explained = [each for name in page.EXPLAINED for each in measure(name, suites)]
    more = [each for name in page.MORE for each in measure(name, suites)]
    steps = [each for name in page.DEVELOPMENT for each in upgrades(name, suites)]
    if wrong := problems(explained, steps):
        print("\n".join(wrong), file=sys.stderr)
        return 1
    DOCS.write_text(page.page(explained, more, steps), encoding="utf-8")
    print(f"wrote {DOCS.name}")
    return 0


def _show(name: str, suites: list[Suite]) -> int:
    try:
        found = list(measure(name, suites))
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    for each in found:
        releases = " ".join(release for _, release in each.releases)
        print(f"{each.package} {each.soname}: {each.share:.2f} % of {each.symbols} ({releases})")
        for other in each.disagreements:
            print(f"  {other.symbol.shown}: {other.since}, and seen {other.interval}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
