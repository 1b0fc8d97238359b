"""A line from release to release: built, recorded, used, extended, and broken."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence

import pytest

from commonwheel.abi.encoding import read_snapshot
from commonwheel.wheel import read_wheel
from tests.integration import projects
from tests.integration.conftest import MakeWorkshop
from tests.integration.kit import Outcome, Workshop, commonwheel
from tests.unit.wheels import holding

OLDER = "3.12" if sys.version_info[:2] != (3, 12) else "3.11"
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
STRUCT = "struct gauge { int level; };\nint gauge_read(const struct gauge *gauge);\n"
GROWN = STRUCT.replace("{ int", "{ double scale; int")
MORE = "int gauge_more(void);\n"
READ = "int gauge_read(const struct gauge *gauge) { return gauge->level; }\n"
PLUS = "int gauge_more(void) { return 40; }\n"
CALL = """\
#include <gauge.h>
static int call(void) {
    struct gauge gauge = {2};
#if PY_VERSION_HEX < MORE_FROM
    return gauge_read(&gauge) + 40;
#else
    return gauge_read(&gauge) + gauge_more();
#endif
}
"""


def release(header: str, code: str) -> dict[str, str]:
    target = projects.Target(
        soname="libgauge.so.1", sources={"gauge.c": f'#include "gauge.h"\n{code}'}
    )
    return projects.autotools(target, files={"gauge.h": header})


def recipe(shop: Workshop, more: Mapping[str, str], waivers: Sequence[object] = ()) -> None:
    releases = {"1.0": release(STRUCT, READ), "2.0": release(STRUCT + MORE, READ + PLUS)}
    releases |= {version: release(STRUCT + MORE, code) for version, code in more.items()}
    if "2.1" in more:
        releases["2.1"] = release(GROWN + MORE, more["2.1"])
    shop.library(
        "gauge",
        releases,
        [{"soname": "libgauge.so.1"}],
        products={"headers": ["gauge.h"]},
        waivers=list(waivers),
    )


def user(shop: Workshop, version: str, newest: str) -> None:
    """A consumer built against 2.0, of which Pythons from ``newest`` on use what is new there."""
    major, minor = newest.split(".")
    include = f"#define MORE_FROM 0x{int(major):02x}{int(minor):02x}0000\n{CALL}"
    sources = projects.sdist("user", version, include=include, call="call()", libraries=["gauge"])
    shop.consumer("user", {version: sources}, uses={"gauge": {"build-against": "2.0"}})


@pytest.fixture(scope="module")
def shop(make_workshop: MakeWorkshop) -> Workshop:
    """Two releases of gauge, built and recorded."""
    made = make_workshop("line")
    recipe(made, {})
    for version in ("1.0", "2.0"):
        made.built("gauge", "--set", f"gauge.version={version}")
    done = accepted(made)
    assert done.code == 0, done.text
    assert "gauge-so1 1.0 → gauge-so1 2.0: additive (1 addition)" in done.text
    return made


def accepted(shop: Workshop, *words: str) -> Outcome:
    return commonwheel("abi", "accept", shop.wheelhouse, "--recipes", shop.recipes, *words)


def requirements(shop: Workshop, version: str) -> dict[str, list[str]]:
    found = {}
    for path in sorted(shop.wheelhouse.glob(f"user-{version}+*.whl")):
        fields = read_wheel(path).metadata_fields.get_all("Requires-Dist", [])
        found[path.name.split("-")[2]] = [str(each).partition(";")[0] for each in fields]
    return found


def test_a_record_is_beside_the_recipe_and_tells_types(shop: Workshop) -> None:
    folder = shop.recipes / "abi/gauge-so1"
    names = sorted(path.name for path in folder.iterdir())
    # It calls nothing of the C library: the record is for any.
    arch = platform.machine()
    assert names == [
        f"{version}-{arch}.{rest}"
        for version in ("1.0", "2.0")
        for rest in ("json", "libgauge.abi.gz")
    ]
    snapshot = read_snapshot(folder / f"2.0-{arch}.json")
    assert snapshot.types_since == "1.0"
    assert [s.name for s in snapshot.libraries[0].symbols if s.public] == [
        "gauge_more",
        "gauge_read",
    ]


def test_a_consumer_accepts_older_releases_that_have_what_it_uses(shop: Workshop) -> None:
    user(shop, "1.0", "4.0")
    shop.built("user", "--python", RUNNING)
    cp = f"cp{RUNNING.replace('.', '')}"
    assert requirements(shop, "1.0") == {cp: ["commonwheel-gauge-so1>=1.0"]}


def test_wheels_of_a_release_get_one_range(shop: Workshop) -> None:
    """One Python's wheel needs what only 2.0 has."""
    older, newer = sorted([OLDER, RUNNING])
    user(shop, "2.0", newer)
    outcome = shop.build("user", "--python", f"{older},{newer}")
    assert outcome.code == 0, outcome.text + shop.logs()
    assert "another Python's wheel needs newer releases" in outcome.text
    found = requirements(shop, "2.0")
    assert list(found.values()) == [["commonwheel-gauge-so1>=2.0"]] * 2
    again = shop.build("user", "--python", f"{older},{newer}")
    assert again.code == 0, again.text
    assert "another Python's wheel" not in again.text


def test_a_struct_that_grows_is_kept_out_by_its_types(shop: Workshop) -> None:
    """No symbol tells of it."""
    recipe(shop, {"2.1": READ + PLUS})
    failed = shop.build("gauge", "--set", "gauge.version=2.1")
    text = " ".join(failed.text.split())
    assert failed.code != 0, text
    assert "gauge_read" in text
    assert "[CWA201]" in text
    assert "a patch release removes nothing on purpose" in text or "raise the recipe's" in text
    report = next(shop.wheelhouse.glob("logs/check-gauge-2.1*.json"))
    (told,) = json.loads(report.read_text())["reports"]
    assert told["gates"]["CW801"]["verdict"] == "failed"


def test_a_release_that_loses_a_symbol_is_kept_out(shop: Workshop) -> None:
    recipe(shop, {"3.0": READ})
    failed = shop.build("gauge", "--set", "gauge.version=3.0")
    assert failed.code != 0, failed.text
    text = " ".join(failed.text.split())
    assert "CW801" in text
    assert "gauge-so1 2.0 → gauge-so1 3.0: gauge_more is not exported any more [CWA104]" in text
    assert "make a new line: raise the recipe's `abi.label`" in text
    waiver = {"gate": "CW801", "reason": "nobody used it", "symbols": ["gauge_more"]}
    recipe(shop, {"3.0": READ}, [{**waiver, "versions": "==3.0"}])
    shop.built("gauge", "--set", "gauge.version=3.0")


def test_accepting_refuses_what_breaks_and_what_is_no_library(shop: Workshop) -> None:
    waiver = {"gate": "CW801", "reason": "nobody used it"}
    recipe(shop, {"3.0": READ}, [waiver])
    if not list(shop.wheelhouse.glob("*gauge_so1-3.0-*.whl")):  # tests may run apart
        shop.built("gauge", "--set", "gauge.version=3.0")
    recipe(shop, {"3.0": READ})
    (wheel,) = shop.wheelhouse.glob("*gauge_so1-3.0-*.whl")
    words = ("abi", "accept", wheel, "--recipes", shop.recipes)
    refused = commonwheel(*words)
    assert refused.code == 18, refused.text
    assert "is not recorded, since it breaks gauge-so1" in refused.text
    assert not list(shop.recipes.glob("abi/*/3.0*"))
    plain = wheel.with_name("plain-1.0-py3-none-any.whl")
    holding(plain, b"")
    other = commonwheel("abi", "accept", plain, "--recipes", shop.recipes)
    assert other.code == 2, other.text
    assert "none of these is a library wheel" in other.text
