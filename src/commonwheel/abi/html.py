"""A comparison as a page of its own: no script, nothing loaded from elsewhere, light and dark."""

from collections.abc import Iterable
from html import escape

from commonwheel.abi.compare import Comparison
from commonwheel.abi.render import headline, rows

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --page: #fff;
  --breaking: #b3261e; --warning: #8a5300; --addition: #176f2c; --note: #59636e; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d;
  --page: #0d1117; --breaking: #ff7b72; --warning: #e3b341; --addition: #56d364;
  --note: #9198a1; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
summary { font-size: 1.1rem; font-weight: 600; margin: 1.2rem 0 .4rem; cursor: pointer; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 500; } td:first-child, td:nth-child(2) { white-space: nowrap; }
.breaking { color: var(--breaking); } .warning { color: var(--warning); }
.addition { color: var(--addition); } .note { color: var(--dim); }
.verdict { border-left: .3rem solid var(--dim); padding-left: .8rem; }
.verdict.breaking { border-color: var(--breaking); }
.verdict.additive, .verdict.equal { border-color: var(--addition); }
"""
SECTIONS = {
    "breaking": ("Breaks", True),
    "warning": ("Warnings", True),
    "addition": ("Additions", False),
    "note": ("Notes", False),
    "not checked": ("Not checked", True),
}
# Of one kind and library; a page of ten thousand rows helps nobody.
SHOWN = 500


def document(title: str, body: str, style: str = STYLE) -> str:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{body}</body>\n</html>\n"
    )


def page(comparison: Comparison, *, picture: str = "", style: str = "") -> str:
    """The page of a comparison: breaks and warnings open, additions and notes folded.

    Args:
        comparison: what it is of.
        picture: SVG that stands below the headline.
        style: what the picture needs beside the page's own.
    """
    title = headline(comparison)
    every = list(rows(comparison, SHOWN))
    parts = [f'<h1 class="verdict {comparison.verdict}">{escape(title)}</h1>\n', picture]
    for level, (heading, is_open) in SECTIONS.items():
        if found := [row for row in every if row[0] == level]:
            parts.append(
                f"<details{' open' if is_open else ''}><summary>{heading}</summary>\n"
                f"{html_table(('change', 'library', 'what'), found)}</details>\n"
            )
    return document(title, "".join(parts), STYLE + style)


def html_table(headings: Iterable[str], found: Iterable[tuple[str, ...]]) -> str:
    """A table; the first word of a row is the class of its first cell, and is not shown."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in headings)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{escape(level)}">{escape(cell)}</td>'
            if index == 0
            else f"<td>{escape(cell)}</td>"
            for index, cell in enumerate(cells)
        )
        + "</tr>\n"
        for level, *cells in found
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
