"""Explanations over caches that a build has filled: nothing is built here."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commonwheel.cache import keys
from commonwheel.cache.keys import key_of
from commonwheel.cache.store import Store, Stored
from commonwheel.console import plain
from commonwheel.constraints import Constraints
from commonwheel.engine.host import HostEngine
from commonwheel.engine.interpreter import running_version
from commonwheel.inputs import JobInputs
from commonwheel.names import Names
from commonwheel.plan import Job
from commonwheel.render import why_json, why_tree
from commonwheel.why import Explanation, explain
from tests.unit.recipe.kit import SHA, consumer, library, make_plan, read
from tests.unit.wheels import held, holding

TAG = f"cp{running_version().replace('.', '')}"
USER = f"user-1.0-{TAG}"
DRAWN = re.compile("^[│├└─ ]*")
JOBS = ("zlib-1.0", "geos-1.0", USER)


class Cache:
    """Recipes for zlib ← geos ← user, and a cache that holds what builds of them gave."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw, self.repaired = Store(root=root / "raw"), Store(root=root / "wheels")
        self.cmake, self.sha = "3.31.9", SHA
        self.clock = 0

    def inputs(self, *overrides: str) -> JobInputs:
        recipes = read(
            self.root / "recipes",
            library("zlib").replace(SHA, self.sha),
            library("geos", uses={"zlib": ""}).replace("cmake", "cmake\n  options: [-DA=ON]"),
            consumer("user", uses={"geos": ""}),
            overrides=overrides,
        )
        environ = {"PATH": str(self.root / "bin")}
        return JobInputs(
            plan=make_plan(recipes, "user", pythons=[running_version()]),
            recipes=recipes,
            constraints=Constraints(pins={"cmake": (f"cmake=={self.cmake}",)}),
            engine=HostEngine(cache=self.root, environ=environ),
            names=Names(),
        )

    def program(self, name: str, content: str) -> None:
        file = self.root / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
        file.chmod(0o755)

    def explain(self, *overrides: str) -> list[Explanation]:
        return explain(self.inputs(*overrides), self.raw, self.repaired)

    def verdicts(self, *overrides: str) -> list[str]:
        return [each.verdict for each in self.explain(*overrides)]

    def tree(self, *overrides: str) -> list[str]:
        """The lines that a person reads, indented by two for each level."""
        text = plain(why_tree(self.inputs(*overrides).plan, self.explain(*overrides)))
        return [DRAWN.sub(lambda m: "  " * (len(m[0]) // 4), line) for line in text.splitlines()]

    def build(self, *overrides: str) -> dict[str, Stored]:
        """As the pipeline does it; a wheel holds its key, like a real one."""
        inputs = self.inputs(*overrides)
        done: dict[str, Stored] = {}
        for job in inputs.plan.jobs:
            raw = self._put(self.raw, job, self._build_inputs(inputs, job, done))
            done[job.id] = self._put(self.repaired, job, inputs.repair(job, raw))
        return done

    def repair(self, job_id: str, content: str, *overrides: str) -> None:
        """Repair one job anew."""
        inputs = self.inputs(*overrides)
        job = inputs.plan.by_id[job_id]
        raw = self.raw.history(job_id)[0]
        self._put(self.repaired, job, inputs.repair(job, raw), content)

    def _build_inputs(
        self, inputs: JobInputs, job: Job, done: dict[str, Stored]
    ) -> dict[str, object]:
        wheels = [done[each.id].wheel for each in inputs.plan.providers(job)]
        return inputs.build(job, SHA, {each.name: keys.seen_digest(each) for each in wheels})

    def _put(self, store: Store, job: Job, inputs: dict[str, object], content: str = "") -> Stored:
        self.clock += 1
        if stored := store.peek(key_of(inputs)):
            return stored
        made = self.root / "made"
        made.mkdir()
        line = getattr(job.build, "line", "").replace("-", "_")
        name = f"commonwheel_{line}" if line else "user"
        wheel = made / f"{name}-{job.build.wheel_version}-py3-none-linux_x86_64.whl"
        holding(wheel, (content or str(inputs.get("build") or key_of(inputs))).encode())
        facts = {"epoch": 1, "source": {"origin": "here", "sha256": SHA}}
        stored = store.put(made, inputs, facts, job=job.id)
        os.utime(stored.folder, (self.clock, self.clock))
        shutil.rmtree(made)
        return stored


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def texts(explanation: Explanation) -> list[str]:
    return [reason.difference.text for reason in explanation.reasons]


def test_without_a_cache_nothing_was_ever_built(cache: Cache) -> None:
    assert cache.tree() == [
        f"{USER} would be built: never built before here",
        "zlib-1.0 would be built: never built before here",
        "geos-1.0 would be built: never built before here",
    ]
    assert not (cache.root / "raw").exists()


def test_what_is_stored_is_cached(cache: Cache) -> None:
    stored = cache.build()
    found = cache.explain()
    assert [(each.job, each.verdict, each.reasons) for each in found] == [
        (job, "cached", ()) for job in JOBS
    ]
    assert [each.compared for each in found] == [stored[job].key for job in JOBS]
    assert cache.tree() == [f"cached: {', '.join(JOBS)}"]


def test_looking_is_no_use(cache: Cache) -> None:
    stored = cache.build()
    before = {job: each.folder.stat().st_mtime for job, each in stored.items()}
    cache.explain()
    cache.explain("zlib.build.options=-DX=1")
    assert before == {job: each.folder.stat().st_mtime for job, each in stored.items()}


def test_a_what_if_shows_the_reason_once_below_its_first_user(cache: Cache) -> None:
    cache.build()
    assert cache.tree("geos.build.options+=-DX=ON") == [
        f"{USER} would be built",
        "  provider geos-1.0 would be built",
        "    build.options: -DX=ON added",
        "cached: zlib-1.0",
    ]
    assert cache.tree("zlib.build.options+=-DX=ON") == [
        f"{USER} would be built",
        "  provider geos-1.0 would be built",
        "    provider zlib-1.0 would be built",
        "      build.options: -DX=ON added",
        "  provider zlib-1.0 (above)",
    ]


def test_tools_programs_and_pins_are_named(cache: Cache) -> None:
    cache.program("gcc", "one")
    cache.build()
    cache.program("gcc", "two")
    cache.cmake = "3.31.10"
    zlib, _, user = cache.explain()
    assert texts(zlib) == ["cmake 3.31.9 → 3.31.10", "gcc changed"]
    assert texts(user)[-2:] == ["cmake 3.31.9 → 3.31.10", "gcc changed"]
    (cache.root / "bin" / "gcc").unlink()
    assert "gcc is not here, and was" in texts(cache.explain()[0])


def test_changed_code_of_the_toolkit_names_its_files(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.build()
    real = keys.code_digests

    def changed(parts: tuple[str, ...]) -> dict[str, str]:
        return {**real(parts), "backend/toolchain.py": "other", "backend/new.py": "new"}

    monkeypatch.setattr(keys, "code_digests", changed)
    zlib, *_ = cache.explain()
    (text,) = texts(zlib)
    assert text == "toolkit code: backend/new.py added; backend/toolchain.py changed"


def change_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    real = keys.code_digests

    def changed(parts: tuple[str, ...]) -> dict[str, str]:
        other = {"repair/loader.py": "other"} if parts == keys.REPAIR_CODE else {}
        return {**real(parts), **other}

    monkeypatch.setattr(keys, "code_digests", changed)


def test_a_repair_is_told_from_a_build(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.build()
    change_repair(monkeypatch)
    # What is built against a wheel that is only repaired anew may be stored already.
    assert cache.verdicts() == ["repair", "perhaps", "perhaps"]
    assert cache.tree() == [
        f"{USER} would be built if a repaired provider has other bytes",
        "  provider geos-1.0 would be built if a repaired provider has other bytes",
        "    provider zlib-1.0 compiled before; would only be repaired anew",
        "      toolkit code: repair/loader.py changed",
        "  provider zlib-1.0 (above)",
    ]


def test_what_differs_beside_a_repaired_provider_is_built_for_sure(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.build()
    change_repair(monkeypatch)
    assert cache.verdicts("geos.build.options+=-DX=ON") == ["repair", "build", "build"]


def test_a_repair_that_gave_the_same_bytes_builds_nothing(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = held(cache.build()["zlib-1.0"].wheel).decode()
    change_repair(monkeypatch)
    cache.repair("zlib-1.0", content)
    assert cache.verdicts() == ["cached", "repair", "perhaps"]


def test_a_repair_that_gave_other_bytes_is_the_reason(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.build()
    change_repair(monkeypatch)
    cache.repair("zlib-1.0", "other")
    assert cache.verdicts() == ["cached", "build", "build"]
    assert cache.tree() == [
        f"{USER} would be built",
        "  provider geos-1.0 would be built",
        "    provider commonwheel_zlib_so1-1.0 has other bytes",
        "      toolkit code: repair/loader.py changed",
        "  provider commonwheel_zlib_so1-1.0 has other bytes",
        "    toolkit code: repair/loader.py changed",
        "cached: zlib-1.0",
    ]


def test_compiled_and_never_repaired(cache: Cache) -> None:
    cache.build()
    shutil.rmtree(cache.root / "wheels")
    zlib, *_ = cache.explain()
    assert (zlib.verdict, zlib.text) == ("repair", "compiled before, and not repaired yet")


def test_a_provider_that_was_built_anew_meanwhile_says_why(cache: Cache) -> None:
    cache.build()
    inputs = cache.inputs("zlib.build.options=-DX=1")
    zlib = inputs.plan.by_id["zlib-1.0"]
    raw = cache._put(cache.raw, zlib, inputs.build(zlib, SHA, {}))
    cache._put(cache.repaired, zlib, inputs.repair(zlib, raw))
    _, geos, _ = cache.explain("zlib.build.options=-DX=1")
    (reason,) = geos.reasons
    assert reason.difference.text == "provider commonwheel_zlib_so1-1.0 has other bytes"
    assert reason.provider == "zlib-1.0"
    assert [each.difference.text for each in reason.because] == ["build.options: -DX=1 added"]


def test_the_result_used_last_is_compared(cache: Cache) -> None:
    cache.build("geos.build.options=-DB=1")
    cache.build("geos.build.options=-DC=1")
    assert texts(cache.explain("geos.build.options=-DC=2")[1]) == ["build.options: -DC=1 → -DC=2"]
    first = cache.build("geos.build.options=-DB=1")["geos-1.0"]
    os.utime(cache.raw.root / first.inputs["build"][:2] / first.inputs["build"], (99, 99))
    assert texts(cache.explain("geos.build.options=-DB=2")[1]) == ["build.options: -DB=1 → -DB=2"]


def test_removed_results_are_told_from_none(cache: Cache) -> None:
    for stored in cache.build().values():
        key = stored.inputs["build"]
        shutil.rmtree(cache.raw.root / key[:2] / key)
    zlib, *_ = cache.explain()
    assert zlib.text == "would be built: its earlier results were removed from the cache"


def test_a_source_that_is_no_longer_listed(cache: Cache) -> None:
    cache.build()
    cache.sha = "f" * 64
    assert f"source: another file, sha256 {SHA[:12]}… → ffffffffffff…" in texts(cache.explain()[0])


def test_the_json_has_old_beside_new(cache: Cache) -> None:
    cache.build()
    override = "geos.build.options+=-DX=ON"
    data = json.loads(why_json(cache.inputs(override).plan, cache.explain(override)))
    assert (data["schema"], data["requested"]) == (1, ["user"])
    jobs = {job["job"]: job for job in data["jobs"]}
    assert [jobs[job]["verdict"] for job in JOBS] == ["cached", "build", "build"]
    (reason,) = jobs["geos-1.0"]["reasons"]
    assert reason == {
        "input": "recipe.build.options",
        "old": ["-DA=ON"],
        "new": ["-DA=ON", "-DX=ON"],
        "text": "build.options: -DX=ON added",
        "provider": None,
        "because": [],
    }
    assert jobs[USER]["reasons"][0]["provider"] == "geos-1.0"


def explanations(jobs: Sequence[Job]) -> list[Explanation]:
    return [Explanation(job=job.id, verdict="build", text="would be built") for job in jobs]


def test_markup_in_a_value_is_shown_as_it_is(cache: Cache) -> None:
    cache.build()
    assert "-D[red] added" in cache.tree("geos.build.options+=-D[red]")[2]
    found = [replace(each, text="[bold]") for each in explanations(cache.inputs().plan.jobs)]
    assert "[bold]" in plain(why_tree(cache.inputs().plan, found))
