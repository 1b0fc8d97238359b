"""One library in releases that break what used it, or do not: each a small edit of the same source.

The tests build each one and assert its verdicts; the page on changes shows the same table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEADER = """\
struct point { int x; int y; };
struct opaque;
enum colour { RED, GREEN, BLUE };
extern int table[4];
int area(const struct point *p);
int paint(enum colour c);
int scale(int by);
int gone(void);
int twice(int n);
struct opaque *make(void);
int look(struct opaque *o);
"""
SOURCE = """\
#include "seed.h"
struct opaque { int a; };
int table[4] = {1, 2, 3, 4};
static struct opaque it = {7};
int area(const struct point *p) { return p->x * p->y; }
int paint(enum colour c) { return c == GREEN; }
int scale(int by) { return by; }
int gone(void) { return 1; }
int twice(int n) { return 2 * n; }
struct opaque *make(void) { return &it; }
int look(struct opaque *o) { return o->a; }
int inside(int n) { return n; }
"""
VERSIONS = "SEED_1 { global: *; };\nSEED_2 { global: twice; } SEED_1;\n"
PROGRAM = """\
#include <stdio.h>
#include "seed.h"
int main(void) {
  struct point p = {3, 5};
  printf("%d %d %d %d\\n", area(&p), paint(GREEN), scale(4), gone());
  printf("%d %d %d\\n", twice(2), look(make()), table[3]);
  return 0;
}
"""
PRINTED = "15 1 4 1\n4 7 4\n"


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A release that differs from the first one in one thing.

    Args:
        name: of the test.
        what: is different, for the table.
        harms: whether a program that was built against the first release fails with this one.
        ids: the changes that are found without debug information.
        deep: those that are found beside, with debug information and headers.
        header: (old, new) texts in the header.
        source: the same in the source.
        versions: the version map; None for the first release's.
    """

    name: str
    what: str
    harms: bool
    ids: tuple[str, ...] = ()
    deep: tuple[str, ...] = ()
    header: tuple[tuple[str, str], ...] = ()
    source: tuple[tuple[str, str], ...] = ()
    versions: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """Every file of the release, by name."""
        return {
            "include/seed.h": _edited(HEADER, self.header),
            "seed.c": _edited(SOURCE, self.source),
            "seed.map": VERSIONS if self.versions is None else self.versions,
        }


def _edited(text: str, edits: Sequence[tuple[str, str]]) -> str:
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return text


FIRST = Seed(name="first", what="nothing", harms=False)
SEEDS = (
    Seed(
        name="function-removed",
        what="a function is removed",
        harms=True,
        ids=("CWA104",),
        header=(("int gone(void);\n", ""),),
        source=(("int gone(void) { return 1; }\n", ""),),
    ),
    Seed(
        name="node-dropped",
        what="a version node is dropped",
        harms=True,
        ids=("CWA103",),
        versions="SEED_1 { global: *; };\n",
    ),
    Seed(
        name="field-inserted",
        what="a field is inserted into a struct",
        harms=True,
        deep=("CWA201",),
        header=(("{ int x; int y; }", "{ int w; int x; int y; }"),),
    ),
    Seed(
        name="enumerator-changed",
        what="an enumerator has another value",
        harms=True,
        deep=("CWA201",),
        header=(("{ RED,", "{ CLEAR, RED,"),),
    ),
    Seed(
        name="signature-changed",
        what="a parameter has another type",
        harms=True,
        deep=("CWA201",),
        header=(("int scale(int by)", "int scale(const int *by)"),),
        source=(("int scale(int by) { return by; }", "int scale(const int *by) { return *by; }"),),
    ),
    Seed(
        name="data-resized",
        what="a data object has another size",
        harms=True,
        ids=("CWA108",),
        deep=("CWA201",),
        header=(("table[4]", "table[8]"),),
        source=(("table[4]", "table[8]"),),
    ),
    Seed(
        name="private-removed",
        what="a function that no header names is removed",
        harms=False,
        ids=("CWA501",),
        source=(("int inside(int n) { return n; }\n", ""),),
    ),
    Seed(
        name="opaque-changed",
        what="a struct that no header shows has another field",
        harms=False,
        source=(("{ int a; }", "{ int a; int b; }"),),
    ),
    Seed(
        name="function-added",
        what="a function is added",
        harms=False,
        ids=("CWA401",),
        header=(("int gone(void);\n", "int gone(void);\nint more(void);\n"),),
        source=(("int gone(void) {", "int more(void) { return 2; }\nint gone(void) {"),),
    ),
    Seed(
        name="enumerator-appended",
        what="an enumerator is appended",
        harms=False,
        header=(("BLUE }", "BLUE, GREY }"),),
    ),
)
