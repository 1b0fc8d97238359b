"""The history of a line as a picture: SVG without scripts, for light and dark, and as a page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from commonwheel.abi.change import Verdict
from commonwheel.abi.compare import Comparison, compare
from commonwheel.abi.history import history as in_order
from commonwheel.abi.html import STYLE, document, html_table
from commonwheel.abi.html import page as comparison_page
from commonwheel.abi.snapshot import Snapshot

# Pixels. Above, how many symbols are public; below, what came and went since the release before.
LEFT, RIGHT, COLUMN = 24, 24, 96
LINE_TOP, LINE_HEIGHT = 88, 120
BARS_TOP, BARS_HEIGHT = 264, 60
BAR = 28
HEIGHT = 404
NARROWEST = 420
PICTURE = """
.timeline text { font: 13px system-ui, sans-serif; fill: #1f2328; paint-order: stroke;
  stroke: #fff; stroke-width: 4px; stroke-linejoin: round; }
.timeline .title { font-size: 16px; font-weight: 600; }
.timeline .dim { fill: #59636e; } .timeline .axis { stroke: #d1d9e0; }
.timeline .line { stroke: #0969da; stroke-width: 2; fill: none; } .timeline .dot { fill: #0969da; }
.timeline .added { fill: #1a7f37; } .timeline .removed { fill: #b3261e; }
@media (prefers-color-scheme: dark) {
.timeline text { fill: #e6edf3; stroke: #0d1117; } .timeline .dim { fill: #9198a1; }
.timeline .axis { stroke: #3d444d; }
.timeline .line { stroke: #58a6ff; } .timeline .dot { fill: #58a6ff; }
.timeline .added { fill: #3fb950; } .timeline .removed { fill: #ff7b72; } }
"""
FITTING = ".timeline { max-width: 100%; height: auto; }\n"


@dataclass(frozen=True, kw_only=True)
class Point:
    """One release, beside the one before it.

    Args:
        label: its release, or its name where that is not known.
        public: how many public symbols it has.
        added: public symbols that the release before did not have.
        removed: public symbols of the release before that it has not.
        verdict: of the comparison with the release before; None for the first one.
    """

    label: str
    public: int
    added: int = 0
    removed: int = 0
    verdict: Verdict | None = None


def history(snapshots: Sequence[Snapshot]) -> tuple[Point, ...]:
    """Each release beside the one before it, in the order given.

    Raises:
        UsageError: two that follow one another are for different platforms.
    """
    points = []
    for index, snapshot in enumerate(snapshots):
        public = sum(library.public for library in snapshot.libraries)
        label = snapshot.number or snapshot.name
        if index == 0:
            points.append(Point(label=label, public=public))
            continue
        found = compare(snapshots[index - 1], snapshot)
        counts = {kind: sum(c.id == kind for c in found.changes) for kind in ("CWA401", "CWA104")}
        points.append(
            Point(
                label=label,
                public=public,
                added=counts["CWA401"],
                removed=counts["CWA104"],
                verdict=found.verdict,
            )
        )
    return tuple(points)


def title_of(snapshots: Sequence[Snapshot]) -> str:
    """What the picture is of."""
    last = snapshots[-1]
    return f"Public symbols of {last.line or last.libraries[0].stem}"


def svg(title: str, points: Sequence[Point], *, style: str = PICTURE) -> str:
    """The picture, with a text for those who do not see it."""
    width = max(NARROWEST, LEFT + COLUMN * len(points) + RIGHT)
    told = "; ".join(_told(point) for point in points)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" '
        f'aria-labelledby="title desc" viewBox="0 0 {width} {HEIGHT}" '
        f'width="{width}" height="{HEIGHT}">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="desc">{escape(told)}</desc>\n'
        f"<style>{style}</style>\n"
        f'<text class="title" x="{LEFT}" y="32">{escape(title)}</text>\n'
        + "".join((*_line(points, width), *_bars(points, width)))
        + "</svg>\n"
    )


def page_of(comparison: Comparison, past: Iterable[Snapshot]) -> str:
    """The page of a comparison, with the picture of the line's releases.

    Args:
        comparison: of two of them.
        past: others that are known.
    """
    releases: tuple[Snapshot, ...] = (comparison.old, comparison.new)
    if all(each.number for each in releases):
        releases = in_order([*releases, *past]).releases
    picture = svg(title_of(releases), history(releases), style="")
    return comparison_page(comparison, picture=picture, style=PICTURE + FITTING)


def page(title: str, points: Sequence[Point]) -> str:
    """The picture, and its numbers in a table."""
    rows = [
        (said, point.label, f"{point.public:,}", f"{point.added:,}", f"{point.removed:,}", said)
        for point in points
        for said in [point.verdict or ""]
    ]
    heads = ("release", "public", "added", "removed", "beside the release before")
    body = f"{svg(title, points, style='')}{html_table(heads, rows)}"
    return document(title, body, STYLE + PICTURE + FITTING)


def _told(point: Point) -> str:
    changes = f", {point.added} added, {point.removed} removed" if point.verdict else ""
    return f"{point.label}: {point.public} public symbols{changes}"


def _middle(index: int) -> int:
    return LEFT + COLUMN * index + COLUMN // 2


def _line(points: Sequence[Point], width: int) -> Iterator[str]:
    most = max([point.public for point in points]) or 1
    bottom = LINE_TOP + LINE_HEIGHT
    places = [
        (_middle(index), bottom - round(LINE_HEIGHT * point.public / most))
        for index, point in enumerate(points)
    ]
    yield f'<text class="dim" x="{LEFT}" y="60">public symbols, from 0 to {most:,}</text>\n'
    yield f'<path class="axis" d="M{LEFT} {bottom}H{width - RIGHT}"/>\n'
    path = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path class="line" d="M{path}"/>\n'
    for point, (x, y) in zip(points, places, strict=True):
        yield f'<circle class="dot" cx="{x}" cy="{y}" r="4"/>\n'
        yield _text(x, y - 10, f"{point.public:,}")


def _bars(points: Sequence[Point], width: int) -> Iterator[str]:
    most = max([1, *(max(point.added, point.removed) for point in points)])
    yield f'<text class="dim" x="{LEFT}" y="{BARS_TOP - 28}">added and removed</text>\n'
    middle = BARS_TOP + BARS_HEIGHT
    yield f'<path class="axis" d="M{LEFT} {middle}H{width - RIGHT}"/>\n'
    for index, point in enumerate(points):
        x = _middle(index)
        up, down = (round(BARS_HEIGHT * n / most) for n in (point.added, point.removed))
        # A few of many must not look like none.
        up, down = max(up, 2 * bool(point.added)), max(down, 2 * bool(point.removed))
        if point.added:
            yield _bar("added", x, middle - up, up)
            yield _text(x, middle - up - 6, f"+{point.added:,}")
        if point.removed:
            yield _bar("removed", x, middle, down)
            yield _text(x, middle + down + 16, f"−{point.removed:,}")  # noqa: RUF001 (a minus)
        yield _text(x, HEIGHT - 12, _short(point.label))


def _bar(kind: str, x: int, y: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x - BAR // 2}" y="{y}" width="{BAR}" height="{height}"/>\n'


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle">{escape(text)}</text>\n'


def _short(label: str, most: int = 13) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
